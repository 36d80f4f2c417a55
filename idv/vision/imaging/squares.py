"""Squares of a picture as networks take them: cut without enlarging, and laid out in planes."""

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage


def square(pixels: RgbImage, centre: FloatArray, *, side: int) -> RgbImage:
    """A square of `side` px, moved inside the picture where it fits, mirrored at the edge where not."""
    height, width = pixels.shape[:2]
    side = max(2, min(side, 2 * min(height, width) - 2))
    top, over_y = _span(float(centre[1]), side, height)
    left, over_x = _span(float(centre[0]), side, width)
    part = pixels[top : top + side, left : left + side]
    if not over_y and not over_x:
        return part
    above, before = over_y // 2, over_x // 2
    mirrored = cv2.copyMakeBorder(
        part, above, over_y - above, before, over_x - before, cv2.BORDER_REFLECT_101
    )
    return np.asarray(mirrored, np.uint8)


def resized(part: RgbImage, side: int) -> RgbImage:
    """A square part at `side` px; reduced by area, so that nothing aliases."""
    if part.shape[0] == side:
        return np.ascontiguousarray(part)
    how = cv2.INTER_AREA if part.shape[0] > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (side, side), interpolation=how), np.uint8)


def planes(images: RgbImage) -> Array:
    """Network input of pictures (N, H, W, 3) uint8: (N, 3, H, W) float32 in [0, 1]."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def _span(centre: float, side: int, size: int) -> tuple[int, int]:
    """First index of a span of `side` inside `size`, and by how many it overhangs."""
    if side >= size:
        return 0, side - size
    return int(np.clip(round(centre - side / 2), 0, size - side)), 0

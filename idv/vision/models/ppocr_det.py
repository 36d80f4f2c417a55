"""PP-OCR's text detector: where lines of text stand on a page, at any angle (differentiable binarisation)."""

from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.ports import Inference

# The network halves its input five times and adds the levels up: sides must be multiples of 32.
_STRIDE = 32
_TEXT = 0.3
_LINE = 0.5
_MIN_SIDE_PX = 3.0
# The network marks the core of a line; the whole line is larger by this share of area over perimeter
# (Liao et al., Real-time scene text detection with differentiable binarization, 2020, section 3.5).
_GROWTH = 1.6
_MAX_LINES = 400


class TextBox(NamedTuple):
    """One line: corners (4, 2) float32 px, clockwise from its top left if read upright; score in [0, 1]."""

    corners: FloatArray
    score: float


class TextDetector:
    """Finds lines of text; thread-safe as its inference is."""

    def __init__(self, inference: Inference, *, model: str = "ppocr_det") -> None:
        self._inference = inference
        self._model = model

    def lines(self, pixels: RgbImage, *, max_side_px: int) -> tuple[TextBox, ...]:
        """Lines in `pixels` (H, W, 3) uint8 RGB, looked at with a longer side of at most `max_side_px`."""
        tensor = page_tensor(pixels, max_side_px=max_side_px)
        (maps,) = self._inference.infer(self._model, {"x": tensor}).values()
        height, width = pixels.shape[:2]
        probability = np.asarray(maps[0, 0], np.float32)
        scale = np.array([width / probability.shape[1], height / probability.shape[0]], np.float32)
        return tuple(TextBox(box.corners * scale, box.score) for box in boxes(probability))

    def digest(self) -> str:
        """SHA-256 of the network. Raises ModelError."""
        return self._inference.digest(self._model)


def page_tensor(pixels: RgbImage, *, max_side_px: int) -> FloatArray:
    """(1, 3, H, W) float32 BGR in -1..1, H and W multiples of 32; larger pages are shrunk, none enlarged."""
    height, width = pixels.shape[:2]
    factor = min(1.0, max_side_px / max(height, width))
    size = tuple(max(_STRIDE, round(side * factor / _STRIDE) * _STRIDE) for side in (width, height))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    plane = resized[:, :, ::-1].transpose(2, 0, 1) / np.float32(127.5) - np.float32(1.0)
    return np.ascontiguousarray(plane[np.newaxis], np.float32)


def boxes(probability: FloatArray) -> list[TextBox]:
    """Lines in a probability map (H, W) in [0, 1], in its own px."""
    mask = cv2.dilate((probability > _TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = (_box(contour, probability) for contour in contours[:_MAX_LINES])
    return [box for box in found if box is not None]


def _box(contour: Array, probability: FloatArray) -> TextBox | None:
    centre, size, angle = cv2.minAreaRect(contour)
    if min(size) < _MIN_SIDE_PX:
        return None
    score = _mean_inside(contour, probability)
    if score < _LINE:
        return None
    grown = _GROWTH * size[0] * size[1] / (2 * (size[0] + size[1])) * 2
    corners = cv2.boxPoints((centre, (size[0] + grown, size[1] + grown), angle))
    return TextBox(clockwise(corners), score)


def _mean_inside(contour: Array, probability: FloatArray) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [contour - np.array([left, top], contour.dtype)], 1)
    return float(cv2.mean(probability[top : top + height, left : left + width], mask)[0])


def clockwise(corners: Array) -> FloatArray:
    """Four corners so that the long sides run left to right, starting at the top left."""
    ordered = _around_centre(corners)
    first, second = np.linalg.norm(ordered[1] - ordered[0]), np.linalg.norm(ordered[2] - ordered[1])
    if second > first:
        ordered = np.roll(ordered, -1, axis=0)
    if ordered[1][0] < ordered[0][0]:
        ordered = np.roll(ordered, 2, axis=0)
    return ordered.astype(np.float32)


def _around_centre(corners: Array) -> Array:
    """The corners in clockwise order on the screen (y down)."""
    offsets = corners - corners.mean(axis=0)
    return corners[np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))]

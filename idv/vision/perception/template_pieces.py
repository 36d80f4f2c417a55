"""Pieces of a reference that are looked for in pictures: squares with security lines, words of its print."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import FloatArray
from idv.vision.perception.template_relief import PALE

# A square of lines is looked for when it is mostly free of print and its lines stand out.
_FREE, _LEAST_LINES = 0.55, 0.006
_LEAST_WORD, _LONGEST_WORD, _GAP = 0.010, 0.16, 0.02

PixelBox = tuple[int, int, int, int]
"""Left, top, width, height in px."""


class Look(NamedTuple):
    """One look at `scale` times the reference's size.

    Squares of `side` px every `step` px, looked for `reach` px around; `within` px of the fit is in place.
    """

    side: int
    step: int
    reach: int
    within: float
    scale: float


def scaled(image: FloatArray, scale: float) -> FloatArray:
    """(H, W) at a scale up to 1."""
    if scale == 1.0:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)


def squares_of(lines: FloatArray, look: Look) -> Iterator[PixelBox]:
    """Squares with lines on them and mostly free of print."""
    height, width = lines.shape
    for top in range(look.step // 4, height - look.side, look.step):
        for left in range(look.step // 4, width - look.side, look.step):
            square = lines[top : top + look.side, left : left + look.side]
            if float(square.std()) >= _LEAST_LINES and float((square != 0).mean()) >= _FREE:
                yield left, top, look.side, look.side


def words_of(own: FloatArray) -> Iterator[PixelBox]:
    """Boxes around pieces of the reference's own print, its labels and headings."""
    height, width = own.shape
    joined = cv2.morphologyEx(
        (own > PALE).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, round(_GAP * width)), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    for left, top, wide, tall, _ in stats[1:].tolist():
        if tall < _LEAST_WORD * width or wide < 2 * tall:
            continue
        parts = max(1, round(wide / (_LONGEST_WORD * width)))
        for part in range(parts):
            start, end = left + part * wide // parts, left + (part + 1) * wide // parts
            x, y = max(0, start - 2), max(0, top - 2)
            yield x, y, min(width, end + 2) - x, min(height, top + tall + 2) - y

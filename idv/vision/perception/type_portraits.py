"""Finds the frames of portrait and ghost portrait on a side of a new document type, from its samples.

The portrait's frame is where all samples have long straight edges around the face. The ghost shows, on each
sample, the same picture as that sample's portrait: where that holds on most of them, it stands.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import RelativeBox
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.faces import Box
from idv.vision.imaging.geometry import Size

_EDGE_SMEAR = 1.2
_LEAST_STANDOUT = 3.0
_INNER = 0.8
_TOWARDS_CROWN, _TOWARDS_EDGE, _TOWARDS_CHEST = (0.08, 1.1), (0.05, 0.8), (0.15, 1.3)
"""How far beyond the face the frame's edges are looked for, in widths or heights of the face."""
_SEARCH_WIDTH_PX = 600
_SCALES = np.geomspace(0.22, 0.8, 16)
_INSET = 0.14
_FINE, _COARSE = 0.016, 0.065
"""Spreads between which a face's features lie, in heights of the picture."""
_LEAST_LIKENESS = 0.35


def portrait_frame(pictures: Sequence[RgbImage], face: Box) -> RelativeBox | None:
    """The frame around a face that stands there on all samples; None where no edges stand out on all sides.

    `face`: px of the pictures, (H, W, 3) uint8 RGB laid on each other.
    """
    across, down = _common_edges(pictures, 1), _common_edges(pictures, 0)
    right, bottom = face.left + face.width, face.top + face.height
    rows = slice(max(0, round(face.top)), round(bottom))
    left = _edge(across[rows], 1, _before(face.left, face.width, _TOWARDS_EDGE))
    end = _edge(across[rows], 1, _after(right, face.width, _TOWARDS_EDGE))
    if left is None or end is None:
        return None
    inset = round((1 - _INNER) / 2 * (end - left))
    columns = slice(left + inset, end - inset)
    top = _edge(down[:, columns], 0, _before(face.top, face.height, _TOWARDS_CROWN))
    last = _edge(down[:, columns], 0, _after(bottom, face.height, _TOWARDS_CHEST))
    if top is None or last is None:
        return None
    height, width = pictures[0].shape[:2]
    return _relative((left, top, end - left, last - top), Size(width, height))


def ghost_frame(pictures: Sequence[RgbImage], portrait: RelativeBox) -> RelativeBox | None:
    """The frame of a smaller print of the portrait on the same side; None where there is none."""
    factor = _SEARCH_WIDTH_PX / pictures[0].shape[1]
    pages = [_grey(picture, factor) for picture in pictures]
    height, width = pages[0].shape
    left, top, wide, tall = portrait.pixels(width, height)
    best = _Place(_LEAST_LIKENESS, (0, 0), 0.0)
    for scale in _SCALES:
        found = _place(pages, (left, top, wide, tall), float(scale))
        best = max(best, found) if found else best
    if not best.scale:
        return None
    box = (best.at[0], best.at[1], best.scale * wide, best.scale * tall)
    return _relative(box, Size(width, height))


# --- portrait -------------------------------------------------------------------------------------------


def _common_edges(pictures: Sequence[RgbImage], axis: int) -> FloatArray:
    """The change of light along an axis that every sample has there, (H, W) float32."""
    along = (1, 0) if axis == 1 else (0, 1)
    changes = []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        change = np.abs(cv2.Sobel(grey, cv2.CV_32F, *along, ksize=3))
        changes.append(cv2.GaussianBlur(change, (0, 0), _EDGE_SMEAR))
    return np.asarray(np.min(changes, axis=0), np.float32)


def _before(edge: float, size: float, reach: tuple[float, float]) -> tuple[int, int]:
    return max(0, round(edge - reach[1] * size)), max(1, round(edge - reach[0] * size))


def _after(edge: float, size: float, reach: tuple[float, float]) -> tuple[int, int]:
    return round(edge + reach[0] * size), round(edge + reach[1] * size)


def _edge(edges: FloatArray, axis: int, between: tuple[int, int]) -> int | None:
    """Where along the axis most of the other axis has an edge; None where none stands out."""
    profile = np.median(edges, axis=1 - axis)
    part = profile[between[0] : between[1]]
    if part.size == 0:
        return None
    peak = int(np.argmax(part))
    return between[0] + peak if part[peak] >= _LEAST_STANDOUT * (np.median(part) + 1) else None


# --- ghost ----------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    likeness: float
    at: tuple[float, float]
    scale: float


def _place(pages: Sequence[FloatArray], box: tuple[int, int, int, int], scale: float) -> _Place | None:
    """Where the portrait at that scale is most alike something else on the pages, on average."""
    left, top, wide, tall = box
    total: Array | None = None
    for page in pages:
        portrait = np.asarray(
            cv2.resize(page[top : top + tall, left : left + wide], None, fx=scale, fy=scale), np.float32
        )
        x, y = round(_INSET * portrait.shape[1]), round(_INSET * portrait.shape[0])
        spread = portrait.shape[0]
        core = _detail(portrait, spread)[y:-y, x:-x]
        scores = cv2.matchTemplate(_detail(page, spread), core, cv2.TM_CCOEFF_NORMED)
        total = scores if total is None else total + scores
    if total is None:
        return None
    mean = total / len(pages)
    # The portrait is most like itself: whatever touches it is left out.
    rows = slice(max(0, top - core.shape[0]), top + tall)
    mean[rows, max(0, left - core.shape[1]) : left + wide] = -1
    _, likeness, _, (at_x, at_y) = cv2.minMaxLoc(np.nan_to_num(mean, nan=-1.0))
    return _Place(likeness, (at_x - x, at_y - y), scale)


def _detail(grey: FloatArray, height: float) -> FloatArray:
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), share * height) for share in (_FINE, _COARSE))
    return np.asarray(fine - coarse, np.float32)


def _grey(picture: RgbImage, factor: float) -> FloatArray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _relative(box: tuple[float, float, float, float], size: Size) -> RelativeBox:
    x, y = max(0.0, box[0] / size.width), max(0.0, box[1] / size.height)
    wide, tall = min(box[2] / size.width, 1 - x), min(box[3] / size.height, 1 - y)
    return RelativeBox(*(round(number, 4) for number in (x, y, wide, tall)))

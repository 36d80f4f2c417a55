"""Outlines of what was seen on a document laid flat, carried back into the picture it was found in."""

import cv2
import numpy as np

from idv.documents.document_types import RelativeBox
from idv.domain.arrays import Array, FloatArray

Outline = tuple[tuple[float, float], ...]
"""Corners of a polygon, (x, y) in shares of a width and a height."""

_SIMPLER = 0.04
_MOST = 12
_LEAST_SHARE = 0.001


def outlines_of_heat(heat: FloatArray, *, level: float) -> tuple[Outline, ...]:
    """Polygons around where `heat` (h, w) reaches `level`, largest first, in shares of the flat side.

    A single dot is dropped, and corners that hardly change the shape.
    """
    height, width = heat.shape
    hot = (heat >= level).astype(np.uint8)
    # One px of margin, so that a patch at the border has an outline of its whole extent.
    found, _ = cv2.findContours(
        cv2.copyMakeBorder(_enlarged(hot), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0),
        cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_SIMPLE,
    )
    size = np.array([width * _ENLARGED, height * _ENLARGED], np.float64)
    large = [c for c in found if cv2.contourArea(c) >= _LEAST_SHARE * size.prod()]
    large.sort(key=cv2.contourArea, reverse=True)
    return tuple(_outline(contour, size) for contour in large[:_MOST])


def outline_of_box(box: RelativeBox) -> Outline:
    """The corners of a box, clockwise from the top left."""
    right, bottom = box.left + box.width, box.top + box.height
    return ((box.left, box.top), (right, box.top), (right, bottom), (box.left, bottom))


WHOLE: Outline = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
"""The outline of a whole side."""


def in_picture(outline: Outline, corners: FloatArray, shape: tuple[int, ...]) -> Outline:
    """An outline on the flat side as it stands in the picture, in shares of the picture, cut to [0, 1].

    `corners`: (4, 2) px of the side in a picture of `shape` (H, W, …), clockwise from the side's top left.
    """
    unit = np.array(WHOLE, np.float32)
    matrix = cv2.getPerspectiveTransform(unit, np.asarray(corners, np.float32))
    points = cv2.perspectiveTransform(np.array(outline, np.float32)[None], matrix)[0]
    shares = np.clip(points / [shape[1], shape[0]], 0.0, 1.0)
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in shares)


_ENLARGED = 8


def _enlarged(mask: Array) -> Array:
    """Each cell as a square of px: contours run through px centres and would lose half a cell a side."""
    return np.asarray(np.kron(mask, np.ones((_ENLARGED, _ENLARGED), np.uint8)))


def _outline(contour: Array, size: Array) -> Outline:
    simpler = cv2.approxPolyDP(contour, _SIMPLER * cv2.arcLength(contour, closed=True), closed=True)
    points = simpler.reshape(-1, 2) if len(simpler) >= 3 else cv2.boxPoints(cv2.minAreaRect(contour))  # noqa: PLR2004 - a triangle is the least
    return tuple((float(x), float(y)) for x, y in np.clip((points - 1) / (size - 1), 0.0, 1.0))

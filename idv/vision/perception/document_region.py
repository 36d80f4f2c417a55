"""Finds a document as a region unlike its ground, where its sides are not the picture's strongest lines.

A wood grain, a cloth or a stack of papers has lines enough to hide a card's; but the card's colours are not
those of the picture's margin. The margin's colours are gathered into a few, what is far from all of them is
taken together, and four straight sides are laid around it.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from idv.domain.arrays import Array, RgbImage
from idv.vision.imaging.fits import quantile
from idv.vision.perception.document_quad import Quad, edges_of, quad_of, reduced, refined

_WORK_SIDE, _FINE_SIDE, _LEAST_SIDE = 360, 720, 100
_MARGIN = 0.06
_COLOURS = 5
# Light falls off over a table and shadows cross it, so lightness counts half as much as colour.
_LIGHTNESS_WEIGHT = 0.5
# What fills more than that is a picture cut to its document: its own border is the better outline.
_AREA = (0.05, 0.7)
# Rounded corners and fingers leave the middle of a side; the outline follows it to a pixel or two.
_MIDDLE, _NEAR_PX, _LEAST_POINTS = (0.1, 0.9), 6.0, 8
_LEAST_SOLID, _LEAST_FILL = 0.75, 0.93
# What the margin varies by is no document; things in it raise that level, so a part of it is tried too.
_NOISE_QUANTILE, _LEAST_LEVEL = 0.97, 5.0
_LEVELS = (1.0, 1.8, 0.5)


def region_quads(pixels: RgbImage) -> Iterator[Quad]:
    """Quadrilaterals around regions unlike the margin of (H, W, 3) uint8 RGB, in its px."""
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return
    factor = min(1.0, _WORK_SIDE / max(pixels.shape[:2]))
    away = _unlikeness(reduced(pixels, factor))
    fine = min(1.0, _FINE_SIDE / max(pixels.shape[:2]))
    dx, dy, _ = edges_of(reduced(pixels, fine))
    level = max(_LEAST_LEVEL, quantile(away[_margin_of(away)], _NOISE_QUANTILE))
    for times in _LEVELS:
        for corners, fill in _four_sided(away > level * times):
            quad = quad_of(corners * np.float32(fine / factor), fill, dx.shape)
            if quad is not None:
                found = refined(quad, dx, dy)
                yield found._replace(corners=(found.corners / fine).astype(np.float32))


def _unlikeness(work: Array) -> Array:
    """How far each pixel's colour is from those of the margin, (H, W) uint8."""
    lab = cv2.medianBlur(cv2.cvtColor(work, cv2.COLOR_RGB2LAB), 5).astype(np.float32)
    lab[..., 0] *= _LIGHTNESS_WEIGHT
    margin = np.ascontiguousarray(lab[_margin_of(lab)])
    colours = _gathered(margin)
    away = np.linalg.norm(lab[:, :, None] - colours, axis=3).min(axis=2)
    return np.asarray(np.clip(away * 2, 0, 255), np.uint8)


def _margin_of(plane: Array) -> Array:
    """(H, W) bool: the outermost pixels of a picture (H, W, …)."""
    wide = max(2, round(_MARGIN * max(plane.shape[:2])))
    margin = np.ones(plane.shape[:2], bool)
    margin[wide:-wide, wide:-wide] = False
    return margin


def _gathered(points: Array) -> Array:
    """A few colours that stand for all, (K, 3): k-means that begins at quantiles of the lightness."""
    order = np.argsort(points[:, 0], kind="stable")
    labels = np.empty((len(points), 1), np.int32)
    labels[order, 0] = np.arange(len(points)) * _COLOURS // len(points)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, 10, 0.0)
    found = cv2.kmeans(points, _COLOURS, labels, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)[2]
    return np.asarray(found, np.float32)


def _four_sided(mask: Array) -> Iterator[tuple[Array, float]]:
    """Regions that four sides fit: their corners (4, 2) and the share of the quadrilateral they fill."""
    kernel = np.ones((7, 7), np.uint8)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:2]:
        if not _AREA[0] <= cv2.contourArea(contour) / mask.size <= _AREA[1]:
            continue
        hull = cv2.convexHull(contour)
        if cv2.contourArea(contour) < _LEAST_SOLID * cv2.contourArea(hull):
            continue
        corners = np.asarray(cv2.approxPolyN(hull, 4, ensure_convex=True), np.float32).reshape(-1, 2)
        fill = float(cv2.contourArea(hull) / max(cv2.contourArea(corners), 1.0))
        if len(corners) == 4 and fill >= _LEAST_FILL:  # noqa: PLR2004
            yield _straightened(corners, contour.reshape(-1, 2).astype(np.float32)), fill


def _straightened(corners: Array, outline: Array) -> Array:
    """The corners where lines meet that are fitted to the outline along the middle of each side."""
    lines = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
        place = (outline - start) @ along / max(float(np.linalg.norm(end - start)), 1e-6)
        off = np.abs((outline - start) @ np.array([-along[1], along[0]]))
        near = outline[(place > _MIDDLE[0]) & (place < _MIDDLE[1]) & (off < _NEAR_PX)]
        if len(near) < _LEAST_POINTS:
            return corners
        x, y, at_x, at_y = (float(v) for v in np.ravel(cv2.fitLine(near, cv2.DIST_HUBER, 0, 0.01, 0.01)))
        lines.append((-y, x, x * at_y - y * at_x))
    met = [_meeting(lines[k - 1], lines[k]) for k in range(4)]
    return np.asarray(met, np.float32)


def _meeting(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float]:
    """Where two lines a·x + b·y = c meet; far away where they are parallel."""
    area = first[0] * second[1] - second[0] * first[1]
    area = area if abs(area) > 1e-6 else 1e-6  # noqa: PLR2004
    x = (first[2] * second[1] - second[2] * first[1]) / area
    return x, (first[0] * second[2] - second[0] * first[2]) / area

"""Finds rows of dark print on a level document by morphology, and cuts them out; no network is run.

A row of print is where horizontal grey-level changes are dense along a strip much longer than high. That
holds for a machine-readable zone even when its characters are blurred together, and costs a few ms.
"""

from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.imaging.fits import line_fit, quantile
from idv.vision.imaging.geometry import Size, laid_flat

_WORK_WIDTH = 1000  # px
_MAX_ENLARGEMENT = 3.0
# Sizes in px at the working width: a stroke is about 4 wide, a character 18 to 45 high.
_STROKE = (17, 17)
_DENSITY = (31, 3)
_BRIDGE = (35, 1)
_MIN_HEIGHT = 7
_MAX_HEIGHT = 80
_MIN_LENGTH = 60
_MIN_ELONGATION = 3.0
# Between half and full size a linear resize leaves no pixel out, at an eighth of the cost of averaging areas.
_LINEAR_FROM = 0.5
# Print that is hardly enlarged looks the same by linear interpolation, at a third of the cost.
_CUBIC_BELOW = 0.8


class Strip(NamedTuple):
    """A row of print: the ends of its middle line, (x, y) px, left to right, and the height of its print."""

    left: tuple[float, float]
    right: tuple[float, float]
    height: float

    @property
    def length(self) -> float:
        """Distance of the ends in px."""
        return float(np.hypot(self.right[0] - self.left[0], self.right[1] - self.left[1]))

    @property
    def slope(self) -> float:
        """Rise of y per x."""
        return (self.right[1] - self.left[1]) / max(self.right[0] - self.left[0], 1e-6)

    def y_at(self, x: float) -> float:
        """Height of the middle line at x, also beyond its ends."""
        return self.left[1] + self.slope * (x - self.left[0])

    def scaled(self, factor: float) -> "Strip":
        """The same strip in an image enlarged by `factor`."""
        (x0, y0), (x1, y1) = self.left, self.right
        return Strip((x0 * factor, y0 * factor), (x1 * factor, y1 * factor), self.height * factor)

    def corners(self, *, along: float = 0.0, across: float = 1.0) -> FloatArray:
        """(4, 2) float32 clockwise from the top left, `along` px longer at both ends, height × `across`."""
        start, end = np.array(self.left), np.array(self.right)
        direction = (end - start) / max(self.length, 1e-6)
        normal = np.array([-direction[1], direction[0]]) * self.height * across / 2
        start, end = start - direction * along, end + direction * along
        return np.array([start - normal, end - normal, end + normal, start + normal], np.float32)


def find_strips(pixels: RgbImage, *, work_width: int = _WORK_WIDTH) -> list[Strip]:
    """Rows of print in a level image (H, W, 3) uint8 RGB, from top to bottom, in its own px."""
    factor = min(_MAX_ENLARGEMENT, work_width / pixels.shape[1])
    mask = _strip_mask(print_density(work_grey(pixels, factor)))
    # Grana's labelling takes half the time of the default.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_GRANA)
    found = (_strip(labels, stat, k) for k, stat in enumerate(stats.tolist()) if k and _is_row(stat))
    return sorted((s.scaled(1 / factor) for s in found if s is not None), key=lambda s: s.left[1])


def work_grey(pixels: RgbImage, factor: float) -> Array:
    """Grey (H, W) uint8 at `factor` times the size."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if factor == 1.0:
        return grey
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=_interpolation(factor))


def _interpolation(factor: float) -> int:
    if factor < _LINEAR_FROM:
        return cv2.INTER_AREA
    return cv2.INTER_LINEAR if factor < 1 else cv2.INTER_CUBIC


def print_density(grey: Array) -> FloatArray:
    """How much dark print changes along x around each pixel: (H, W) float32, 0 on plain ground."""
    strokes = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, _STROKE))
    changes = cv2.convertScaleAbs(cv2.Sobel(strokes, cv2.CV_16S, 1, 0, ksize=3))
    return np.asarray(cv2.boxFilter(changes, cv2.CV_32F, _DENSITY), np.float32)


def cut(pixels: RgbImage, corners: FloatArray, *, height: int, most_px: int | None = None) -> RgbImage:
    """The parallelogram `corners` (4, 2) laid flat at `height` px, its width in proportion.

    `most_px`: only so many columns from its left are made.
    """
    top, side = _side(corners, 0, 1), _side(corners, 0, 3)
    width = max(1, round(top * height / max(side, 1e-6)))
    if most_px is not None and width > most_px:
        along = (corners[1] - corners[0]) * (most_px / width)
        corners = np.stack([corners[0], corners[0] + along, corners[3] + along, corners[3]])
        width = most_px
    how = cv2.INTER_CUBIC if side < _CUBIC_BELOW * height else cv2.INTER_LINEAR
    return laid_flat(pixels, corners, Size(width, height), interpolation=how)


def _side(corners: FloatArray, first: int, second: int) -> float:
    return float(np.linalg.norm(corners[first] - corners[second]))


def _strip_mask(density: FloatArray) -> Array:
    """Where print is dense: above a share of the strongest print around, so that shadow does not hide it.

    (H, W) uint8, 255 where it is.
    """
    strongest = cv2.resize(density, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    strongest = cv2.dilate(strongest, np.ones((15, 41), np.uint8))
    floor = max(6.0, 0.15 * quantile(density[::4, ::4], 0.99))
    least = np.maximum(0.42 * strongest, floor).astype(np.float32)
    level = cv2.resize(least, density.shape[::-1], interpolation=cv2.INTER_LINEAR)
    mask = cv2.compare(density, level, cv2.CMP_GT)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones(_BRIDGE[::-1], np.uint8))


def _is_row(stat: list[int]) -> bool:
    width, area = stat[cv2.CC_STAT_WIDTH], stat[cv2.CC_STAT_AREA]
    height = area / max(width, 1)
    return width >= _MIN_LENGTH and _MIN_HEIGHT <= height <= _MAX_HEIGHT and width >= _MIN_ELONGATION * height


def _strip(labels: Array, stat: list[int], label: int) -> Strip | None:
    """The strip through a component: a line fitted to the middles of its columns, or None when it bends."""
    left, top, width, height = stat[:4]
    part = (labels[top : top + height, left : left + width] == label).astype(np.float32)
    thickness, moment = np.stack([np.ones(height, np.float32), np.arange(height, dtype=np.float32)]) @ part
    columns = np.flatnonzero(thickness > 0.3 * quantile(thickness[thickness > 0], 0.5))
    across, along = thickness[columns], columns.astype(np.float64)
    middles = moment[columns].astype(np.float64) / across
    residual = line_fit(along, middles).residuals(along, middles)
    kept = residual <= quantile(residual, 0.8)
    line = line_fit(along[kept], middles[kept])
    tall = quantile(across, 0.5)
    bends = quantile(residual, 0.5) > tall
    if bends or not _MIN_HEIGHT <= tall <= _MAX_HEIGHT:
        return None
    start, end = ((left + x, top + line.slope * x + line.offset) for x in (float(along[0]), float(along[-1])))
    return Strip(start, end, tall)

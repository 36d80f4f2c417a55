"""Quadrilaterals in the plane of an image: their order, homographies between them, warps and overlap.

Points are (N, 2) in px, x to the right and y down, pixel centres at whole numbers. Similarity transforms and
letterboxing, which faces need, are in `alignment`.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.domain.arrays import FloatArray, RgbImage

Points = NDArray[np.float64]
Homography = NDArray[np.float64]
"""(3, 3), maps homogeneous points of one plane to another; the last element is 1 where that is possible."""

CORNERS = 4
_DEGENERATE = 1e-9
_SHRINK_BEYOND = 2.0
"""A warp that shrinks more than this aliases; the source is reduced by area first."""
_MARGIN_PX = 3
"""What interpolation may reach for beyond a quadrilateral."""


class Size(NamedTuple):
    """Width and height in px."""

    width: int
    height: int


def order_corners(corners: ArrayLike) -> FloatArray:
    """The four corners clockwise as seen, beginning with the one nearest the top left (least x + y).

    Takes them in any order. Raises ValueError unless they are the corners of a convex quadrilateral.
    """
    points = np.asarray(corners, np.float64)
    if points.shape != (CORNERS, 2) or not np.isfinite(points).all():
        raise ValueError("four finite points are needed")
    around = points - points.mean(axis=0)
    # With y down, growing angles run clockwise as seen.
    ordered = points[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    if not is_convex(ordered):
        raise ValueError("the points are not the corners of a convex quadrilateral")
    return np.roll(ordered, -int(np.argmin(ordered.sum(axis=1))), axis=0).astype(np.float32)


def is_convex(corners: ArrayLike) -> bool:
    """Whether the corners, in this order, go round a convex shape clockwise as seen, no angle straight."""
    points = np.asarray(corners, np.float64)
    sides = np.roll(points, -1, axis=0) - points
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    scale = float((sides**2).sum(axis=1).max())
    return bool((turns > _DEGENERATE * scale).all())


def signed_area(polygon: ArrayLike) -> float:
    """Area in px² by the shoelace formula; positive when clockwise as seen."""
    x, y = np.asarray(polygon, np.float64).reshape(-1, 2).T
    return float(0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


def side_lengths(corners: ArrayLike) -> NDArray[np.float64]:
    """Lengths (4,) in px of the sides top, right, bottom, left of ordered corners."""
    points = np.asarray(corners, np.float64)
    return np.asarray(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1), np.float64)


def rectangle(size: Size) -> FloatArray:
    """Centres of the four corner pixels of an image of that size, clockwise from the top left."""
    right, bottom = size.width - 1, size.height - 1
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32)


def homography(source: ArrayLike, target: ArrayLike) -> Homography:
    """The homography that maps four points to four (Hartley and Zisserman, 4.1), up to rounding exactly.

    Raises ValueError where three of the points lie on a line.
    """
    corners, targets = np.asarray(source, np.float32), np.asarray(target, np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners, targets), np.float64)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < _DEGENERATE**2:
        raise ValueError("three of the points lie on a line")
    return matrix


def project(matrix: Homography, points: ArrayLike) -> Points:
    """Points (N, 2) mapped by a homography."""
    flat = np.asarray(points, np.float64).reshape(-1, 2)
    mapped = np.c_[flat, np.ones(len(flat))] @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def warp_quadrilateral(pixels: RgbImage, corners: ArrayLike, size: Size) -> RgbImage:
    """The quadrilateral laid flat on an image of `size`, its corners on the corner pixels, linear.

    What lies outside the picture repeats its border. A source more than twice as fine as the result is
    reduced by area first. Raises ValueError for a degenerate quadrilateral.
    """
    points = np.asarray(corners, np.float64)
    lengths = side_lengths(points)
    finer = min(lengths[[0, 2]].min() / size.width, lengths[[1, 3]].min() / size.height)
    if finer > _SHRINK_BEYOND:
        pixels, points = _reduced(pixels, points, factor=finer)
    matrix = homography(points, rectangle(size))
    return np.asarray(
        cv2.warpPerspective(
            pixels, matrix, tuple(size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def laid_flat(
    pixels: RgbImage, corners: ArrayLike, size: Size, *, interpolation: int = cv2.INTER_LINEAR
) -> RgbImage:
    """The quadrilateral laid flat on an image of `size`, its corners on the corners of the corner pixels.

    What lies outside the picture repeats its border. For results about as fine as the picture: nothing is
    reduced first. `interpolation`: one of OpenCV's.
    """
    part, points = _around(pixels, np.asarray(corners, np.float32))
    width, height = size
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(points, target)
    # Linear on four channels is bit for bit what it is on three, in half the time; cubic is slower.
    linear = interpolation == cv2.INTER_LINEAR
    flat = cv2.warpPerspective(
        cv2.cvtColor(part, cv2.COLOR_RGB2RGBA) if linear else part,
        matrix,
        (width, height),
        flags=interpolation,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGBA2RGB) if linear else flat, np.uint8)


def _around(pixels: RgbImage, corners: FloatArray) -> tuple[RgbImage, FloatArray]:
    """The part of the picture that a quadrilateral needs, and its corners there."""
    limits = (pixels.shape[1], pixels.shape[0])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - _MARGIN_PX, 0, np.subtract(limits, 1))
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + _MARGIN_PX, low + 1, limits)
    return pixels[low[1] : high[1], low[0] : high[0]], (corners - low).astype(np.float32)


def _reduced(pixels: RgbImage, points: Points, *, factor: float) -> tuple[RgbImage, Points]:
    height, width = pixels.shape[:2]
    target = Size(max(1, round(width / factor)), max(1, round(height / factor)))
    scale = np.array([target.width / width, target.height / height])
    # Areas map edges to edges, so centres shift by half a pixel.
    return (
        np.asarray(cv2.resize(pixels, tuple(target), interpolation=cv2.INTER_AREA), np.uint8),
        (points + 0.5) * scale - 0.5,
    )


def intersection_over_union(a: ArrayLike, b: ArrayLike) -> float:
    """Overlap of two convex quadrilaterals in [0, 1] (the Jaccard index of their areas).

    Corners clockwise as `order_corners` gives them; 0 where one of them has no area.
    """
    area_a, area_b = signed_area(a), signed_area(b)
    if area_a <= 0 or area_b <= 0:
        return 0.0
    shared = max(0.0, signed_area(clip(a, b)))
    return float(min(1.0, shared / (area_a + area_b - shared)))


def clip(polygon: ArrayLike, window: ArrayLike) -> Points:
    """The part (N, 2) of a polygon inside a convex window, both clockwise (Sutherland and Hodgman 1974)."""
    inside = np.asarray(polygon, np.float64).reshape(-1, 2)
    edge_points = np.asarray(window, np.float64)
    for start, end in zip(edge_points, np.roll(edge_points, -1, axis=0), strict=True):
        if not len(inside):
            break
        inside = _clip_by_line(inside, start, end)
    return inside


def _clip_by_line(polygon: Points, start: Points, end: Points) -> Points:
    """What lies to the right, as seen, of the line from `start` to `end`."""
    direction = end - start
    offset = polygon - start
    depth = direction[0] * offset[:, 1] - direction[1] * offset[:, 0]
    kept: list[Any] = []
    for here, there, d, e in zip(
        polygon, np.roll(polygon, -1, axis=0), depth, np.roll(depth, -1), strict=True
    ):
        if d >= 0:
            kept.append(here)
        if (d >= 0) != (e >= 0):
            kept.append(here + (there - here) * (d / (d - e)))
    return np.array(kept, np.float64).reshape(-1, 2)

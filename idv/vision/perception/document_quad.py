"""Finds the quadrilateral of a document in a photo: straight lines, and the four of them that carry a card.

Strong lines are taken from the edges at reduced scale; the picture's own borders stand in for sides that
lie outside it. Every pair of roughly horizontal lines with every pair of roughly vertical ones makes a
candidate; it is scored by how much edge runs along its sides, by its proportions as a card seen in
perspective, and by how large it is.
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.imaging.fits import line_fit, quantile

ASPECTS = (85.6 / 53.98, 105 / 74, 125 / 88, 120 / 80)
"""Width over height of ID-1, ID-2, ID-3 (ISO/IEC 7810) and the visa of format A."""
# The second, coarser look is for grounds whose texture drowns the edges at the first.
_WORK_SIDES = (720, 360)
_LINES_A_FAMILY = 14
_BORDER_SUPPORT = 0.36
_MIN_AREA = 0.05
_ASPECT_RANGE = (1.2, 1.85)
# A phone's main camera: about 26 mm equivalent, so the focal length is about 0.75 of the longer side.
_FOCAL = 0.8
_KEPT = 6
# Sides are fitted anew within so many px of the coarse line, at so many places along each.
_SEARCH = 6
_SAMPLES = 48
# How much a quadrilateral around another may score less and still be the document around one of its parts.
_OUTER_ALLOWANCE = 0.06
_ASPECT_WEIGHT = 0.3
_HALF_TURN = 180.0


class Quad(NamedTuple):
    """Corners (4, 2) float32 px clockwise from the one nearest the top left, long sides first to second.

    `score` in [0, 1]; `support`: share of edge along each side, top, right, bottom, left; `borders`: which
    of these sides are the picture's own border. `aspect`: width over height as laid flat.
    """

    corners: FloatArray
    score: float
    support: tuple[float, float, float, float]
    borders: tuple[bool, bool, bool, bool]
    aspect: float


class _Lines(NamedTuple):
    """Lines x·cos + y·sin = rho with the running sum of edge along each; the last two are borders."""

    normals: Array
    rho: Array
    sums: Array
    is_border: Array


def find_quads(pixels: RgbImage, *, count: int = 3) -> Iterator[Quad]:
    """The most promising quadrilaterals in (H, W, 3) uint8 RGB, in its px: `count` a look, best first.

    The coarser look is taken only when a caller goes on asking after the finer one.
    """
    for side in _WORK_SIDES:
        yield from itertools.islice(_look(pixels, side), count)


def encloses(outer: Quad, inner: Quad) -> bool:
    """Whether all corners of `inner` lie inside `outer` or within a hair of its sides."""
    hair = 0.02 * float(np.linalg.norm(outer.corners[1] - outer.corners[0]))
    points = (tuple(float(v) for v in corner) for corner in inner.corners)
    return all(cv2.pointPolygonTest(outer.corners, point, measureDist=True) >= -hair for point in points)


def _ordered(
    corners: Array, support: Array, borders: Array, shape: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Clockwise, long sides first, the first corner in the upper left half of the picture."""
    edge = np.roll(corners, -1, axis=0) - corners
    if edge[0][0] * edge[1][1] - edge[0][1] * edge[1][0] < 0:
        corners, support, borders = (
            np.roll(corners[::-1], 1, axis=0),
            support[::-1],
            borders[::-1],
        )
    turn = 0 if flat_aspect(corners, shape) >= 1 else 1
    if turn:
        corners, support, borders = (np.roll(v, -1, axis=0) for v in (corners, support, borders))
    if corners[1][0] < corners[0][0] or (
        abs(corners[1][0] - corners[0][0]) < abs(corners[1][1] - corners[0][1])
        and corners[1][1] > corners[0][1]
    ):
        flip = corners[1][0] < corners[0][0] - abs(corners[1][1] - corners[0][1]) * 0.2
        if flip:
            corners, support, borders = (np.roll(v, -2, axis=0) for v in (corners, support, borders))
    return corners, support, borders


def _look(pixels: RgbImage, side: int) -> Iterator[Quad]:
    """Quadrilaterals seen at a longer side of `side` px; each is fitted when it is asked for."""
    factor = min(1.0, side / max(pixels.shape[:2]))
    work = reduced(pixels, factor)
    dx, dy, edges = edges_of(work)
    found = _hough(edges)
    if not found:
        return
    level, upright = _families(found)
    shape = (work.shape[0], work.shape[1])
    horizontal = _lines(level, dx, dy, edges, borders=_borders(shape, level=True))
    vertical = _lines(upright, dx, dy, edges, borders=_borders(shape, level=False))
    for quad in _outer_first(_best(_candidates(horizontal, vertical, shape), shape)):
        fine = refined(quad, dx, dy)
        yield fine._replace(corners=(fine.corners / factor).astype(np.float32))


def reduced(pixels: RgbImage, factor: float) -> Array:
    """The picture at `factor` times its size: averaged over blocks, then linear, an eighth of the cost."""
    height, width = (round(length * factor) for length in pixels.shape[:2])
    blocks = int(1 / factor)
    if blocks > 1:
        coarse = (pixels.shape[1] // blocks, pixels.shape[0] // blocks)
        whole = pixels[: coarse[1] * blocks, : coarse[0] * blocks]
        pixels = np.asarray(cv2.resize(whole, coarse, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR))


def frame_quad(pixels: RgbImage) -> Quad:
    """The whole picture as a quadrilateral, turned so that its long sides come first."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    if height > width:
        corners = np.roll(corners, -1, axis=0)
    aspect = max(width, height) / min(width, height)
    share = _BORDER_SUPPORT
    return Quad(corners, share, (share,) * 4, (True,) * 4, aspect)


def flat_aspect(corners: Array, shape: tuple[int, int]) -> float:
    """Width over height of the rectangle whose picture has these corners, by an assumed focal length.

    The columns of the homography from the unit square, freed of the camera, are the rectangle's two edges
    (Zhang and He, Whiteboard scanning and image enhancement, 2007, section 4).
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners.tolist()
    # The homography from the unit square in closed form (Heckbert, Fundamentals of texture mapping, 1989).
    right, down = (x1 - x2, y1 - y2), (x3 - x2, y3 - y2)
    skew = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3)
    area = right[0] * down[1] - down[0] * right[1]
    if area == 0:
        return 0.0
    g = (skew[0] * down[1] - down[0] * skew[1]) / area
    h = (right[0] * skew[1] - skew[0] * right[1]) / area
    focal, (height, width) = _FOCAL * max(shape), shape
    along = _length_in_space((x1 - x0 + g * x1, y1 - y0 + g * y1, g), focal, (width / 2, height / 2))
    across = _length_in_space((x3 - x0 + h * x3, y3 - y0 + h * y3, h), focal, (width / 2, height / 2))
    return along / max(across, 1e-9)


def _length_in_space(column: tuple[float, float, float], focal: float, centre: tuple[float, float]) -> float:
    """Length of a homography's column once freed of the camera of that focal length and centre, in px."""
    x, y, w = column
    return math.sqrt(((x - centre[0] * w) / focal) ** 2 + ((y - centre[1] * w) / focal) ** 2 + w * w)


def edges_of(work: Array) -> tuple[Array, Array, Array]:
    """The strongest gradient over the Lab channels, (H, W) int16 each way, and thin edges (H, W) uint8."""
    lab = cv2.GaussianBlur(cv2.cvtColor(work, cv2.COLOR_RGB2LAB), (5, 5), 0)
    light, *colours = cv2.split(lab)
    dx, dy, size = _gradient(light)
    for colour in colours:
        # Colour counts double, about its middle of 128.
        other_dx, other_dy, other_size = _gradient(cv2.addWeighted(colour, 2.0, colour, 0.0, -128.0))
        steeper = cv2.compare(other_size, size, cv2.CMP_GT)
        for kept, other in ((dx, other_dx), (dy, other_dy), (size, other_size)):
            cv2.copyTo(other, steeper, kept)
    high = float(np.clip(quantile(size[::3, ::3], 0.92), 30, 160))
    return dx, dy, cv2.Canny(dx, dy, high * 0.4, high)


def _gradient(plane: Array) -> tuple[Array, Array, Array]:
    """Change along x and along y, and the sum of both sizes, (H, W) int16."""
    dx, dy = cv2.spatialGradient(plane)
    return dx, dy, cv2.add(np.abs(dx), np.abs(dy))


def _hough(edges: Array) -> list[tuple[float, float, float]]:
    """Strong lines as (rho, theta in degrees, votes), strongest first, near doubles dropped."""
    least = int(0.12 * max(edges.shape))
    raw = cv2.HoughLinesWithAccumulator(edges, 1, np.pi / 180, least)
    if raw is None:
        return []  # type: ignore[unreachable] # OpenCV gives None where it finds nothing; its stubs deny it
    kept: list[tuple[float, float, float]] = []
    lines = raw.reshape(-1, 3)[:600].astype(np.float64)
    lines[:, 1] = np.degrees(lines[:, 1])
    free = np.ones(len(lines), bool)
    for k, line in enumerate(lines):
        if free[k]:
            kept.append((float(line[0]), float(line[1]), float(line[2])))
            free &= ~_near(line, lines)
        if len(kept) >= 4 * _LINES_A_FAMILY:
            break
    return kept


def _near(line: Array, others: Array) -> Array:
    """Which lines (N, 3), rho in px and angle in degrees first, nearly coincide with one (3,): (N,) bool."""
    turn = np.abs(line[1] - others[:, 1])
    straight = (turn <= 3) & (np.abs(line[0] - others[:, 0]) <= 6)  # noqa: PLR2004 - degrees, px
    # Beyond a quarter turn a line is named by the opposite normal.
    opposite = (_HALF_TURN - turn <= 3) & (np.abs(line[0] + others[:, 0]) <= 6)  # noqa: PLR2004
    return np.asarray(np.where(turn > _HALF_TURN / 2, opposite, straight))


def _families(
    lines: list[tuple[float, float, float]],
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """The lines as (rho, theta in radians) in two families, split half way between prevailing directions."""
    angles = np.array([angle for _, angle, _ in lines])
    votes = np.array([vote for _, _, vote in lines])
    # Directions a quarter turn apart belong to one rectangle: four times the angle makes them agree.
    prevailing = np.degrees(np.angle(np.sum(votes * np.exp(4j * np.radians(angles))))) / 4
    level: list[tuple[float, float]] = []
    upright: list[tuple[float, float]] = []
    for rho, angle, _ in lines:
        off = (angle - prevailing + _HALF_TURN / 4) % _HALF_TURN
        (upright if off < _HALF_TURN / 2 else level).append((rho, float(np.radians(angle))))
    return level[:_LINES_A_FAMILY], upright[:_LINES_A_FAMILY]


def _borders(shape: tuple[int, int], *, level: bool) -> list[tuple[float, float]]:
    height, width = shape
    return [(0.0, np.pi / 2), (float(height), np.pi / 2)] if level else [(0.0, 0.0), (float(width), 0.0)]


def _lines(
    found: list[tuple[float, float]],
    dx: Array,
    dy: Array,
    edges: Array,
    *,
    borders: list[tuple[float, float]],
) -> _Lines:
    rho, theta = np.array([*found, *borders], np.float64).T
    normals = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    is_border = np.arange(len(rho)) >= len(found)
    sums = np.stack(
        [
            _running_support(n, r, dx, dy, edges) if not b else _border_support(edges.shape)
            for n, r, b in zip(normals, rho, is_border, strict=True)
        ]
    )
    return _Lines(normals, rho, sums, is_border)


def _reach(shape: tuple[int, ...]) -> int:
    return int(np.hypot(shape[0], shape[1])) + 2


def _border_support(shape: tuple[int, ...]) -> Array:
    return (np.arange(2 * _reach(shape) + 1) * _BORDER_SUPPORT).astype(np.float32)


def _running_support(normal: Array, rho: float, dx: Array, dy: Array, edges: Array) -> Array:
    """Running sum along a line, by px, of how much edge of its own direction lies within two px of it."""
    reach = _reach(edges.shape)
    along = np.arange(-reach, reach + 1)
    across = (rho + np.array([-2, -1, 0, 1, 2]))[:, None]
    x = np.rint(normal[0] * across - normal[1] * along).astype(np.intp)
    y = np.rint(normal[1] * across + normal[0] * along).astype(np.intp)
    inside = (x >= 0) & (y >= 0) & (x < edges.shape[1]) & (y < edges.shape[0])
    # Only where there is an edge at all does its direction matter.
    shift, place = np.nonzero(inside)
    at = y[shift, place] * edges.shape[1] + x[shift, place]
    there = np.flatnonzero(edges.ravel()[at])
    at, place = at[there], place[there]
    gx, gy = dx.ravel()[at].astype(np.float32), dy.ravel()[at].astype(np.float32)
    agreement = np.abs(gx * normal[0] + gy * normal[1]) / (np.hypot(gx, gy) + 1.0)
    best = np.zeros(len(along), np.float32)
    best[place[agreement > 0.94]] = 1.0  # noqa: PLR2004 - within 20 degrees
    return np.cumsum(best)


class _Candidates(NamedTuple):
    corners: Array
    support: Array
    borders: Array


def _candidates(horizontal: _Lines, vertical: _Lines, shape: tuple[int, int]) -> _Candidates:
    """All rectangles of two lines of each family: (Q, 4, 2) corners, (Q, 4) support, (Q, 4) borders."""
    points = _crossings(horizontal, vertical)
    hi, hj = np.triu_indices(len(horizontal.rho), 1)
    vi, vj = np.triu_indices(len(vertical.rho), 1)
    a, c = np.repeat(hi, len(vi)), np.repeat(hj, len(vi))
    b, d = np.tile(vi, len(hi)), np.tile(vj, len(hi))
    corners = np.stack([points[a, b], points[a, d], points[c, d], points[c, b]], axis=1)
    keep = _plausible(corners, shape)
    a, b, c, d, corners = a[keep], b[keep], c[keep], d[keep], corners[keep]
    sides = ((horizontal, a, 0, 1), (vertical, d, 1, 2), (horizontal, c, 2, 3), (vertical, b, 3, 0))
    support = np.stack(
        [_support(lines, k, corners[:, p], corners[:, q], shape) for lines, k, p, q in sides], axis=1
    )
    borders = np.stack([lines.is_border[k] for lines, k, _, _ in sides], axis=1)
    return _Candidates(corners, support, borders)


def _crossings(horizontal: _Lines, vertical: _Lines) -> Array:
    """(H, V, 2) points where the lines of the two families meet; far away where they are parallel."""
    n, m = horizontal.normals[:, None, :], vertical.normals[None, :, :]
    r, s = horizontal.rho[:, None], vertical.rho[None, :]
    det = n[..., 0] * m[..., 1] - n[..., 1] * m[..., 0]
    det = np.where(np.abs(det) < 1e-3, 1e-3, det)  # noqa: PLR2004
    x = (r * m[..., 1] - s * n[..., 1]) / det
    y = (s * n[..., 0] - r * m[..., 0]) / det
    return np.stack([x, y], axis=-1)


def _plausible(corners: Array, shape: tuple[int, int]) -> Array:
    """Which candidates are convex, large, inside the picture and not much narrower at one end."""
    height, width = shape
    margin = 0.03 * max(shape)
    inside = (
        (corners[..., 0] >= -margin)
        & (corners[..., 0] <= width + margin)
        & (corners[..., 1] >= -margin)
        & (corners[..., 1] <= height + margin)
    ).all(axis=1)
    edge = np.roll(corners, -1, axis=1) - corners
    following = np.roll(edge, -1, axis=1)
    turn = edge[..., 0] * following[..., 1] - edge[..., 1] * following[..., 0]
    length = np.linalg.norm(edge, axis=2) + 1e-6
    sine = np.abs(turn) / (length * np.roll(length, -1, axis=1))
    convex = ((turn > 0).all(axis=1) | (turn < 0).all(axis=1)) & (sine > 0.7).all(axis=1)  # noqa: PLR2004
    alike = np.minimum(length[:, :2], length[:, 2:]) / np.maximum(length[:, :2], length[:, 2:])
    large = _areas(corners) >= _MIN_AREA * height * width
    return np.asarray(inside & convex & large & (alike > 0.55).all(axis=1))  # noqa: PLR2004


def _areas(corners: Array) -> Array:
    following = np.roll(corners, -1, axis=1)
    cross = corners[..., 0] * following[..., 1] - corners[..., 1] * following[..., 0]
    return np.asarray(np.abs(cross.sum(axis=1)) / 2)


def _support(lines: _Lines, index: Array, start: Array, end: Array, shape: tuple[int, int]) -> Array:
    """(Q,) share of each side that has edge."""
    tangent = np.stack([-lines.normals[index, 1], lines.normals[index, 0]], axis=1)
    reach = _reach(shape)
    at = [np.rint((p * tangent).sum(axis=1)).astype(int) + reach for p in (start, end)]
    low, high = np.minimum(*at), np.maximum(*at)
    last = lines.sums.shape[1] - 1
    low, high = np.clip(low, 0, last), np.clip(high, 0, last)
    return np.asarray((lines.sums[index, high] - lines.sums[index, low]) / np.maximum(high - low, 1))


def _best(candidates: _Candidates, shape: tuple[int, int]) -> list[Quad]:
    """The highest scores that are not nearly the same quadrilateral."""
    if len(candidates.corners) == 0:
        return []
    area = _areas(candidates.corners) / (shape[0] * shape[1])
    mean, least = candidates.support.mean(axis=1), candidates.support.min(axis=1)
    rough = 0.55 * mean + 0.25 * least + 0.2 * np.clip(area, 0, 1) ** 0.5
    rough[candidates.borders.all(axis=1)] = 0.0
    quads: list[Quad] = []
    for k in np.argsort(-rough)[:60]:
        quad = _quad(candidates, int(k), float(rough[k]), shape)
        if quad is not None and not any(_same(quad, other, shape) for other in quads):
            quads.append(quad)
        if len(quads) >= _KEPT:
            break
    return quads


def quad_of(corners: Array, fill: float, shape: tuple[int, int]) -> Quad | None:
    """Any four corners in order, every side supported by `fill`, or None when no document is so shaped."""
    if not bool(_plausible(corners[None], shape)[0]):
        return None
    nowhere = np.zeros(4, bool)
    return _shaped(corners, np.full(4, fill), nowhere, score=fill, shape=shape)


def _quad(candidates: _Candidates, k: int, score: float, shape: tuple[int, int]) -> Quad | None:
    """One candidate in order, or None when its proportions are no document's."""
    return _shaped(
        candidates.corners[k], candidates.support[k], candidates.borders[k], score=score, shape=shape
    )


def _shaped(
    corners: Array, support: Array, borders: Array, *, score: float, shape: tuple[int, int]
) -> Quad | None:
    corners, support, borders = _ordered(corners, support, borders, shape)
    aspect = flat_aspect(corners, shape)
    if not _ASPECT_RANGE[0] <= aspect <= _ASPECT_RANGE[1]:
        return None
    oddness = min(abs(np.log(aspect / known)) for known in ASPECTS)
    top, right, bottom, left = (float(share) for share in support)
    sides = (bool(borders[0]), bool(borders[1]), bool(borders[2]), bool(borders[3]))
    score -= _ASPECT_WEIGHT * float(oddness)
    return Quad(corners.astype(np.float32), score, (top, right, bottom, left), sides, aspect)


def refined(quad: Quad, dx: Array, dy: Array) -> Quad:
    """The same quadrilateral with every side that is no border fitted anew to the edge along it."""
    sides = [
        _line_through(quad.corners[k], quad.corners[(k + 1) % 4])
        if quad.borders[k]
        else _fitted(quad.corners[k], quad.corners[(k + 1) % 4], dx, dy)
        for k in range(4)
    ]
    corners = np.array([_meeting(sides[k - 1], sides[k]) for k in range(4)])
    moved = float(np.abs(corners - quad.corners).max())
    return quad if moved > 2 * _SEARCH else quad._replace(corners=corners.astype(np.float32))


def _fitted(start: Array, end: Array, dx: Array, dy: Array) -> Array:
    """The line (a, b, c), a·x + b·y = c, along the steepest change near the segment; robust to gaps in it."""
    tangent = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
    normal = np.array([-tangent[1], tangent[0]])
    shares = np.linspace(0.08, 0.92, _SAMPLES)[:, None]
    offsets = np.arange(-_SEARCH, _SEARCH + 1)
    points = (start + shares * (end - start))[:, None, :] + offsets[None, :, None] * normal
    x = np.clip(np.rint(points[..., 0]).astype(int), 0, dx.shape[1] - 1)
    y = np.clip(np.rint(points[..., 1]).astype(int), 0, dx.shape[0] - 1)
    change = np.abs(dx[y, x] * normal[0] + dy[y, x] * normal[1]).astype(np.float64)
    weight = np.maximum(change - np.median(change, axis=1, keepdims=True), 0.0) ** 2
    steepest = change.argmax(axis=1)
    near = np.abs(offsets[None, :] - offsets[steepest][:, None]) <= 1
    centre = (weight * near * offsets).sum(axis=1) / np.maximum((weight * near).sum(axis=1), 1e-6)
    along = shares[:, 0]
    line = line_fit(along, centre)
    for _ in range(3):
        residual = line.residuals(along, centre)
        kept = residual <= max(1.0, 1.5 * quantile(residual, 0.5))
        line = line_fit(along[kept], centre[kept])
    return _line_through(start + line.offset * normal, end + (line.offset + line.slope) * normal)


def _line_through(start: Array, end: Array) -> Array:
    a, b = float(end[1] - start[1]), float(start[0] - end[0])
    return np.array([a, b, a * float(start[0]) + b * float(start[1])])


def _meeting(first: Array, second: Array) -> Array:
    return np.asarray(np.linalg.solve(np.stack([first[:2], second[:2]]), [first[2], second[2]]))


def _outer_first(quads: list[Quad]) -> list[Quad]:
    """Best first, but one that encloses the best and scores nearly as well goes before it."""
    ranked = sorted(quads, key=lambda quad: -quad.score)
    for quad in ranked[1:]:
        if quad.score >= ranked[0].score - _OUTER_ALLOWANCE and encloses(quad, ranked[0]):
            return [quad._replace(score=ranked[0].score), *(other for other in ranked if other is not quad)]
    return ranked


def _same(quad: Quad, other: Quad, shape: tuple[int, int]) -> bool:
    distance = np.abs(quad.corners - other.corners).max()
    return bool(distance < 0.03 * max(shape))

"""Security print under a document's text: tints, guilloches in four families, rainbow print, microprint."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.documents.document_types import Color, GroundPattern, Look, Microprint
from idv.domain.arrays import RgbImage

_CURVE_POINTS = 700
_INK = 0.55
"""Security print is pale: at full strength its lines would cut through the text above them."""
_ROSETTES = 2
_CAP_SHARE = 0.7
"""Cap height of microprint over the height of its box."""


def draw_ground(look: Look, *, width: int, height: int) -> RgbImage:
    """The tinted ground with its lines, (height, width, 3) uint8 RGB; the same for every copy of a type."""
    tint = _blend_across(look.ground, width=width, height=height)
    rng = np.random.default_rng(look.seed)
    inked = tint.copy()
    if look.rainbow:
        lines = np.full((height, width, 3), 255, np.uint8)
        _PATTERNS[look.pattern](lines, (0, 0, 0), rng)
        coverage = 1 - lines[..., :1].astype(np.float32) / 255
        inks = _blend_across((look.line, look.rosette), width=width, height=height)
        inked = np.asarray(inked * (1 - coverage) + inks * coverage, np.uint8)
    else:
        _PATTERNS[look.pattern](inked, look.line, rng)
    for _ in range(_ROSETTES):
        _draw_rosette(inked, look.rosette, rng)
    return np.asarray(cv2.addWeighted(tint, 1 - _INK, inked, _INK, 0), np.uint8)


def draw_microprint(image: RgbImage, line: Microprint, color: Color) -> None:
    """The text again and again along its box: legible at 600 dpi, a grey line to a copier."""
    height, width = image.shape[:2]
    left, top, wide, tall = line.box.pixels(width, height)
    # Print devices place such text by sub-pixels: drawn four times as large, then averaged.
    strip = np.full((max(4, tall * 4), wide * 4, 3), 255, np.uint8)
    size = max(4, round(strip.shape[0] * _CAP_SHARE))
    font, repeated = cv2.FontFace("sans"), f"{line.text} " * 200
    cv2.putText(strip, repeated, (0, round(strip.shape[0] * 0.8)), (0, 0, 0), font, size, 500)
    small = cv2.resize(strip, (wide, max(1, tall)), interpolation=cv2.INTER_AREA)
    coverage = 1 - small[..., :1].astype(np.float32) / 255
    window = image[top : top + small.shape[0], left : left + wide]
    window[:] = (window * (1 - coverage) + np.array(color, np.float32) * coverage).astype(np.uint8)


def _blend_across(ends: tuple[Color, Color], *, width: int, height: int) -> RgbImage:
    ramp = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    first, last = np.array(ends, np.float32)
    return np.repeat(first + (last - first) * ramp, height, axis=0).astype(np.uint8)


def _draw_waves(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """A family of interfering waves from edge to edge."""
    height, width = image.shape[:2]
    x = np.linspace(0, width, _CURVE_POINTS)
    slow, fast = rng.uniform(1.0, 2.5), rng.uniform(7.0, 12.0)
    lines = 46
    for index in range(lines):
        phase = 2 * np.pi * index / lines
        swing = np.sin(2 * np.pi * slow * x / width + phase) + 0.4 * np.sin(
            2 * np.pi * fast * x / width - phase
        )
        _polyline(image, x, height * (index + 0.5) / lines + swing * height * 0.02, color)


def _draw_mesh(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """Two families of waves that cross, upright and level."""
    height, width = image.shape[:2]
    along, lines = np.linspace(0, 1, _CURVE_POINTS), 34
    turns, depth = rng.uniform(2.0, 5.0, 2), rng.uniform(0.008, 0.02, 2)
    for index in range(lines):
        place, phase = (index + 0.5) / lines, 2 * np.pi * index / lines
        level = place + depth[0] * np.sin(2 * np.pi * turns[0] * along + phase)
        _polyline(image, along * width, level * height, color)
        upright = place + depth[1] * np.sin(2 * np.pi * turns[1] * along - phase)
        _polyline(image, upright * width, along * height, color)


def _draw_rays(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """Rays from a point beyond an edge, rippled."""
    height, width = image.shape[:2]
    origin = np.array([rng.uniform(0.2, 0.8) * width, height * 1.25])
    reach = np.linspace(0.1, 1.6, _CURVE_POINTS) * max(width, height)
    waves = rng.uniform(6, 11)
    for angle in np.linspace(-np.pi, 0, 120):
        ripple = angle + 0.01 * np.sin(waves * reach / height + 7 * angle)
        _polyline(image, origin[0] + reach * np.cos(ripple), origin[1] + reach * np.sin(ripple), color)


def _draw_lattice(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """Circles on a staggered grid, each cut by its neighbours: a weave."""
    height, width = image.shape[:2]
    step, angle = height * rng.uniform(0.08, 0.11), np.linspace(0, 2 * np.pi, 90)
    radii = step * rng.uniform(0.6, 1.0, 2)
    for row in range(int(height / step) + 2):
        for column in range(int(width / step) + 2):
            centre = np.array([(column + 0.5 * (row % 2)) * step, row * step])
            for radius in radii:
                x, y = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
                _polyline(image, x, y, color)


def _draw_rosette(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """A hypotrochoid, the classic guilloche figure."""
    height, width = image.shape[:2]
    centre = rng.uniform([0.45 * width, 0.3 * height], [0.9 * width, 0.7 * height])
    lobes = int(rng.integers(9, 17))
    radius = height * rng.uniform(0.20, 0.32)
    angle = np.linspace(0, 2 * np.pi, _CURVE_POINTS * 4)
    for depth in np.linspace(0.25, 0.9, 7):
        reach = radius * (1 - 0.35 * depth + 0.35 * depth * np.cos(lobes * angle))
        twist = angle + 0.12 * depth * np.sin(lobes * angle)
        _polyline(image, centre[0] + reach * np.cos(twist), centre[1] + reach * np.sin(twist), color)


def _polyline(image: RgbImage, x: NDArray[np.float64], y: NDArray[np.float64], color: Color) -> None:
    points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.polylines(image, [points], False, color, 1, cv2.LINE_AA, 4)


_PATTERNS: Mapping[GroundPattern, Callable[[RgbImage, Color, np.random.Generator], None]] = {
    GroundPattern.WAVES: _draw_waves,
    GroundPattern.MESH: _draw_mesh,
    GroundPattern.RAYS: _draw_rays,
    GroundPattern.LATTICE: _draw_lattice,
}

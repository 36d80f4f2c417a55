"""Geometry of faces: similarity transforms, crops that stay sharp when they shrink, and level face crops.

A transform is a (2, 3) float64 matrix that takes (x, y, 1) of the source to (x, y) of the target.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.domain.arrays import Array, RgbImage

Transform = NDArray[np.float64]
_LEAST_POINTS = 2
_LEAST_LINEAR = 4 / 7
"""A linear warp that shrinks more than this skips pixels that matter."""


@dataclass(frozen=True)
class ChipLayout:
    """Where named points of a face stand in a square crop: `points` as (x, y) px, in the caller's order."""

    side_px: int
    points: tuple[tuple[float, float], ...]


ARCFACE_LAYOUT = ChipLayout(
    112, ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
)
"""Eyes, nose tip and mouth corners, the image's left first, in the 112 px chip of ArcFace and its kin."""


@dataclass(frozen=True)
class LevelSquare:
    """A square in an image, turned: its centre (x, y) and side in px, and its turn, > 0 clockwise."""

    centre: tuple[float, float]
    side_px: float
    turn_deg: float = 0.0

    def transform(self, target_side_px: int) -> Transform:
        """Takes the image to the square's own upright frame of `target_side_px`."""
        scale = target_side_px / self.side_px
        angle = np.deg2rad(self.turn_deg)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        rotation = np.array([[cos, sin], [-sin, cos]])
        offset = target_side_px / 2 - rotation @ np.asarray(self.centre)
        return np.column_stack([rotation, offset])


def similarity(source: ArrayLike, target: ArrayLike) -> Transform:
    """The rotation, scale and shift that take points (K, 2) closest to others (K, 2), in least squares.

    Umeyama, IEEE Trans. PAMI 13 (1991), without reflection. Raises ValueError for fewer than two distinct
    points or values that are not finite.
    """
    here, there = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if (
        here.shape != there.shape
        or len(here) < _LEAST_POINTS
        or not (np.isfinite(here).all() and np.isfinite(there).all())
    ):
        raise ValueError("a similarity needs two or more finite pairs of points")
    # As complex numbers a similarity is z -> a z + b, which makes the least squares linear.
    z, w = here @ (1, 1j), there @ (1, 1j)
    z_centred = z - z.mean()
    spread = np.vdot(z_centred, z_centred).real
    if spread <= 0:
        raise ValueError("a similarity needs two distinct points")
    a = np.vdot(z_centred, w - w.mean()) / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def apply(transform: Transform, points: ArrayLike) -> NDArray[np.float64]:
    """Points (K, 2) after a transform."""
    moved: NDArray[np.float64] = np.asarray(points, dtype=np.float64) @ transform[:, :2].T + transform[:, 2]
    return moved


def invert(transform: Transform) -> Transform:
    """The transform back. Raises ValueError when there is none."""
    (a, b, c), (d, e, f) = transform.tolist()
    area = a * e - b * d
    if area == 0:
        raise ValueError("a transform that flattens the plane has no way back")
    # By hand: NumPy's general solver takes twenty times as long, and every crop of a face asks twice.
    inverse: Transform = np.array([[e, -b, b * f - c * e], [-d, a, c * d - a * f]]) / area
    return inverse


def scale_of(transform: Transform) -> float:
    """How much longer a length becomes."""
    (a, b, _), (d, e, _) = transform.tolist()
    return math.sqrt(abs(a * e - b * d))


def warp(pixels: RgbImage, transform: Transform, side_px: int) -> RgbImage:
    """The square crop (side_px, side_px, 3) that a transform cuts out; black outside the image.

    Shrinks by halves first, so that a large face does not alias.
    """
    part, transform = _shrunk(pixels, transform, side_px=side_px)
    # Bit for bit what three channels give, in half the time.
    four = cv2.cvtColor(part, cv2.COLOR_RGB2RGBA)
    chip = cv2.warpAffine(four, transform, (side_px, side_px), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGBA2RGB), dtype=np.uint8)


def _shrunk(pixels: RgbImage, transform: Transform, *, side_px: int) -> tuple[RgbImage, Transform]:
    """The part of the image that the crop needs, halved as often as needed, and the transform from there."""
    halvings = _halvings(scale_of(transform))
    blocks = 1 << halvings
    height, width = pixels.shape[:2]
    corners = apply(invert(transform), [(0, 0), (side_px, 0), (0, side_px), (side_px, side_px)])
    margin = blocks + 1
    left, top = (int(v) for v in np.clip(np.floor(corners.min(0)) - margin, 0, (width - 1, height - 1)))
    if not halvings:
        left, top = 0, 0  # a shift would round otherwise, and small pictures be embedded a hair apart
    right, bottom = (int(v) for v in np.clip(np.ceil(corners.max(0)) + margin, 1, (width, height)))
    size = np.maximum((right - left, bottom - top), blocks) // blocks * blocks
    part = pixels[top : top + int(size[1]), left : left + int(size[0])]
    for _ in range(halvings):
        # OpenCV has a fast way for two by two pixels alone: larger blocks at once take four times as long.
        half = (max(1, part.shape[1] // 2), max(1, part.shape[0] // 2))
        part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Pixel centres: small + 0.5 = (full + 0.5 - corner) / blocks.
    back = np.array([[blocks, 0, left + blocks / 2 - 0.5], [0, blocks, top + blocks / 2 - 0.5], [0, 0, 1]])
    return part, transform @ back


def _halvings(scale: float) -> int:
    """How often to halve before linear interpolation, which then shrinks to no less than four sevenths."""
    return max(0, math.floor(math.log2(_LEAST_LINEAR / max(scale, 1e-6))) + 1)


def letterbox(pixels: RgbImage, side_px: int, *, fill: float = 1.0) -> tuple[RgbImage, Transform]:
    """The whole image centred in a black square whose side it fills to `fill`, and the transform."""
    height, width = pixels.shape[:2]
    whole = LevelSquare((width / 2 - 0.5, height / 2 - 0.5), max(height, width) / fill)
    transform = whole.transform(side_px)
    return warp(pixels, transform, side_px), transform


def blob(chips: Array, *, mean: tuple[float, float, float], divisor: float, bgr: bool = False) -> Array:
    """Network input (N, 3, H, W) float32 from chips (N, H, W, 3) uint8 RGB: (value - mean) / divisor.

    `mean` is given in the order of the output's channels.
    """
    count, height, width, channels = chips.shape
    values = np.empty((count, channels, height, width), np.float32)
    for chip, target in zip(chips, values, strict=True):
        planes = cv2.split(chip)
        for plane, middle, place in zip(planes[::-1] if bgr else planes, mean, target, strict=True):
            np.subtract(plane, np.float32(middle), out=place, dtype=np.float32)
    if divisor != 1.0:
        values /= np.float32(divisor)
    return values

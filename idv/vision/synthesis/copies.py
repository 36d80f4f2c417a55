"""What is put before a camera: the scene around a face, fine texture, and the copy that an attacker shows."""

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import jpeg
from idv.vision.synthesis.viewing import blurred, face_unit

_HEAD = (1.35, 1.75)
"""Half width and half height of a head with hair, in units of the face."""
_LEAST_MARGIN = (1.2, 1.5)
"""What a copy keeps beside and above the middle of the face, in units."""
_STREAK_PX = 13
_STREAKED, _UNTOUCHED, _WHOLE = 0.4, 0.5, 0.3
"""Shares of textures that run one way, of copies as sharp as the photograph, of copies of all of it."""


def furnished(
    pixels: RgbImage, points: FloatArray, rng: np.random.Generator, *, chance: float = 0.35
) -> RgbImage:
    """The picture with straight-edged things behind the head: frames, doors, shelves.

    Real rooms have them, and cropped portraits do not: without them every straight edge would be a bezel.
    """
    if rng.random() >= chance:
        return pixels
    unit, centre = face_unit(points)
    room = pixels.copy()
    for _ in range(int(rng.integers(1, 4))):
        _draw_board(room, centre, unit, rng)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = (x - centre[0]) / (_HEAD[0] * unit), (y - centre[1]) / (_HEAD[1] * unit)
    below = (y > centre[1]) & (np.abs(across) < 1 + np.clip(down, 0, 2))
    body = (across * across + down * down < 1) | below
    soft = cv2.GaussianBlur(body.astype(np.float32), (0, 0), max(0.05 * unit, 0.5))[..., None]
    return np.asarray(pixels * soft + room * (1 - soft) + 0.5, np.uint8)


def texture(
    shape: tuple[int, int], rng: np.random.Generator, *, blur_px: float = 0.0, chance: float = 0.6
) -> FloatArray:
    """Pores, hair and cloth that a small photograph lacks: a factor (H, W, 1) float32 of mean about 1.

    `blur_px`: what takes it away again, as the pixels of a display do. Drawn for bona fide presentations and
    attacks alike, so that fine structure as such tells nothing.
    """
    if rng.random() >= chance:
        return np.ones((1, 1, 1), np.float32)
    noise = rng.standard_normal(shape, np.float32)
    grain = blurred(noise, float(rng.uniform(0.4, 2.5)))
    if rng.random() < _STREAKED:
        turn = cv2.getRotationMatrix2D((_STREAK_PX // 2, _STREAK_PX // 2), float(rng.uniform(0, 180)), 1)
        streak = np.zeros((_STREAK_PX, _STREAK_PX), np.float32)
        streak[_STREAK_PX // 2] = 1 / _STREAK_PX
        grain = np.asarray(cv2.filter2D(noise, -1, cv2.warpAffine(streak, turn, streak.shape)), np.float32)
    strength = np.float32(min(rng.exponential(0.03), 0.15) / max(float(grain.std()), 1e-6))
    factor = np.clip(1 + strength * blurred(grain, blur_px), 0.3, 1.7)
    return np.asarray(factor[..., None], np.float32)


def copied(pixels: RgbImage, points: FloatArray, rng: np.random.Generator) -> tuple[RgbImage, FloatArray]:
    """The copy that an attacker shows: cut at random around the face, often small and compressed.

    Returns the picture and the five points in it. Borders then lie anywhere around the face.
    """
    pixels, points = _cut_out(pixels, points, rng)
    if rng.random() < _UNTOUCHED:
        return pixels, points
    unit, _ = face_unit(points)
    factor = min(float(rng.uniform(20, 80)) / unit, 1.0)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    soft = blurred(np.asarray(small, np.float32) / np.float32(255), float(rng.uniform(0, 0.8)))
    return jpeg(soft, int(rng.integers(40, 96))), (points * np.float32(factor)).astype(np.float32)


def _cut_out(pixels: RgbImage, points: FloatArray, rng: np.random.Generator) -> tuple[RgbImage, FloatArray]:
    if rng.random() < _WHOLE:
        return pixels, points
    unit, centre = face_unit(points)
    height, width = pixels.shape[:2]
    beside, above = (unit * (least + rng.exponential(0.5, 2)) for least in _LEAST_MARGIN)
    left, right = max(0, int(centre[0] - beside[0])), min(width, int(centre[0] + beside[1]))
    top, bottom = max(0, int(centre[1] - above[0])), min(height, int(centre[1] + above[1]))
    moved = points - np.array([left, top], np.float32)
    return np.ascontiguousarray(pixels[top:bottom, left:right]), moved.astype(np.float32)


def _draw_board(room: RgbImage, centre: FloatArray, unit: float, rng: np.random.Generator) -> None:
    """A filled rectangle with a rim, a little turned, somewhere beside the head, in place."""
    at = centre + unit * rng.uniform((-2.6, -2.4), (2.6, 1.0))
    size = unit * rng.uniform((0.1, 0.5), (1.8, 4.0))
    corners = cv2.boxPoints((at.tolist(), size.tolist(), float(rng.normal(0, 6))))
    fill, rim = (rng.integers(0, 256, 3).tolist() for _ in range(2))
    cv2.fillPoly(room, [np.round(corners).astype(np.int32)], fill, cv2.LINE_AA)
    if rng.integers(2):
        cv2.polylines(
            room, [np.round(corners).astype(np.int32)], True, rim, max(1, round(0.06 * unit)), cv2.LINE_AA
        )

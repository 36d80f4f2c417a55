"""Copies of documents for eval sets: a photo shown on a screen and photographed again, a card printed out.

Kept apart from the simulations that models are trained on, so that what is measured was not drawn by the
hand that taught it. Every step is an exact operation or rounded before the next one, so that machines with
other vector units come to the same bytes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray, RgbImage

_GAMMA = 2.2
_LEVELS = 4096
_ROUND = 1024.0
"""Patterns are kept as multiples of its inverse."""
_TILT = 0.06
_INK_BLACK = 0.12


def shown_on_screen(photo: RgbImage, rng: np.random.Generator) -> RgbImage:
    """The photo (H, W, 3) on a display, photographed again at the same size.

    Display pixels are 1.05–2.4 camera px wide, turned up to 4°, which gives moiré; black leaks 0.4–2 % of
    white, the white is tinted up to 8 %, a lamp is mirrored in half of them, the display stands at an angle.
    """
    height, width = photo.shape[:2]
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    black = rng.uniform(0.004, 0.02)
    shown = cv2.warpPerspective(photo, _leaning(width, height, rng), (width, height), flags=cv2.INTER_LINEAR)
    response = (np.arange(256)[:, None] / 255.0) ** _GAMMA * (1 - black) * tint + black
    light = np.asarray(cv2.LUT(shown, response.astype(np.float32)[None]), np.float32)
    light *= _sub_pixels(width, height, rng)
    light += _mirrored_lamp(width, height, rng)[..., None]
    return _developed(light, exposure=rng.uniform(0.85, 1.05), noise=rng.uniform(0.5, 2.5), rng=rng)


def printed_out(card: RgbImage, rng: np.random.Generator) -> RgbImage:
    """The flat card (H, W, 3) as an office printer copies it, still flat, at the same resolution.

    Colours lose 15–45 % of their saturation, black becomes dark grey, tones become dots 2.6–4.2 px apart at
    45°, the head leaves bands, and the paper has a grain.
    """
    height, width = card.shape[:2]
    keep = np.float32(rng.uniform(0.55, 0.85))
    values = card.astype(np.float32) / np.float32(255)
    grey = (values[..., :1] + values[..., 1:2] + values[..., 2:]) / np.float32(3)
    values = (grey + (values - grey) * keep) * np.float32(1 - _INK_BLACK) + np.float32(_INK_BLACK)
    dots = _wave(width, height, period=rng.uniform(2.6, 4.2), angle_deg=45.0, phase=rng.uniform(0, 6.28))
    dots = dots * _wave(width, height, period=rng.uniform(2.6, 4.2), angle_deg=135.0, phase=0.0)
    bands = _wave(width, height, period=rng.uniform(20, 60), angle_deg=90.0, phase=rng.uniform(0, 6.28))
    # Dots show most in the middle tones: none on bare paper, all merged in full ink.
    values += np.float32(rng.uniform(0.3, 0.6)) * (values * (1 - values))[..., :3] * dots[..., None]
    values += np.float32(rng.uniform(0.005, 0.02)) * bands[..., None]
    grain = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 0.8)
    values += np.float32(0.02) * grain[..., None]
    return _rounded(values * np.float32(255))


def _leaning(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A display a little larger than the frame, seen at an angle; corners on a sixteenth of a pixel."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = corners + rng.uniform(-_TILT, _TILT, (4, 2)) * min(width, height) * 0.5
    moved = np.rint(moved * 16) / 16
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return np.asarray(matrix, np.float64)


def _sub_pixels(width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """What the grid of red, green and blue stripes leaves of the light, (H, W, 3) with mean about 1."""
    period, angle = rng.uniform(1.05, 2.4), rng.uniform(-4, 4)
    strength, rows = rng.uniform(0.10, 0.30), rng.uniform(0.03, 0.12)
    lines = _wave(width, height, period=period, angle_deg=angle + 90, phase=0.0)
    grid = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        stripes = _wave(width, height, period=period, angle_deg=angle, phase=2 * np.pi * channel / 3)
        grid[..., channel] = 1 + np.float32(strength) * stripes + np.float32(rows) * lines
    return grid


def _wave(width: int, height: int, *, period: float, angle_deg: float, phase: float) -> FloatArray:
    """A cosine of period px along a direction, (H, W) float32 in [-1, 1], rounded."""
    turn = np.deg2rad(angle_deg)
    x = 2 * np.pi * np.cos(turn) / period * np.arange(width) + phase
    y = 2 * np.pi * np.sin(turn) / period * np.arange(height)
    # cos(x + y) from vectors: products and differences are the same on every machine.
    wave = np.cos(x) * np.cos(y)[:, None] - np.sin(x) * np.sin(y)[:, None]
    return np.asarray(np.rint(wave * _ROUND) / _ROUND, np.float32)


def _mirrored_lamp(width: int, height: int, rng: np.random.Generator) -> FloatArray:
    peak = float(rng.choice([0.0, rng.uniform(0.05, 0.35)]))
    at, size = rng.uniform(0.1, 0.9, 2), rng.uniform(0.05, 0.2)
    across = np.exp(-0.5 * ((np.arange(width) / width - at[0]) / size) ** 2)
    down = np.exp(-0.5 * ((np.arange(height) / height - at[1]) / size) ** 2)
    spot = 0.01 + peak * across * down[:, None]
    return np.asarray(np.rint(spot * _ROUND) / _ROUND, np.float32)


def _developed(light: FloatArray, *, exposure: float, noise: float, rng: np.random.Generator) -> RgbImage:
    levels = np.rint(np.clip(light, 0, 1) * np.float32(_LEVELS - 1)).astype(np.uint16)
    curve = 255 * exposure * (np.arange(_LEVELS) / (_LEVELS - 1)) ** (1 / _GAMMA)
    values = curve.astype(np.float32)[levels]
    values += rng.standard_normal(values.shape, np.float32) * np.float32(noise)
    return _rounded(values)


def _rounded(values: FloatArray) -> RgbImage:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)

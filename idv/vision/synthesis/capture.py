"""Simulated photographs of a document held before a phone."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.tabletop import PICTURE_ASPECT, background, hand_pose, outline

_WIDTHS = (1600, 2000)
_LIGHT_STEP = 4


class Capture(NamedTuple):
    """A photograph and the truth about it.

    `pixels`: (H, W, 3) uint8 RGB. `corners`: (4, 2) float32 px, clockwise from the document's top left.
    """

    pixels: RgbImage
    corners: FloatArray


def capture(
    card: RgbImage,
    *,
    severity: float,
    rng: np.random.Generator,
    quarter_turns: int = 0,
    widths: tuple[int, int] = _WIDTHS,
) -> Capture:
    """Photograph `card` (H, W, 3), lying on something, by hand. 0 is a careful photo, 1 the realistic range.

    Severity 1.0, **fixed before any reader was tuned on it**, draws evenly from: picture 1,600–2,000 px
    wide; document 45–90 % of its width; tilt about both axes up to ±25°, roll ±12°; lens blur with
    sigma 0.3–1.2 px; in half of the photos motion blur up to 3 px; sensor noise with sigma 1–6 of 255;
    JPEG quality 70–95; exposure 0.75–1.1; white balance ±12 % a channel; a cast shadow that takes up to
    45 % of the light in half of the photos; mild glare in a third.
    All excursions shrink in proportion below 1.

    `quarter_turns`: how often the finished photo is turned by 90° counter-clockwise. `widths`: least and
    most px; blur and noise do not follow it, so the severities above hold for its default only.
    Draw the card at 400 dpi or more, or enlarging it adds blur of its own.
    """
    width = int(rng.integers(widths[0], widths[1] + 1))
    size = (width, round(width * PICTURE_ASPECT))
    corners = hand_pose(card.shape[1] / card.shape[0], size, severity=severity, rng=rng)
    scene = _composed(card, corners, size, rng=rng)
    scene *= _light(size, corners, severity=severity, rng=rng)
    scene = _glared(scene, corners, severity=severity, rng=rng)
    pixels = _developed(_blurred(scene, severity=severity, rng=rng), severity=severity, rng=rng)
    return _turned(pixels, corners, quarter_turns)


def _turned(pixels: RgbImage, corners: NDArray[np.float64], quarter_turns: int) -> Capture:
    for _ in range(quarter_turns % 4):
        width = pixels.shape[1]
        pixels = np.rot90(pixels)
        corners = np.stack([corners[:, 1], width - 1 - corners[:, 0]], axis=1)
    return Capture(np.ascontiguousarray(pixels), corners.astype(np.float32))


# --- scene ----------------------------------------------------------------------------------------------


def _composed(
    card: RgbImage, corners: NDArray[np.float64], size: tuple[int, int], *, rng: np.random.Generator
) -> FloatArray:
    """The document on its background with the shadow it casts; (H, W, 3) float32, 0–255."""
    tall, wide = card.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    shrink = wide / float(np.linalg.norm(corners[1] - corners[0]))
    # Without this low-pass the warp would alias where it makes the card smaller.
    soft = cv2.GaussianBlur(card, (0, 0), 0.45 * shrink) if shrink > 1 else card
    warped = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(outline(wide, tall), matrix, size, flags=cv2.INTER_LINEAR)
    alpha = mask.astype(np.float32)[..., None] / 255
    offset = rng.uniform(-0.006, 0.006, 2) * size[0]
    move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float64)
    contact = cv2.GaussianBlur(cv2.warpAffine(mask, move, size), (0, 0), 0.004 * size[0])
    ground = background(size, rng) * (1 - 0.5 * contact.astype(np.float32)[..., None] / 255)
    return np.asarray(ground * (1 - alpha) + warped.astype(np.float32) * alpha, np.float32)


# --- light and camera -----------------------------------------------------------------------------------


def _light(
    size: tuple[int, int], corners: NDArray[np.float64], *, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Factor of the light at each pixel and channel: exposure, fall-off, cast shadow, white balance."""
    width = size[0]
    x, y = _coarse_grid(size)
    x, y = x / width, y / width
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5 * PICTURE_ASPECT) * np.sin(angle)
    light = 1 + severity * rng.uniform(0, 0.35) * along
    if rng.random() < 0.5:  # noqa: PLR2004 - half of the photos
        centre = corners.mean(axis=0) / width + rng.uniform(-0.2, 0.2, 2)
        edge = (x - centre[0]) * np.cos(angle + 1) + (y - centre[1]) * np.sin(angle + 1)
        depth = severity * rng.uniform(0.1, 0.45)
        light *= 1 - depth / (1 + np.exp(-edge / rng.uniform(0.005, 0.05)))
    exposure = 1 + severity * rng.uniform(-0.25, 0.1)
    balance = 1 + severity * rng.uniform(-0.12, 0.12, 3)
    fine = cv2.resize(light.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[..., None] * (exposure * balance).astype(np.float32), np.float32)


def _glared(
    scene: FloatArray, corners: NDArray[np.float64], *, severity: float, rng: np.random.Generator
) -> FloatArray:
    """A soft bright spot on the document in a third of the photos."""
    if rng.random() > 1 / 3:
        return scene
    height, width = scene.shape[:2]
    x, y = _coarse_grid((width, height))
    weights = rng.dirichlet(np.ones(4))
    centre = weights @ corners
    reach = rng.uniform(0.04, 0.10, 2) * width
    spot = np.exp(-(((x - centre[0]) / reach[0]) ** 2) - ((y - centre[1]) / reach[1]) ** 2)
    spot = (spot * severity * rng.uniform(20, 80)).astype(np.float32)
    fine = cv2.resize(spot, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scene + fine[..., None], np.float32)


def _coarse_grid(size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X and y in px at every fourth pixel: light changes slowly, and this is sixteen times cheaper."""
    width, height = size
    y, x = np.mgrid[0 : height // _LIGHT_STEP, 0 : width // _LIGHT_STEP].astype(np.float64) * _LIGHT_STEP
    return x, y


def _blurred(scene: FloatArray, *, severity: float, rng: np.random.Generator) -> FloatArray:
    sigma = 0.3 + severity * rng.uniform(0, 0.9)
    scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32)
    length = severity * rng.uniform(0, 3)
    if rng.random() < 0.5 or length < 1:  # noqa: PLR2004 - half of the photos
        return scene
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((9, 9), np.float32)
    for step in np.linspace(-length / 2, length / 2, 16):
        kernel[round(4 + step * np.sin(angle)), round(4 + step * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)


def _developed(scene: FloatArray, *, severity: float, rng: np.random.Generator) -> RgbImage:
    """Sensor noise, then JPEG."""
    height, width = scene.shape[:2]
    sigma = severity * rng.uniform(1, 6)
    noisy = scene + rng.standard_normal((height, width, 3), np.float32) * np.float32(sigma)
    quality = round(95 - severity * rng.uniform(0, 25))
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]

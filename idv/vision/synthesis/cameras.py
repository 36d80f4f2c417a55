"""A camera, simulated, from the light on its sensor to a JPEG; faces and attacks go through it alike."""

from dataclasses import dataclass

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.synthesis.viewing import desaturated

GAMMA = 2.2
"""Exponent between linear light and display values; close enough to sRGB for a simulation."""


@dataclass(frozen=True)
class Camera:
    """One camera setting.

    `exposure`: where the 95th percentile of the light lands, 1 is full scale. `white_balance`: gains of R,
    G, B.
    `blur_px`: defocus sigma. `motion_px`: length of a smear, at `motion_deg`. `mosaic`: a Bayer sensor.
    `shot_noise`, `read_noise`: standard deviations at full scale and in the dark, of full scale.
    `smoothing`: share of the noise reduction mixed in. `sharpening`: amount of the unsharp mask.
    `contrast`: exponent of the tone curve on top of gamma. `saturation`: 1 leaves colours alone.
    `resize`: output over sensor size, with aliasing where it is `careless`. `jpeg_quality`: 1–100;
    `forwarded_quality`: of a second JPEG, as a messenger makes, 0 for none.
    """

    exposure: float = 0.9
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur_px: float = 0.0
    motion_px: float = 0.0
    motion_deg: float = 0.0
    mosaic: bool = False
    shot_noise: float = 0.0
    read_noise: float = 0.0
    smoothing: float = 0.0
    sharpening: float = 0.0
    contrast: float = 1.0
    saturation: float = 1.0
    resize: float = 1.0
    careless: bool = False
    jpeg_quality: int = 90
    forwarded_quality: int = 0


def draw_camera(rng: np.random.Generator) -> Camera:
    """A camera setting from the range of phones and webcams, in light from fair to good."""
    dim = rng.random() ** 2
    warm = rng.normal(0, 0.06)
    return Camera(
        exposure=float(rng.uniform(0.7, 1.1)),
        white_balance=(1 + warm, 1 + float(rng.normal(0, 0.02)), 1 - warm),
        blur_px=float(rng.choice([0, rng.uniform(0.2, 0.6), rng.uniform(0.6, 1.2)], p=[0.45, 0.45, 0.1])),
        motion_px=float(rng.choice([0, rng.uniform(1, 3)], p=[0.9, 0.1])),
        motion_deg=float(rng.uniform(0, 180)),
        mosaic=bool(rng.integers(2)),
        shot_noise=0.003 + 0.03 * dim,
        read_noise=0.001 + 0.006 * dim,
        smoothing=float(rng.choice([0, rng.uniform(0.2, 0.8)], p=[0.7, 0.3])),
        sharpening=float(rng.choice([0, rng.uniform(0.2, 1.4)], p=[0.4, 0.6])),
        contrast=float(rng.uniform(0.85, 1.25)),
        saturation=float(rng.uniform(0.75, 1.25)),
        resize=float(rng.choice([1.0, rng.uniform(0.7, 1.0), rng.uniform(1.0, 1.3)], p=[0.6, 0.3, 0.1])),
        jpeg_quality=int(rng.integers(60, 98)),
    )


def photograph(light: FloatArray, camera: Camera, rng: np.random.Generator) -> RgbImage:
    """Record linear light (H, W, 3) float32 RGB, any positive scale; returns the decoded JPEG."""
    gain = camera.exposure / max(float(np.percentile(light[::4, ::4], 95)), 1e-4)
    exposed = _optics(light * (np.array(camera.white_balance, np.float32) * np.float32(gain)), camera)
    if camera.mosaic:
        values = _developed(_demosaiced(_noisy(_mosaic(exposed), camera, rng)), camera)
    else:
        values = _developed(_noisy(exposed, camera, rng), camera)
    pixels = jpeg(_resized(values, camera), camera.jpeg_quality)
    if camera.forwarded_quality:
        pixels = jpeg(np.asarray(pixels, np.float32) / np.float32(255), camera.forwarded_quality)
    return pixels


def _optics(light: FloatArray, camera: Camera) -> FloatArray:
    seen: Array = light
    if camera.blur_px > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), camera.blur_px)
    if camera.motion_px > 1:
        seen = cv2.filter2D(seen, -1, _smear(camera.motion_px, camera.motion_deg))
    return seen


def _smear(length_px: float, angle_deg: float) -> FloatArray:
    size = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle_deg, 1)
    turned = np.asarray(cv2.warpAffine(kernel, turn, (size, size)), np.float32)
    return np.asarray(turned / max(float(turned.sum()), 1e-6), np.float32)


def _noisy(light: FloatArray, camera: Camera, rng: np.random.Generator) -> FloatArray:
    deviation = np.sqrt(camera.read_noise**2 + camera.shot_noise**2 * np.clip(light, 0, 1))
    noise = rng.standard_normal(light.shape, np.float32)
    return np.asarray(np.clip(light + deviation.astype(np.float32) * noise, 0, 1), np.float32)


def _mosaic(light: FloatArray) -> FloatArray:
    """What a sensor under a Bayer filter keeps: (H, W) float32 of (H, W, 3)."""
    raw = np.empty(light.shape[:2], np.float32)
    raw[::2, ::2], raw[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    raw[::2, 1::2], raw[1::2, ::2] = light[::2, 1::2, 1], light[1::2, ::2, 1]
    return raw


def _demosaiced(raw: FloatArray) -> FloatArray:
    quantised = (raw * 65535).astype(np.uint16)
    colour = cv2.cvtColor(quantised, cv2.COLOR_BayerRGGB2RGB)
    return np.asarray(colour, np.float32) / np.float32(65535)


def _developed(light: FloatArray, camera: Camera) -> FloatArray:
    values = np.asarray(cv2.pow(light, camera.contrast / GAMMA), np.float32)
    values = desaturated(np.asarray(values, np.float32), camera.saturation)
    if camera.smoothing > 0:
        calm = cv2.bilateralFilter(np.ascontiguousarray(values), 5, 0.12, 2.0)
        values = values + np.float32(camera.smoothing) * (calm - values)
    if camera.sharpening > 0:
        values = values + np.float32(camera.sharpening) * (values - cv2.GaussianBlur(values, (0, 0), 1.2))
    return np.asarray(values, np.float32)


def _resized(values: FloatArray, camera: Camera) -> FloatArray:
    factor = camera.resize
    if factor == 1:
        return values
    how = cv2.INTER_LINEAR if camera.careless else cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(values, None, fx=factor, fy=factor, interpolation=how), np.float32)


def jpeg(values: FloatArray, quality: int) -> RgbImage:
    """What remains of display values (H, W, 3) float32 in [0, 1] after a JPEG of this quality."""
    pixels = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)

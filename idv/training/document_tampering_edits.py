"""Edits of no particular forger: places of any shape, treated in any way; the network learns from them too.

After the self-blended images of Shiohara and Yamasaki 2022: what is laid over a place comes mostly from the
same photograph, so that only the traces of the treatment tell it apart, never what is to be seen.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.uploads import TRAINING_ENCODERS, encoded

_INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_AREA)
_CLONED = 0.15
_LEAST_PX = 12
_CLONE_MARGIN = 3
_CALMED = 3

Treatment = Callable[[RgbImage, RgbImage, np.random.Generator], RgbImage]


def edit(
    pixels: RgbImage, corners: FloatArray, donor: RgbImage, rng: np.random.Generator
) -> tuple[RgbImage, NDArray[np.uint8]]:
    """One to three places in the document altered; the picture and a mask (H, W) of 0 and 255.

    `donor` (H, W, 3) uint8 RGB: another photograph, for what is spliced.
    """
    altered, everywhere = pixels, np.zeros(pixels.shape[:2], np.uint8)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))):
        mask = _shape(pixels.shape[:2], corners, rng)
        box = _box(mask)
        if box is None:
            continue
        part, hard = altered[box], mask[box]
        changed = _treated(part, _elsewhere(donor, part.shape, rng), rng)
        altered = altered.copy()
        altered[box] = _joined(part, changed, hard, rng)
        everywhere |= mask
    return altered, everywhere


def encoded_again(
    pixels: RgbImage, rng: np.random.Generator, *, qualities: tuple[int, int] = (60, 98)
) -> RgbImage:
    """The picture after one more JPEG of the kinds that training may use."""
    encoder = TRAINING_ENCODERS[int(rng.integers(len(TRAINING_ENCODERS)))]
    data = encoded(pixels, encoder, quality=int(rng.integers(*qualities)))
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def encoded_otherwise(pixels: RgbImage, rng: np.random.Generator) -> RgbImage:
    """The picture after an encoder that spends unevenly, or calmed as phones do: genuine unevenness.

    AVIF, JPEG 2000, JPEG with other sampling, noise reduction; never an encoder that is kept for tests.
    """
    kind = rng.choice(4, p=[0.4, 0.1, 0.25, 0.25])
    if kind == _CALMED:
        return calmed(pixels, rng)
    quality = int(rng.integers(55, 97))
    ending, flags = (
        (".avif", [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, 9]),
        (".jp2", [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, int(rng.integers(50, 300))]),
        (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _sampling(rng)]),
    )[kind]
    _, data = cv2.imencode(ending, np.ascontiguousarray(pixels[..., ::-1]), flags)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)


def calmed(pixels: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Noise reduction that keeps edges, mixed in."""
    calm = (
        cv2.medianBlur(pixels, 3)
        if rng.integers(2)
        else cv2.bilateralFilter(pixels, 5, float(rng.uniform(8, 30)), 2.0)
    )
    share = float(rng.uniform(0.3, 1.0))
    return np.asarray(cv2.addWeighted(pixels, 1 - share, calm, share, 0), np.uint8)


def _sampling(rng: np.random.Generator) -> int:
    other = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440)
    return int(other[int(rng.integers(2))])


def blurred(pixels: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Slightly out of focus."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.3, 1.0))), np.uint8)


def grained(pixels: RgbImage, rng: np.random.Generator) -> RgbImage:
    """White noise, of each channel or alike in all."""
    shape = pixels.shape if rng.integers(2) else (*pixels.shape[:2], 1)
    noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(0.7, 5))
    return np.clip(pixels + noise + 0.5, 0, 255).astype(np.uint8)


# --- where ----------------------------------------------------------------------------------------------


def _shape(size: tuple[int, ...], corners: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A box in the document's perspective, an ellipse or a blob, as a mask."""
    mask = np.zeros(size[:2], np.uint8)
    wide, tall = _extent(rng)
    left, top = rng.uniform(0.02, 0.98 - wide), rng.uniform(0.03, 0.97 - tall)
    kind = rng.choice(3, p=[0.6, 0.2, 0.2])
    if kind == 0:
        outline = np.array([[left, top], [left + wide, top], [left + wide, top + tall], [left, top + tall]])
    else:
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        reach = np.ones(24) if kind == 1 else rng.uniform(0.6, 1.0, 24)
        around = np.stack([np.cos(turns) * wide, np.sin(turns) * tall], axis=1) / 2 * reach[:, None]
        outline = around + np.array([left + wide / 2, top + tall / 2])
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, np.asarray(corners, np.float32))
    placed = cv2.perspectiveTransform(outline[None].astype(np.float32), matrix)[0]
    cv2.fillPoly(mask, [np.rint(placed).astype(np.int32)], 255)
    return mask


def _extent(rng: np.random.Generator) -> tuple[float, float]:
    """Width and height in shares of the document's: as a line of print, a portrait, or anything."""
    kind = rng.choice(3, p=[0.4, 0.3, 0.3])
    if kind == 0:
        return float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.05, 0.11))
    if kind == 1:
        return float(rng.uniform(0.18, 0.34)), float(rng.uniform(0.3, 0.6))
    return float(rng.uniform(0.06, 0.4)), float(rng.uniform(0.08, 0.5))


def _box(mask: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The bounding box of a mask, or None where it is too small to matter."""
    x, y, width, height = cv2.boundingRect(mask)
    if min(width, height) < _LEAST_PX:
        return None
    return slice(y, y + height), slice(x, x + width)


def _elsewhere(donor: RgbImage, shape: tuple[int, ...], rng: np.random.Generator) -> RgbImage:
    """A part of another picture of this shape (H, W, 3), at its own scale where it is large enough."""
    height, width = shape[:2]
    if donor.shape[0] < height or donor.shape[1] < width:
        return np.asarray(cv2.resize(donor, (width, height)), np.uint8)
    y, x = rng.integers(0, donor.shape[0] - height + 1), rng.integers(0, donor.shape[1] - width + 1)
    return np.ascontiguousarray(donor[y : y + height, x : x + width])


# --- how ------------------------------------------------------------------------------------------------


def _treated(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:
    """One to three treatments, one after another."""
    chosen = rng.choice(len(_TREATMENTS), int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])), replace=False)
    for number in chosen:
        part = _TREATMENTS[number](part, other, rng)
    return part


def _resampled(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    """Turned, scaled and moved a little, as what is fitted into a photograph is; once or there and back."""
    height, width = part.shape[:2]
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.normal(0, 3)), float(rng.uniform(0.85, 1.15))
    )
    turn[:, 2] = turn[:, 2] + rng.uniform(-1, 1, 2)
    how = _INTERPOLATIONS[int(rng.integers(3))]
    turned = cv2.warpAffine(part, turn, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.6:  # noqa: PLR2004 - three in five
        back = cv2.invertAffineTransform(turn)
        turned = cv2.warpAffine(turned, back, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(turned, np.uint8)


def _coarser(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    """Of fewer pixels, enlarged."""
    height, width = part.shape[:2]
    factor = float(rng.uniform(0.4, 0.95))
    small = max(4, round(width * factor)), max(4, round(height * factor))
    less = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(less, (width, height), interpolation=_INTERPOLATIONS[int(rng.integers(3))]), np.uint8
    )


def _softened(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])
    if kind == 0:
        return blurred(part, rng)
    if kind == 1:
        return np.asarray(cv2.medianBlur(part, 3), np.uint8)
    return np.asarray(cv2.bilateralFilter(part, 5, float(rng.uniform(8, 30)), 2.0), np.uint8)


def _noisier(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    return grained(part, rng)


def _sharpened(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    soft = cv2.GaussianBlur(part, (0, 0), float(rng.uniform(0.8, 1.5)))
    return np.asarray(cv2.addWeighted(part, 1 + (by := float(rng.uniform(0.4, 1.5))), soft, -by, 0), np.uint8)


def _recompressed(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    """From a JPEG whose blocks lie elsewhere."""
    y, x = (int(shift) for shift in rng.integers(0, 8, 2))
    padded = cv2.copyMakeBorder(part, y, 0, x, 0, cv2.BORDER_REFLECT_101)
    return encoded_again(np.asarray(padded, np.uint8), rng, qualities=(50, 96))[y:, x:]


def _spliced(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:
    """From another photograph, brought to this one's level and contrast as often as not."""
    if rng.integers(2):
        return other
    moved = other.astype(np.float32) - other.mean((0, 1))
    ratio = np.clip(part.std((0, 1)) / np.maximum(other.std((0, 1)), 1), 0.3, 2)
    brought = np.asarray(moved * ratio + part.mean((0, 1)), np.float32)
    return np.clip(brought, 0, 255).astype(np.uint8)


def _flat(part: RgbImage, other: RgbImage, rng: np.random.Generator) -> RgbImage:  # noqa: ARG001 - the table's
    """Painted over: a soft ground with a little noise or none."""
    height, width = part.shape[:2]
    few = cv2.resize(part, (3, 3), interpolation=cv2.INTER_AREA)
    ground = np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return grained(ground, rng) if rng.integers(2) else ground


_TREATMENTS: tuple[Treatment, ...] = (
    _resampled,
    _coarser,
    _softened,
    _noisier,
    _sharpened,
    _recompressed,
    _spliced,
    _flat,
)


# --- joining --------------------------------------------------------------------------------------------


def _joined(part: RgbImage, changed: RgbImage, mask: NDArray[np.uint8], rng: np.random.Generator) -> RgbImage:
    """Laid over with a hard or a fading seam, fully or nearly; or by Poisson blending."""
    if rng.random() < _CLONED and min(part.shape[:2]) > 4 * _CLONE_MARGIN:
        return _cloned(part, changed, mask)
    alpha = mask.astype(np.float32) / 255
    if rng.integers(2):
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.5, 4))), np.float32)
    alpha = alpha[..., None] * np.float32(rng.choice([1.0, rng.uniform(0.6, 1.0)], p=[0.7, 0.3]))
    return np.clip(part * (1 - alpha) + changed * alpha + 0.5, 0, 255).astype(np.uint8)


def _cloned(part: RgbImage, changed: RgbImage, mask: NDArray[np.uint8]) -> RgbImage:
    inner = np.zeros_like(mask)
    keep = slice(_CLONE_MARGIN, -_CLONE_MARGIN)
    inner[keep, keep] = mask[keep, keep]
    x, y, width, height = cv2.boundingRect(inner)
    if not width or not height:
        return part
    centre = (x + width // 2, y + height // 2)
    return np.asarray(cv2.seamlessClone(changed, part, inner, centre, cv2.NORMAL_CLONE), np.uint8)

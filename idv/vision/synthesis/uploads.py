"""How a picture is encoded when it is sent in; two encoders are kept for tests."""

from enum import StrEnum

import cv2
import numpy as np

from idv.domain.arrays import RgbImage


class Encoder(StrEnum):
    """File type and variant: chroma halved both ways, not at all or across; progressive; WebP."""

    JPEG_420 = "jpeg_420"
    JPEG_444 = "jpeg_444"
    JPEG_422_PROGRESSIVE = "jpeg_422_progressive"
    WEBP = "webp"


TRAINING_ENCODERS = (Encoder.JPEG_420, Encoder.JPEG_444)
"""Encoders that training may use."""
HELD_OUT_ENCODERS = (Encoder.JPEG_422_PROGRESSIVE, Encoder.WEBP)
"""Encoders that no training ever sees."""
QUALITIES = (78, 97)
"""Range of the quality setting that uploads are drawn from, of 1 to 100."""

_SAMPLING = {
    Encoder.JPEG_420: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    Encoder.JPEG_444: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    Encoder.JPEG_422_PROGRESSIVE: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
}


def encoded(pixels: RgbImage, encoder: Encoder, *, quality: int) -> bytes:
    """The file of (H, W, 3) uint8 RGB at a quality from 1 to 100."""
    ending, flags = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]
    if encoder is Encoder.WEBP:
        ending, flags = ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality]
    else:
        flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[encoder]]
        flags += [cv2.IMWRITE_JPEG_PROGRESSIVE, int(encoder is Encoder.JPEG_422_PROGRESSIVE)]
    _, data = cv2.imencode(ending, np.ascontiguousarray(pixels[..., ::-1]), flags)
    return bytes(data)


def uploaded(pixels: RgbImage, encoders: tuple[Encoder, ...], rng: np.random.Generator) -> bytes:
    """The file as somebody sends it: one of the encoders at a quality at random."""
    return encoded(pixels, encoders[int(rng.integers(len(encoders)))], quality=int(rng.integers(*QUALITIES)))

"""Mutations of good files, the same for the same seed."""

from collections.abc import Iterator

import numpy as np

from tests.hostile import jpegs
from tests.hostile.corpus import CORPUS

_SEEDS = (
    "jpeg",
    "jpeg_progressive",
    "jpeg_restart_markers",
    "jpeg_cmyk",
    "jpeg_exif_turned",
    "png",
    "png_palette_transparent",
    "png_interlaced",
    "png_16_bit_alpha",
    "webp",
    "webp_lossless",
    "webp_extended_exif",
    "heic_without_pixels",
    "pdf_one_page",
)


def mutants(count: int, *, seed: int) -> Iterator[bytes]:
    """`count` damaged files: flipped bits, changed bytes, cuts, repeats and splices of two files."""
    generator = np.random.default_rng(seed)
    good = [CORPUS[name].data for name in _SEEDS] + [jpegs.encoded(320, 240)]
    for _ in range(count):
        data = bytearray(good[generator.integers(len(good))])
        for _ in range(generator.integers(1, 4)):
            _damage(data, generator, other=good[generator.integers(len(good))])
        yield bytes(data)


def _damage(data: bytearray, generator: np.random.Generator, *, other: bytes) -> None:
    """Change the file in one of five ways, twice as often within its first 200 bytes as elsewhere."""
    reach = min(len(data), 200) if generator.random() < 2 / 3 else len(data)
    at = int(generator.integers(reach)) if reach else 0
    length = int(generator.integers(1, 64))
    match int(generator.integers(5)):
        case 0:
            data[at : at + 1] = bytes((data[at] ^ 1 << int(generator.integers(8)),)) if data else b""
        case 1:
            data[at : at + length] = generator.integers(0, 256, length, dtype=np.uint8).tobytes()
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = data[at : at + length]
        case _:
            start = int(generator.integers(len(other)))
            data[at : at + length] = other[start : start + length]

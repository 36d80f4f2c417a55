"""PNG files made by hand, chunk by chunk."""

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def ihdr(
    width: int = 32, height: int = 32, *, bits: int = 8, colour_type: int = 2, interlace: int = 0
) -> bytes:
    """A header chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlace))


def rows(width: int, height: int, *, samples: Sequence[int], bits: int = 8) -> bytes:
    """Unfiltered rows in which every pixel has the same samples."""
    if bits < 8:
        per_byte = 8 // bits
        packed = bytes((sum(samples[0] << bits * i for i in range(per_byte)),)) * -(-width // per_byte)
    else:
        packed = b"".join(sample.to_bytes(bits // 8, "big") for sample in samples) * width
    return (b"\0" + packed) * height


def png(
    *extra: bytes,
    samples: Sequence[int],
    width: int = 32,
    height: int = 32,
    bits: int = 8,
    colour_type: int = 2,
    interlace: int = 0,
    trailer: bytes = b"",
) -> bytes:
    """A whole file of one colour; `extra` chunks come between header and pixels."""
    head = ihdr(width, height, bits=bits, colour_type=colour_type, interlace=interlace)
    raw = (
        _interlaced(width, height, samples=samples, bits=bits)
        if interlace
        else rows(width, height, samples=samples, bits=bits)
    )
    pixels = chunk(b"IDAT", zlib.compress(raw, 9))
    return SIGNATURE + head + b"".join(extra) + pixels + chunk(b"IEND") + trailer


def _interlaced(width: int, height: int, *, samples: Sequence[int], bits: int) -> bytes:
    passes = ((-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _ADAM7)
    return b"".join(rows(w, h, samples=samples, bits=bits) for w, h in passes if w > 0 and h > 0)

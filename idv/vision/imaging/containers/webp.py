"""WebP (RFC 9649): a RIFF file with a lossy, a lossless or an extended first chunk."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers import exif
from idv.vision.imaging.containers.header import Header, corrupt, truncated

MAX_CHUNKS = 1000
_RIFF_HEAD, _CHUNK = 12, struct.Struct("<4sI")
_ANIMATION_FLAG, _ALPHA_FLAG = 0x02, 0x10
_LOSSY_START, _LOSSLESS_START = b"\x9d\x01\x2a", 0x2F
_EXIF_PREFIX = b"Exif\0\0"


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    end: int


class _Canvas(NamedTuple):
    width: int
    height: int
    alpha: bool


def matches(data: bytes) -> bool:
    """Whether the first bytes are those of a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read(data: bytes) -> Header:
    """The header of a WebP file. Raises MediaError, `media_animated` for an animation."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise truncated("the WebP image is complete")
    chunks = list(_chunks(data, end))
    if not chunks:
        raise corrupt("the WebP file has no pixels")
    canvas = _canvas(data, chunks[0])
    pixels = next((c for c in chunks if c.kind in (b"VP8 ", b"VP8L")), None)
    if pixels is None:
        raise corrupt("the WebP file has no pixels")
    return Header(
        media_type=MediaType.WEBP,
        width=canvas.width,
        height=canvas.height,
        metadata_end=pixels.start,
        end=min(end + (end & 1), len(data)),
        orientation=_orientation(data, chunks),
        alpha=canvas.alpha,
    )


def _chunks(data: bytes, end: int) -> Iterator[_Chunk]:
    at = _RIFF_HEAD
    for _ in range(MAX_CHUNKS):
        if at >= end:
            return
        if at + _CHUNK.size > end:
            raise truncated("a WebP chunk is complete")
        kind, length = _CHUNK.unpack_from(data, at)
        start = at + _CHUNK.size
        if start + length > end:
            raise truncated("a WebP chunk is complete")
        if kind in (b"ANIM", b"ANMF"):
            raise MediaError(MediaFault.ANIMATED, "animated WebP is not decoded")
        yield _Chunk(kind, start, start + length)
        at = start + length + (length & 1)
    raise corrupt("the WebP file has more chunks than any encoder writes")


def _canvas(data: bytes, chunk: _Chunk) -> _Canvas:
    """Size and transparency from the first chunk: 14-bit, 14-bit and 24-bit sizes (RFC 9649, 2.5 to 2.7)."""
    content = data[chunk.start : min(chunk.end, chunk.start + 10)]
    reader = {b"VP8 ": _lossy, b"VP8L": _lossless, b"VP8X": _extended}.get(chunk.kind)
    if reader is None or len(content) < {b"VP8L": 5}.get(chunk.kind, 10):
        raise corrupt("the WebP file does not begin with an image")
    return reader(content)


def _lossy(content: bytes) -> _Canvas:
    if content[3:6] != _LOSSY_START:
        raise corrupt("the WebP image has no start code")
    width, height = struct.unpack_from("<HH", content, 6)
    return _Canvas(width & 0x3FFF, height & 0x3FFF, alpha=False)


def _lossless(content: bytes) -> _Canvas:
    if content[0] != _LOSSLESS_START:
        raise corrupt("the WebP image has no start code")
    bits = int.from_bytes(content[1:5], "little")
    return _Canvas((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, alpha=bool(bits >> 28 & 1))


def _extended(content: bytes) -> _Canvas:
    if content[0] & _ANIMATION_FLAG:
        raise MediaError(MediaFault.ANIMATED, "animated WebP is not decoded")
    width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
    return _Canvas(width, height, alpha=bool(content[0] & _ALPHA_FLAG))


def _orientation(data: bytes, chunks: list[_Chunk]) -> int:
    block = next((data[c.start : c.end] for c in chunks if c.kind == b"EXIF"), b"")
    return exif.orientation(block.removeprefix(_EXIF_PREFIX))

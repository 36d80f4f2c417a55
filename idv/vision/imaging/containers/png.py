"""PNG (W3C, third edition): chunks up to IEND; checksums are the decoder's business."""

import struct

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers import exif
from idv.vision.imaging.containers.header import Colour, Header, corrupt, truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 20_000
"""20 MiB in the 8 KiB chunks of libpng are 2,560; more only costs time."""

_CHUNK = struct.Struct(">I4s")
_IHDR = struct.Struct(">IIBBBBB")
_CRC_BYTES = 4
_COLOURS = {
    0: (Colour.GREY, False),
    2: (Colour.COLOUR, False),
    3: (Colour.PALETTE, False),
    4: (Colour.GREY, True),
    6: (Colour.COLOUR, True),
}


def read(data: bytes) -> Header:
    """The header of a PNG file. Raises MediaError, `media_animated` for an APNG."""
    spans = _spans(data)
    first = next(iter(spans.get(b"IHDR", ())), None)
    if first is None or first[0] != len(SIGNATURE) + _CHUNK.size or first[1] - first[0] != _IHDR.size:
        raise corrupt("the PNG file does not begin with its header")
    if b"acTL" in spans:
        raise MediaError(MediaFault.ANIMATED, "animated PNG is not decoded")
    if b"CgBI" in spans:
        raise MediaError(MediaFault.TYPE_UNSUPPORTED, "the iPhone variant of PNG is not decoded")
    if b"IDAT" not in spans:
        raise corrupt("the PNG file has no pixels")
    width, height, bit_depth, colour_type, _, _, interlace = _IHDR.unpack_from(data, first[0])
    if colour_type not in _COLOURS:
        raise corrupt("the PNG file states an unknown colour type")
    colour, alpha = _COLOURS[colour_type]
    return Header(
        media_type=MediaType.PNG,
        width=width,
        height=height,
        metadata_end=spans[b"IDAT"][0][0],
        end=spans[b"IEND"][0][1] + _CRC_BYTES,
        orientation=_orientation(data, spans),
        bit_depth=bit_depth,
        colour=colour,
        alpha=alpha or b"tRNS" in spans,
        layered=interlace != 0,
    )


def _spans(data: bytes) -> dict[bytes, list[tuple[int, int]]]:
    """Start and end of the content of every chunk, by type."""
    spans: dict[bytes, list[tuple[int, int]]] = {}
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + _CHUNK.size > len(data):
            raise truncated("the PNG image is complete")
        length, kind = _CHUNK.unpack_from(data, at)
        start, end = at + _CHUNK.size, at + _CHUNK.size + length
        if end + _CRC_BYTES > len(data):
            raise truncated("a PNG chunk is complete")
        spans.setdefault(kind, []).append((start, end))
        if kind == b"IEND":
            return spans
        at = end + _CRC_BYTES
    raise corrupt("the PNG file has more chunks than any encoder writes")


def _orientation(data: bytes, spans: dict[bytes, list[tuple[int, int]]]) -> int:
    if b"eXIf" not in spans:
        return exif.UPRIGHT
    start, end = spans[b"eXIf"][0]
    return exif.orientation(data[start:end])

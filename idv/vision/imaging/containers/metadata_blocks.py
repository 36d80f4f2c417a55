"""Finds the metadata blocks of an encoded picture: EXIF, XMP, content credentials, editors' own blocks.

For files that were accepted for decoding. Nothing is decompressed or followed beyond the limits below, and a
file that breaks off gives what was found so far: metadata is never a reason to refuse a picture.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from idv.vision.imaging.containers import jpeg, png

MAX_BLOCK_BYTES = 1 << 20
"""Most that is kept of one kind of block."""
_MAX_BLOCKS = 4096
_MAX_TEXT_BYTES = 1 << 16
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_APP1, _APP11, _APP13, _APP_FIRST, _APP_LAST = 0xE1, 0xEB, 0xED, 0xE0, 0xEF
_SOS, _EOI, _FILL = 0xDA, 0xD9, 0xFF
_JUMBF = b"JP"
_JUMBF_HEAD = 8  # "JP", the box instance and the number of the packet
_PNG_XMP = b"XML:com.adobe.xmp"
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_RIFF_HEAD = 12


@dataclass
class MetadataBlocks:
    """What was found, (bytes) each, empty where there is none; personal data, never shown in a repr.

    `exif`: a TIFF block. `texts`: keyword -> text of PNG chunks. `photoshop`: whether an image resource block
    of that program is there; `credentials`: a JUMBF superbox of content credentials (C2PA), as it stands.
    """

    exif: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)
    credentials: bytes = field(default=b"", repr=False)
    texts: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    photoshop: bool = False


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """The blocks of a JPEG, PNG or WebP file; none of any other."""
    found = MetadataBlocks()
    if data.startswith(jpeg.SIGNATURE):
        _from_jpeg(data, found)
    elif data.startswith(png.SIGNATURE):
        _from_png(data, found)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _from_webp(data, found)
    return found


# --- JPEG -----------------------------------------------------------------------------------------------


def _from_jpeg(data: bytes, found: MetadataBlocks) -> None:
    for marker, content in _segments(data):
        if marker == _APP1 and content.startswith(_EXIF):
            found.exif = found.exif or content[len(_EXIF) :]
        elif marker == _APP1 and content.startswith(_XMP):
            found.xmp = found.xmp or content[len(_XMP) :]
        elif marker == _APP11 and content.startswith(_JUMBF):
            room = MAX_BLOCK_BYTES - len(found.credentials)
            found.credentials += content[_JUMBF_HEAD : _JUMBF_HEAD + room]
        elif marker == _APP13 and content.startswith(_PHOTOSHOP):
            found.photoshop = True


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of the application segments before the pixels."""
    at = 2
    for _ in range(_MAX_BLOCKS):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) or data[at] != _FILL:
            return
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (_SOS, _EOI) or length < 2:  # noqa: PLR2004 - the length counts its own two bytes
            return
        if _APP_FIRST <= marker <= _APP_LAST:
            yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


# --- PNG ------------------------------------------------------------------------------------------------


def _from_png(data: bytes, found: MetadataBlocks) -> None:
    for kind, start, end in _chunks(data):
        if kind == b"eXIf":
            found.exif = data[start : min(end, start + MAX_BLOCK_BYTES)]
        elif kind == b"caBX":
            found.credentials = data[start : min(end, start + MAX_BLOCK_BYTES)]
        elif kind in _PNG_TEXTS:
            _keep_text(kind, data[start : min(end, start + MAX_BLOCK_BYTES)], found)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = len(png.SIGNATURE)
    for _ in range(_MAX_BLOCKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, min(at + 8 + length, len(data))
        at += 12 + length


def _keep_text(kind: bytes, content: bytes, found: MetadataBlocks) -> None:
    keyword, _, rest = content.partition(b"\0")
    if kind == b"zTXt":
        text = _inflated(rest[1:])
    elif kind == b"iTXt":
        compressed = rest[:1] == b"\1"
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        text = _inflated(text) if compressed else text[:MAX_BLOCK_BYTES]
    else:
        text = rest[:_MAX_TEXT_BYTES]
    if keyword == _PNG_XMP:
        found.xmp = found.xmp or text
    elif len(found.texts) < 64:  # noqa: PLR2004 - far more than any program writes
        found.texts[keyword[:79]] = text


def _inflated(data: bytes) -> bytes:
    """As much as is allowed of a compressed text; a bomb or garbage gives little or nothing."""
    try:
        return zlib.decompressobj().decompress(data, _MAX_TEXT_BYTES)
    except zlib.error:
        return b""


# --- WebP -----------------------------------------------------------------------------------------------


def _from_webp(data: bytes, found: MetadataBlocks) -> None:
    at = _RIFF_HEAD
    for _ in range(_MAX_BLOCKS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        content = slice(at + 8, at + 8 + min(length, MAX_BLOCK_BYTES))
        if kind == b"EXIF":
            found.exif = data[content].removeprefix(_EXIF)
        elif kind == b"XMP ":
            found.xmp = data[content]
        elif kind == b"C2PA":
            found.credentials = data[content]
        at += 8 + length + (length & 1)

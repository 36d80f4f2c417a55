"""Small pictures with metadata for tests: EXIF, XMP, content credentials, PNG texts."""

import struct
import zlib
from collections.abc import Mapping

import cv2
import numpy as np

_ASCII, _LONG = 2, 4


def jpeg(width: int = 64, height: int = 48) -> bytes:
    """A grey JPEG without metadata."""
    _, data = cv2.imencode(".jpg", np.full((height, width, 3), 128, np.uint8))
    return bytes(data)


def with_segment(marker: int, content: bytes, data: bytes | None = None) -> bytes:
    """A JPEG with one more segment behind its start."""
    plain = jpeg() if data is None else data
    return plain[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + plain[2:]


def tiff(
    main: Mapping[int, str | int],
    own: Mapping[int, int] | None = None,
    thumbnail: bytes = b"",
) -> bytes:
    """A little-endian EXIF block: texts and numbers of the first directory, numbers of the second."""
    entries: dict[int, str | int] = dict(main)
    if own:
        entries[0x8769] = 0
    small = {0x0201: 0, 0x0202: len(thumbnail)} if thumbnail else {}
    first = 8 + 2 + 12 * len(entries) + 4
    second = first + (2 + 12 * len(own) + 4 if own else 0)
    data_at = second + (2 + 12 * len(small) + 4 if small else 0)
    texts = b""
    body = struct.pack("<H", len(entries))
    for tag, value in sorted(entries.items()):
        if isinstance(value, str):
            raw = value.encode("latin-1") + b"\0"
            inline = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", data_at + len(texts))
            texts += b"" if len(raw) <= 4 else raw
            body += struct.pack("<HHI", tag, _ASCII, len(raw)) + inline
        else:
            body += struct.pack("<HHII", tag, _LONG, 1, first if tag == 0x8769 else value)
    body += struct.pack("<I", second if small else 0)
    if own:
        body += struct.pack("<H", len(own))
        body += b"".join(struct.pack("<HHII", tag, _LONG, 1, value) for tag, value in sorted(own.items()))
        body += struct.pack("<I", 0)
    if small:
        small[0x0201] = data_at + len(texts)
        body += struct.pack("<H", len(small))
        body += b"".join(struct.pack("<HHII", tag, _LONG, 1, value) for tag, value in sorted(small.items()))
        body += struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8) + body + texts + thumbnail


def jpeg_with_exif(block: bytes) -> bytes:
    """A JPEG with an EXIF block."""
    return with_segment(0xE1, b"Exif\0\0" + block)


def jpeg_with_software(name: str) -> bytes:
    """A JPEG whose EXIF names a program."""
    return jpeg_with_exif(tiff({0x0131: name}))


def jpeg_with_xmp(packet: bytes) -> bytes:
    """A JPEG with an XMP packet."""
    return with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def jpeg_with_credentials(claim: bytes) -> bytes:
    """A JPEG with something like a C2PA manifest store that holds a text."""
    box = struct.pack(">I4s", 16 + len(claim), b"jumb") + b"c2pa\0\0\0\0" + claim
    return with_segment(0xEB, b"JP\0\1\0\0\0\1" + box)


def png_with_text(kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    _, data = cv2.imencode(".png", np.full((48, 64, 3), 128, np.uint8))
    plain = bytes(data)
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return plain[:33] + chunk + plain[33:]

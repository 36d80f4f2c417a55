"""JPEG files made by hand: a small encoder whose every marker can be bent."""

import struct
from collections.abc import Iterable

import cv2
import numpy as np

from idv.domain.arrays import RgbImage

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Huffman codes of the categories of a DC difference; the one AC code, 0, ends a block. All ones is reserved.
_DC_CODES = {0: "00", 2: "010", 3: "011", 4: "100", 5: "101", 6: "110", 7: "1110"}


def scene(width: int = 96, height: int = 64) -> RgbImage:
    """Four different quarters (red, green, blue, grey), so that every orientation is told apart."""
    image = np.empty((height, width, 3), np.uint8)
    top, left = slice(0, height // 2), slice(0, width // 2)
    image[:] = 128
    image[top, left] = (200, 30, 40)
    image[top, width // 2 :] = (30, 180, 60)
    image[height // 2 :, left] = (40, 60, 210)
    return image


def encoded(width: int = 96, height: int = 64, *options: int, kind: str = ".jpg") -> bytes:
    """The scene as OpenCV encodes it."""
    return bytes(cv2.imencode(kind, scene(width, height)[:, :, ::-1], options)[1])


def segment(marker: int, content: bytes = b"") -> bytes:
    """A marker with its length and content."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def behind_start(jpeg: bytes, *segments: bytes) -> bytes:
    """The file with segments put right behind its start."""
    return SOI + b"".join(segments) + jpeg[len(SOI) :]


def exif(orientation: int, *, order: str = "<") -> bytes:
    """An EXIF segment's content with one entry."""
    return b"Exif\0\0" + tiff(orientation, order=order)


def tiff(orientation: int, *, order: str = "<", directory: int = 8) -> bytes:
    """A TIFF block with one image file directory that holds the orientation alone."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", directory)
    return head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def frame(width: int, height: int, *, components: int = 3, bits: int = 8, marker: int = 0xC0) -> bytes:
    """A frame header."""
    parts = b"".join(bytes((index + 1, 0x11, 0)) for index in range(components))
    return segment(marker, struct.pack(">BHHB", bits, height, width, components) + parts)


def tables() -> bytes:
    """A flat quantisation table and the two Huffman tables that the coded data below use."""
    dc = bytes((0, 1, 5, 1, *[0] * 12)) + bytes(_DC_CODES)
    ac = bytes((1, *[0] * 15)) + b"\0"
    return segment(0xDB, b"\0" + bytes([8] * 64)) + segment(0xC4, b"\x00" + dc) + segment(0xC4, b"\x10" + ac)


def scan(blocks: int, levels: Iterable[int]) -> bytes:
    """A scan over all components in which every pixel of a component has the same level (0..255)."""
    levels = tuple(levels)
    parts = b"".join(bytes((index + 1, 0)) for index in range(len(levels)))
    first = "".join(_dc(level - 128) + "0" for level in levels)
    bits = first + "000" * len(levels) * (blocks - 1)
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return segment(0xDA, bytes((len(levels),)) + parts + b"\0\x3f\0") + coded


def _dc(difference: int) -> str:
    """Huffman code and bits of a DC difference: with 8 as the quantiser, one step is one level."""
    if difference == 0:
        return _DC_CODES[0]
    category = max(2, abs(difference).bit_length())
    if abs(difference) < 2 ** (category - 1):
        difference = 2 ** (category - 1) * (1 if difference > 0 else -1)
    value = difference if difference > 0 else difference + 2**category - 1
    return _DC_CODES[category] + f"{value:0{category}b}"


def flat(levels: Iterable[int], *, side: int = 32, adobe_transform: int | None = None) -> bytes:
    """A whole file of one colour with as many components as levels."""
    levels = tuple(levels)
    adobe = (
        b"" if adobe_transform is None else segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((adobe_transform,)))
    )
    head = SOI + adobe + tables() + frame(side, side, components=len(levels))
    return head + scan((side // 8) ** 2, levels) + EOI

"""The few EXIF tags that say what made a picture and how large it was (EXIF 2.32, sections 4.6.2 to 4.6.5).

Three directories at most are read, each once, so offsets that run in a circle lead nowhere.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY, _MAX_ENTRIES, _MAX_TEXT = 12, 512, 200
_ASCII, _SHORT, _LONG = 2, 3, 4
_MAKE, _MODEL, _SOFTWARE, _PROCESSING = 0x010F, 0x0110, 0x0131, 0x000B
_EXIF_DIRECTORY = 0x8769
_WIDTH, _HEIGHT = 0xA002, 0xA003
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 0x0201, 0x0202
_MAX_THUMBNAIL = 1 << 17

Values = Mapping[int, str | int]


@dataclass(frozen=True)
class ExifTags:
    """What the tags state; empty or 0 where they are absent. Personal data, never shown in a repr.

    `software`: all texts that name a program. `width`, `height`: px of the picture as stored when the camera
    wrote it. `thumbnail`: the small JPEG file beside it.
    """

    make: str = field(default="", repr=False)
    model: str = field(default="", repr=False)
    software: str = field(default="", repr=False)
    width: int = 0
    height: int = 0
    thumbnail: bytes = field(default=b"", repr=False)


def read_tags(tiff: bytes) -> ExifTags:
    """The tags of a TIFF block; those that cannot be read are left out."""
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return ExifTags()
    try:
        main, following = _directory(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
    except struct.error:
        return ExifTags()
    own = _linked(tiff, order, _number(main, _EXIF_DIRECTORY))
    small = _linked(tiff, order, following)
    start, size = _number(small, _THUMBNAIL_AT), _number(small, _THUMBNAIL_BYTES)
    return ExifTags(
        make=_text(main, _MAKE),
        model=_text(main, _MODEL),
        software=f"{_text(main, _SOFTWARE)} {_text(main, _PROCESSING)}".strip(),
        width=_number(own, _WIDTH),
        height=_number(own, _HEIGHT),
        thumbnail=tiff[start : start + min(size, _MAX_THUMBNAIL)] if start else b"",
    )


def _linked(tiff: bytes, order: str, at: int) -> Values:
    if not at:
        return {}
    try:
        return _directory(tiff, order, at)[0]
    except struct.error:
        return {}


def _directory(tiff: bytes, order: str, at: int) -> tuple[Values, int]:
    """Tag -> value of one directory, and the offset of the next. Raises struct.error where it breaks off."""
    (count,) = struct.unpack_from(order + "H", tiff, at)
    entries = range(at + 2, at + 2 + _ENTRY * min(count, _MAX_ENTRIES), _ENTRY)
    values = dict(pair for entry in entries for pair in _value(tiff, order, entry))
    following = tiff[at + 2 + _ENTRY * count :][:4]
    return values, struct.unpack(order + "I", following)[0] if len(following) == 4 else 0  # noqa: PLR2004 - bytes of an offset


def _value(tiff: bytes, order: str, entry: int) -> Iterator[tuple[int, str | int]]:
    tag, kind, count = struct.unpack_from(order + "HHI", tiff, entry)
    if kind == _SHORT:
        yield tag, struct.unpack_from(order + "H", tiff, entry + 8)[0]
    elif kind == _LONG:
        yield tag, struct.unpack_from(order + "I", tiff, entry + 8)[0]
    elif kind == _ASCII:
        at = entry + 8 if count <= 4 else struct.unpack_from(order + "I", tiff, entry + 8)[0]  # noqa: PLR2004 - bytes that fit the entry
        yield tag, tiff[at : at + min(count, _MAX_TEXT)].partition(b"\0")[0].decode("latin-1").strip()


def _text(values: Values, tag: int) -> str:
    found = values.get(tag, "")
    return found if isinstance(found, str) else ""


def _number(values: Values, tag: int) -> int:
    found = values.get(tag, 0)
    return found if isinstance(found, int) else 0

"""EXIF orientation out of a TIFF block (EXIF 2.32, section 4.6.2), ignoring everything else in it."""

import struct

UPRIGHT = 1
_ORIENTATION_TAG, _SHORT = 0x0112, 3
_ENTRY = 12
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(tiff: bytes) -> int:
    """Orientation 1..8 from the first image file directory; 1 where it is absent or malformed.

    A camera's broken metadata is no reason to refuse its picture.
    """
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + _ENTRY * index)
            if (tag, kind) == (_ORIENTATION_TAG, _SHORT):
                return value if value in range(1, 9) else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT

"""Reads the barcodes of documents, PDF417 and the square codes, from a level picture; payloads stay bytes."""

import cv2
import zxingcpp

from idv.documents.barcodes import MAXIMUM_BYTES
from idv.domain.arrays import RgbImage

_MAXIMUM_CODES = 8
_FORMATS = zxingcpp.barcode_formats_from_str("PDF417,QRCode,DataMatrix,Aztec")


def read_barcodes(pixels: RgbImage, *, across: bool = True) -> tuple[bytes, ...]:
    """Payloads in (H, W, 3) uint8 RGB, in the order found, each once.

    `across`: whether to look for codes of rows that stand on their side too, which takes twice as long.
    The picture must be level: PDF417 is read at 0, 3, 5, 90 and 180 degrees but not at 8, 15 or 30. Payloads
    are hostile: at most eight are taken, and none that is longer than a document's may be.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    found = zxingcpp.read_barcodes(grey, formats=_FORMATS, try_invert=False, try_rotate=across)
    payloads = (bytes(code.bytes) for code in found[:_MAXIMUM_CODES])
    return tuple(dict.fromkeys(p for p in payloads if 0 < len(p) <= MAXIMUM_BYTES))

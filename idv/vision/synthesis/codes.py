"""Draws the barcodes of documents: PDF417 with an AAMVA subfile, QR codes with the rows of an MRZ."""

import cv2
import numpy as np
import zxingcpp

from idv.documents.barcode_writer import AamvaRecord, aamva_payload
from idv.documents.document_types import BarcodeContent, BarcodeFormat, BarcodeZone
from idv.documents.transliteration import transliterate
from idv.domain.arrays import RgbImage
from idv.vision.synthesis.holders import Holder

_FORMATS = {
    BarcodeFormat.PDF417: zxingcpp.BarcodeFormat.PDF417,
    BarcodeFormat.QR_CODE: zxingcpp.BarcodeFormat.QRCode,
}


def payload(zone: BarcodeZone, holder: Holder, lines: tuple[str, ...]) -> bytes:
    """What the barcode of a holder's document states; `lines` are the rows of its machine-readable zone."""
    if zone.content is BarcodeContent.MRZ:
        return "\n".join(lines).encode("ascii")
    return aamva_payload(
        AamvaRecord(
            document_number=holder.document_number,
            surname=_latin(holder.surname),
            given_names=_latin(holder.given_names),
            sex=holder.sex,
            date_of_birth=holder.date_of_birth,
            date_of_issue=holder.date_of_issue,
            date_of_expiry=holder.date_of_expiry,
            issuing_state=holder.nationality,
            address=holder.address,
        )
    )


def _latin(name: str) -> str:
    return transliterate(name).replace("<", " ")


def draw_barcode(image: RgbImage, zone: BarcodeZone, content: bytes) -> None:
    """Print the code into its box: whole modules, quiet zone included, centred."""
    height, width = image.shape[:2]
    left, top, wide, tall = zone.box.pixels(width, height)
    image[top : top + tall, left : left + wide] = 250
    code = zxingcpp.create_barcode(content, _FORMATS[zone.format])
    modules = np.asarray(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=True))
    rows, columns = modules.shape[:2]
    scale = max(1, min(wide // columns, tall // rows))
    drawn = cv2.resize(modules, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    drawn = drawn[:tall, :wide]
    y, x = top + (tall - drawn.shape[0]) // 2, left + (wide - drawn.shape[1]) // 2
    image[y : y + drawn.shape[0], x : x + drawn.shape[1]] = np.maximum(drawn, 22)[..., None]

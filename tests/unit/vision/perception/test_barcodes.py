import cv2
import numpy as np
import pytest
import zxingcpp

from idv.domain.arrays import RgbImage
from idv.vision.perception.barcodes import read_barcodes

PAYLOAD = b"@\n\x1e\rANSI 636000080002DL00410039DLDAQT64235789\nDCSSAMPLE\n"


def card_with(*payloads: bytes, kind: str = "PDF417") -> RgbImage:
    """A pale card with barcodes one below the other."""
    card = np.full((900, 1000, 3), 235, np.uint8)
    top = 40
    for payload in payloads:
        code = zxingcpp.create_barcode(payload, zxingcpp.barcode_format_from_str(kind))
        image = np.array(zxingcpp.write_barcode_to_image(code, scale=3))
        height, width = image.shape[:2]
        card[top : top + height, 60 : 60 + width] = image[..., None] if image.ndim == 2 else image
        top += height + 60
    return card


@pytest.mark.parametrize("kind", ["PDF417", "QRCode"])
def test_a_payload_comes_back_byte_for_byte(kind: str) -> None:
    """Control characters included: text would have lost them."""
    assert read_barcodes(card_with(PAYLOAD, kind=kind)) == (PAYLOAD,)


def test_the_same_payload_twice_is_given_once() -> None:
    """Some cards print one code on both edges."""
    assert read_barcodes(card_with(b"SAME", b"SAME", kind="QRCode")) == (b"SAME",)


def test_a_document_on_its_head_is_read_too() -> None:
    """The code's own finder tells its direction."""
    card = card_with(PAYLOAD)
    assert read_barcodes(np.ascontiguousarray(card[::-1, ::-1])) == (PAYLOAD,)


def test_a_code_on_its_side_is_read_where_it_is_looked_for() -> None:
    """Which takes longer, so that it can be left out."""
    card = np.ascontiguousarray(np.rot90(card_with(PAYLOAD)))
    assert read_barcodes(card) == (PAYLOAD,)
    assert read_barcodes(card, across=False) == ()
    assert read_barcodes(card_with(PAYLOAD), across=False) == (PAYLOAD,)


def test_a_card_without_a_code_has_none() -> None:
    """Lines of print are no bars."""
    card = np.full((500, 800, 3), 230, np.uint8)
    cv2.putText(card, "IIIIIII IIIIII", (40, 250), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 3)
    assert read_barcodes(card) == ()

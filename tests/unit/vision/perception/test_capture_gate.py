"""Facts about captures that show too little of a document, or too many."""

import datetime as dt

import cv2
import numpy as np
import pytest

from idv.documents.document_types import Side, SideName, load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.vision.perception.capture_gate import another_document, capture_faults
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait

TYPES = {known.id: known for known in load_document_types()}
SIZE = (1200, 800)


def front(type_id: str = "xar_identity_card", *, seed: int = 1) -> RgbImage:
    """The front of a genuine card."""
    rng = np.random.default_rng(seed)
    holder = make_holder(TYPES[type_id], rng, today=dt.date(2026, 6, 1))
    return draw_card(TYPES[type_id], holder, draw_portrait(rng), rng, dpi=250).front.image


def placed(table: RgbImage, card: RgbImage, *, left: int, top: int, width: int) -> FloatArray:
    """Lay a card on the table, in place; its corners."""
    height = round(card.shape[0] * width / card.shape[1])
    table[top : top + height, left : left + width] = cv2.resize(
        card, (width, height), interpolation=cv2.INTER_AREA
    )
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def table() -> RgbImage:
    """A dark wooden table with a little grain."""
    rng = np.random.default_rng(3)
    plain = np.full((SIZE[1], SIZE[0], 3), (74, 60, 48), np.float32)
    return np.asarray(np.clip(plain + rng.normal(0, 2, plain.shape), 0, 255), np.uint8)


def faults(
    picture: RgbImage, corners: FloatArray, *, side: Side | None, reading: DocumentReading | None = None
) -> tuple[Reason, ...]:
    """What is wrong with a picture whose document lies at `corners`."""
    left, top, right, bottom = (round(float(v)) for v in (*corners[0], *corners[2]))
    view = DocumentView(corners, np.ascontiguousarray(picture[top:bottom, left:right]), 0.9)
    image = DecodedImage(picture, MediaType.JPEG, picture.shape[1], picture.shape[0])
    return capture_faults(image, view, side, reading or DocumentReading())


SIDE = TYPES["xar_identity_card"].sides[SideName.FRONT]


def test_a_good_capture_has_no_faults() -> None:
    """One card, lying flat, evenly lit."""
    picture = table()
    corners = placed(picture, front(), left=150, top=80, width=850)
    assert faults(picture, corners, side=SIDE) == ()


@pytest.mark.parametrize("zone", ["portrait", "surname"])
def test_a_reflection_over_a_zone_is_glare(zone: str) -> None:
    """The portrait, or one field, is white."""
    picture = table()
    corners = placed(picture, front(), left=150, top=80, width=850)
    field = next(f for f in SIDE.fields if f.name == "surname")
    box = SIDE.portrait if zone == "portrait" else field.box
    assert box is not None
    height = round(float(corners[2][1] - corners[0][1]))
    left, top, wide, high = box.pixels(850, height)
    picture[80 + top : 80 + top + high, 150 + left : 150 + left + wide] = 255
    assert faults(picture, corners, side=SIDE) == (Reason.DOCUMENT_GLARE,)


def test_a_reflection_beside_the_zones_is_no_fault() -> None:
    """Nothing that is read or compared lies there."""
    picture = table()
    corners = placed(picture, front(), left=150, top=80, width=850)
    picture[85:125, 150 + 700 : 150 + 840] = 255
    assert faults(picture, corners, side=SIDE) == ()


def test_a_second_document_is_named() -> None:
    """Two cards side by side; it does not matter which of them was found first."""
    picture = table()
    first = placed(picture, front(), left=40, top=200, width=520)
    second = placed(picture, front("uto_passport", seed=2), left=620, top=180, width=530)
    assert another_document(picture, first)
    assert another_document(picture, second)
    assert faults(picture, first, side=SIDE) == (Reason.SEVERAL_DOCUMENTS,)


def test_a_blank_card_beside_the_document_is_none() -> None:
    """A quadrilateral without print, such as a notebook."""
    picture = table()
    corners = placed(picture, front(), left=40, top=200, width=520)
    placed(picture, np.full((330, 530, 3), 225, np.uint8), left=620, top=200, width=530)
    assert not another_document(picture, corners)


def test_rows_too_fine_to_be_read_are_too_small() -> None:
    """A zone of 36 characters on 150 px that was not read; one that was read is fine enough."""
    picture = table()
    corners = placed(picture, front(), left=150, top=80, width=150)
    assert faults(picture, corners, side=SIDE) == (Reason.DOCUMENT_TOO_SMALL,)


def test_what_the_finder_noticed_comes_first() -> None:
    """Its reasons are kept, each once."""
    picture = table()
    corners = placed(picture, front(), left=150, top=80, width=850)
    view = DocumentView(
        corners, picture[80:680, 150:1000], 0.9, reasons=(Reason.DOCUMENT_BLURRED, Reason.DOCUMENT_BLURRED)
    )
    image = DecodedImage(picture, MediaType.JPEG, *SIZE)
    assert capture_faults(image, view, SIDE, DocumentReading()) == (Reason.DOCUMENT_BLURRED,)

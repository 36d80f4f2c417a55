import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.documents.mrz import parse
from idv.domain.arrays import RgbImage
from idv.domain.documents import FieldName, MrzFormat
from idv.vision.synthesis.cards import NONE, Contradictions, DrawnCard, draw_card
from idv.vision.synthesis.glyphs import RowGeometry, row_coverage
from idv.vision.synthesis.holders import Holder, make_holder, printed_fields

TODAY = dt.date(2026, 11, 22)
TYPES = tuple(load_document_types())
PORTRAIT = np.full((120, 100, 3), (10, 200, 30), np.uint8)
DPI = 200.0


def _holder(known: DocumentType) -> Holder:
    return make_holder(known, np.random.default_rng(4), today=TODAY)


def _drawn(known: DocumentType, *, seed: int = 1, mrz_holder: Holder | None = None) -> DrawnCard:
    rng = np.random.default_rng(seed)
    stated = Contradictions(mrz_holder=mrz_holder)
    return draw_card(known, _holder(known), PORTRAIT, rng, dpi=DPI, contradictions=stated)


def test_there_are_types_of_each_format() -> None:
    """Ten types and more: TD1 with its zone on the back, TD2 and TD3 with theirs on the front."""
    sides = {known.mrz.format: known.mrz_side for known in TYPES if known.mrz}
    assert len(TYPES) >= 10
    assert sides == {MrzFormat.TD1: "back", MrzFormat.TD2: "front", MrzFormat.TD3: "front"}


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.id)
def test_a_card_has_the_size_and_boxes_of_its_type(known: DocumentType) -> None:
    """Pixels follow millimetres, and boxes lie inside the picture."""
    card = _drawn(known)
    width_mm, height_mm = known.size_mm
    for side in (card.front, card.back):
        if side is None:
            continue
        height, width = side.image.shape[:2]
        assert width == round(width_mm / 25.4 * DPI)
        assert height == round(height_mm / 25.4 * DPI)
        boxes = [*side.field_boxes.values(), side.portrait_box, side.mrz_box]
        for left, top, wide, tall in filter(None, boxes):
            assert left + wide <= width
            assert top + tall <= height


ZONED = [known for known in TYPES if known.mrz]


@pytest.mark.parametrize("known", ZONED, ids=lambda known: known.id)
def test_the_drawn_rows_are_the_stated_rows(known: DocumentType) -> None:
    """Each row of the zone correlates with its own text where the type says it stands."""
    card = _drawn(known)
    side, geometry = card.mrz_side, RowGeometry.at(DPI / 25.4)
    assert side.mrz_box is not None
    left, top, _, tall = side.mrz_box
    step = (tall - geometry.cap_height) / (len(card.mrz_lines) - 1)
    for index, line in enumerate(card.mrz_lines):
        expected = row_coverage(line, geometry)
        y, x = round(top + index * step - geometry.pen), left - round(geometry.pen)
        dark = 255.0 - side.image[y : y + expected.shape[0], x : x + expected.shape[1]].mean(axis=2)
        fitting = expected[: dark.shape[0], : dark.shape[1]]
        assert np.corrcoef(dark.ravel(), fitting.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.id)
def test_the_portrait_and_fields_are_where_the_boxes_say(known: DocumentType) -> None:
    """The portrait's colour fills its box; every value leaves dark ink in its own."""
    card = _drawn(known)
    assert card.front.portrait_box is not None
    left, top, width, height = card.front.portrait_box
    middle = card.front.image[top + 5 : top + height - 5, left + 5 : left + width - 5].reshape(-1, 3)
    assert np.abs(middle.mean(axis=0) - (10, 200, 30)).max() < 5
    for x, y, wide, tall in card.front.field_boxes.values():
        assert card.front.image[y : y + tall, x : x + wide].min() < 70


def test_the_zone_can_contradict_the_print() -> None:
    """Another person's zone is valid in itself, and nothing printed changes."""
    known = next(known for known in TYPES if known.id == "uto_passport")
    holder = _holder(known)
    other = replace(holder, date_of_birth=dt.date(1950, 5, 5), surname="Other")
    plain, forged = _drawn(known), _drawn(known, mrz_holder=other)
    reading = parse(forged.mrz_lines, today=TODAY)
    assert reading.valid
    assert reading.fields[FieldName.DATE_OF_BIRTH] == "1950-05-05"
    assert forged.holder == plain.holder
    assert forged.front.mrz_box is not None
    top = forged.front.mrz_box[1] - 40
    assert np.array_equal(forged.front.image[:top], plain.front.image[:top])
    assert not np.array_equal(forged.front.image[top:], plain.front.image[top:])


def test_drawing_is_reproducible() -> None:
    """The same seed gives the same pixels, another seed another print of the same design."""
    known = TYPES[0]
    assert np.array_equal(_drawn(known).front.image, _drawn(known).front.image)
    difference = _drawn(known).front.image.astype(int) - _drawn(known, seed=2).front.image
    assert 0 < np.abs(difference).mean() < 6


@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (30, 30)])
def test_portraits_of_any_shape_fill_the_frame(shape: tuple[int, int]) -> None:
    """Tall, wide and tiny pictures are cut and scaled, never distorted into nothing."""
    known = TYPES[0]
    portrait = np.full((*shape, 3), 128, np.uint8)
    card = draw_card(known, _holder(known), portrait, np.random.default_rng(1), dpi=100)
    assert card.front.portrait_box is not None
    left, top, width, height = card.front.portrait_box
    inside = card.front.image[top + 3 : top + height - 3, left + 3 : left + width - 3]
    assert abs(float(inside.mean()) - 128) < 3


def test_a_ghost_is_a_pale_copy_of_the_portrait() -> None:
    """It darkens where the portrait is dark, and can be somebody else's."""
    known = next(known for known in TYPES if known.sides[SideName.FRONT].ghost)
    dark, bright = np.full((120, 100, 3), 20, np.uint8), np.full((120, 100, 3), 235, np.uint8)

    def ghost(portrait: RgbImage, contradictions: Contradictions = NONE) -> float:
        rng = np.random.default_rng(1)
        side = draw_card(known, _holder(known), portrait, rng, dpi=DPI, contradictions=contradictions).front
        assert side.ghost_box is not None
        left, top, width, height = side.ghost_box
        middle = side.image[
            top + height // 3 : top + 2 * height // 3, left + width // 3 : left + 2 * width // 3
        ]
        return float(middle.mean())

    assert ghost(dark) < ghost(bright) - 40
    assert ghost(bright, Contradictions(ghost_portrait=dark)) == pytest.approx(ghost(dark), abs=2)


def test_names_in_another_script_come_with_their_transliteration() -> None:
    """The zone of a Cyrillic type spells what the print spells after the stroke."""
    known = next(known for known in TYPES if known.script == "cyrillic")
    holder = _holder(known)
    printed = printed_fields(known, holder)[FieldName.SURNAME]
    native, _, latin = printed.partition(" / ")
    assert native == holder.surname.upper()
    assert parse(_drawn(known).mrz_lines, today=TODAY).fields[FieldName.SURNAME] == latin

"""Facts about finding labels and values on samples."""

import numpy as np
import pytest

from idv.documents.document_types import RelativeBox
from idv.domain.arrays import Array, RgbImage
from idv.domain.documents import FieldName
from idv.vision.imaging.geometry import Size
from idv.vision.models.ppocr_det import TextBox
from idv.vision.perception.type_zones import Line, find_fields, find_heading, find_labels, ink_of, line_of

SURNAME, BIRTH, SEX = FieldName.SURNAME, FieldName.DATE_OF_BIRTH, FieldName.SEX
LABEL = Line("Surname", 100, 100, 200, 124)


def printed(*boxes: tuple[int, int, int, int]) -> Array:
    """Ink of 1200 × 756 px: all of each box (left, top, right, bottom)."""
    ink = np.zeros((756, 1200), bool)
    for left, top, right, bottom in boxes:
        ink[top:bottom, left:right] = True
    return ink


LABEL_INK = (102, 103, 198, 120)
"""The label's own print: its baseline is at 120 px."""


def test_a_label_is_the_line_that_says_it() -> None:
    """Misread letters, other case and spaces do not matter; other lines are none."""
    lines = [Line("SURNAME/N0M", 100, 100, 300, 120), Line("Eriksson", 100, 130, 300, 160)]
    assert find_labels({SURNAME: "Surname / Nom", BIRTH: "Born"}, lines) == {SURNAME: lines[0]}


def test_labels_read_as_one_line_are_cut_apart() -> None:
    """Each gets its share of the line's characters, in the right order."""
    line = Line("Date of birthNationality", 100, 100, 340, 120)
    found = find_labels({BIRTH: "Date of birth", FieldName.NATIONALITY: "Nationality"}, [line])
    assert (found[BIRTH].left, found[FieldName.NATIONALITY].right) == (100, 340)
    assert found[BIRTH].right == pytest.approx(found[FieldName.NATIONALITY].left)


def test_a_short_word_inside_another_is_no_label() -> None:
    """`Sex` in `Essex` is part of a name."""
    assert find_labels({SEX: "Sex"}, [Line("Essex County", 0, 0, 100, 20)]) == {}


def test_a_value_stands_below_its_label() -> None:
    """Its box bounds it as types have it: capitals at 62 % of the height, the baseline at 80 %."""
    ink = printed(LABEL_INK, (104, 140, 400, 171))
    value = Line("", 96, 134, 410, 178)
    fields = find_fields({SURNAME: "Surname"}, {SURNAME: LABEL}, [[LABEL, value]] * 2, [ink, ink], ())
    (zone,) = fields.zones
    height = (171 - 120) / 0.924
    assert zone.box.height == pytest.approx(height / 756, abs=1e-3)
    assert zone.box.top == pytest.approx((171 - 0.8 * height) / 756, abs=1e-3)
    assert zone.box.left == pytest.approx(102 / 1200, abs=1e-3)
    assert zone.box.left + zone.box.width == pytest.approx(0.97 - 0.012, abs=1e-3)  # a name may be longer
    assert fields.missing == ()


def test_a_value_beside_its_label_is_found_too() -> None:
    """With nothing below, the nearest line to the right."""
    ink = printed(LABEL_INK, (230, 100, 330, 121))
    value = Line("", 226, 97, 336, 126)
    fields = find_fields({SURNAME: "Surname"}, {SURNAME: LABEL}, [[LABEL, value]], [ink], ())
    assert fields.zones[0].box.left == pytest.approx(230 / 1200, abs=1e-3)
    assert fields.zones[0].box.height == pytest.approx(21 / 0.62 / 756, abs=2e-3)


def test_a_value_reaches_to_the_next_thing_on_its_line() -> None:
    """Another label's left edge, or a zone that is taken, less a gap."""
    ink = printed(LABEL_INK, (104, 140, 300, 171))
    lines = [[LABEL, Line("", 96, 134, 310, 178)]]
    other = {SURNAME: LABEL, SEX: Line("Sex", 600, 101, 640, 124)}
    words = {SURNAME: "Surname"}
    (zone,) = find_fields(words, other, lines, [ink], ()).zones
    assert zone.box.left + zone.box.width == pytest.approx(0.5 - 0.012, abs=1e-3)
    taken = RelativeBox(0.4, 0.1, 0.2, 0.3)
    (zone,) = find_fields(words, {SURNAME: LABEL}, lines, [ink], (taken,)).zones
    assert zone.box.left + zone.box.width == pytest.approx(0.4 - 0.012, abs=1e-3)


def test_a_date_gets_room_for_little_more_than_the_longest_seen() -> None:
    """The box ends a letter or two after it, not at the next thing."""
    inks = [printed(LABEL_INK, (104, 140, right, 171)) for right in (290, 300)]
    lines = [[LABEL, Line("", 96, 134, 310, 178)]] * 2
    (zone,) = find_fields({BIRTH: "Born"}, {BIRTH: LABEL}, lines, inks, ()).zones
    height = zone.box.height * 756
    assert (zone.box.left + zone.box.width) * 1200 == pytest.approx(300 + height, abs=1.5)


def test_a_field_without_label_or_value_is_missing() -> None:
    """Not found on the side, or with nothing near on most samples."""
    words = {SURNAME: "Surname", SEX: "Sex"}
    fields = find_fields(words, {SURNAME: LABEL}, [[LABEL]] * 3, [printed(LABEL_INK)] * 3, ())
    assert fields.zones == ()
    assert fields.missing == (SURNAME, SEX)


def test_the_heading_begins_where_the_states_name_does() -> None:
    """Left and top by the place of the name in a heading; None where it is not printed."""
    line = Line("REPUBLIC OF UTOPIA", 276, 57, 700, 100)
    assert find_heading("Republic of Utopia", [line], Size(1200, 756)) == pytest.approx(
        (0.1, 0.0504), abs=1e-3
    )
    assert find_heading("FREISTAAT ARKADIEN", [line], Size(1200, 756)) is None


def test_print_is_ink_and_pale_lines_are_not() -> None:
    """A stroke that takes half the light counts, one that takes a tenth does not; shade does not matter."""
    picture: RgbImage = np.full((80, 120, 3), 120, np.uint8)
    picture[20:60, 30:34] = 60
    picture[20:60, 80:82] = 108
    ink = ink_of(picture)
    assert ink[30:50, 31:33].all()
    assert not ink[:, 70:].any()


def test_a_detected_line_becomes_its_hull() -> None:
    """The corners' extremes, with the text that was read."""
    box = TextBox(np.array([[10, 22], [90, 20], [91, 40], [11, 42]], np.float32), 0.9)
    assert line_of("x", box) == Line("x", 10, 20, 91, 42)

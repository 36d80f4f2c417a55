import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.dates import printed
from idv.documents.document_types import load_document_types
from idv.documents.viz import field_from_text, fields_from_lines, normalised, parse_printed_date
from idv.domain.documents import FieldName, TextLine, Zone


def _line(text: str, left: float, top: float, *, width: float = 200, confidence: float = 0.95) -> TextLine:
    corners = [[left, top], [left + width, top], [left + width, top + 20], [left, top + 20]]
    return TextLine(text, confidence, np.array(corners, np.float32))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("12 AUG 1974", "1974-08-12"),
        ("12AUG1974", "1974-08-12"),
        ("12 AUG/AOÛT 1974", "1974-08-12"),
        ("3 März 2020", "2020-03-03"),
        ("05 FÉV 1988", "1988-02-05"),
        ("01 ENE 2001", "2001-01-01"),
        ("15 MAI/MAY 68", "1968-05-15"),
        ("24 dic. 2031", "2031-12-24"),
        ("25 DEZ/DEC 31", "2031-12-25"),
        ("03.04.1999", "1999-04-03"),
        ("03/04/1999", "1999-04-03"),
        ("1999-04-03", "1999-04-03"),
        ("12/31/2001", "2001-12-31"),
        ("O1.1O.2O2O", "2020-10-01"),
        ("born 03.04.1999 in Utopia", "1999-04-03"),
        ("31.02.2020", None),
        ("45 AUG 1974", None),
        ("12 XYZ 1974", None),
        ("", None),
        ("L898902C3", None),
    ],
)
def test_printed_dates(text: str, date: str | None) -> None:
    """Numeric and named dates in four languages; what is no day is None."""
    found = parse_printed_date(text)
    assert (found.isoformat() if found else None) == date


def test_the_pattern_settles_the_order() -> None:
    """The same digits are April or March as the type prints them."""
    assert parse_printed_date("03/04/1999", pattern="MM/DD/YYYY") == dt.date(1999, 3, 4)
    assert parse_printed_date("03/04/1999", pattern="DD/MM/YYYY") == dt.date(1999, 4, 3)
    assert parse_printed_date("12/31/2001", pattern="DD/MM/YYYY") is None


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(["DD.MM.YYYY", "DD MMM YYYY", "MM/DD/YYYY", "YYYY-MM-DD"]),
)
def test_what_a_type_prints_is_parsed_back(date: dt.date, pattern: str) -> None:
    """Printing and parsing with one pattern is the identity."""
    assert parse_printed_date(printed(date, pattern), pattern=pattern) == date


@given(st.text(max_size=40))
def test_any_text_is_answered(text: str) -> None:
    """No text makes normalising raise, for any field."""
    for name in FieldName:
        value = normalised(name, text)
        assert value is None or value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (FieldName.SURNAME, " müller-groß ", "MÜLLER-GROSS"),
        (FieldName.SURNAME, "ER1K550N", "ERIKSSON"),
        (FieldName.GIVEN_NAMES, "ANNA  MARÍA.", "ANNA MARÍA"),
        (FieldName.GIVEN_NAMES, "42", "Z"),
        (FieldName.DOCUMENT_NUMBER, "L 898902-C3", "L898902C3"),
        (FieldName.DOCUMENT_NUMBER, "16.01.2029", None),
        (FieldName.SEX, "F", "F"),
        (FieldName.SEX, "M/M", "M"),
        (FieldName.SEX, "weiblich", None),
        (FieldName.SEX, "W", "F"),
        (FieldName.SEX, "FEMALE", "F"),
        (FieldName.SEX, "Masculin", "M"),
        (FieldName.NATIONALITY, "UT0", "UTO"),
        (FieldName.DATE_OF_BIRTH, "12 AUG 1974", "1974-08-12"),
        (FieldName.DATE_OF_BIRTH, "unknown", None),
        (FieldName.ADDRESS, " 7  Mill Lane ", "7 MILL LANE"),
    ],
)
def test_values_are_normalised(name: FieldName, text: str, value: str | None) -> None:
    """Each kind of field has one form, whatever the print looked like."""
    assert normalised(name, text) == value


def test_values_are_found_by_their_labels() -> None:
    """Below a label, beside it, after a colon, or after it on the same line."""
    lines = [
        _line("REPUBLIC OF UTOPIA", 0, -60),
        _line("Surname / Nom", 0, 0),
        _line("ERIKSSON", 0, 24),
        _line("Given names/Prenoms", 0, 60),
        _line("ANNA MARÍA", 0, 84),
        _line("Date of birth/Geburtsdatum", 0, 120),
        _line("Sex / Sexe", 300, 120, width=80),
        _line("12 AUG 1974", 0, 144),
        _line("F", 300, 144, width=20),
        _line("Document No: L898902C3", 0, 200),
        _line("Date of expiry 15.04.2032", 0, 240),
        _line("Nationality", 0, 280, width=90),
        _line("UTO", 110, 280, width=40),
        _line("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", 0, 400, width=700),
    ]
    found = {reading.name: reading.value for reading in fields_from_lines(lines)}
    assert found == {
        FieldName.SURNAME: "ERIKSSON",
        FieldName.GIVEN_NAMES: "ANNA MARÍA",
        FieldName.DATE_OF_BIRTH: "1974-08-12",
        FieldName.SEX: "F",
        FieldName.DOCUMENT_NUMBER: "L898902C3",
        FieldName.DATE_OF_EXPIRY: "2032-04-15",
        FieldName.NATIONALITY: "UTO",
    }


def test_a_misread_label_is_still_a_label() -> None:
    """A letter or two wrong in a long label is tolerated."""
    lines = [_line("Date of b1rth / Date de naissance", 0, 0), _line("12.08.1974", 0, 24)]
    assert [reading.value for reading in fields_from_lines(lines)] == ["1974-08-12"]


def test_labels_of_a_type_are_known_too() -> None:
    """The type's own words count, and its date order is used."""
    known = load_document_types().get("xar_identity_card")
    found = fields_from_lines([_line("Ausweisnummer / Document No.", 0, 0), _line("A12BC3456", 0, 24)], known)
    assert [(f.name, f.value, f.zone) for f in found] == [(FieldName.DOCUMENT_NUMBER, "A12BC3456", Zone.VIZ)]


def test_a_label_without_a_value_gives_nothing() -> None:
    """Neither another label nor a distant line is taken for the value."""
    lines = [_line("Surname", 0, 0), _line("Given names", 0, 24), _line("ANNA", 0, 500)]
    assert fields_from_lines(lines) == ()


def test_the_more_confident_of_two_readings_counts() -> None:
    """A field read twice is stated once."""
    lines = [
        _line("Document No: L898902C3", 0, 0, confidence=0.6),
        _line("Document No: L898902C4", 0, 60, confidence=0.9),
    ]
    assert [reading.value for reading in fields_from_lines(lines)] == ["L898902C4"]


def test_text_in_a_known_place_needs_no_label() -> None:
    """A crop of the field's zone is normalised by the field's kind."""
    reading = field_from_text(FieldName.DATE_OF_BIRTH, "12.08.1974", confidence=0.9)
    assert reading is not None
    assert (reading.value, reading.zone, reading.confidence) == ("1974-08-12", Zone.VIZ, 0.9)
    assert field_from_text(FieldName.DATE_OF_BIRTH, "—", confidence=0.9) is None


@pytest.mark.parametrize("text", ["4.08.1942", "14.08.42", "4 AUG 1942", "14 AUG 42"])
def test_a_date_cut_by_its_crop_is_no_date(text: str) -> None:
    """A type that prints two digits for a day never prints one; half a date would contradict the zone."""
    assert parse_printed_date(text, pattern="DD MMM YYYY") is None
    assert parse_printed_date(text) is not None


def test_a_letter_made_up_behind_a_year_is_let_pass() -> None:
    """One that no digit looks like; a digit too many or a word that goes on is no year."""
    assert parse_printed_date("09 JUL 1959a", pattern="DD MMM YYYY") == dt.date(1959, 7, 9)
    for text in ("09 JUL 1959O", "09 JUL 19591", "09 JUL 1959AX"):
        assert parse_printed_date(text, pattern="DD MMM YYYY") is None


def test_a_number_of_another_length_is_doubtful() -> None:
    """Half the confidence puts it below what counts as evidence."""
    known = load_document_types().get("xar_identity_card")
    cut, whole = (
        field_from_text(FieldName.DOCUMENT_NUMBER, text, confidence=0.96, document_type=known)
        for text in ("12UJ0273", "Q12UJ0273")
    )
    assert cut is not None
    assert whole is not None
    assert (cut.confidence, whole.confidence) == (0.48, 0.96)


@pytest.mark.parametrize(
    "text", ["MAMEN GIVEN NAMES", "Vornamen / Given names", "Given narnes", "Name / Surname"]
)
def test_the_label_in_place_of_the_value_is_no_value(text: str) -> None:
    """A crop that slipped shows the label; that is not the holder's name."""
    known = load_document_types().get("xar_identity_card")
    assert field_from_text(FieldName.GIVEN_NAMES, text, confidence=0.9, document_type=known) is None
    assert field_from_text(FieldName.GIVEN_NAMES, "EMEKA", confidence=0.9, document_type=known) is not None


def test_the_spaces_of_a_mask_are_no_part_of_the_number() -> None:
    """A number printed in groups is read at full confidence, a group short at half."""
    known = load_document_types().get("xhu_driving_licence")
    for text, confidence in (("02 26 400075 3", 0.9), ("02 26 400075", 0.45)):
        found = field_from_text(FieldName.DOCUMENT_NUMBER, text, confidence=0.9, document_type=known)
        assert found is not None
        assert found.confidence == confidence


def test_a_number_with_another_kind_of_character_is_doubtful() -> None:
    """A digit where the type prints a letter was misread, but for 0 and 1, which look like O and I."""
    known = load_document_types().get("xca_driving_licence")
    for text, confidence in (("V9022220", 0.9), ("39022220", 0.45), ("09022220", 0.9), ("VI022220", 0.9)):
        found = field_from_text(FieldName.DOCUMENT_NUMBER, text, confidence=0.9, document_type=known)
        assert found is not None
        assert found.confidence == confidence


def test_a_month_that_lost_its_first_digit_is_no_date() -> None:
    """`2/22/1960` is what is left of `12/22/1960` where months are printed with two digits."""
    assert parse_printed_date("12/22/1960", pattern="MM/DD/YYYY") is not None
    assert parse_printed_date("2/22/1960", pattern="MM/DD/YYYY") is None

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET, character_value
from idv.documents.mrz import (
    MrzError,
    composite_state,
    field_readings,
    formats,
    names_truncated,
    parse,
    unreadable_dates,
)
from idv.documents.mrz_layouts import LAYOUTS, Span, layout_of
from idv.domain.documents import DigitState, FieldName, MrzFormat, Zone

TODAY = dt.date(2011, 1, 1)
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
TD1_LONG_NUMBER = (
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
)
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
MRV_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<")
SPECIMENS = {
    MrzFormat.TD1: TD1,
    MrzFormat.TD2: TD2,
    MrzFormat.TD3: TD3,
    MrzFormat.MRV_A: MRV_A,
    MrzFormat.MRV_B: MRV_B,
}


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_the_specimens_of_the_standard_verify(mrz_format: MrzFormat) -> None:
    """Each specimen of ICAO Doc 9303 is recognised and every digit printed on it verifies."""
    reading = parse(SPECIMENS[mrz_format], today=TODAY)
    assert reading.format is mrz_format
    assert reading.valid
    assert set(reading.digits.values()) == {DigitState.VERIFIED}
    assert reading.fields[FieldName.SURNAME] == "ERIKSSON"
    assert reading.fields[FieldName.GIVEN_NAMES] == "ANNA MARIA"


def test_the_passport_specimen_is_read_field_by_field() -> None:
    """Dates become ISO values, fillers go, and the personal number has its own digit."""
    fields = parse(TD3, today=TODAY).fields
    assert dict(fields) == {
        FieldName.DOCUMENT_CODE: "P",
        FieldName.ISSUING_STATE: "UTO",
        FieldName.DOCUMENT_NUMBER: "L898902C3",
        FieldName.NATIONALITY: "UTO",
        FieldName.DATE_OF_BIRTH: "1974-08-12",
        FieldName.SEX: "F",
        FieldName.DATE_OF_EXPIRY: "2012-04-15",
        FieldName.PERSONAL_NUMBER: "ZE184226B",
        FieldName.SURNAME: "ERIKSSON",
        FieldName.GIVEN_NAMES: "ANNA MARIA",
    }


def test_a_long_document_number_goes_on_in_the_optional_data() -> None:
    """A filler for the digit announces the rest of the number and its digit (9303-5, 4.2.2.1)."""
    reading = parse(TD1_LONG_NUMBER, today=TODAY)
    assert reading.valid
    assert reading.digits["document_number"] is DigitState.VERIFIED
    assert reading.fields[FieldName.DOCUMENT_NUMBER] == "D23145890734"
    assert FieldName.OPTIONAL_DATA not in reading.fields


def test_an_empty_personal_number_may_have_no_digit() -> None:
    """A filler for the digit of an empty element is not printed, neither right nor wrong."""
    rows = (TD3[0], "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<6")
    reading = parse(rows, today=TODAY)
    assert reading.digits["personal_number"] is DigitState.NOT_PRINTED
    assert FieldName.PERSONAL_NUMBER not in reading.fields


def test_a_missing_digit_of_a_stated_element_is_refuted() -> None:
    """A filler where the layout wants a digit, with no continuation behind it, is wrong."""
    rows = ("I<UTOD23145890<<<<<<<<<<<<<<<<", *TD1[1:])
    assert parse(rows, today=TODAY).digits["document_number"] is DigitState.REFUTED


def test_visas_have_no_composite_digit() -> None:
    """Both visa formats end in optional data."""
    for mrz_format in (MrzFormat.MRV_A, MrzFormat.MRV_B):
        assert "composite" not in parse(SPECIMENS[mrz_format], today=TODAY).digits
    with pytest.raises(ValueError, match="no composite"):
        composite_state(LAYOUTS[MrzFormat.MRV_A], MRV_A)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ("P<UTO",),
        TD3[:1],
        (TD3[0], TD3[1][:-1]),
        (TD1[0], TD1[1]),
        (TD3[0].lower(), TD3[1]),
        ("V" * 30,) * 3,
    ],
)
def test_rows_of_no_layout_are_refused_without_repeating_them(rows: tuple[str, ...]) -> None:
    """Wrong counts, lengths and characters raise an error that holds none of the text."""
    with pytest.raises(MrzError) as caught:
        parse(rows, today=TODAY)
    assert "UTO" not in str(caught.value)
    assert "uto" not in str(caught.value)


def test_a_full_name_field_marks_truncated_names() -> None:
    """Only a letter in the last place says that names were cut."""
    cut = ("P<UTOBENNELONG<WOOLOOMOOLOO<WARRANDYTE<WARNAMB", TD3[1])
    assert names_truncated(parse((cut[0][:44], TD3[1]), today=TODAY))
    assert not names_truncated(parse(TD3, today=TODAY))


def test_a_date_that_cannot_be_is_left_out_and_named() -> None:
    """31 February is no field, but it is not silent either."""
    rows = (TD3[0], TD3[1].replace("7408122", "7402310"))
    reading = parse(rows, today=TODAY)
    assert FieldName.DATE_OF_BIRTH not in reading.fields
    assert unreadable_dates(reading) == (FieldName.DATE_OF_BIRTH,)
    assert unreadable_dates(parse(TD3, today=TODAY)) == ()


def test_an_unstated_sex_is_x() -> None:
    """ICAO prints a filler for an unspecified sex."""
    reading = parse((TD3[0], TD3[1].replace("2F1", "2<1")), today=TODAY)
    assert reading.fields[FieldName.SEX] == "X"


def test_field_readings_carry_zone_and_confidence() -> None:
    """Fields of a zone become readings of that zone."""
    readings = field_readings(parse(TD3, today=TODAY), confidence=0.9)
    assert {reading.zone for reading in readings} == {Zone.MRZ}
    assert {reading.confidence for reading in readings} == {0.9}
    assert "ERIKSSON" not in repr(readings)


@given(st.sampled_from(MrzFormat), st.data())
def test_one_wrong_character_under_a_digit_is_never_verified(
    mrz_format: MrzFormat, data: st.DataObject
) -> None:
    """Corrupting any checked character refutes a digit, unless the values are equal modulo 10."""
    rows, layout = SPECIMENS[mrz_format], LAYOUTS[mrz_format]
    element = data.draw(st.sampled_from([e for e in layout.elements if e.digit is not None]))
    place = data.draw(st.integers(element.span.start, element.span.stop - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    row = rows[element.span.row]
    if (character_value(other) - character_value(row[place])) % 10 == 0:
        return
    changed = list(rows)
    changed[element.span.row] = row[:place] + other + row[place + 1 :]
    reading = parse(changed, today=TODAY)
    assert reading.digits[element.name.value] is DigitState.REFUTED
    assert not reading.valid


@given(st.sampled_from(MrzFormat), st.data())
def test_any_rows_of_the_right_shape_are_answered(mrz_format: MrzFormat, data: st.DataObject) -> None:
    """No text of the alphabet raises, whatever it states."""
    layout = LAYOUTS[mrz_format]
    row = st.text(alphabet=ALPHABET, min_size=layout.columns, max_size=layout.columns)
    rows = tuple(data.draw(row) for _ in range(layout.rows))
    if layout_of(rows) is None:
        return
    assert parse(rows, today=TODAY).lines == rows


def test_layouts_cover_their_rows_without_overlap() -> None:
    """Every character belongs to exactly one element, digit or name field in each format."""
    assert formats() == tuple(MrzFormat)
    for layout in LAYOUTS.values():
        taken: list[Span | None] = [e.span for e in layout.elements]
        taken += [e.digit_span for e in layout.elements]
        taken += [layout.names, layout.composite_digit, layout.second_optional]
        places = [
            (span.row, column)
            for span in taken
            if span is not None
            for column in range(span.start, span.stop)
        ]
        assert len(places) == len(set(places)) == layout.rows * layout.columns

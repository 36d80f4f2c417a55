import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.document_types import load_document_types
from idv.documents.mrz import parse
from idv.documents.mrz_layouts import LAYOUTS
from idv.documents.mrz_writer import MrzRecord, write
from idv.documents.repair import explained_by_look_alikes, read_mrz, repaired_mrz
from idv.domain.documents import DigitState, MrzFormat

TODAY = dt.date(2026, 11, 22)
LOOK_ALIKES = {"0": "O", "O": "0"}
FORMATS = st.sampled_from(MrzFormat)
NUMBERS = st.text(string.ascii_uppercase + string.digits, min_size=5, max_size=9)


def _rows_of(mrz_format: MrzFormat, number: str = "L898902C3", optional: str = "ZE184") -> tuple[str, ...]:
    code = "V" if mrz_format.value.startswith("MRV") else "P" if mrz_format is MrzFormat.TD3 else "ID"
    record = MrzRecord(
        code,
        "UTO",
        number,
        "Eriksson",
        "Anna María",
        "UTO",
        dt.date(1974, 8, 12),
        "F",
        dt.date(2031, 4, 15),
        optional,
    )
    return write(mrz_format, record)


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_clean_rows_stay_as_they_are(mrz_format: MrzFormat) -> None:
    """Nothing is folded, aligned or repaired in a zone that verifies."""
    rows = _rows_of(mrz_format)
    found = read_mrz(rows, today=TODAY)
    assert found is not None
    assert found.reading == parse(rows, today=TODAY)
    assert (found.folded, found.aligned, found.reading.repairs) == (0, 0, 0)


@given(FORMATS, NUMBERS)
def test_letters_among_digits_are_folded(mrz_format: MrzFormat, number: str) -> None:
    """An OCR that writes O for every 0 of a date is corrected by the alphabet alone."""
    rows = _rows_of(mrz_format, number)
    layout = LAYOUTS[mrz_format]
    noisy = [list(row) for row in rows]
    for element in layout.elements:
        if element.name.value.startswith("date"):
            for column in range(element.span.start, element.span.stop):
                noisy[element.span.row][column] = noisy[element.span.row][column].replace("0", "O")
    found = read_mrz(["".join(row) for row in noisy], today=TODAY)
    assert found is not None
    assert found.reading.lines == rows
    assert found.reading.repairs == 0
    assert found.folded > 0


@given(FORMATS, NUMBERS, st.data())
def test_a_look_alike_is_repaired_exactly_or_reported(
    mrz_format: MrzFormat, number: str, data: st.DataObject
) -> None:
    """One misread look-alike under a digit comes back as printed or stays refuted, never anything else."""
    rows = _rows_of(mrz_format, number)
    layout = LAYOUTS[mrz_format]
    places = [
        (element.span.row, column)
        for element in layout.elements
        if element.digit is not None
        for column in range(element.span.start, element.span.stop)
        if rows[element.span.row][column] in LOOK_ALIKES
    ]
    row, column = data.draw(st.sampled_from(places))
    noisy = [list(text) for text in rows]
    noisy[row][column] = LOOK_ALIKES[noisy[row][column]]
    found = read_mrz(["".join(text) for text in noisy], today=TODAY)
    assert found is not None
    if found.reading.valid:
        assert found.reading.lines == rows
    else:
        assert DigitState.REFUTED in found.reading.digits.values()
        assert found.reading.repairs == 0
        assert explained_by_look_alikes(found.reading)


def test_a_single_look_alike_is_repaired_and_counted() -> None:
    """`0` for a printed `O` in a document number has one explanation."""
    rows = _rows_of(MrzFormat.TD3, "L3499AOC3")
    noisy = (rows[0], rows[1].replace("AOC", "A0C"))
    found = read_mrz(noisy, today=TODAY)
    assert found is not None
    assert found.reading.lines == rows
    assert found.reading.repairs == 1


@given(FORMATS, NUMBERS, st.integers(0, 200))
def test_rows_of_exact_length_need_no_other_layout(mrz_format: MrzFormat, number: str, place: int) -> None:
    """Trying only layouts of that shape ends as trying all does, with one look-alike misread or none."""
    rows = list(_rows_of(mrz_format, number))
    row, column = place % len(rows), place % len(rows[0])
    character = rows[row][column]
    rows[row] = rows[row][:column] + LOOK_ALIKES.get(character, character) + rows[row][column + 1 :]
    assert repaired_mrz(rows, today=TODAY) == read_mrz(rows, today=TODAY)


def test_two_explanations_are_no_repair() -> None:
    """Where two readings of the look-alikes verify, the rows stay as read."""
    ambiguous = 0
    for number in ("0O0O0O0O0", "00O00O00O", "O0O0O0O00"):
        rows = _rows_of(MrzFormat.MRV_A, number)
        misread = number.replace("O", "0")
        noisy = (rows[0], rows[1].replace(number, misread, 1))
        if parse(noisy, today=TODAY).valid:
            continue
        found = read_mrz(noisy, today=TODAY)
        assert found is not None
        assert found.reading.lines == noisy
        assert found.reading.repairs == 0
        ambiguous += 1
    assert ambiguous > 0


def test_data_that_only_the_composite_covers_is_repaired() -> None:
    """Optional data has no digit of its own, but the composite proves a single look-alike."""
    rows = _rows_of(MrzFormat.TD1, "ABC346779", "7EO46")
    noisy = (rows[0].replace("7EO46", "7E046"), *rows[1:])
    found = read_mrz(noisy, today=TODAY)
    assert found is not None
    assert found.reading.lines == rows
    assert found.reading.repairs == 1


def test_the_mask_of_a_known_type_settles_what_digits_cannot() -> None:
    """Utopia's identity cards begin with two letters, so 00 there is OO."""
    number = "OO0000000"
    rows = _rows_of(MrzFormat.TD1, number, "00000000000")
    noisy = (rows[0].replace("UTOOO0", "UT0000"), *rows[1:])
    assert noisy != rows
    without = read_mrz(noisy, today=TODAY)
    found = read_mrz(noisy, today=TODAY, types=load_document_types())
    assert found is not None
    assert without is not None
    assert found.reading.lines == rows
    assert found.reading.repairs == 0
    assert without.reading.lines != rows


@given(FORMATS, st.integers(1, 6), st.booleans())
def test_trailing_fillers_lost_or_doubled_are_restored(
    mrz_format: MrzFormat,
    count: int,
    lost: bool,  # noqa: FBT001 - Hypothesis passes arguments by position
) -> None:
    """The closing run of the names is as long as the layout says, whatever the OCR counted."""
    rows = list(_rows_of(mrz_format))
    index = LAYOUTS[mrz_format].names.row
    noisy = list(rows)
    noisy[index] = (
        rows[index][:-count] if lost and rows[index].endswith("<" * count) else rows[index] + "<" * count
    )
    found = read_mrz(noisy, today=TODAY)
    assert found is not None
    assert list(found.reading.lines) == rows
    assert found.aligned == count


@given(FORMATS, st.data())
def test_fillers_lost_inside_a_checked_row_are_restored_where_digits_prove_it(
    mrz_format: MrzFormat, data: st.DataObject
) -> None:
    """A short document number leaves a run of fillers before its digit; the digits show its true length."""
    rows = _rows_of(mrz_format, "AB346", "")
    row = LAYOUTS[mrz_format].elements[2].span.row
    count = data.draw(st.integers(1, 3))
    noisy = list(rows)
    noisy[row] = rows[row].replace("AB346<<<<", "AB346" + "<" * (4 - count), 1)
    found = read_mrz(noisy, today=TODAY)
    assert found is not None
    assert found.reading.lines == rows


def test_rows_around_the_zone_are_passed_over() -> None:
    """The zone is found among other lines, in lower case and with spaces."""
    rows = _rows_of(MrzFormat.TD3)
    noisy = ["REPUBLIC OF UTOPIA", "12 AUG 1974", rows[0].lower(), " ".join(rows[1]), "2026"]
    found = read_mrz(noisy, today=TODAY)
    assert found is not None
    assert found.reading.lines == rows


@given(st.lists(st.text(string.ascii_uppercase + " ", min_size=20, max_size=50), max_size=4))
def test_prose_is_no_zone(rows: list[str]) -> None:
    """Text without digits and fillers never becomes a machine-readable zone."""
    assert read_mrz(rows, today=TODAY) is None


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_rows_are_answered(rows: list[str]) -> None:
    """Whatever an OCR gives, nothing raises."""
    found = read_mrz(rows, today=TODAY)
    assert found is None or found.reading.format in MrzFormat


@given(FORMATS, st.data())
def test_a_wrong_digit_that_no_look_alike_explains_stays_refuted(
    mrz_format: MrzFormat, data: st.DataObject
) -> None:
    """A birth date altered by hand is reported as such; it is not repaired and not excused."""
    rows = _rows_of(mrz_format)
    layout = LAYOUTS[mrz_format]
    span = next(e.span for e in layout.elements if e.name.value == "date_of_birth")
    column = data.draw(st.integers(span.start, span.stop - 1))
    old = rows[span.row][column]
    new = data.draw(st.sampled_from([d for d in string.digits if d != old]))
    altered = list(rows)
    altered[span.row] = rows[span.row][:column] + new + rows[span.row][column + 1 :]
    found = read_mrz(altered, today=TODAY)
    assert found is not None
    assert found.reading.digits["date_of_birth"] is DigitState.REFUTED
    assert list(found.reading.lines) == altered
    assert not explained_by_look_alikes(found.reading)


def test_a_wrong_composite_alone_may_be_explained_by_optional_data() -> None:
    """Only data that no other digit covers can excuse a refuted composite."""
    rows = _rows_of(MrzFormat.TD1, "ABC346779", "7EO46")
    excused = parse((rows[0].replace("7EO46", "7E046"), *rows[1:]), today=TODAY)
    wrong = "3" if rows[1][-1] != "3" else "4"
    forged = parse((rows[0].replace("7EO46", "7EA46"), rows[1][:-1] + wrong, rows[2]), today=TODAY)
    assert explained_by_look_alikes(excused)
    assert not explained_by_look_alikes(forged)

import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET
from idv.documents.mrz import names_truncated, parse
from idv.documents.mrz_layouts import COMPOSITE
from idv.documents.mrz_writer import MrzRecord, name_field, with_check_digits, write
from idv.domain.documents import DigitState, FieldName, MrzFormat

TODAY = dt.date(2026, 11, 22)
WORDS = st.lists(st.text(string.ascii_uppercase, min_size=1, max_size=14), min_size=1, max_size=3).map(
    " ".join
)
NUMBERS = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=9)
SPECIMEN = MrzRecord(
    document_code="P",
    issuing_state="UTO",
    document_number="L898902C3",
    surname="Eriksson",
    given_names="Anna Maria",
    nationality="UTO",
    date_of_birth=dt.date(1974, 8, 12),
    sex="F",
    date_of_expiry=dt.date(2012, 4, 15),
    optional_data="ZE184226B",
)


def test_the_passport_specimen_of_the_standard() -> None:
    """Writing the specimen's data gives the rows printed in ICAO Doc 9303-4."""
    assert write(MrzFormat.TD3, SPECIMEN) == (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    )


def test_a_long_number_continues_with_its_digit() -> None:
    """The example of ICAO Doc 9303-5 with twelve characters."""
    record = MrzRecord(
        "I",
        "UTO",
        "D23145890734",
        "Stevenson",
        "Peter John",
        "UTO",
        dt.date(1934, 7, 12),
        "M",
        dt.date(1995, 7, 12),
    )
    assert write(MrzFormat.TD1, record) == (
        "I<UTOD23145890<7349<<<<<<<<<<<",
        "3407127M9507122UTO<<<<<<<<<<<2",
        "STEVENSON<<PETER<JOHN<<<<<<<<<",
    )


@given(
    mrz_format=st.sampled_from(MrzFormat),
    surname=WORDS,
    given_names=WORDS,
    number=NUMBERS,
    optional=st.text(string.ascii_uppercase + string.digits, max_size=7),
    born=st.dates(dt.date(1927, 1, 1), TODAY),
    expires=st.dates(dt.date(2000, 1, 1), dt.date(2070, 1, 1)),
    sex=st.sampled_from("MFX"),
)
def test_what_is_written_is_read_back(
    mrz_format: MrzFormat,
    surname: str,
    given_names: str,
    number: str,
    optional: str,
    born: dt.date,
    expires: dt.date,
    sex: str,
) -> None:
    """Every digit verifies and every field comes back, names up to the cut that the zone itself marks."""
    code = "V" if mrz_format.value.startswith("MRV") else "I"
    record = MrzRecord(code, "UTO", number, surname, given_names, "XAR", born, sex, expires, optional)
    rows = write(mrz_format, record)
    reading = parse(rows, today=TODAY)
    assert reading.format is mrz_format
    assert DigitState.REFUTED not in reading.digits.values()
    assert reading.fields[FieldName.DOCUMENT_NUMBER] == number
    assert reading.fields[FieldName.DATE_OF_BIRTH] == born.isoformat()
    assert reading.fields[FieldName.DATE_OF_EXPIRY] == expires.isoformat()
    assert reading.fields[FieldName.SEX] == sex
    place = FieldName.PERSONAL_NUMBER if mrz_format is MrzFormat.TD3 else FieldName.OPTIONAL_DATA
    assert reading.fields.get(place, "") == optional
    if not names_truncated(reading):
        assert reading.fields[FieldName.SURNAME] == surname
        assert reading.fields[FieldName.GIVEN_NAMES] == given_names
    assert parse(rows, today=TODAY).lines == rows


@given(surname=WORDS, given_names=WORDS | st.just(""), width=st.sampled_from([30, 31, 39]))
def test_a_name_field_is_full_or_whole(surname: str, given_names: str, width: int) -> None:
    """Either everything fits before a filler, or the last place holds a letter."""
    text = name_field(surname, given_names, width=width)
    assert len(text) == width
    assert set(text) <= set(ALPHABET)
    whole = f"{surname}<<{given_names}" if given_names else surname
    whole = whole.replace(" ", "<")
    assert text.rstrip("<") == whole or text[-1] != "<"


def test_a_long_primary_identifier_leaves_room_for_the_secondary() -> None:
    """One letter of the given names survives, after the separator."""
    assert name_field("A" * 50, "BETA", width=39) == "A" * 36 + "<<B"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"document_number": "TOOLONG12345"}, "room"),
        ({"issuing_state": "uto"}, "alphabet"),
        ({"optional_data": "9" * 20}, "fit"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, str], field: str) -> None:
    """Nothing is cut silently but names, and nothing outside the alphabet is printed."""
    with pytest.raises(ValueError, match=field):
        write(MrzFormat.TD3, MrzRecord(**{**SPECIMEN.__dict__, **change}))


def test_digits_can_be_computed_again() -> None:
    """An altered zone with fresh digits is consistent in itself."""
    rows = write(MrzFormat.TD3, SPECIMEN)
    altered = (rows[0], rows[1].replace("740812", "840812"))
    assert not parse(altered, today=TODAY).valid
    again = parse(with_check_digits(MrzFormat.TD3, altered), today=TODAY)
    assert again.valid
    assert again.digits[COMPOSITE] is DigitState.VERIFIED

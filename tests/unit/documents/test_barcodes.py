import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.barcodes import (
    MAXIMUM_BYTES,
    BarcodeError,
    opaque_text,
    parse_aamva,
    parse_rows,
    read_payload,
)
from idv.domain.documents import FieldName, Zone

HEADER = b"@\n\x1e\rANSI 636000100002DL00410278ZV03190008"
BODY = (
    b"DLDAQT64235789\nDCSSAMPLE\nDDEN\nDACMICHAEL\nDDFN\nDADJOHN\nDDGN\nDCUJR\nDCAD\nDBD08242015\nDBB01311970\n"
    b"DBA01312035\nDBC1\nDAG2300 WEST BROAD STREET\nDAIRICHMOND\nDCGUSA\r"
)


def _values(payload: bytes) -> dict[FieldName, str]:
    return {reading.name: reading.value for reading in parse_aamva(payload)}


def test_a_licence_of_the_standard() -> None:
    """The elements the service needs, dates as ISO values, first and middle name together."""
    assert _values(HEADER + BODY) == {
        FieldName.DOCUMENT_NUMBER: "T64235789",
        FieldName.SURNAME: "SAMPLE",
        FieldName.GIVEN_NAMES: "MICHAEL JOHN",
        FieldName.DATE_OF_BIRTH: "1970-01-31",
        FieldName.DATE_OF_EXPIRY: "2035-01-31",
        FieldName.DATE_OF_ISSUE: "2015-08-24",
        FieldName.SEX: "M",
        FieldName.ISSUING_STATE: "USA",
        FieldName.ADDRESS: "2300 WEST BROAD STREET, RICHMOND",
    }
    assert {reading.zone for reading in parse_aamva(HEADER + BODY)} == {Zone.BARCODE}


def test_canadian_dates_begin_with_the_year() -> None:
    """The country settles the order of a date's digits."""
    body = BODY.replace(b"DCGUSA", b"DCGCAN").replace(b"01311970", b"19700131")
    assert _values(HEADER + body)[FieldName.DATE_OF_BIRTH] == "1970-01-31"


def test_an_undivided_name_of_an_older_card() -> None:
    """`DAA` holds surname, first and middle name between commas."""
    found = _values(HEADER + b"DLDAQ1\nDAASAMPLE,MICHAEL,JOHN\n")
    assert (found[FieldName.SURNAME], found[FieldName.GIVEN_NAMES]) == ("SAMPLE", "MICHAEL JOHN")


def test_what_is_not_stated_is_left_out() -> None:
    """NONE, unavailable and impossible values give no field; the first of two elements counts."""
    found = _values(HEADER + b"DLDAQ1\nDCSNONE\nDACunavl\nDBB02301970\nDBC7\nDAQ2\n")
    assert found == {FieldName.DOCUMENT_NUMBER: "1"}


@pytest.mark.parametrize(
    "payload",
    [b"", b"@", b"https://example.org", HEADER, HEADER + b"\xff" * 20, HEADER + BODY + b"x" * MAXIMUM_BYTES],
)
def test_other_payloads_are_refused_without_repeating_them(payload: bytes) -> None:
    """No header, no elements or too many bytes is a BarcodeError, and no fields from the lenient door."""
    with pytest.raises(BarcodeError) as caught:
        parse_aamva(payload)
    assert "example" not in str(caught.value)
    assert read_payload(payload) == ()


@given(st.binary(max_size=600), st.booleans())
def test_hostile_payloads_never_raise_anything_else(noise: bytes, with_header: bool) -> None:  # noqa: FBT001
    """Any bytes, with or without a genuine header, give fields or nothing."""
    for reading in read_payload(HEADER + BODY[:40] + noise if with_header else noise):
        assert reading.value


def test_unknown_payloads_are_opaque_text() -> None:
    """Bounded, decodable and free of control characters, whatever they are."""
    assert opaque_text(b"https://example.org\x00\x1b[31m") == "https://example.org[31m"
    assert opaque_text(b"\xff") == "\ufffd"
    assert len(opaque_text(b"a" * 10_000)) == MAXIMUM_BYTES


TODAY = dt.date(2026, 11, 22)
ROWS = b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"


def test_the_rows_of_a_zone_in_a_code_are_read() -> None:
    """Rows of a layout give its fields; fewer, longer or other characters give nothing."""
    found = parse_rows(ROWS, today=TODAY)
    assert found is not None
    assert found.valid
    assert found.fields[FieldName.SURNAME] == "ERIKSSON"
    for other in (ROWS[:50], ROWS + b"<", ROWS.lower(), b"", b"https://example.org"):
        assert parse_rows(other, today=TODAY) is None


@given(st.binary(max_size=200))
def test_no_payload_breaks_the_reader_of_rows(payload: bytes) -> None:
    """Hostile bytes are no zone."""
    assert parse_rows(payload, today=TODAY) is None

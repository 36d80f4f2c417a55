import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import check_digit
from idv.documents.consistency import Inconsistency, inconsistencies
from idv.documents.mrz import field_readings, parse
from idv.domain.documents import DocumentReading, FieldName, FieldReading, MrzReading, Zone
from idv.domain.reasons import Reason

TODAY = dt.date(2011, 1, 1)
NAMES = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
DATA = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def _mrz(names: str = NAMES, data: str = DATA) -> MrzReading:
    return parse((names, data), today=TODAY)


def _reading(
    *fields: tuple[FieldName, str, Zone], zone: MrzReading | None = None, confidence: float = 0.95
) -> DocumentReading:
    printed = tuple(FieldReading(name, value, at, confidence) for name, value, at in fields)
    return DocumentReading(
        document_type="known",
        mrz=zone,
        fields=printed + (field_readings(zone, confidence=0.95) if zone else ()),
    )


def _found(*readings: DocumentReading, today: dt.date = TODAY) -> list[tuple[Reason, FieldName | None]]:
    return [(item.reason, item.field) for item in inconsistencies(readings, today=today)]


def _viz(name: FieldName, value: str) -> tuple[FieldName, str, Zone]:
    return (name, value, Zone.VIZ)


def test_agreeing_zones_give_nothing() -> None:
    """The specimen with its own printed fields is consistent, across look-alikes and diacritics."""
    printed = _reading(
        _viz(FieldName.SURNAME, "ÉRIKSSON"),
        _viz(FieldName.GIVEN_NAMES, "ANNA MARÍA"),
        _viz(FieldName.DATE_OF_BIRTH, "1974-08-12"),
        _viz(FieldName.DATE_OF_EXPIRY, "2012-04-15"),
        _viz(FieldName.DOCUMENT_NUMBER, "L8989O2C3"),
        _viz(FieldName.SEX, "F"),
        _viz(FieldName.NATIONALITY, "UTOPIAN"),
        zone=_mrz(),
    )
    assert _found(printed) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (FieldName.SURNAME, "SVENSSON"),
        (FieldName.GIVEN_NAMES, "BERTA"),
        (FieldName.DATE_OF_BIRTH, "1984-08-12"),
        (FieldName.DATE_OF_EXPIRY, "2013-04-15"),
        (FieldName.DOCUMENT_NUMBER, "L898903C3"),
        (FieldName.SEX, "M"),
        (FieldName.NATIONALITY, "XAR"),
        (FieldName.PERSONAL_NUMBER, "ZE184226C"),
    ],
)
def test_a_contradicting_printed_field_is_named(name: FieldName, value: str) -> None:
    """One field that differs between zones gives one finding with that field."""
    assert _found(_reading(_viz(name, value), zone=_mrz())) == [(Reason.MRZ_VIZ_MISMATCH, name)]


def test_a_line_without_a_digit_is_no_number() -> None:
    """A word taken for the document's number contradicts nothing."""
    assert _found(_reading(_viz(FieldName.DOCUMENT_NUMBER, "PASSEPORT"), zone=_mrz())) == []


def test_on_an_unknown_type_only_what_its_form_tells_can_contradict() -> None:
    """Labels alone mistake lines for numbers and names; a date of birth is told by its form."""
    for name, value, found in (
        (FieldName.SURNAME, "JOANNA", []),
        (FieldName.DOCUMENT_NUMBER, "F122187664", []),
        (FieldName.DATE_OF_BIRTH, "1984-08-12", [(Reason.MRZ_VIZ_MISMATCH, FieldName.DATE_OF_BIRTH)]),
    ):
        unknown = dataclasses.replace(_reading(_viz(name, value), zone=_mrz()), document_type=None)
        assert _found(unknown) == found


def test_the_sides_of_a_document_are_taken_together() -> None:
    """Printed fields on the front contradict a zone on the back."""
    front = _reading(_viz(FieldName.DATE_OF_BIRTH, "1984-08-12"))
    assert _found(front, _reading(zone=_mrz())) == [(Reason.MRZ_VIZ_MISMATCH, FieldName.DATE_OF_BIRTH)]


@pytest.mark.parametrize("printed", ["UTOPIAN", "JTO", "UT0"])
def test_words_and_misread_codes_contradict_no_state(printed: str) -> None:
    """Only two codes that states have can differ."""
    assert _found(_reading(_viz(FieldName.NATIONALITY, printed), zone=_mrz())) == []


def test_a_contradicting_barcode_is_named() -> None:
    """A barcode is compared with both other zones."""
    card = _reading(
        _viz(FieldName.SURNAME, "ERIKSSON"), (FieldName.SURNAME, "SVENSSON", Zone.BARCODE), zone=_mrz()
    )
    items = inconsistencies([card], today=TODAY)
    assert {item.reason for item in items} == {Reason.BARCODE_MISMATCH}
    assert {item.zones for item in items} == {(Zone.BARCODE, Zone.MRZ), (Zone.BARCODE, Zone.VIZ)}


def test_an_uncertain_reading_is_no_evidence() -> None:
    """A field read with little confidence contradicts nothing."""
    assert _found(_reading(_viz(FieldName.SURNAME, "SVENSSON"), confidence=0.5), _reading(zone=_mrz())) == []


def test_a_refuted_digit_is_a_finding_and_its_field_no_evidence() -> None:
    """The element is named; its value is not compared with the printed one."""
    altered = _mrz(data=DATA.replace("740812", "840812"))
    card = _reading(_viz(FieldName.DATE_OF_BIRTH, "1974-08-12"), zone=altered)
    assert _found(card) == [
        (Reason.MRZ_CHECK_DIGIT_REFUTED, FieldName.DATE_OF_BIRTH),
        (Reason.MRZ_CHECK_DIGIT_REFUTED, None),
    ]


def test_an_expired_document_is_named_from_the_day_after() -> None:
    """A document is valid on the day it expires."""
    card = _reading(zone=_mrz())
    assert _found(card, today=dt.date(2012, 4, 15)) == []
    assert _found(card, today=dt.date(2012, 4, 16)) == [(Reason.DOCUMENT_EXPIRED, FieldName.DATE_OF_EXPIRY)]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({FieldName.DATE_OF_BIRTH: "2011-01-02"}, FieldName.DATE_OF_BIRTH),
        ({FieldName.DATE_OF_BIRTH: "1870-01-02"}, FieldName.DATE_OF_BIRTH),
        ({FieldName.DATE_OF_ISSUE: "2012-01-01"}, FieldName.DATE_OF_ISSUE),
        (
            {FieldName.DATE_OF_ISSUE: "1960-01-01", FieldName.DATE_OF_BIRTH: "1974-08-12"},
            FieldName.DATE_OF_ISSUE,
        ),
        (
            {FieldName.DATE_OF_ISSUE: "2011-01-01", FieldName.DATE_OF_EXPIRY: "2010-12-31"},
            FieldName.DATE_OF_EXPIRY,
        ),
    ],
)
def test_dates_that_cannot_be(fields: dict[FieldName, str], name: FieldName) -> None:
    """Births in the future or too long ago, issues before birth or after today, expiries before issue."""
    card = _reading(*(_viz(field, value) for field, value in fields.items()))
    assert (Reason.DATE_IMPOSSIBLE, name) in _found(card)


def test_a_verified_date_that_no_calendar_has() -> None:
    """31 February with the right digit was printed so; with a wrong one it was misread."""
    right = DATA.replace("7408122", f"740231{check_digit('740231')}")
    wrong = DATA.replace("7408122", f"740231{(int(check_digit('740231')) + 1) % 10}")
    finding = (Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_BIRTH)
    assert finding in _found(_reading(zone=_mrz(data=right)))
    assert finding not in _found(_reading(zone=_mrz(data=wrong)))


VALUES = {
    FieldName.SURNAME: ["ERIKSSON", "ERIKSON", "SVENSSON"],
    FieldName.DATE_OF_BIRTH: ["1974-08-12", "1974-08", "1984-08-12"],
    FieldName.DOCUMENT_NUMBER: ["L898902C3", "L8989O2C3", "X1"],
    FieldName.SEX: ["F", "M"],
}


@given(st.sampled_from(list(VALUES)), st.data())
def test_contradiction_is_symmetric(name: FieldName, data: st.DataObject) -> None:
    """Which zone says which of two values does not matter."""
    first = data.draw(st.sampled_from(VALUES[name]))
    second = data.draw(st.sampled_from(VALUES[name]))
    there = _found(_reading((name, first, Zone.VIZ), (name, second, Zone.MRZ)))
    back = _found(_reading((name, second, Zone.VIZ), (name, first, Zone.MRZ)))
    assert there == back
    if first == second:
        assert there == []


def test_a_finding_holds_no_value() -> None:
    """Findings may be logged."""
    item = inconsistencies([_reading(_viz(FieldName.SURNAME, "SVENSSON"), zone=_mrz())], today=TODAY)[0]
    assert item == Inconsistency(Reason.MRZ_VIZ_MISMATCH, FieldName.SURNAME, (Zone.MRZ, Zone.VIZ))
    assert "SVENSSON" not in repr(item)

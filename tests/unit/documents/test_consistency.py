import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import check_digit
from idv.documents.consistency import Inconsistency, inconsistencies
from idv.documents.document_types import load_document_types
from idv.documents.mrz import field_readings, parse
from idv.domain.documents import DocumentReading, FieldName, FieldReading, MrzReading, Zone
from idv.domain.reasons import Reason

TODAY = dt.date(2011, 1, 1)
TYPES = load_document_types()
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


def test_day_and_month_of_an_unknown_type_may_stand_either_way() -> None:
    """03/04 is a day in March or in April; a known type says which, and then it is held against it."""
    coded = FieldReading(FieldName.DATE_OF_BIRTH, "1984-03-04", Zone.BARCODE, 1.0)
    printed = FieldReading(FieldName.DATE_OF_BIRTH, "1984-04-03", Zone.VIZ, 1.0)
    other = FieldReading(FieldName.DATE_OF_BIRTH, "1984-04-05", Zone.VIZ, 1.0)
    assert not inconsistencies([DocumentReading(fields=(coded, printed))], today=TODAY)
    assert inconsistencies([DocumentReading(fields=(coded, other))], today=TODAY)
    known = DocumentReading(document_type="xca_driving_licence", fields=(coded, printed))
    assert inconsistencies([known], today=TODAY)


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


# --- what only the type knows ---------------------------------------------------------------------------


def _side(
    document_type: str | None, *fields: tuple[FieldName, str, Zone], barcode: bytes = b""
) -> DocumentReading:
    printed = tuple(FieldReading(name, value, at, 0.95) for name, value, at in fields)
    return DocumentReading(document_type, fields=printed, barcodes=(barcode,) if barcode else ())


def _of_types(*readings: DocumentReading) -> list[tuple[Reason, FieldName | None]]:
    found = inconsistencies(readings, today=TODAY, types=TYPES)
    return [(item.reason, item.field) for item in found]


CARD_FRONT = _side("uto_identity_card", _viz(FieldName.SURNAME, "KASK"), _viz(FieldName.SEX, "F"))
CARD_BACK = _side("uto_identity_card", _viz(FieldName.PERSONAL_NUMBER, "39490520639"))
OTHER_BACK = _side("xdu_identity_card", _viz(FieldName.PERSONAL_NUMBER, "39490520A"))


@pytest.mark.parametrize(
    ("sides", "mismatch"),
    [
        ((CARD_FRONT, CARD_BACK), False),
        ((CARD_FRONT, OTHER_BACK), True),
        ((CARD_FRONT, CARD_FRONT), True),
        ((CARD_BACK, CARD_BACK), True),
        ((CARD_FRONT, DocumentReading()), False),
        ((_side("uto_passport"), _side("uto_passport")), False),
    ],
)
def test_sides_that_are_not_of_one_document(sides: tuple[DocumentReading, ...], *, mismatch: bool) -> None:
    """Two types, two fronts and two backs are named; an unknown side, and a type of one side, are not."""
    assert ((Reason.SIDES_MISMATCH, None) in _of_types(*sides)) is mismatch


def test_a_licence_back_is_told_by_its_barcode() -> None:
    """The state in a barcode contradicts a front of another state's licence."""
    front = _side("xhu_driving_licence", _viz(FieldName.SURNAME, "KASK"))
    back = _side(None, (FieldName.ISSUING_STATE, "XCA", Zone.BARCODE), barcode=b"@")
    own = _side(None, (FieldName.ISSUING_STATE, "XHU", Zone.BARCODE), barcode=b"@")
    assert _of_types(front, back) == [(Reason.SIDES_MISMATCH, None)]
    assert _of_types(front, own) == []


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({FieldName.DATE_OF_ISSUE: "2010-01-02", FieldName.DATE_OF_EXPIRY: "2020-01-01"}, None),
        ({FieldName.DATE_OF_ISSUE: "2010-01-02", FieldName.DATE_OF_EXPIRY: "2020-01-31"}, None),
        (
            {FieldName.DATE_OF_ISSUE: "2010-01-02", FieldName.DATE_OF_EXPIRY: "2021-01-01"},
            FieldName.DATE_OF_EXPIRY,
        ),
        ({FieldName.DATE_OF_ISSUE: "2010-01-02", FieldName.DATE_OF_EXPIRY: "2015-01-01"}, None),
        ({FieldName.DATE_OF_BIRTH: "2010-03-02", FieldName.DATE_OF_EXPIRY: "2020-01-01"}, None),
        ({FieldName.DATE_OF_EXPIRY: "0004-02-29"}, None),
        (
            {FieldName.DATE_OF_ISSUE: "2000-03-01", FieldName.DATE_OF_EXPIRY: "2012-02-29"},
            FieldName.DATE_OF_EXPIRY,
        ),
    ],
)
def test_validity_is_that_of_the_type(fields: dict[FieldName, str], name: FieldName | None) -> None:
    """A card of at most ten years and a month of slack; a child's may be shorter."""
    card = _side("uto_identity_card", *(_viz(field, value) for field, value in fields.items()))
    by_type = set(_of_types(card)) - set(_found(card))
    assert by_type == ({(Reason.DATE_IMPOSSIBLE, name)} if name else set())


def test_optional_data_is_the_personal_number_of_a_type_that_says_so() -> None:
    """Another printed personal number contradicts what the zone has in its optional data."""
    stated = (FieldName.OPTIONAL_DATA, "39490520639", Zone.MRZ)
    same = _side("uto_identity_card", _viz(FieldName.PERSONAL_NUMBER, "39490520639"), stated)
    other = _side("uto_identity_card", _viz(FieldName.PERSONAL_NUMBER, "39490520638"), stated)
    assert _of_types(same) == []
    assert _of_types(other) == [(Reason.MRZ_VIZ_MISMATCH, FieldName.PERSONAL_NUMBER)]


def test_rows_in_a_barcode_are_compared_with_zone_and_print() -> None:
    """A code that repeats other rows contradicts both; the same rows contradict nothing."""
    printed = _viz(FieldName.DATE_OF_BIRTH, "1974-08-12")
    card = _reading(printed, zone=_mrz())
    own = dataclasses.replace(card, barcodes=("\n".join(_mrz().lines).encode(),))
    data = DATA.replace("7408122", f"750812{check_digit('750812')}")
    strange = dataclasses.replace(card, barcodes=(f"{NAMES}\n{data}".encode(),))
    assert _found(own) == []
    items = inconsistencies([strange], today=TODAY)
    assert {(item.reason, item.field) for item in items} == {
        (Reason.BARCODE_MISMATCH, FieldName.DATE_OF_BIRTH)
    }
    assert {item.zones for item in items} == {(Zone.BARCODE, Zone.MRZ), (Zone.BARCODE, Zone.VIZ)}


def test_a_licence_is_compared_with_its_barcode() -> None:
    """Dates of issue, names and numbers that an AAMVA code states otherwise are named."""
    stated = ((FieldName.DATE_OF_ISSUE, "2010-01-01"), (FieldName.SURNAME, "MUELLER"))
    front = _side(None, _viz(FieldName.DATE_OF_ISSUE, "2010-02-01"))
    known = dataclasses.replace(
        _side("xca_driving_licence", _viz(FieldName.SURNAME, "MÜLLER")),
        fields=(*front.fields, FieldReading(FieldName.SURNAME, "MÜLLER", Zone.VIZ, 0.9)),
    )
    back = _side(None, *((name, value, Zone.BARCODE) for name, value in stated))
    assert _found(known, back) == [(Reason.BARCODE_MISMATCH, FieldName.DATE_OF_ISSUE)]


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        ("ANNA MARÍA", True),
        ("ANNAMARIA", True),
        ("ANNA", False),
        ("MARÍA", False),
        ("ANNA MARÍA ROSA", True),
        ("ANNA MARI", True),
        ("NA MARIA", False),
    ],
)
def test_every_word_of_the_zone_is_printed(printed: str, *, agrees: bool) -> None:
    """Half a name in print is an erased one, whatever people may leave out when they write their names."""
    found = _found(_reading(_viz(FieldName.GIVEN_NAMES, printed), zone=_mrz()))
    assert found == ([] if agrees else [(Reason.MRZ_VIZ_MISMATCH, FieldName.GIVEN_NAMES)])


def test_a_side_taken_for_another_type_is_no_mismatch() -> None:
    """Types share labels: sides that state the same birth are of one document, whatever they seem."""
    born = _viz(FieldName.DATE_OF_BIRTH, "1969-05-01")
    front = _side("xel_residence_permit", born, _viz(FieldName.SEX, "F"))
    back = _side("xbo_identity_card", (*born[:2], Zone.MRZ), _viz(FieldName.ADDRESS, "1 MILL LANE"))
    other = _side(
        "xbo_identity_card",
        (FieldName.DATE_OF_BIRTH, "1975-05-01", Zone.MRZ),
        _viz(FieldName.ADDRESS, "1 MILL LANE"),
    )
    assert (Reason.SIDES_MISMATCH, None) not in _of_types(front, back)
    assert (Reason.SIDES_MISMATCH, None) in _of_types(front, other)


def test_dates_of_two_zones_are_held_against_each_other() -> None:
    """A birth that only the zone states contradicts an issue that only the print does."""
    born = (FieldName.DATE_OF_BIRTH, "2010-03-01", Zone.MRZ)
    card = _side(None, born, _viz(FieldName.DATE_OF_ISSUE, "2009-06-14"))
    assert inconsistencies([card], today=TODAY) == (
        Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_ISSUE, (Zone.MRZ, Zone.VIZ)),
    )


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        ("18989O2C3", True),
        ("L8989O2C9", False),
        ("L898902CB", True),
        ("K898902C3", False),
        ("L8A8902C3", False),
    ],
)
def test_a_letter_cut_to_a_digit_at_an_edge_is_misread(printed: str, *, agrees: bool) -> None:
    """Numbers of one form never differ in kind; inside a number, or in the same kind, they contradict."""
    found = _found(_reading(_viz(FieldName.DOCUMENT_NUMBER, printed), zone=_mrz()))
    assert found == ([] if agrees else [(Reason.MRZ_VIZ_MISMATCH, FieldName.DOCUMENT_NUMBER)])


def test_a_date_that_the_zone_states_of_something_else_is_another_line() -> None:
    """On an unknown type the date of expiry taken for the birth contradicts nothing; any other date does."""
    for value, found in (
        ("2012-04-15", []),
        ("1984-08-12", [(Reason.MRZ_VIZ_MISMATCH, FieldName.DATE_OF_BIRTH)]),
    ):
        card = _reading(_viz(FieldName.DATE_OF_BIRTH, value), zone=_mrz())
        assert _found(dataclasses.replace(card, document_type=None)) == found


@pytest.mark.parametrize(
    ("printed", "agrees"), [("92LINDENAVENUE", True), ("3949052063", True), ("39490520638", False)]
)
def test_print_that_is_no_number_of_the_type_contradicts_none(printed: str, *, agrees: bool) -> None:
    """An address taken for the personal number, or a part of it, is no evidence; another number is."""
    stated = (FieldName.OPTIONAL_DATA, "39490520639", Zone.MRZ)
    found = _of_types(_side("uto_identity_card", _viz(FieldName.PERSONAL_NUMBER, printed), stated))
    assert found == ([] if agrees else [(Reason.MRZ_VIZ_MISMATCH, FieldName.PERSONAL_NUMBER)])

import datetime as dt
from dataclasses import replace

from idv.documents.contradictions import contradictions, refutation_in_doubt
from idv.documents.document_types import load_document_types
from idv.documents.mrz import field_readings, parse
from idv.documents.sides import Sides
from idv.domain.documents import DocumentReading
from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason

TODAY = dt.date(2011, 1, 1)
TYPES = load_document_types()
ROWS = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")


def _sides(*rows: str, reasons: tuple[Reason, ...] = ()) -> Sides:
    zone = parse(rows, today=TODAY)
    reading = DocumentReading(mrz=zone, fields=field_readings(zone, confidence=0.95))
    return Sides({ImageRole.DOCUMENT_FRONT: reading}, reasons)


def _reasons(sides: Sides) -> set[Reason]:
    return {item.reason for item in contradictions(sides, today=TODAY, types=TYPES)}


ALTERED = ROWS[1].replace("740812", "740912")


def test_refuted_digits_that_were_read_surely_are_held_against_a_document() -> None:
    """A whole zone contradicts nothing; one of its digits altered is a contradiction."""
    assert _reasons(_sides(*ROWS)) == set()
    assert _reasons(_sides(ROWS[0], ALTERED)) == {Reason.MRZ_CHECK_DIGIT_REFUTED}


def test_rows_torn_from_longer_ones_refute_nothing() -> None:
    """No document code begins with N: the rows are the ends of others, and their digits mean nothing."""
    assert _reasons(_sides("NNA<MARIA<<<<<<<<<<<<<<<<<<<<<<<<<<<", ALTERED)) == set()


def test_digits_are_in_doubt_where_the_reader_is() -> None:
    """An unreadable zone, and a field read with little confidence, speak against the reader."""
    told = _sides(ROWS[0], ALTERED, reasons=(Reason.MRZ_UNREADABLE,))
    assert refutation_in_doubt(told, minimum_confidence=0.8)
    sure = _sides(ROWS[0], ALTERED)
    assert not refutation_in_doubt(sure, minimum_confidence=0.8)
    reading = sure.readings[ImageRole.DOCUMENT_FRONT]
    unsure = replace(reading, fields=tuple(replace(field, confidence=0.5) for field in reading.fields))
    assert refutation_in_doubt(Sides({ImageRole.DOCUMENT_FRONT: unsure}, ()), minimum_confidence=0.8)

"""Whether the zones of a document agree with each other, and its dates with the calendar."""

import datetime as dt
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from idv.documents.barcodes import parse_rows
from idv.documents.dates import agree, latest_day, parse_iso
from idv.documents.document_types import DocumentType, DocumentTypes
from idv.documents.mrz import names_truncated, unreadable_dates
from idv.documents.names import names_agree
from idv.documents.sides import known_side
from idv.documents.states import is_state
from idv.documents.viz import fits_type
from idv.domain.documents import DigitState, DocumentReading, FieldName, FieldReading, Zone
from idv.domain.reasons import Reason

_MINIMUM_CONFIDENCE = 0.80
_LONGEST_LIFE_YEARS = 130
_VALIDITY_SLACK = dt.timedelta(days=31)
"""States count validity to the same day, the day before, or the end of the month."""
_LOOK_ALIKES = str.maketrans("OIZSBGQDL", "012586001")

Values = Mapping[FieldName, Mapping[Zone, str]]
Days = Sequence[tuple[Zone, dt.date]]


@dataclass(frozen=True)
class Inconsistency:
    """One contradiction: what it means, in which field (None: the whole zone), between which zones.

    Holds no value of the field, so it may be logged.
    """

    reason: Reason
    field: FieldName | None
    zones: tuple[Zone, ...]


def inconsistencies(
    readings: Sequence[DocumentReading],
    *,
    today: dt.date,
    minimum_confidence: float = _MINIMUM_CONFIDENCE,
    types: DocumentTypes | None = None,
) -> tuple[Inconsistency, ...]:
    """Everything in the sides of one document that contradicts something else.

    Fields read with less than `minimum_confidence` in [0, 1] are no evidence and are left out; so are fields
    whose own check digit is refuted, which is a finding by itself. `types`: without them nothing is said of
    what only they know: whether both sides are of one document, how long it is valid, what its zones repeat.
    """
    known = _known_type(readings, types)
    values = _values(readings, minimum_confidence, known=known, today=today)
    truncated = any(reading.mrz is not None and names_truncated(reading.mrz) for reading in readings)
    return (
        *_refuted(readings),
        *_between_sides(readings, types),
        *_between_zones(values, truncated=truncated),
        *_impossible_dates(readings, values, today=today),
        *_against_validity(values, known),
        *_expired(values, today=today),
    )


def _known_type(readings: Iterable[DocumentReading], types: DocumentTypes | None) -> DocumentType | None:
    """The one type that all sides are of, as far as they are of a known one."""
    named = {reading.document_type for reading in readings if reading.document_type}
    return types.get(named.pop()) if types is not None and len(named) == 1 else None


def _values(
    readings: Sequence[DocumentReading], minimum: float, *, known: DocumentType | None, today: dt.date
) -> Values:
    """Field -> zone -> the most confident value."""
    best: dict[FieldName, dict[Zone, FieldReading]] = {}
    stated = {(found.name, found.value) for reading in readings for found in reading.fields}
    dates = _dates_stated(readings)
    for reading in readings:
        for found in (*reading.fields, *_repeated(reading, known, today=today)):
            zones = best.setdefault(found.name, {})
            other = zones.get(found.zone)
            another_line = (
                _is_guessed(reading, found) and dates.get(found.value, found.name) is not found.name
            )
            trusted = found.confidence >= minimum and _is_evidence(reading, found)
            unlike = found.zone is Zone.VIZ and known and not fits_type(found.name, found.value, known)
            trusted = trusted and not (another_line or unlike or _is_exchanged(reading, found, stated))
            if trusted and (other is None or found.confidence > other.confidence):
                zones[found.zone] = found
    return {name: {zone: found.value for zone, found in zones.items()} for name, zones in best.items()}


def _dates_stated(readings: Iterable[DocumentReading]) -> Mapping[str, FieldName]:
    """Dates of machine-readable zones and codes -> what they are; print that says so else is another line."""
    return {
        found.value: found.name
        for reading in readings
        for found in reading.fields
        if found.zone is not Zone.VIZ and found.name in _DATES
    }


def _repeated(
    reading: DocumentReading, known: DocumentType | None, *, today: dt.date
) -> Iterator[FieldReading]:
    """What a zone states in another form: the rows in a barcode, the personal number in optional data."""
    for payload in reading.barcodes:
        rows = parse_rows(payload, today=today)
        for name, value in rows.fields.items() if rows is not None else ():
            yield FieldReading(name, value, Zone.BARCODE, 1.0)
    mask = known.personal_number_mask if known is not None else None
    for found in reading.fields if mask else ():
        if found.name is FieldName.OPTIONAL_DATA and len(found.value) == len(mask or ""):
            yield FieldReading(FieldName.PERSONAL_NUMBER, found.value, found.zone, found.confidence)


def _is_evidence(reading: DocumentReading, found: FieldReading) -> bool:
    """Whether a value can contradict another one, however clearly its characters were read.

    On a document of no known type only labels say which line is which field. On the 19 public specimens
    that named a wrong line for a number or a name on 8 of them and for a date or a sex on none.
    """
    if found.zone is Zone.MRZ:
        digits = reading.mrz.digits if reading.mrz is not None else {}
        return digits.get(found.name.value) is not DigitState.REFUTED
    if found.name in _NUMBERS and not any(character.isdigit() for character in found.value):
        return False
    return not _is_guessed(reading, found) or found.name in _TOLD_BY_FORM


def _is_guessed(reading: DocumentReading, found: FieldReading) -> bool:
    """Whether only a label says which field a line is."""
    return found.zone is Zone.VIZ and reading.document_type is None


def _is_exchanged(reading: DocumentReading, found: FieldReading, stated: Collection[object]) -> bool:
    """Whether another zone states a date of an unknown type with day and month exchanged.

    Whether the month comes first only a type's data tell. `stated`: names and values of all fields.
    """
    guessed = found.zone is Zone.VIZ and reading.document_type is None
    return guessed and (found.name, _swapped(found.value)) in stated


def _swapped(value: str) -> str | None:
    """The date with the month in the day's place; None for none, or where that is the same."""
    date = parse_iso(value)
    if date is None or date.day == date.month or date.day > 12:  # noqa: PLR2004 - months of a year
        return None
    return date.replace(month=date.day, day=date.month).isoformat()


_NUMBERS = frozenset({FieldName.DOCUMENT_NUMBER, FieldName.PERSONAL_NUMBER})
_TOLD_BY_FORM = frozenset(
    {FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_ISSUE, FieldName.DATE_OF_EXPIRY, FieldName.SEX}
)


def _refuted(readings: Iterable[DocumentReading]) -> Iterator[Inconsistency]:
    for reading in readings:
        for name, state in reading.mrz.digits.items() if reading.mrz is not None else ():
            if state is DigitState.REFUTED:
                field = FieldName(name) if name in set(FieldName) else None
                yield Inconsistency(Reason.MRZ_CHECK_DIGIT_REFUTED, field, (Zone.MRZ,))


def _between_sides(
    readings: Sequence[DocumentReading], types: DocumentTypes | None
) -> Iterator[Inconsistency]:
    """Sides of two types, and one side of a type sent as both of its sides."""
    if types is None:
        return
    sides = [(reading, side) for reading in readings if (side := known_side(reading, types)) is not None]
    for (one, first), (other, second) in itertools.combinations(sides, 2):
        known = types.get(first.document_type)
        twice = first == second and known is not None and len(known.sides) > 1
        apart = first.document_type != second.document_type and not _of_one_holder(one, other)
        if twice or apart:
            yield Inconsistency(Reason.SIDES_MISMATCH, None, ())


def _of_one_holder(one: DocumentReading, other: DocumentReading) -> bool:
    """Whether two sides state the same number or birth, so that one was only taken for another type's.

    Types are told by labels, and states use the same ones.
    """
    return any(
        first.name is second.name and _COMPARISONS[first.name](first.value, second.value)
        for first, second in itertools.product(one.fields, other.fields)
        if first.name in _TELLING
    )


_TELLING = frozenset({FieldName.DOCUMENT_NUMBER, FieldName.DATE_OF_BIRTH})


# --- between zones --------------------------------------------------------------------------------------


def _between_zones(values: Values, *, truncated: bool) -> Iterator[Inconsistency]:
    for name, same in _COMPARISONS.items():
        for first, second in itertools.combinations(sorted(values.get(name, {})), 2):
            if not same(values[name][first], values[name][second]):
                yield _contradiction(name, first, second)
    for name in (FieldName.SURNAME, FieldName.GIVEN_NAMES):
        for stated, printed in itertools.combinations(
            sorted(values.get(name, {}), key=_BY_STATEMENT.index), 2
        ):
            cut = truncated and stated is not Zone.VIZ
            if not names_agree(values[name][printed], values[name][stated], cut=cut):
                yield _contradiction(name, *sorted((stated, printed)))


def _contradiction(name: FieldName, first: Zone, second: Zone) -> Inconsistency:
    from_barcode = Zone.BARCODE in (first, second)
    reason = Reason.BARCODE_MISMATCH if from_barcode else Reason.MRZ_VIZ_MISMATCH
    return Inconsistency(reason, name, (first, second))


def _same_number(first: str, second: str) -> bool:
    """Equal but for letters and digits an OCR cannot tell apart, and a letter cut to a digit at an edge.

    Both were printed in one form, so that a digit for a letter in the same place was misread, not altered.
    """
    one, other = _only_characters(first), _only_characters(second)
    if one.translate(_LOOK_ALIKES) == other.translate(_LOOK_ALIKES):
        return True
    differ = [place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    at_edge = len(one) == len(other) and differ in ([0], [len(one) - 1])
    return at_edge and one[differ[0]].isdigit() != other[differ[0]].isdigit()


def _only_characters(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())


def _same_sex(first: str, second: str) -> bool:
    return first[:1] == second[:1]


def _same_state(first: str, second: str) -> bool:
    """Known codes are compared; words such as `UTOPIAN`, and codes that no state has, say nothing."""
    return not (is_state(first) and is_state(second)) or first == second


_BY_STATEMENT = (Zone.MRZ, Zone.BARCODE, Zone.VIZ)
"""The zones that give names the shortest first."""
_COMPARISONS: Mapping[FieldName, Callable[[str, str], bool]] = {
    FieldName.DATE_OF_BIRTH: agree,
    FieldName.DATE_OF_EXPIRY: agree,
    FieldName.DATE_OF_ISSUE: agree,
    FieldName.DOCUMENT_NUMBER: _same_number,
    FieldName.PERSONAL_NUMBER: _same_number,
    FieldName.OPTIONAL_DATA: _same_number,
    FieldName.SEX: _same_sex,
    FieldName.NATIONALITY: _same_state,
    FieldName.ISSUING_STATE: _same_state,
}


# --- dates ----------------------------------------------------------------------------------------------


def _impossible_dates(
    readings: Iterable[DocumentReading], values: Values, *, today: dt.date
) -> Iterator[Inconsistency]:
    for reading in readings:
        for name in unreadable_dates(reading.mrz) if reading.mrz is not None else ():
            if reading.mrz is not None and reading.mrz.digits.get(name.value) is DigitState.VERIFIED:
                yield Inconsistency(Reason.DATE_IMPOSSIBLE, name, (Zone.MRZ,))
    births, issues, expiries = (tuple(_days(values.get(name, {}))) for name in _DATES)
    for zone, born in births:
        if _birth_impossible(born, today):
            yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_BIRTH, (zone,))
    for zone, issued in issues:
        if issued > today:
            yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_ISSUE, (zone,))
    yield from _reversed_dates(births, issues, FieldName.DATE_OF_ISSUE)
    yield from _reversed_dates((*births, *issues), expiries, FieldName.DATE_OF_EXPIRY)


def _reversed_dates(earlier: Days, later: Days, name: FieldName) -> Iterator[Inconsistency]:
    """What should come later and, in any two zones, does not."""
    found = dict.fromkeys(
        _zones(zone, other) for zone, day in later for other, first in earlier if day < first
    )
    for zones in found:
        yield Inconsistency(Reason.DATE_IMPOSSIBLE, name, zones)


_DATES = (FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_ISSUE, FieldName.DATE_OF_EXPIRY)


def _birth_impossible(born: dt.date, today: dt.date) -> bool:
    return born > today or today.year - born.year > _LONGEST_LIFE_YEARS


def _against_validity(values: Values, known: DocumentType | None) -> Iterator[Inconsistency]:
    """Documents valid longer than their type can be.

    Shorter is possible, for children above all: so a birth after the day on which a full validity would have
    begun proves nothing.
    """
    if known is None:
        return
    for zone, expiry in sorted(_days(values.get(FieldName.DATE_OF_EXPIRY, {}))):
        began = _years_before(expiry, known.validity_years)
        for other, issue in sorted(_days(values.get(FieldName.DATE_OF_ISSUE, {}))):
            if began - issue > _VALIDITY_SLACK:
                yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_EXPIRY, _zones(zone, other))


def _days(zones: Mapping[Zone, str]) -> Iterator[tuple[Zone, dt.date]]:
    for zone, value in zones.items():
        day = parse_iso(value)
        if day is not None:
            yield zone, day


def _zones(first: Zone, second: Zone) -> tuple[Zone, ...]:
    return tuple(sorted({first, second}))


def _years_before(date: dt.date, years: int) -> dt.date:
    """The same day years earlier; 28 February where there is no 29 February."""
    day = 28 if (date.month, date.day) == (2, 29) else date.day
    return date.replace(year=max(dt.MINYEAR, date.year - years), day=day)


def _expired(values: Values, *, today: dt.date) -> Iterator[Inconsistency]:
    for zone, value in sorted(values.get(FieldName.DATE_OF_EXPIRY, {}).items()):
        last = latest_day(value)
        if last is not None and last < today:
            yield Inconsistency(Reason.DOCUMENT_EXPIRED, FieldName.DATE_OF_EXPIRY, (zone,))

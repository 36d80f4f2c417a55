"""Whether the zones of a document agree with each other, and its dates with the calendar."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from idv.documents.dates import agree, latest_day, parse_iso
from idv.documents.mrz import names_truncated, unreadable_dates
from idv.documents.names import PersonName, compare_names
from idv.documents.states import is_state
from idv.domain.documents import DigitState, DocumentReading, FieldName, FieldReading, Zone
from idv.domain.reasons import Reason

_MINIMUM_CONFIDENCE = 0.80
_LONGEST_LIFE_YEARS = 130
_LOOK_ALIKES = str.maketrans("OIZSBGQDL", "012586001")

Values = Mapping[FieldName, Mapping[Zone, str]]


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
) -> tuple[Inconsistency, ...]:
    """Everything in the sides of one document that contradicts something else.

    Fields read with less than `minimum_confidence` in [0, 1] are no evidence and are left out; so are fields
    whose own check digit is refuted, which is a finding by itself.
    """
    values = _values(readings, minimum_confidence)
    truncated = any(reading.mrz is not None and names_truncated(reading.mrz) for reading in readings)
    return (
        *_refuted(readings),
        *_between_zones(values, truncated=truncated),
        *_impossible_dates(readings, values, today=today),
        *_expired(values, today=today),
    )


def _values(readings: Iterable[DocumentReading], minimum: float) -> Values:
    """Field -> zone -> the most confident value."""
    best: dict[FieldName, dict[Zone, FieldReading]] = {}
    for reading in readings:
        for found in reading.fields:
            zones = best.setdefault(found.name, {})
            known = zones.get(found.zone)
            trusted = found.confidence >= minimum and _is_evidence(reading, found)
            if trusted and (known is None or found.confidence > known.confidence):
                zones[found.zone] = found
    return {name: {zone: found.value for zone, found in zones.items()} for name, zones in best.items()}


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
    guessed = found.zone is Zone.VIZ and reading.document_type is None
    return not guessed or found.name in _TOLD_BY_FORM


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


# --- between zones --------------------------------------------------------------------------------------


def _between_zones(values: Values, *, truncated: bool) -> Iterator[Inconsistency]:
    for name, same in _COMPARISONS.items():
        for first, second in itertools.combinations(sorted(values.get(name, {})), 2):
            if not same(values[name][first], values[name][second]):
                yield _contradiction(name, first, second)
    for name in (FieldName.SURNAME, FieldName.GIVEN_NAMES):
        for first, second in itertools.combinations(sorted(values.get(name, {})), 2):
            cut = truncated and Zone.MRZ in (first, second)
            if not _same_name(name, values[name][first], values[name][second], cut=cut):
                yield _contradiction(name, first, second)


def _contradiction(name: FieldName, first: Zone, second: Zone) -> Inconsistency:
    from_barcode = Zone.BARCODE in (first, second)
    reason = Reason.BARCODE_MISMATCH if from_barcode else Reason.MRZ_VIZ_MISMATCH
    return Inconsistency(reason, name, (first, second))


def _same_number(first: str, second: str) -> bool:
    """Equal but for letters and digits an OCR cannot tell apart."""
    return _only_characters(first).translate(_LOOK_ALIKES) == _only_characters(second).translate(_LOOK_ALIKES)


def _only_characters(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())


def _same_sex(first: str, second: str) -> bool:
    return first[:1] == second[:1]


def _same_state(first: str, second: str) -> bool:
    """Known codes are compared; words such as `UTOPIAN`, and codes that no state has, say nothing."""
    return not (is_state(first) and is_state(second)) or first == second


def _same_name(name: FieldName, first: str, second: str, *, cut: bool) -> bool:
    if name is FieldName.SURNAME:
        one, other = PersonName(surname=first, truncated=cut), PersonName(surname=second)
    else:
        one, other = PersonName(given_names=first, truncated=cut), PersonName(given_names=second)
    return compare_names(one, other).same


_COMPARISONS: Mapping[FieldName, Callable[[str, str], bool]] = {
    FieldName.DATE_OF_BIRTH: agree,
    FieldName.DATE_OF_EXPIRY: agree,
    FieldName.DOCUMENT_NUMBER: _same_number,
    FieldName.PERSONAL_NUMBER: _same_number,
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
    for zone in Zone:
        born, issued, expires = (_day(values, name, zone) for name in _DATES)
        if _birth_impossible(born, today):
            yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_BIRTH, (zone,))
        if issued is not None and (issued > today or (born is not None and issued < born)):
            yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_ISSUE, (zone,))
        if expires is not None and any(other is not None and expires < other for other in (born, issued)):
            yield Inconsistency(Reason.DATE_IMPOSSIBLE, FieldName.DATE_OF_EXPIRY, (zone,))


_DATES = (FieldName.DATE_OF_BIRTH, FieldName.DATE_OF_ISSUE, FieldName.DATE_OF_EXPIRY)


def _day(values: Values, name: FieldName, zone: Zone) -> dt.date | None:
    value = values.get(name, {}).get(zone)
    return None if value is None else parse_iso(value)


def _birth_impossible(born: dt.date | None, today: dt.date) -> bool:
    return born is not None and (born > today or today.year - born.year > _LONGEST_LIFE_YEARS)


def _expired(values: Values, *, today: dt.date) -> Iterator[Inconsistency]:
    for zone, value in sorted(values.get(FieldName.DATE_OF_EXPIRY, {}).items()):
        last = latest_day(value)
        if last is not None and last < today:
            yield Inconsistency(Reason.DOCUMENT_EXPIRED, FieldName.DATE_OF_EXPIRY, (zone,))

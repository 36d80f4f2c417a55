"""Reads a machine-readable zone of exact length: its fields, and the state of every check digit."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from idv.documents.check_digits import ALPHABET, FILLER, check_digit, in_alphabet
from idv.documents.dates import DateRole, iso_from_mrz
from idv.documents.mrz_layouts import COMPOSITE, LAYOUTS, Element, Layout, layout_of
from idv.domain.documents import DigitState, FieldName, FieldReading, MrzFormat, MrzReading, Zone

_DATE_ROLES = {FieldName.DATE_OF_BIRTH: DateRole.BIRTH, FieldName.DATE_OF_EXPIRY: DateRole.EXPIRY}


class MrzError(ValueError):
    """Rows that no layout of ICAO Doc 9303 has; the message never contains them."""


class DocumentNumber(NamedTuple):
    """A document number with its check digit, joined where it continues in the optional data."""

    number: str
    digit: str
    continued: bool


class Names(NamedTuple):
    """Primary and secondary identifier, spaces between their words; `truncated` when the field is full."""

    surname: str
    given_names: str
    truncated: bool


def parse(lines: Sequence[str], *, today: dt.date, repairs: int = 0) -> MrzReading:
    """Read rows of exact length. Dates become ISO 8601 values; a date that cannot be is left out.

    Raises MrzError when the rows fit no layout or leave the MRZ alphabet.
    """
    layout = layout_of(lines)
    if layout is None:
        msg = f"{len(lines)} rows of lengths {[len(line) for line in lines]} fit no layout"
        raise MrzError(msg)
    if not in_alphabet(lines):
        msg = f"only {len(ALPHABET)} characters may stand in a machine-readable zone"
        raise MrzError(msg)
    return MrzReading(
        format=layout.format,
        lines=tuple(lines),
        fields=_fields(layout, lines, today=today),
        digits=digit_states(layout, lines),
        repairs=repairs,
    )


def digit_states(layout: Layout, lines: Sequence[str]) -> dict[str, DigitState]:
    """Name of every checked element, and `composite` where the layout has one, to its digit's state."""
    states = {
        element.name.value: element_state(layout, element, lines)
        for element in layout.elements
        if element.digit is not None
    }
    if layout.composite_digit is not None:
        states[COMPOSITE] = composite_state(layout, lines)
    return states


def element_state(layout: Layout, element: Element, lines: Sequence[str]) -> DigitState:
    """Whether the element's own check digit is right, wrong, or rightly absent."""
    if element.name is FieldName.DOCUMENT_NUMBER:
        text, digit, _ = document_number(layout, lines)
    else:
        digit_span = element.digit_span
        text, digit = element.span.of(lines), digit_span.of(lines) if digit_span else FILLER
    empty = not text.strip(FILLER)
    if digit == FILLER and empty:
        return DigitState.NOT_PRINTED
    return DigitState.VERIFIED if check_digit(text) == digit else DigitState.REFUTED


def composite_state(layout: Layout, lines: Sequence[str]) -> DigitState:
    """Whether the digit over several elements is right. Raises ValueError for a layout that has none."""
    if layout.composite_digit is None:
        msg = f"{layout.format} has no composite check digit"
        raise ValueError(msg)
    covered = "".join(span.of(lines) for span in layout.composite)
    right = check_digit(covered) == layout.composite_digit.of(lines)
    return DigitState.VERIFIED if right else DigitState.REFUTED


def document_number(layout: Layout, lines: Sequence[str]) -> DocumentNumber:
    """The document number; a filler for its digit announces that it goes on in the optional data."""
    element = layout.element(FieldName.DOCUMENT_NUMBER)
    principal = element.span.of(lines)
    digit = element.digit_span.of(lines) if element.digit_span else FILLER
    full = FILLER not in principal
    if digit != FILLER or not full or layout.continuation is None:
        return DocumentNumber(principal, digit, continued=False)
    rest = layout.continuation.of(lines).split(FILLER, 1)[0]
    if len(rest) < 2 or not rest[-1].isdigit():  # noqa: PLR2004 - one character and its check digit
        return DocumentNumber(principal, digit, continued=False)
    return DocumentNumber(principal + rest[:-1], rest[-1], continued=True)


def names(layout: Layout, lines: Sequence[str]) -> Names:
    """The name field split at its double filler; single fillers become spaces."""
    text = layout.names.of(lines)
    primary, _, secondary = text.strip(FILLER).partition(FILLER * 2)
    return Names(_spaced(primary), _spaced(secondary), truncated=text[-1] != FILLER)


def names_truncated(reading: MrzReading) -> bool:
    """Whether the name field is filled to its last character, which marks names cut short (9303-3, 4.6)."""
    return names(LAYOUTS[reading.format], reading.lines).truncated


def field_readings(reading: MrzReading, *, confidence: float) -> tuple[FieldReading, ...]:
    """The fields as readings of the machine-readable zone, all with one confidence in [0, 1]."""
    return tuple(
        FieldReading(name=name, value=value, zone=Zone.MRZ, confidence=confidence)
        for name, value in reading.fields.items()
    )


def unreadable_dates(reading: MrzReading) -> tuple[FieldName, ...]:
    """Date fields that state something which is no date."""
    layout = LAYOUTS[reading.format]
    return tuple(
        name
        for name in _DATE_ROLES
        if name not in reading.fields and layout.element(name).span.of(reading.lines).strip(FILLER)
    )


def formats() -> tuple[MrzFormat, ...]:
    """All formats that can be read."""
    return tuple(LAYOUTS)


def _fields(layout: Layout, lines: Sequence[str], *, today: dt.date) -> Mapping[FieldName, str]:
    found = dict(_raw_fields(layout, lines))
    for name, role in _DATE_ROLES.items():
        found[name] = iso_from_mrz(found[name], role=role, today=today) or ""
    return {name: value for name, value in found.items() if value}


def _raw_fields(layout: Layout, lines: Sequence[str]) -> Iterator[tuple[FieldName, str]]:
    for element in layout.elements:
        yield element.name, _plain(element, element.span.of(lines))
    number = document_number(layout, lines)
    yield FieldName.DOCUMENT_NUMBER, number.number.rstrip(FILLER)
    surname, given_names, _ = names(layout, lines)
    yield FieldName.SURNAME, surname
    yield FieldName.GIVEN_NAMES, given_names
    optional = _optional_data(layout, lines, number)
    if optional is not None:
        yield FieldName.OPTIONAL_DATA, optional


def _plain(element: Element, text: str) -> str:
    if element.name is FieldName.SEX:
        return "X" if text == FILLER else text
    return text if element.name in _DATE_ROLES else text.rstrip(FILLER)


def _optional_data(layout: Layout, lines: Sequence[str], number: DocumentNumber) -> str | None:
    """Optional data without the tail of a long document number; TD1's two elements joined by a space."""
    spans = [element.span for element in layout.elements if element.name is FieldName.OPTIONAL_DATA]
    if not spans:
        return None
    first = spans[0].of(lines)
    if number.continued:
        first = first.partition(FILLER)[2]
    second = layout.second_optional.of(lines) if layout.second_optional else ""
    return " ".join(part for part in (first.strip(FILLER), second.strip(FILLER)) if part)


def _spaced(text: str) -> str:
    return " ".join(word for word in text.split(FILLER) if word)

"""Where everything stands in the five machine-readable zones (ICAO Doc 9303-4, -5, -6, -7), as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from idv.documents.check_digits import DIGITS, FILLER, LETTERS
from idv.domain.documents import FieldName, MrzFormat

COMPOSITE = "composite"
"""Name of the check digit over several elements in `MrzReading.digits`."""


class Kind(Enum):
    """Which characters may stand at a position."""

    LETTER = frozenset(LETTERS)
    LETTER_OR_FILLER = frozenset(LETTERS + FILLER)
    DIGIT = frozenset(DIGITS)
    DIGIT_OR_FILLER = frozenset(DIGITS + FILLER)
    SEX = frozenset("MFX" + FILLER)
    ANY = frozenset(DIGITS + LETTERS + FILLER)

    def __init__(self, characters: frozenset[str]) -> None:
        # A plain attribute: reading a row asks thousands of times, and `Enum.value` is slow.
        self.characters = characters


class Span(NamedTuple):
    """Characters `start` to `stop` (exclusive) of one row."""

    row: int
    start: int
    stop: int

    def of(self, lines: Sequence[str]) -> str:
        """The characters that stand there."""
        return lines[self.row][self.start : self.stop]


class Element(NamedTuple):
    """One data element; `digit` is the position of its own check digit in the same row, if it has one."""

    name: FieldName
    span: Span
    kind: Kind
    digit: int | None = None
    digit_optional: bool = False

    @property
    def digit_span(self) -> Span | None:
        """Where the check digit stands."""
        return None if self.digit is None else Span(self.span.row, self.digit, self.digit + 1)


@dataclass(frozen=True)
class Layout:
    """One format: `rows` × `columns`, its elements, and what the composite digit covers.

    `second_optional`: the further optional element of TD1. `continuation`: where a document number longer
    than nine characters goes on, with its check digit (9303-5, 4.2.2.1 and 9303-6, 4.2.2.1).
    """

    format: MrzFormat
    rows: int
    columns: int
    elements: tuple[Element, ...]
    names: Span
    composite: tuple[Span, ...] = ()
    composite_digit: Span | None = None
    second_optional: Span | None = None
    continuation: Span | None = None

    def element(self, name: FieldName) -> Element:
        """The element of that name. Raises KeyError."""
        for element in self.elements:
            if element.name is name:
                return element
        raise KeyError(name)

    def kinds(self) -> tuple[tuple[Kind, ...], ...]:
        """Which characters may stand at each position, row by row."""
        return self._kinds

    @cached_property
    def _kinds(self) -> tuple[tuple[Kind, ...], ...]:
        grid = [[Kind.ANY] * self.columns for _ in range(self.rows)]
        for element in self.elements:
            row, start, stop = element.span
            grid[row][start:stop] = [element.kind] * (stop - start)
            if element.digit is not None:
                loose = element.digit_optional or element.name is FieldName.DOCUMENT_NUMBER
                grid[row][element.digit] = Kind.DIGIT_OR_FILLER if loose else Kind.DIGIT
        grid[self.names.row][self.names.start : self.names.stop] = [Kind.LETTER_OR_FILLER] * (
            self.names.stop - self.names.start
        )
        grid[0][0] = Kind.LETTER
        if self.composite_digit is not None:
            grid[self.composite_digit.row][self.composite_digit.start] = Kind.DIGIT
        return tuple(tuple(row) for row in grid)


def _top(issuing_row: int = 0) -> tuple[Element, ...]:
    return (
        Element(FieldName.DOCUMENT_CODE, Span(issuing_row, 0, 2), Kind.LETTER_OR_FILLER),
        Element(FieldName.ISSUING_STATE, Span(issuing_row, 2, 5), Kind.LETTER_OR_FILLER),
    )


def _two_row(optional: Element) -> tuple[Element, ...]:
    """The second row that TD2, TD3 and both visas share up to their optional data."""
    return (
        *_top(),
        Element(FieldName.DOCUMENT_NUMBER, Span(1, 0, 9), Kind.ANY, digit=9),
        Element(FieldName.NATIONALITY, Span(1, 10, 13), Kind.LETTER_OR_FILLER),
        Element(FieldName.DATE_OF_BIRTH, Span(1, 13, 19), Kind.DIGIT_OR_FILLER, digit=19),
        Element(FieldName.SEX, Span(1, 20, 21), Kind.SEX),
        Element(FieldName.DATE_OF_EXPIRY, Span(1, 21, 27), Kind.DIGIT_OR_FILLER, digit=27),
        optional,
    )


_TD1 = Layout(
    format=MrzFormat.TD1,
    rows=3,
    columns=30,
    elements=(
        *_top(),
        Element(FieldName.DOCUMENT_NUMBER, Span(0, 5, 14), Kind.ANY, digit=14),
        Element(FieldName.OPTIONAL_DATA, Span(0, 15, 30), Kind.ANY),
        Element(FieldName.DATE_OF_BIRTH, Span(1, 0, 6), Kind.DIGIT_OR_FILLER, digit=6),
        Element(FieldName.SEX, Span(1, 7, 8), Kind.SEX),
        Element(FieldName.DATE_OF_EXPIRY, Span(1, 8, 14), Kind.DIGIT_OR_FILLER, digit=14),
        Element(FieldName.NATIONALITY, Span(1, 15, 18), Kind.LETTER_OR_FILLER),
    ),
    names=Span(2, 0, 30),
    composite=(Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)),
    composite_digit=Span(1, 29, 30),
    second_optional=Span(1, 18, 29),
    continuation=Span(0, 15, 30),
)
_TD2 = Layout(
    format=MrzFormat.TD2,
    rows=2,
    columns=36,
    elements=_two_row(Element(FieldName.OPTIONAL_DATA, Span(1, 28, 35), Kind.ANY)),
    names=Span(0, 5, 36),
    composite=(Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 35)),
    composite_digit=Span(1, 35, 36),
    continuation=Span(1, 28, 35),
)
_TD3 = Layout(
    format=MrzFormat.TD3,
    rows=2,
    columns=44,
    elements=_two_row(
        Element(FieldName.PERSONAL_NUMBER, Span(1, 28, 42), Kind.ANY, digit=42, digit_optional=True)
    ),
    names=Span(0, 5, 44),
    composite=(Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 43)),
    composite_digit=Span(1, 43, 44),
)
_MRV_A = Layout(
    format=MrzFormat.MRV_A,
    rows=2,
    columns=44,
    elements=_two_row(Element(FieldName.OPTIONAL_DATA, Span(1, 28, 44), Kind.ANY)),
    names=Span(0, 5, 44),
)
_MRV_B = Layout(
    format=MrzFormat.MRV_B,
    rows=2,
    columns=36,
    elements=_two_row(Element(FieldName.OPTIONAL_DATA, Span(1, 28, 36), Kind.ANY)),
    names=Span(0, 5, 36),
)

LAYOUTS: Mapping[MrzFormat, Layout] = MappingProxyType(
    {layout.format: layout for layout in (_TD1, _TD2, _TD3, _MRV_A, _MRV_B)}
)


def layout_of(lines: Sequence[str]) -> Layout | None:
    """The layout that rows of exactly these lengths have; a leading V tells visas from documents."""
    is_visa = bool(lines) and lines[0][:1] == "V"
    for layout in LAYOUTS.values():
        fits = len(lines) == layout.rows and all(len(line) == layout.columns for line in lines)
        if fits and is_visa == (layout.format in (MrzFormat.MRV_A, MrzFormat.MRV_B)):
            return layout
    return None

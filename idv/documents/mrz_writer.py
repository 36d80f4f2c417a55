"""Writes machine-readable zones: the inverse of `mrz`, with every check digit and the truncation rules."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from idv.documents.check_digits import FILLER, check_digit, in_alphabet
from idv.documents.dates import mrz_from_date
from idv.documents.mrz_layouts import LAYOUTS, Layout, Span
from idv.documents.transliteration import transliterate
from idv.domain.documents import FieldName, MrzFormat

_NUMBER_LENGTH = 9


@dataclass(frozen=True)
class MrzRecord:
    """What a machine-readable zone states, before transliteration; personal data, so not in a repr.

    `sex`: `M`, `F` or `X`. `optional_data`: the personal number of TD3. `second_optional`: TD1 only.
    """

    document_code: str
    issuing_state: str
    document_number: str = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    nationality: str = field(repr=False)
    date_of_birth: dt.date = field(repr=False)
    sex: str = field(repr=False)
    date_of_expiry: dt.date = field(repr=False)
    optional_data: str = field(default="", repr=False)
    second_optional: str = field(default="", repr=False)


def write(mrz_format: MrzFormat, record: MrzRecord) -> tuple[str, ...]:
    """The rows of `record` in `mrz_format`. Raises ValueError when an element does not fit its place."""
    layout = LAYOUTS[mrz_format]
    grid = [[FILLER] * layout.columns for _ in range(layout.rows)]
    number, optional = _numbers(layout, record)
    values = {
        FieldName.DOCUMENT_CODE: record.document_code,
        FieldName.ISSUING_STATE: record.issuing_state,
        FieldName.DOCUMENT_NUMBER: number,
        FieldName.NATIONALITY: record.nationality,
        FieldName.DATE_OF_BIRTH: mrz_from_date(record.date_of_birth),
        FieldName.SEX: record.sex if record.sex in ("M", "F") else FILLER,
        FieldName.DATE_OF_EXPIRY: mrz_from_date(record.date_of_expiry),
        FieldName.OPTIONAL_DATA: optional,
        FieldName.PERSONAL_NUMBER: optional,
    }
    for element in layout.elements:
        _place(grid, element.span, values[element.name])
    _place(grid, layout.names, name_field(record.surname, record.given_names, width=_width(layout.names)))
    if layout.second_optional is not None:
        _place(grid, layout.second_optional, record.second_optional)
    continued = len(record.document_number) > _NUMBER_LENGTH
    _place_digits(grid, layout, continued=continued)
    return _joined(grid)


def with_check_digits(mrz_format: MrzFormat, lines: Iterable[str]) -> tuple[str, ...]:
    """The rows with every check digit computed again, for zones altered on purpose."""
    layout = LAYOUTS[mrz_format]
    grid = [list(line) for line in lines]
    _place_digits(grid, layout, continued=False)
    return _joined(grid)


def name_field(surname: str, given_names: str, *, width: int) -> str:
    """The name field, transliterated, padded, or cut so that a letter in the last place shows the cut.

    A primary identifier too long for itself leaves room for one letter of the secondary (9303-4, 4.2.3).
    """
    primary = [word for word in transliterate(surname).split(FILLER) if word]
    secondary = [word for word in transliterate(given_names).split(FILLER) if word]
    text = _joined_names(primary, secondary)
    if secondary and len(FILLER.join(primary)) > width - 3:
        primary = _cut(primary, width - 3)
        text = _joined_names(primary, secondary)
    while len(text) > width and text[width - 1] == FILLER:
        words = primary if max(map(len, primary)) > 1 else secondary
        longest = max(range(len(words)), key=lambda index: len(words[index]))
        if len(words[longest]) == 1:
            break
        words[longest] = words[longest][:-1]
        text = _joined_names(primary, secondary)
    return text[:width].ljust(width, FILLER)


def _cut(words: list[str], length: int) -> list[str]:
    return [word for word in FILLER.join(words)[:length].split(FILLER) if word]


def _joined_names(primary: list[str], secondary: list[str]) -> str:
    joined = FILLER.join(primary)
    return f"{joined}{FILLER * 2}{FILLER.join(secondary)}" if secondary else joined


def _numbers(layout: Layout, record: MrzRecord) -> tuple[str, str]:
    """Document number and optional data; a long number goes on in the optional data with its digit."""
    number = record.document_number
    if len(number) <= _NUMBER_LENGTH:
        return number, record.optional_data
    if layout.continuation is None:
        msg = f"{layout.format} has no room for a document number of {len(number)} characters"
        raise ValueError(msg)
    tail = number[_NUMBER_LENGTH:] + check_digit(number) + FILLER
    return number[:_NUMBER_LENGTH], tail + record.optional_data


def _place_digits(grid: list[list[str]], layout: Layout, *, continued: bool) -> None:
    for element in layout.elements:
        if element.digit is None:
            continue
        text = element.span.of(_joined(grid))
        blank = element.digit_optional and not text.strip(FILLER)
        if (continued and element.name is FieldName.DOCUMENT_NUMBER) or blank:
            continue
        grid[element.span.row][element.digit] = check_digit(text)
    if layout.composite_digit is not None:
        covered = "".join(span.of(_joined(grid)) for span in layout.composite)
        grid[layout.composite_digit.row][layout.composite_digit.start] = check_digit(covered)


def _place(grid: list[list[str]], span: Span, value: str) -> None:
    width = _width(span)
    if not in_alphabet([value]):
        msg = f"row {span.row}, column {span.start}: a value leaves the MRZ alphabet"
        raise ValueError(msg)
    if len(value) > width:
        msg = f"{len(value)} characters do not fit the {width} of row {span.row}, column {span.start}"
        raise ValueError(msg)
    grid[span.row][span.start : span.stop] = list(value.ljust(width, FILLER))


def _width(span: Span) -> int:
    return span.stop - span.start


def _joined(grid: list[list[str]]) -> tuple[str, ...]:
    return tuple("".join(row) for row in grid)

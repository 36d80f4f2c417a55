"""Makes a machine-readable zone of what an OCR read, changing only what the alphabet or a check digit proves.

After `mrz_alignment` gave the rows their shape, two steps are left:

1. *Fold by type*: a known document type states where its numbers have letters and where digits.
2. *Repair*: an element whose check digit is refuted is read again with its look-alikes (`O` for `0`) in every
   combination. If exactly one combination verifies, and the composite digit with it, it is taken; with two
   or none the rows stay as read and the digit is reported as refuted.

Known limit of the 7-3-1 digits: an element in which several characters have look-alikes often has two
combinations that verify, since one in ten does by chance; and characters whose values are equal modulo 10 (G
and 6) cannot be told apart at all, so they are not among the look-alikes.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from idv.documents.check_digits import FILLER
from idv.documents.document_types import DocumentType, DocumentTypes
from idv.documents.mrz import composite_state, element_state, parse
from idv.documents.mrz_alignment import AlignedRows, align, cleaned, fold
from idv.documents.mrz_layouts import LAYOUTS, Kind, Layout, Span
from idv.domain.documents import DigitState, FieldName, MrzReading

_LOOK_ALIKES = {"0": "O", "O": "0"}
"""Read -> what may be printed. On 150 simulated captures PP-OCRv6 made no other error that needs a digit.

Each further pair makes wrong repairs likelier: with I/1, Z/2, S/5 and B/8 too, 26 % of numbers with one
character changed at random were "repaired" to some other number instead of reported; with this one, 6 %.
"""
_MAXIMUM_AMBIGUOUS = 10
_MASK_KINDS = {"A": Kind.LETTER, "9": Kind.DIGIT}

Kinds = tuple[tuple[Kind, ...], ...]


@dataclass(frozen=True)
class RepairedMrz:
    """A zone after repair and how it got there, in characters.

    `folded`: changed because of the alphabet or the type's masks alone. `aligned`: added or dropped to fit.
    `reading.repairs` counts the changes that a check digit proves.
    """

    reading: MrzReading
    folded: int
    aligned: int


def repaired_mrz(
    lines: Sequence[str], *, today: dt.date, types: DocumentTypes | None = None
) -> RepairedMrz | None:
    """As `read_mrz`, of rows that have the exact length of their layout: no other length is tried."""
    shape = (len(lines), len(lines[0]))
    found = [
        aligned
        for layout in LAYOUTS.values()
        if (layout.rows, layout.columns) == shape and (aligned := align(layout, lines)) is not None
    ]
    return _best_repaired(found, today=today, types=types)


def read_mrz(
    rows: Sequence[str], *, today: dt.date, types: DocumentTypes | None = None
) -> RepairedMrz | None:
    """The machine-readable zone in recognised rows, top to bottom; None when they hold none.

    Rows above and below the zone may be among them. Text may be noisy: wrong case, spaces, fillers lost
    or doubled, digits for letters. What is returned may have refuted digits: see `reading.valid`.
    """
    clean = [cleaned(row) for row in rows]
    found = [
        aligned
        for layout in LAYOUTS.values()
        for start in range(len(clean) - layout.rows + 1)
        if (aligned := align(layout, clean[start : start + layout.rows])) is not None
    ]
    return _best_repaired(found, today=today, types=types)


def explained_by_look_alikes(reading: MrzReading) -> bool:
    """Whether each refuted digit would verify for some reading of its look-alikes, so OCR may be at fault.

    A zone for which this is false and whose digits are refuted was printed wrong, or misread more deeply.
    """
    layout = LAYOUTS[reading.format]
    kinds = layout.kinds()
    refuted = [
        element
        for element in layout.elements
        if element.digit is not None and reading.digits.get(element.name.value) is DigitState.REFUTED
    ]
    if not refuted:
        return any(
            composite_state(layout, option) is DigitState.VERIFIED
            for option in _combinations(reading.lines, list(_covered_by_composite_only(layout)), kinds)
        )
    return all(
        any(
            element_state(layout, element, option) is DigitState.VERIFIED
            for option in _combinations(reading.lines, [element.span], kinds)
        )
        for element in refuted
    )


def _best_repaired(
    found: Sequence[AlignedRows], *, today: dt.date, types: DocumentTypes | None
) -> RepairedMrz | None:
    best = max(found, key=lambda aligned: aligned.rank, default=None)
    if best is None or not best.credible:
        return None
    return _repaired(best, today=today, types=types)


def _repaired(aligned: AlignedRows, *, today: dt.date, types: DocumentTypes | None) -> RepairedMrz:
    as_read = parse(aligned.lines, today=today)
    layout = LAYOUTS[as_read.format]
    known = types.by_mrz(as_read) if types is not None else None
    kinds = layout.kinds() if known is None else _kinds_of_type(layout, known, aligned.lines)
    masked = tuple(fold(line, row) for line, row in zip(aligned.lines, kinds, strict=True))
    lines = _proven(layout, masked, kinds)
    return RepairedMrz(
        reading=parse(lines, today=today, repairs=_distance(masked, lines)),
        folded=aligned.folded + _distance(aligned.lines, masked),
        aligned=aligned.slip,
    )


def _kinds_of_type(layout: Layout, known: DocumentType, lines: Sequence[str]) -> Kinds:
    """The layout's kinds, narrowed by the masks of the type's numbers where these are as long as printed."""
    grid = [list(row) for row in layout.kinds()]
    masks = {
        FieldName.DOCUMENT_NUMBER: known.number_mask,
        FieldName.PERSONAL_NUMBER: known.personal_number_mask,
        FieldName.OPTIONAL_DATA: known.personal_number_mask,
    }
    for element in layout.elements:
        mask = masks.get(element.name)
        if mask and len(element.span.of(lines).rstrip(FILLER)) == len(mask):
            for offset, place in enumerate(mask):
                grid[element.span.row][element.span.start + offset] = _MASK_KINDS.get(place, Kind.ANY)
    return tuple(tuple(row) for row in grid)


def _proven(layout: Layout, lines: tuple[str, ...], kinds: Kinds) -> tuple[str, ...]:
    """Every refuted element repaired, if each has one reading and the composite agrees; else as read."""
    repaired = lines
    for element in layout.elements:
        if element.digit is None or element_state(layout, element, repaired) is not DigitState.REFUTED:
            continue
        options = [
            option
            for option in _combinations(repaired, [element.span], kinds)
            if element_state(layout, element, option) is DigitState.VERIFIED
        ]
        if len(options) != 1:
            return lines
        repaired = options[0]
    return _with_composite(layout, repaired, kinds) or lines


def _with_composite(layout: Layout, lines: tuple[str, ...], kinds: Kinds) -> tuple[str, ...] | None:
    """The rows if the composite verifies, or the one reading of data only it covers that makes it so."""
    if layout.composite_digit is None or composite_state(layout, lines) is DigitState.VERIFIED:
        return lines
    options = [
        option
        for option in _combinations(lines, list(_covered_by_composite_only(layout)), kinds)
        if composite_state(layout, option) is DigitState.VERIFIED
    ]
    return options[0] if len(options) == 1 else None


def _covered_by_composite_only(layout: Layout) -> Iterator[Span]:
    """Data under the composite digit but under no digit of its own."""
    spans = [element.span for element in layout.elements if element.digit is None]
    if layout.second_optional is not None:
        spans.append(layout.second_optional)
    for span in spans:
        if any(c.row == span.row and c.start <= span.start and span.stop <= c.stop for c in layout.composite):
            yield span


def _combinations(lines: tuple[str, ...], spans: Sequence[Span], kinds: Kinds) -> Iterator[tuple[str, ...]]:
    """The rows with every non-empty choice of characters in the spans replaced by their look-alikes.

    None at all when more characters have look-alikes than a single digit could ever decide about.
    """
    places = [
        (span.row, column, other)
        for span in spans
        for column in range(span.start, span.stop)
        if (other := _LOOK_ALIKES.get(lines[span.row][column])) in kinds[span.row][column].characters
    ]
    if len(places) > _MAXIMUM_AMBIGUOUS:
        return
    for count in range(1, len(places) + 1):
        for chosen in itertools.combinations(places, count):
            yield _replaced(lines, chosen)


def _replaced(lines: tuple[str, ...], changes: Sequence[tuple[int, int, str | None]]) -> tuple[str, ...]:
    grid = [list(line) for line in lines]
    for row, column, character in changes:
        grid[row][column] = character or FILLER
    return tuple("".join(row) for row in grid)


def _distance(first: Sequence[str], second: Sequence[str]) -> int:
    return sum(a != b for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True))

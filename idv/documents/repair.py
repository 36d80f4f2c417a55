"""Makes a machine-readable zone of what an OCR read: folds by mask, aligns rows, repairs what is proven.

Three steps, each weaker than proof is undone or left alone:

1. *Fold*: at a place that can only hold a digit or only a letter, a look-alike of the other kind is
   replaced (`O` among digits is `0`). This is the alphabet speaking, not a guess at the value.
2. *Align*: OCR loses and doubles fillers in runs. A row that is too short or too long is changed only at
   its runs of fillers or its ends, and only the alignment that verifies most check digits is taken.
3. *Repair*: an element whose check digit is refuted is changed by look-alikes until its own digit, and
   the composite digit where the format has one, both verify. Exactly one such reading is taken; with
   two or none, the rows stay as read and the digit is reported as refuted.

Known limit of the 7-3-1 digits: characters whose values are equal modulo 10 (G and 6, K and A and 0) cannot
be told apart by any check digit, and so are never repaired.
"""

import datetime as dt
import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from idv.documents.check_digits import ALPHABET, FILLER
from idv.documents.dates import DateRole, iso_from_mrz
from idv.documents.mrz import composite_state, digit_states, element_state, parse
from idv.documents.mrz_layouts import LAYOUTS, Element, Kind, Layout, Span
from idv.documents.states import is_state
from idv.domain.documents import DigitState, FieldName, MrzFormat, MrzReading

_DIGIT_FOR = dict(zip("OQDUCILJZEASGTBP", "0000011123456789", strict=True))
_LETTER_FOR = dict(zip("0123456789", "OIZEASGTBG", strict=True))
_LOOK_ALIKES = """
0O 0D 0Q 0C 0U 08 06 1I 1L 1J 17 1T 2Z 27 38 3B 3E 35 4A 49 5S 56 6G 68 6B 7Z 7T 8B 89 8S 9G 9P AR BE CG CO DO
EF FP HM HN IJ IL IT JL KR KX MN MW OQ DQ PR TY UV VW VY
"""
_SIMILAR = {
    character: "".join(pair.replace(character, "") for pair in _LOOK_ALIKES.split() if character in pair)
    for character in ALPHABET
}
"""Character -> those an OCR takes for it. Symmetric, so that what was printed is always a candidate."""
_FILLER_MARKS = str.maketrans(
    dict.fromkeys("«‹≪《〈＜⟨", FILLER) | {"«": FILLER * 2, "≪": FILLER * 2, "《": FILLER * 2}
)
_FILLER_MARKS_LONE = str.maketrans(dict.fromkeys("([{≤∠", FILLER))
_MISREAD_FILLERS = frozenset("KCLSEXGR")
_END_OF_NAMES = FILLER * 3
_MAXIMUM_SLIP = 8
_MAXIMUM_ALIGNMENTS = 64
_SUBSTITUTIONS_WITH_COMPOSITE = 2
_SUBSTITUTIONS_ALONE = 1


@dataclass(frozen=True)
class RepairedMrz:
    """A zone after repair and how it got there, in characters.

    `folded`: changed because of the alphabet alone. `aligned`: fillers added or characters dropped.
    `reading.repairs` counts the changes that a check digit proves.
    """

    reading: MrzReading
    folded: int
    aligned: int


class _Candidate(NamedTuple):
    """Rows of exact length, already folded; `verified` minus `refuted` digits and structure rank it."""

    lines: tuple[str, ...]
    folded: int
    aligned: int
    rank: tuple[int, ...]


def read_mrz(rows: Sequence[str], *, today: dt.date) -> RepairedMrz | None:
    """The machine-readable zone in recognised rows, top to bottom; None when they hold none.

    Rows above and below the zone may be among them. Text may be noisy: wrong case, spaces, fillers lost
    or doubled, digits for letters. What is returned may have refuted digits: see `reading.valid`.
    """
    clean = [_cleaned(row) for row in rows]
    found = [
        candidate
        for layout in LAYOUTS.values()
        for start in range(len(clean) - layout.rows + 1)
        if (candidate := _aligned(layout, clean[start : start + layout.rows])) is not None
    ]
    if not found:
        return None
    best = max(found, key=lambda candidate: candidate.rank)
    return _repaired(best, today=today) if _credible(best) else None


def looks_like_mrz_row(text: str) -> bool:
    """Whether recognised text may be a row of a zone: long, in its alphabet, with fillers or digits."""
    row = _cleaned(text)
    if not _shortest() <= len(row) <= _longest():
        return False
    visible = [character for character in text if not character.isspace()]
    fitting = sum(character.upper() in ALPHABET or character in "«‹" for character in visible)
    marks = row.count(FILLER) + sum(character.isdigit() for character in row)
    return fitting >= 0.9 * len(visible) and (row.count(FILLER) >= 2 or marks >= 0.5 * len(row))  # noqa: PLR2004


def _shortest() -> int:
    return min(layout.columns for layout in LAYOUTS.values()) - _MAXIMUM_SLIP


def _longest() -> int:
    return max(layout.columns for layout in LAYOUTS.values()) + _MAXIMUM_SLIP


def _cleaned(text: str) -> str:
    """Upper case, fillers for their look-alike brackets, and nothing outside the alphabet."""
    plain = unicodedata.normalize("NFKC", text.translate(_FILLER_MARKS)).translate(_FILLER_MARKS_LONE).upper()
    return "".join(character for character in plain if character in ALPHABET)


def _credible(candidate: _Candidate) -> bool:
    """A zone proves itself by a check digit, or by most of its structure when nothing verifies."""
    return candidate.rank[0] > 0


# --- alignment ------------------------------------------------------------------------------------------


def _aligned(layout: Layout, rows: Sequence[str]) -> _Candidate | None:
    """The best alignment of the rows to the layout; None when a row is too far from its length."""
    if any(abs(len(row) - layout.columns) > _MAXIMUM_SLIP for row in rows):
        return None
    choices = [list(_row_alignments(layout, index, row)) for index, row in enumerate(rows)]
    best_rows = [_best_of_row(layout, index, options) for index, options in enumerate(choices)]
    products = itertools.islice(itertools.product(*best_rows), _MAXIMUM_ALIGNMENTS)
    slip = sum(abs(len(row) - layout.columns) for row in rows)
    candidates = [_candidate(layout, product, slip=slip) for product in products]
    return max(candidates, key=lambda candidate: candidate.rank, default=None)


def _candidate(layout: Layout, rows: Sequence[str], *, slip: int) -> _Candidate:
    lines = tuple(_folded(row, kinds) for row, kinds in zip(rows, layout.kinds(), strict=True))
    folded = sum(
        a != b for row, line in zip(rows, lines, strict=True) for a, b in zip(row, line, strict=True)
    )
    states = list(digit_states(layout, lines).values())
    verified = states.count(DigitState.VERIFIED)
    rank = (verified, -states.count(DigitState.REFUTED), _structure(layout, lines), -slip, -folded)
    return _Candidate(lines, folded, slip, rank)


def _structure(layout: Layout, lines: Sequence[str]) -> int:
    """Signs of the right layout that no digit covers; each counts one."""
    is_visa = layout.format in (MrzFormat.MRV_A, MrzFormat.MRV_B)
    issuing = layout.element(FieldName.ISSUING_STATE).span.of(lines)
    nationality = layout.element(FieldName.NATIONALITY).span.of(lines)
    sex = layout.element(FieldName.SEX).span.of(lines)
    in_range = all(
        character in kind.characters
        for line, kinds in zip(lines, layout.kinds(), strict=True)
        for character, kind in zip(line, kinds, strict=True)
    )
    return sum(
        (
            is_visa == (lines[0][0] == "V"),
            lines[0][0] in ("P" if layout.format is MrzFormat.TD3 else "PIACVR"),
            is_state(issuing),
            is_state(nationality),
            issuing == nationality,
            sex in ("M", "F", FILLER),
            in_range,
        )
    ) + _name_signs(layout.names.of(lines))


def _name_signs(names: str) -> int:
    """How many of the marks of a whole name field stand: a first letter, one separator, no longer gap."""
    inner = names.rstrip(FILLER)
    return (names[:1] != FILLER) + (inner.count(FILLER * 2) == 1) + (_END_OF_NAMES not in inner)


def _row_alignments(layout: Layout, index: int, row: str) -> Iterator[str]:
    """Ways to give the row its length, at its runs of fillers and its ends only."""
    missing = layout.columns - len(row)
    if missing == 0:
        yield row
    if abs(missing) > _MAXIMUM_SLIP or missing == 0:
        return
    if missing < 0:
        if row[missing:] == FILLER * -missing:
            yield row[:missing]
        yield from (row[cut : len(row) + missing + cut] for cut in range(-missing + 1))
        yield from _with_shorter_runs(row, -missing)
        return
    yield row.ljust(layout.columns, FILLER)
    yield from _with_longer_runs(row, missing)
    if index == 0:
        yield row[:1] + FILLER * missing + row[1:]


def _with_longer_runs(row: str, missing: int) -> Iterator[str]:
    runs = _runs(row)
    for position in runs:
        yield row[:position] + FILLER * missing + row[position:]
    for first, second in itertools.combinations(runs, 2):
        for share in range(1, missing):
            middle = row[first:second] + FILLER * (missing - share)
            yield row[:first] + FILLER * share + middle + row[second:]


def _with_shorter_runs(row: str, surplus: int) -> Iterator[str]:
    runs = [(start, _run_length(row, start)) for start in _runs(row)]
    for start, length in runs:
        if length > surplus:
            yield row[:start] + row[start + surplus :]
    for (first, length), (second, other) in itertools.combinations(runs, 2):
        for share in range(1, surplus):
            if length > share and other > surplus - share:
                yield row[:first] + row[first + share : second] + row[second + surplus - share :]


def _runs(row: str) -> list[int]:
    """Where runs of fillers begin."""
    return [i for i, c in enumerate(row) if c == FILLER and (i == 0 or row[i - 1] != FILLER)]


def _run_length(row: str, start: int) -> int:
    return len(row) - start - len(row[start:].lstrip(FILLER))


def _best_of_row(layout: Layout, index: int, options: Sequence[str]) -> list[str]:
    """The alignments of one row that its own digits and structure rank first; several when they tie."""
    ranked = [(_row_rank(layout, index, option), option) for option in dict.fromkeys(options)]
    best = max((rank for rank, _ in ranked), default=())
    return [option for rank, option in ranked if rank == best]


def _row_rank(layout: Layout, index: int, row: str) -> tuple[int, ...]:
    kinds = layout.kinds()
    lines = [FILLER * layout.columns] * layout.rows
    lines[index] = _folded(row, kinds[index])
    own = [e for e in layout.elements if e.span.row == index and e.digit is not None]
    states = [element_state(layout, element, lines) for element in own]
    fitting = sum(c in kind.characters for c, kind in zip(lines[index], kinds[index], strict=True))
    states_known = sum(
        is_state(element.span.of(lines))
        for element in layout.elements
        if element.span.row == index and element.name in (FieldName.ISSUING_STATE, FieldName.NATIONALITY)
    )
    named = 0
    if layout.names.row == index:
        names = layout.names.of(lines)
        named = _name_signs(names)
    return (states.count(DigitState.VERIFIED), states_known, named, fitting)


# --- folding --------------------------------------------------------------------------------------------


def _folded(row: str, kinds: Sequence[Kind]) -> str:
    """The row with look-alikes of the wrong kind replaced, and junk within the closing fillers of names."""
    folded = "".join(_fold(character, kind) for character, kind in zip(row, kinds, strict=True))
    if kinds[-1] is not Kind.LETTER_OR_FILLER:
        return folded
    start = folded.find(_END_OF_NAMES)
    if start < 0 or not set(folded[start:]) - {FILLER} <= _MISREAD_FILLERS:
        return folded
    return folded[:start].ljust(len(folded), FILLER)


def _fold(character: str, kind: Kind) -> str:
    if character in kind.characters:
        return character
    if kind in (Kind.DIGIT, Kind.DIGIT_OR_FILLER):
        return _DIGIT_FOR.get(character, character)
    if kind is Kind.SEX:
        return {"N": "M", "H": "M", "P": "F", "E": "F", "K": FILLER, "C": FILLER}.get(character, character)
    return _LETTER_FOR.get(character, character)


# --- repair ---------------------------------------------------------------------------------------------


def _repaired(candidate: _Candidate, *, today: dt.date) -> RepairedMrz:
    as_read = parse(candidate.lines, today=today)
    if as_read.valid:
        return RepairedMrz(as_read, candidate.folded, candidate.aligned)
    lines = _proven(LAYOUTS[as_read.format], candidate.lines, today=today)
    changed = sum(
        a != b for old, new in zip(candidate.lines, lines, strict=True) for a, b in zip(old, new, strict=True)
    )
    return RepairedMrz(parse(lines, today=today, repairs=changed), candidate.folded, candidate.aligned)


def _proven(layout: Layout, lines: tuple[str, ...], *, today: dt.date) -> tuple[str, ...]:
    """The one change that makes every digit verify, or failing that the one change a single element has."""
    refuted = [
        e
        for e in layout.elements
        if e.digit is not None and element_state(layout, e, lines) is DigitState.REFUTED
    ]
    if layout.composite_digit is None:
        return _each_alone(layout, lines, refuted, today=today)
    if not refuted:
        return _composite_only(layout, lines)
    options = [list(_element_repairs(layout, e, lines, today=today)) for e in refuted]
    whole = _fewest(lines, _combined(layout, lines, refuted, options))
    return whole if whole is not None else lines


def _each_alone(
    layout: Layout, lines: tuple[str, ...], refuted: Iterable[Element], *, today: dt.date
) -> tuple[str, ...]:
    """Visas have no composite: one substitution an element, and only where a single one verifies."""
    for element in refuted:
        options = list(_element_repairs(layout, element, lines, today=today))
        if len(options) == 1:
            lines = _merged(lines, [element], options)
    return lines


def _composite_only(layout: Layout, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Only the composite is refuted: the fault is its own digit or data that no other digit covers."""
    free = [span for span in _spans_without_digit(layout) if _covers(layout, span)]
    if layout.composite_digit is not None:
        free.append(layout.composite_digit)
    kinds = layout.kinds()
    options = [
        changed
        for span in free
        for column in range(span.start, span.stop)
        for other in _similar(lines[span.row][column], kinds[span.row][column])
        if composite_state(layout, changed := _with(lines, span.row, column, other)) is DigitState.VERIFIED
    ]
    return options[0] if len(set(options)) == 1 else lines


def _spans_without_digit(layout: Layout) -> Iterator[Span]:
    for element in layout.elements:
        if element.digit is None or element.digit_optional:
            yield element.span
    if layout.second_optional is not None:
        yield layout.second_optional


def _covers(layout: Layout, span: Span) -> bool:
    return any(c.row == span.row and c.start <= span.start and span.stop <= c.stop for c in layout.composite)


def _element_repairs(
    layout: Layout, element: Element, lines: tuple[str, ...], *, today: dt.date
) -> Iterator[tuple[str, ...]]:
    """Rows in which the element's digit verifies after as few look-alikes as the format's proof allows."""
    digit = element.digit
    if digit is None:
        return
    limit = _SUBSTITUTIONS_ALONE if layout.composite_digit is None else _SUBSTITUTIONS_WITH_COMPOSITE
    kinds = layout.kinds()[element.span.row]
    columns = [*range(element.span.start, element.span.stop), digit]
    row = lines[element.span.row]
    for count in range(1, limit + 1):
        for places in itertools.combinations(columns, count):
            for letters in itertools.product(*(_similar(row[place], kinds[place]) for place in places)):
                changed = lines
                for place, letter in zip(places, letters, strict=True):
                    changed = _with(changed, element.span.row, place, letter)
                if _holds(layout, element, changed, today=today):
                    yield changed


def _holds(layout: Layout, element: Element, lines: tuple[str, ...], *, today: dt.date) -> bool:
    if element_state(layout, element, lines) is not DigitState.VERIFIED:
        return False
    roles = {FieldName.DATE_OF_BIRTH: DateRole.BIRTH, FieldName.DATE_OF_EXPIRY: DateRole.EXPIRY}
    role = roles.get(element.name)
    return role is None or iso_from_mrz(element.span.of(lines), role=role, today=today) is not None


def _combined(
    layout: Layout,
    lines: tuple[str, ...],
    refuted: Sequence[Element],
    options: Sequence[Sequence[tuple[str, ...]]],
) -> Iterator[tuple[str, ...]]:
    for choice in itertools.product(*options):
        merged = _merged(lines, refuted, choice)
        if composite_state(layout, merged) is DigitState.VERIFIED:
            yield merged


def _merged(
    lines: tuple[str, ...], elements: Sequence[Element], choice: Sequence[tuple[str, ...]]
) -> tuple[str, ...]:
    """The rows with each element, and its digit, taken from its own choice."""
    grid = [list(line) for line in lines]
    for element, chosen in zip(elements, choice, strict=True):
        row, start, stop = element.span
        grid[row][start:stop] = chosen[row][start:stop]
        if element.digit is not None:
            grid[row][element.digit] = chosen[row][element.digit]
    return tuple("".join(row) for row in grid)


def _fewest(lines: tuple[str, ...], options: Iterable[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The only option with the fewest changes; None when there is none or two share that number."""
    by_changes: dict[int, set[tuple[str, ...]]] = {}
    for option in options:
        by_changes.setdefault(_distance(lines, option), set()).add(option)
    fewest = by_changes[min(by_changes)] if by_changes else set()
    return next(iter(fewest)) if len(fewest) == 1 else None


def _distance(first: Sequence[str], second: Sequence[str]) -> int:
    return sum(a != b for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True))


def _similar(character: str, kind: Kind) -> list[str]:
    return [other for other in _SIMILAR[character] if other in kind.characters]


def _with(lines: tuple[str, ...], row: int, column: int, character: str) -> tuple[str, ...]:
    line = lines[row]
    return (*lines[:row], line[:column] + character + line[column + 1 :], *lines[row + 1 :])

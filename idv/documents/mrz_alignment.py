"""Gives recognised rows the exact shape of a machine-readable zone: cleans, folds by mask, aligns.

*Fold*: at a place that can only hold a digit or only a letter, a look-alike of the other kind is replaced
(`O` among digits is `0`). This is the alphabet speaking, not a guess at the value.
*Align*: OCR loses and doubles fillers in runs. A row too short or too long is changed only at its runs of
fillers or its ends, and the alignment that verifies most check digits is taken.
"""

import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from idv.documents.check_digits import ALPHABET, FILLER
from idv.documents.mrz import digit_states, element_state
from idv.documents.mrz_layouts import LAYOUTS, Kind, Layout
from idv.documents.states import is_state
from idv.domain.documents import DigitState, FieldName, MrzFormat

_DIGIT_FOR = dict(zip("OQDUCILJZEASGTBP", "0000011123456789", strict=True))
_LETTER_FOR = dict(zip("0123456789", "OIZEASGTBG", strict=True))
_WIDE_MARKS = {"«": FILLER * 2, "≪": FILLER * 2, "《": FILLER * 2, "〈": FILLER, "‹": FILLER, "⟨": FILLER}
_NARROW_MARKS = dict.fromkeys("([{≤∠くㄑ", FILLER)
_HOMOGLYPHS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТУХ", "ABEZHIKMNOPTYXABEKMHOPCTYX", strict=True))
_CLEANING = str.maketrans(_WIDE_MARKS | _NARROW_MARKS | _HOMOGLYPHS)
_MISREAD_FILLERS = frozenset("KCLSEXGR")
_END_OF_NAMES = FILLER * 3
_LEAST_FITTING = 0.94
_MOST_FOLDED = 0.15
_FULL_STRUCTURE = 8
_MAXIMUM_SLIP = 8
_MAXIMUM_ALIGNMENTS = 64


class AlignedRows(NamedTuple):
    """Rows of exact length, folded: `folded` characters changed, `slip` added or dropped.

    `structure`: signs of the layout that no digit covers. `fitting`: share of characters in place.
    """

    lines: tuple[str, ...]
    folded: int
    slip: int
    verified: int
    refuted: int
    structure: int
    fitting: float

    @property
    def rank(self) -> tuple[int, int]:
        """Orders alignments, also of different formats: proof and signs against characters moved."""
        return (3 * self.verified - 2 * self.refuted + self.structure - self.slip, -self.folded)

    @property
    def credible(self) -> bool:
        """Whether this is a zone at all and not other text: a verified digit or the whole structure."""
        places = sum(len(line) for line in self.lines)
        little_folded = self.folded <= _MOST_FOLDED * places
        proven = self.verified > 0 or self.structure >= _FULL_STRUCTURE
        return self.fitting >= _LEAST_FITTING and little_folded and proven


def looks_like_mrz_row(text: str) -> bool:
    """Whether recognised text may be a row of a zone: long, in its alphabet, with fillers or digits."""
    row = cleaned(text)
    if not _shortest() <= len(row) <= _longest():
        return False
    visible = [character for character in text if not character.isspace()]
    fitting = sum(bool(cleaned(character)) for character in visible)
    marks = row.count(FILLER) + sum(character.isdigit() for character in row)
    return fitting >= 0.9 * len(visible) and (row.count(FILLER) >= 2 or marks >= 0.5 * len(row))  # noqa: PLR2004


def _shortest() -> int:
    return min(layout.columns for layout in LAYOUTS.values()) - _MAXIMUM_SLIP


def _longest() -> int:
    return max(layout.columns for layout in LAYOUTS.values()) + _MAXIMUM_SLIP


def cleaned(text: str) -> str:
    """Upper case; fillers for brackets and Latin for Greek and Cyrillic look-alikes; nothing else."""
    plain = unicodedata.normalize("NFKC", text).upper().translate(_CLEANING)
    return "".join(character for character in plain if character in ALPHABET)


def align(layout: Layout, rows: Sequence[str]) -> AlignedRows | None:
    """The best alignment of the rows to the layout; None when a row is too far from its length.

    Rows without a single filler are no zone: every name field has one.
    """
    if not any(FILLER in row for row in rows) or any(
        abs(len(row) - layout.columns) > _MAXIMUM_SLIP for row in rows
    ):
        return None
    choices = [list(_row_alignments(layout, index, row)) for index, row in enumerate(rows)]
    best_rows = [_best_of_row(layout, index, options) for index, options in enumerate(choices)]
    products = itertools.islice(itertools.product(*best_rows), _MAXIMUM_ALIGNMENTS)
    slip = sum(abs(len(row) - layout.columns) for row in rows)
    candidates = [_candidate(layout, product, slip=slip) for product in products]
    return max(candidates, key=lambda candidate: candidate.rank, default=None)


def _candidate(layout: Layout, rows: Sequence[str], *, slip: int) -> AlignedRows:
    lines = tuple(fold(row, kinds) for row, kinds in zip(rows, layout.kinds(), strict=True))
    folded = sum(
        a != b for row, line in zip(rows, lines, strict=True) for a, b in zip(row, line, strict=True)
    )
    states = list(digit_states(layout, lines).values())
    return AlignedRows(
        lines,
        folded,
        slip,
        verified=states.count(DigitState.VERIFIED),
        refuted=states.count(DigitState.REFUTED),
        structure=_structure(layout, lines),
        fitting=_fitting(layout, lines),
    )


def _fitting(layout: Layout, lines: Sequence[str]) -> float:
    """Share of the characters that may stand where they stand."""
    places = [
        character in kind.characters
        for line, kinds in zip(lines, layout.kinds(), strict=True)
        for character, kind in zip(line, kinds, strict=True)
    ]
    return sum(places) / len(places)


def _structure(layout: Layout, lines: Sequence[str]) -> int:
    """Signs of the right layout that no digit covers; each counts one."""
    is_visa = layout.format in (MrzFormat.MRV_A, MrzFormat.MRV_B)
    issuing = layout.element(FieldName.ISSUING_STATE).span.of(lines)
    nationality = layout.element(FieldName.NATIONALITY).span.of(lines)
    sex = layout.element(FieldName.SEX).span.of(lines)
    return sum(
        (
            is_visa == (lines[0][0] == "V"),
            lines[0][0] in ("P" if layout.format is MrzFormat.TD3 else "PIACVR"),
            is_state(issuing),
            is_state(nationality),
            issuing == nationality,
            sex in ("M", "F", FILLER),
            _fitting(layout, lines) == 1.0,
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
    if len(options) <= 1:
        return list(options)
    ranked = [(_row_rank(layout, index, option), option) for option in dict.fromkeys(options)]
    best = max((rank for rank, _ in ranked), default=())
    return [option for rank, option in ranked if rank == best]


def _row_rank(layout: Layout, index: int, row: str) -> tuple[int, ...]:
    kinds = layout.kinds()
    lines = [FILLER * layout.columns] * layout.rows
    lines[index] = fold(row, kinds[index])
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


def fold(row: str, kinds: Sequence[Kind]) -> str:
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

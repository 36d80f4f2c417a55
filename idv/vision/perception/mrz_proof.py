"""Settles doubtful characters of a machine-readable zone by its check digits.

Where a digit is refuted, the recogniser's own second choices are tried, the likeliest first; a change stands
only when it makes every check digit hold and no other change that does is nearly as likely.
"""

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from idv.documents.check_digits import ALPHABET
from idv.documents.document_types import DocumentTypes
from idv.documents.mrz import digit_states, parse
from idv.documents.mrz_layouts import Layout
from idv.documents.repair import repaired_mrz
from idv.domain.documents import DigitState, MrzReading
from idv.vision.perception.mrz_rows import Row

_LEAST_LIKELY = 2e-3
_MAX_DOUBTS = 12
_MAX_CHANGES = 3
# In nats: the accepted change is e times as likely as the next that would also verify.
_MARGIN = 1.0


class _Doubt(NamedTuple):
    row: int
    column: int
    other: str
    cost: float


def proven(layout: Layout, rows: Sequence[Row], *, today: dt.date, types: DocumentTypes | None) -> MrzReading:
    """The zone as read where its digits hold, else as repaired where a digit proves it, else as read."""
    lines = tuple(row.text for row in rows)
    as_read = parse(lines, today=today)
    masked = types is not None and types.by_mrz(as_read) is not None
    # Two letters O read as zeros can cancel out in a check digit; the masks of a known type tell them apart.
    if as_read.valid and not masked:
        return as_read
    repaired = repaired_mrz(lines, today=today, types=types)
    if repaired is not None and repaired.reading.format is layout.format and repaired.reading.valid:
        return repaired.reading
    if as_read.valid:
        return as_read
    changed = _settled(layout, lines, _doubts(rows))
    if changed is None:
        return as_read
    return parse(changed, today=today, repairs=_differences(lines, changed))


def refuted(reading: MrzReading) -> int:
    """How many check digits are wrong."""
    return list(reading.digits.values()).count(DigitState.REFUTED)


def _doubts(rows: Sequence[Row]) -> list[_Doubt]:
    """Second choices of the recogniser, cheapest first; the cost is the log-ratio to the first choice."""
    found = [
        doubt
        for index, row in enumerate(rows)
        for column, character in enumerate(row.text)
        for doubt in _others(index, column, character, row)
    ]
    return sorted(found, key=lambda doubt: doubt.cost)[:_MAX_DOUBTS]


def _others(index: int, column: int, character: str, row: Row) -> Iterator[_Doubt]:
    choices = row.choices[column]
    first = max(float(choices[ALPHABET.index(character)]), _LEAST_LIKELY)
    for k in np.flatnonzero(choices >= _LEAST_LIKELY):
        if ALPHABET[k] != character:
            yield _Doubt(index, column, ALPHABET[k], math.log(first / float(choices[k])))


def _settled(layout: Layout, lines: tuple[str, ...], doubts: Sequence[_Doubt]) -> tuple[str, ...] | None:
    """The one set of changes, as small as possible, that verifies and is clearly the likeliest."""
    for size in range(1, _MAX_CHANGES + 1):
        verifying = sorted(_verifying(layout, lines, doubts, size), key=lambda option: option[0])
        if verifying:
            clear = len(verifying) == 1 or verifying[1][0] - verifying[0][0] >= _MARGIN
            return verifying[0][1] if clear else None
    return None


def _verifying(
    layout: Layout, lines: tuple[str, ...], doubts: Sequence[_Doubt], size: int
) -> Iterator[tuple[float, tuple[str, ...]]]:
    for choice in itertools.combinations(doubts, size):
        if len({(d.row, d.column) for d in choice}) == size:
            changed = _with(lines, choice)
            if _holds(layout, changed):
                yield sum(d.cost for d in choice), changed


def _holds(layout: Layout, lines: tuple[str, ...]) -> bool:
    states = set(digit_states(layout, lines).values())
    return DigitState.REFUTED not in states and DigitState.VERIFIED in states


def _with(lines: tuple[str, ...], choice: Sequence[_Doubt]) -> tuple[str, ...]:
    grid = [list(line) for line in lines]
    for doubt in choice:
        grid[doubt.row][doubt.column] = doubt.other
    return tuple("".join(row) for row in grid)


def _differences(first: Sequence[str], second: Sequence[str]) -> int:
    return sum(a != b for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True))

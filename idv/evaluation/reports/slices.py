"""Rates by slice: who pays for the errors, and whether impostors of the same group get through more often."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idv.domain.results import CheckName
from idv.domain.score_tables import Factor, Run, Trials
from idv.evaluation.catalogue import rates_of
from idv.evaluation.reports.figures import Figure, Resampling, figure_of

_MOST_VALUES = 20
_RESAMPLES = 400
_ACROSS = -2
DIFFERENT = "(different values)"
"""Comparisons of two items that differ in the slice."""
SAME = "(same value)"
"""Comparisons of two items that share their value, whichever it is: impostors of one's own group."""


@dataclass(frozen=True)
class SliceRow:
    """One value of a slice: `figures` hold every rate of the check, over all species together."""

    value: str
    trials: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class SliceTable:
    """All values of one slice, the most frequent first; `left_out`: values beyond the first twenty.

    For comparisons a value's row holds those of which both items have it, so its impostors are of the same
    group. Two more rows sum up all comparisons within a value and all across.
    """

    name: str
    rows: tuple[SliceRow, ...]
    unknown: int = 0
    left_out: int = 0


def slice_tables(
    run: Run, trials: Trials, threshold: float | None, how: Resampling
) -> tuple[SliceTable, ...]:
    """One table for each slice that the set gives, in its order."""
    quicker = Resampling(min(how.resamples, _RESAMPLES), how.confidence, how.seed)
    return tuple(
        _table(run.record.check, name, memberships(factor, trials), trials, threshold, quicker)
        for name, factor in run.table.items.slices.items()
    )


@dataclass(frozen=True)
class Memberships:
    """Which trials belong to which value: codes (N,) as in `names`; -1 unknown, -2 two different values."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    def most_frequent(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Each value and its trials, the most frequent first."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))
        for code in np.argsort(-counts, kind="stable"):
            if counts[code]:
                yield self.names[code], self.codes == code

    def across(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """For comparisons: those within one value, and those across."""
        different = self.codes == _ACROSS
        if different.any():
            yield SAME, self.codes >= 0
            yield DIFFERENT, different


def memberships(factor: Factor, trials: Trials) -> Memberships:
    """The value of a trial is the one its items share."""
    a, b = factor.codes[trials.row_a], factor.codes[trials.row_b]
    known = (a >= 0) & (b >= 0)
    return Memberships(np.where(known, np.where(a == b, a, _ACROSS), -1).astype(np.int32), factor.names)


def _table(
    check: CheckName,
    name: str,
    members: Memberships,
    trials: Trials,
    threshold: float | None,
    how: Resampling,
) -> SliceTable:
    values = list(members.most_frequent())
    rows = []
    for value, keep in [*values[:_MOST_VALUES], *members.across()]:
        chosen = trials.where(keep)
        figures = tuple(
            figure_of(rate, chosen.where(rate.counts(chosen)), threshold, how, group="")
            for rate in rates_of(check)
        )
        rows.append(SliceRow(value, len(chosen), figures))
    return SliceTable(
        name,
        tuple(rows),
        unknown=int((members.codes == -1).sum()),
        left_out=max(0, len(values) - _MOST_VALUES),
    )

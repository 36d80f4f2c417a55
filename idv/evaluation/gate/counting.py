"""What one rule counts in one run: trials, which of them are errors, and whom they concern."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import RequestError
from idv.domain.score_tables import Codes, Factor, Run, Trials
from idv.evaluation.catalogue import Rate, errors_of, rates_of
from idv.evaluation.gate.rules import MISREAD, OUTCOME, SPECIES, GateRule
from idv.evaluation.reports.targets import Side, groups_of, parse_target, side_of, threshold_for

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """A threshold chosen on this very run, for the target `share`: a resample has to choose it anew.

    `score`, `subject_a`, `subject_b` (M,) of the trials it was chosen on: the worst species' where a rate
    is reported by species. `sign`: 1 for a target of false accepts, whose errors lie above; -1 for one of
    false rejects; 0 where the rate is on the target's own side, so that the choice hardly moves it.
    """

    threshold: float
    share: float
    sign: int
    score: NDArray[np.float64]
    subject_a: Codes
    subject_b: Codes


@dataclass(frozen=True)
class Counted:
    """The N trials of one rule in one run; `score` is only there where a threshold decides.

    `wrong` (N,) bool; `row_a`, `row_b` (N,) rows of the item table, equal for single items.
    """

    wrong: Mask
    score: NDArray[np.float64] | None
    subject_a: Codes
    subject_b: Codes
    row_a: Codes
    row_b: Codes
    species: Factor
    cut: Cut | None = None

    def where(self, keep: Mask) -> "Counted":
        """The trials that `keep` (N,) selects."""
        return replace(
            self,
            wrong=self.wrong[keep],
            score=None if self.score is None else self.score[keep],
            subject_a=self.subject_a[keep],
            subject_b=self.subject_b[keep],
            row_a=self.row_a[keep],
            row_b=self.row_b[keep],
            species=Factor(self.species.codes[keep], self.species.names),
        )


def count(rule: GateRule, run: Run) -> Counted:
    """What a rule counts in a run.

    Raises RequestError `rate_undefined` when no trial counts, `rule_needs_target` where nothing was decided
    (comparisons), and what `reports.targets` raises for a target that cannot be met.
    """
    if rule.rate == MISREAD:
        return _misread(rule, run)
    trials = run.table.trials(rule.part)
    if rule.at == OUTCOME and run.table.pairs is not None:
        raise RequestError(
            "rule_needs_target", f"comparisons have no outcome: give {rule.rate} a target", field="at"
        )
    rate = next(rate for rate in rates_of(rule.check) if rate.name == rule.rate)
    cut = None if rule.at == OUTCOME else _cut(rule, rate, trials)
    return _counted(rate, trials, cut)


def masks_of(rule: GateRule, counted: Counted, run: Run) -> dict[str, Mask]:
    """`all`, and `slice=value` for each value of the rule's slices -> which trials (N,) it holds.

    A comparison belongs to a value when both of its items do. Raises RequestError `slice_unknown`.
    """
    masks = {"all": np.ones(counted.wrong.size, bool)}
    for name in rule.slices:
        codes_a, codes_b, names = _columns(name, counted, run)
        masks |= {f"{name}={value}": (codes_a == n) & (codes_b == n) for n, value in enumerate(names)}
    return masks


def _columns(name: str, counted: Counted, run: Run) -> tuple[Codes, Codes, tuple[str, ...]]:
    if name == SPECIES:
        return counted.species.codes, counted.species.codes, counted.species.names
    try:
        column = run.table.items.slices[name]
    except KeyError:
        known = ", ".join((*run.table.items.slices, SPECIES))
        raise RequestError(
            "slice_unknown", f"the set has the slices {known}; not {name}", field="slices"
        ) from None
    return column.codes[counted.row_a], column.codes[counted.row_b], column.names


def _counted(rate: Rate, trials: Trials, cut: Cut | None) -> Counted:
    try:
        counted, wrong = errors_of(rate, trials, cut.threshold if cut else None)
    except ValueError as error:
        raise RequestError("rate_undefined", str(error), field="rate") from error
    return Counted(
        wrong=wrong,
        score=counted.score if cut else None,
        subject_a=counted.subject_a,
        subject_b=counted.subject_b,
        row_a=counted.row_a,
        row_b=counted.row_b,
        species=counted.species,
        cut=cut,
    )


def _cut(rule: GateRule, rate: Rate, trials: Trials) -> Cut:
    target = parse_target(rule.at, rule.check, field="at")
    threshold = threshold_for(target, trials)
    groups = [group.trials for group in groups_of(target.rate, trials) if len(group.trials)]
    sign = 1 if side_of(target.rate) is Side.FALSE_ACCEPT else -1
    # Of several species the one nearest to the target decides where the threshold lies.
    deciding = max(groups, key=lambda group: float(np.mean(sign * group.score >= sign * threshold)))
    if side_of(rate) in (side_of(target.rate), Side.NON_RESPONSE):
        sign = 0
    return Cut(threshold, target.value, sign, deciding.score, deciding.subject_a, deciding.subject_b)


def _misread(rule: GateRule, run: Run) -> Counted:
    items = run.table.items
    rows = np.flatnonzero(items.rows_of(rule.part) & (items.correct >= 0)).astype(np.int32)
    if rows.size == 0:
        raise RequestError("rate_undefined", f"{MISREAD} is undefined: nothing was to be read", field="rate")
    subjects = items.subjects[rows]
    species = Factor(items.species.codes[rows], items.species.names)
    return Counted(items.correct[rows] == 0, None, subjects, subjects, rows, rows, species)

"""The gate: a candidate against a base on the same items, rule by rule and slice by slice.

Each test asks whether the candidate errs more often than the base on the same trials: a paired sign-flip
test over subjects (McNemar's where every subject has one trial). Where each run chose its own threshold on
the set, a t-test whose variance comes from resampling subjects and choosing both thresholds anew counts as
well, and the larger p-value holds. Holm's correction over all tests of a run keeps its false alarms at the
nominal rate.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import RequestError
from idv.domain.operating_points import Interval
from idv.domain.score_tables import Codes, Run
from idv.evaluation.gate.comparable import require_comparable
from idv.evaluation.gate.counting import Counted, count, masks_of
from idv.evaluation.gate.rules import GateRule, GateRules
from idv.metrics.bootstrap import PairedDifference, paired_difference
from idv.metrics.intervals import student_t_quantile, student_t_tail
from idv.metrics.paired import holm
from idv.metrics.rate_at_rate import RateAtRate
from idv.metrics.resampling import Subjects

ITEMS_LISTED = 1000
"""At most so many newly wrong items a test are named; `newly_wrong` counts all."""


class Verdict(StrEnum):
    """What one test says of the candidate."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"
    UNTESTED = "untested"


@dataclass(frozen=True)
class GateTest:
    """One rule on one slice. Rates and their difference (candidate minus base) in [0, 1] and [-1, 1].

    `p_value` one-sided, of the candidate erring no more often; `adjusted` after Holm. `items`: ids that the
    candidate alone got wrong, comparisons as `id|id`. An untested one says why in `note`.
    """

    rule: GateRule
    slice: str
    verdict: Verdict
    trials: int = 0
    base_rate: float = math.nan
    candidate_rate: float = math.nan
    interval: Interval | None = None
    p_value: float = 1.0
    adjusted: float = 1.0
    newly_wrong: int = 0
    newly_right: int = 0
    items: tuple[str, ...] = ()
    note: str = ""

    @property
    def difference(self) -> float:
        """By how much the candidate errs more often."""
        return self.candidate_rate - self.base_rate


@dataclass(frozen=True)
class GateReport:
    """What a gate says of a candidate: run ids of both, and every test in the order of the rules."""

    base: str
    candidate: str
    nominal: float
    tests: tuple[GateTest, ...]

    @property
    def failed(self) -> tuple[GateTest, ...]:
        """The tests on which the candidate is worse."""
        return tuple(test for test in self.tests if test.verdict is Verdict.WORSE)


def compare(base: Run, candidate: Run, rules: GateRules) -> GateReport:
    """Test a candidate against a base.

    Raises RequestError before any work when the runs cannot be compared (`require_comparable`), no rule is
    about their check, or a rule cannot be tested on the whole set (`rate_undefined`, `rule_needs_target`,
    `slice_unknown`, or a target's own errors).
    """
    require_comparable(base, candidate)
    every = [(rule, count(rule, base), count(rule, candidate)) for rule in rules.about(base.record.check)]
    measured = [
        test
        for rule, before, after in every
        for test in _tests(_Matched(rule, before, after), base, candidate, rules)
    ]
    return GateReport(
        base.record.run_id, candidate.record.run_id, rules.nominal, tuple(_judged(measured, rules.nominal))
    )


class _Matched(NamedTuple):
    """The same trials in both runs."""

    rule: GateRule
    before: Counted
    after: Counted

    def where(self, keep: NDArray[np.bool_]) -> "_Matched":
        return _Matched(self.rule, self.before.where(keep), self.after.where(keep))


def _tests(matched: _Matched, base: Run, candidate: Run, rules: GateRules) -> Iterator[GateTest]:
    """One test a slice; a slice too small to test is told, not passed over."""
    rule = matched.rule
    if not np.array_equal(matched.before.row_a, matched.after.row_a):
        raise RequestError("items_differ", f"{rule.rate} counts other trials in the two runs")
    for name, keep in masks_of(rule, matched.before, candidate).items():
        chosen = matched.where(keep)
        try:
            yield _test(chosen, name, base, rules)
        except ValueError as error:
            if name == "all":
                raise RequestError("rate_undefined", f"{rule.rate}: {error}", field="rate") from error
            yield GateTest(rule, name, Verdict.UNTESTED, trials=int(keep.sum()), note=str(error))


def _test(matched: _Matched, name: str, base: Run, rules: GateRules) -> GateTest:
    rule, before, after = matched
    paired = paired_difference(
        before.wrong,
        after.wrong,
        before.subject_a,
        before.subject_b,
        resamples=rules.resamples,
        confidence=rules.confidence,
        seed=rules.seed,
    )
    if before.cut is not None and before.cut.sign:
        paired = _with_chosen_thresholds(paired, matched, rules)
    newly = np.flatnonzero(after.wrong & ~before.wrong)
    return GateTest(
        rule=rule,
        slice=name,
        verdict=Verdict.NOT_WORSE,
        trials=before.wrong.size,
        base_rate=float(before.wrong.mean()),
        candidate_rate=float(after.wrong.mean()),
        interval=paired.interval,
        p_value=paired.p_worse,
        newly_wrong=newly.size,
        newly_right=int(np.sum(before.wrong & ~after.wrong)),
        items=_names(after, newly[:ITEMS_LISTED], base),
    )


def _with_chosen_thresholds(
    paired: PairedDifference, matched: _Matched, rules: GateRules
) -> PairedDifference:
    """The same difference, its uncertainty with both thresholds chosen anew in every resample."""
    _, before, after = matched
    everybody = np.unique(np.concatenate([_subjects(before), _subjects(after)]))
    change = _replicates(after, everybody, rules) - _replicates(before, everybody, rules)
    drawn = change[np.isfinite(change)]
    if drawn.size < rules.resamples // 2:
        raise ValueError("too few subjects to resample")
    spread = float(np.std(drawn))
    freedom = np.unique(before.subject_a).size - 1
    half = student_t_quantile(0.5 + rules.confidence / 2, freedom) * spread
    low = max(-1.0, min(paired.interval.low, paired.difference - half))
    high = min(1.0, max(paired.interval.high, paired.difference + half))
    tail = student_t_tail(paired.difference / spread, freedom) if spread > 0 else 0.0
    return PairedDifference(
        paired.difference,
        Interval(low, high, rules.confidence),
        max(paired.p_value, 2 * min(tail, 1 - tail)),
        max(paired.p_worse, tail),
    )


def _replicates(counted: Counted, everybody: Codes, rules: GateRules) -> NDArray[np.float64]:
    """The rate in each resample of `everybody`; the same draws whatever the run."""
    cut, score = counted.cut, counted.score
    if cut is None or score is None:
        raise ValueError("no threshold was chosen")
    sides = (counted.subject_a, cut.subject_a), (counted.subject_b, cut.subject_b)
    a, b = (np.searchsorted(everybody, np.concatenate(side)) for side in sides)
    scores = cut.sign * np.concatenate([score, cut.score])
    counts = np.arange(scores.size) < score.size
    table = RateAtRate(scores, counts, Subjects(a, b, everybody.size), targets=[cut.share])
    return table.replicates(resamples=rules.resamples, seed=rules.seed).rates[:, 0]


def _subjects(counted: Counted) -> Codes:
    chosen_on = () if counted.cut is None else (counted.cut.subject_a, counted.cut.subject_b)
    return np.concatenate([counted.subject_a, counted.subject_b, *chosen_on])


def _judged(tests: Sequence[GateTest], nominal: float) -> Iterator[GateTest]:
    """With Holm's correction over everything that was tested."""
    tested = [test for test in tests if test.verdict is not Verdict.UNTESTED]
    adjusted = iter(holm([test.p_value for test in tested]))
    for test in tests:
        if test.verdict is Verdict.UNTESTED:
            yield test
            continue
        p = float(next(adjusted))
        worse = p <= nominal and test.difference > test.rule.allowed
        yield dataclasses.replace(test, adjusted=p, verdict=Verdict.WORSE if worse else Verdict.NOT_WORSE)


def _names(counted: Counted, chosen: NDArray[np.intp], run: Run) -> tuple[str, ...]:
    ids = run.table.items.ids
    rows = zip(counted.row_a[chosen], counted.row_b[chosen], strict=True)
    return tuple(ids[a] if a == b else f"{ids[a]}|{ids[b]}" for a, b in rows)

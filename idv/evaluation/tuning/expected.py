"""What a threshold would do to the next ten thousand applicants, at a stated share of fraud."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import Interval
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.reports.figures import Resampling, interval_of
from idv.evaluation.reports.targets import Side, groups_of, rate_on

APPLICANTS = 10_000


class Fate(StrEnum):
    """What the check alone would say of an applicant."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    NO_SCORE = "no_score"


@dataclass(frozen=True)
class ExpectedCount:
    """How many of the applicants; `low` and `high` from the rate's interval, not of the coming sample."""

    fate: Fate
    count: float
    low: float
    high: float


@dataclass(frozen=True)
class ExpectedRow:
    """One kind of applicant: `of` so many, and what becomes of them."""

    who: str
    of: float
    counts: tuple[ExpectedCount, ...]


def expected_counts(
    check: CheckName,
    trials: Trials,
    *,
    threshold: float,
    reject_below: float | None,
    prior: float,
    how: Resampling,
) -> tuple[ExpectedRow, ...]:
    """Genuine applicants, and frauds as the species that gets through most often."""
    accepts = rate_on(check, Side.FALSE_ACCEPT)
    groups = [group for group in groups_of(accepts, trials) if len(group.trials)]
    worst = max(groups, key=lambda group: float(np.mean(group.trials.score >= threshold)))
    frauds = f"fraud, all as {worst.name}" if worst.name else "fraud"
    low = threshold if reject_below is None else reject_below
    kinds = (
        ("genuine", (1 - prior) * APPLICANTS, trials.where(trials.genuine)),
        (frauds, prior * APPLICANTS, worst.trials),
    )
    return tuple(
        ExpectedRow(who, people, tuple(_counts(people, of, threshold, low, how))) for who, people, of in kinds
    )


def _counts(
    people: float, trials: Trials, threshold: float, reject_below: float, how: Resampling
) -> Iterator[ExpectedCount]:
    for fate, became in _fates(trials.score, threshold, reject_below):
        if fate is Fate.INCONCLUSIVE and reject_below == threshold:
            continue
        # Without an interval everything between nobody and everybody is possible.
        interval = interval_of(became, trials, how)[0] or Interval(0.0, 1.0, how.confidence)
        share = float(became.mean())
        yield ExpectedCount(fate, people * share, people * interval.low, people * interval.high)


def _fates(
    score: NDArray[np.float64], threshold: float, reject_below: float
) -> Iterator[tuple[Fate, NDArray[np.bool_]]]:
    answered = np.isfinite(score)
    yield Fate.PASS, score >= threshold
    yield Fate.INCONCLUSIVE, (score < threshold) & (score >= reject_below)
    yield Fate.FAIL, answered & (score < reject_below)
    yield Fate.NO_SCORE, ~answered

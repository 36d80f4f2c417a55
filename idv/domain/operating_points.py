"""An operating point: a threshold with its pedigree. A bare threshold does not exist."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from idv.domain.results import CheckName, Outcome


class PointStatus(StrEnum):
    """A shadow point is scored without effect; only an enforced one decides."""

    SHADOW = "shadow"
    ENFORCED = "enforced"


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval of an error rate, both ends in [0, 1]."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class OperatingPoint:
    """Where a check's score is cut, why, and on which models and data that was measured.

    Scores at or above `threshold` pass; below `reject_below` (if set) they fail; between, they are
    inconclusive. Without `reject_below` everything below `threshold` fails.
    """

    check: CheckName
    threshold: float
    check_digest: str
    eval_set: str
    eval_set_digest: str
    target: str
    measured: float
    interval: Interval
    run_id: str
    created_on: dt.date
    status: PointStatus = PointStatus.ENFORCED
    reject_below: float | None = None

    def outcome_of(self, score: float) -> Outcome:
        """What a finite score comes to at this point."""
        if score >= self.threshold:
            return Outcome.PASS
        lowest = self.threshold if self.reject_below is None else self.reject_below
        return Outcome.FAIL if score < lowest else Outcome.INCONCLUSIVE

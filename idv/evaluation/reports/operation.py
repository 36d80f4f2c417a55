"""What a candidate costs in daily use: answers given, time, money, and what was read exactly."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import Interval
from idv.domain.results import Outcome
from idv.domain.score_tables import OUTCOMES, ItemTable
from idv.metrics.intervals import wilson

_MOST_REASONS = 12


@dataclass(frozen=True)
class Latency:
    """Percentiles over items that were timed, in ms."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class ExactReads:
    """Items whose reading equals the truth, of those that have one; Wilson's interval."""

    exact: int
    items: int
    interval: Interval


@dataclass(frozen=True)
class Operation:
    """Over all items of the reported part. `cost` is the mean per item, in the run record's currency."""

    items: int
    outcomes: Mapping[Outcome, int]
    reasons: Mapping[str, int]
    latency: Latency | None
    cost: float | None
    reads: ExactReads | None


def operation_of(items: ItemTable, rows: NDArray[np.bool_]) -> Operation:
    """Of the items that `rows` (N,) selects."""
    timed = items.latency_ms[rows]
    timed = timed[np.isfinite(timed) & (timed > 0)]
    costs = items.cost[rows]
    costs = costs[np.isfinite(costs)]
    counts = np.bincount(items.outcome[rows], minlength=len(OUTCOMES))
    reasons = Counter(
        code for text in np.array(items.reasons, object)[rows] for code in text.split(";") if code
    )
    return Operation(
        items=int(rows.sum()),
        outcomes={name: int(count) for name, count in zip(OUTCOMES, counts, strict=True) if count},
        reasons=dict(reasons.most_common(_MOST_REASONS)),
        latency=Latency(*np.percentile(timed, [50, 95, 99]).tolist()) if timed.size else None,
        cost=float(costs.mean()) if costs.size else None,
        reads=_reads(items.correct[rows]),
    )


def _reads(correct: NDArray[np.int8]) -> ExactReads | None:
    known = correct[correct >= 0]
    if not known.size:
        return None
    exact = int(known.sum())
    return ExactReads(exact, known.size, wilson(exact, known.size))

"""Whether the scores mean what they say: calibration, reliability, and what abstaining would buy."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idv.domain.score_tables import Trials
from idv.metrics.abstention import risk_coverage
from idv.metrics.calibration import cllr, ece, min_cllr

Floats = NDArray[np.float64]

_BINS = 12
_CURVE_POINTS = 200


class ReliabilityPoint(NamedTuple):
    """Among scores that claim `said`, the share `seen` that was genuine, both classes weighing the same."""

    said: float
    seen: float
    trials: int


class CoveragePoint(NamedTuple):
    """Answering only the surest `coverage` of the trials, the share `risk` of the answers is wrong."""

    coverage: float
    risk: float


@dataclass(frozen=True)
class ScoreQuality:
    """`cllr` and `min_cllr` in bits; their difference is what recalibrating could win.

    Scores are read as natural log-likelihood ratios; a vendor's own scale has a high Cllr and may still have
    a low minimum. `ece`: expected calibration error of the probabilities they claim at this set's own mix.
    None where one class has no score, and `why`.
    """

    cllr: float | None = None
    min_cllr: float | None = None
    ece: float | None = None
    reliability: tuple[ReliabilityPoint, ...] = ()
    coverage: tuple[CoveragePoint, ...] = ()
    why: str = ""


def score_quality(trials: Trials, threshold: float) -> ScoreQuality:
    """Of the trials that have a score; `coverage` is about answers cut at `threshold`."""
    answered = np.isfinite(trials.score)
    score, genuine = trials.score[answered], trials.genuine[answered]
    if not genuine.any() or genuine.all():
        return ScoreQuality(why="one of the two classes has no scores")
    own_odds = np.log(genuine.sum() / (~genuine).sum())
    return ScoreQuality(
        cllr=cllr(score[genuine], score[~genuine]),
        min_cllr=min_cllr(score[genuine], score[~genuine]),
        ece=ece(_probability(score + own_odds), genuine),
        reliability=_reliability(score, genuine),
        coverage=_coverage(trials, threshold),
    )


def _reliability(score: Floats, genuine: NDArray[np.bool_]) -> tuple[ReliabilityPoint, ...]:
    """Equally filled bins of a balanced mixture of both classes."""
    weights = np.where(genuine, 0.5 / genuine.sum(), 0.5 / (~genuine).sum())
    order = np.argsort(score)
    filled = np.cumsum(weights[order])
    bins = np.empty(score.size, np.int64)
    bins[order] = np.minimum((filled * _BINS * (1 - 1e-12)).astype(np.int64), _BINS - 1)
    mass = np.bincount(bins, weights, _BINS)
    claimed = np.bincount(bins, weights * _probability(score), _BINS)
    true = np.bincount(bins, weights * genuine, _BINS)
    counts = np.bincount(bins, minlength=_BINS)
    return tuple(
        ReliabilityPoint(float(claimed[i] / mass[i]), float(true[i] / mass[i]), int(counts[i]))
        for i in np.flatnonzero(counts)
    )


def _probability(log_odds: Floats) -> Floats:
    """Without overflow."""
    probability: Floats = np.exp(-np.logaddexp(0.0, -log_odds))
    return probability


def _coverage(trials: Trials, threshold: float) -> tuple[CoveragePoint, ...]:
    accepted = trials.score >= threshold
    distance = np.where(np.isfinite(trials.score), np.abs(trials.score - threshold), -np.inf)
    if not np.isfinite(threshold):
        return ()
    curve = risk_coverage(distance, accepted != trials.genuine)
    picked = np.unique(np.linspace(0, curve.coverage.size - 1, _CURVE_POINTS).astype(np.int64))
    return tuple(
        CoveragePoint(float(x), float(y))
        for x, y in zip(curve.coverage[picked], curve.risk[picked], strict=True)
    )

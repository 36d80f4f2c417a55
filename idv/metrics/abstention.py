"""Risk against coverage: how often a check errs on what it answers, leaving the least sure unanswered."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.shares import booleans


class RiskCoverage(NamedTuple):
    """For every confidence at which answering can begin, falling: (K,) each.

    `coverage`: share of the trials answered, rising to 1. `risk`: share of errors among those answered.
    """

    confidences: NDArray[np.float64]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]


def risk_coverage(confidence: ArrayLike, wrong: ArrayLike) -> RiskCoverage:
    """The curve of El-Yaniv and Wiener (JMLR 11, 2010): answer only at or above a confidence.

    `confidence` (N,): higher is surer, -inf for what is never answered; `wrong` (N,) bool. Equal confidences
    are answered together. Raises ValueError for lengths that differ, NaN, or when nothing is answered.
    """
    sure, errors = np.asarray(confidence, dtype=np.float64).ravel(), booleans(wrong)
    if sure.size != errors.size or np.isnan(sure).any():
        raise ValueError("risk needs a confidence that is not NaN for every trial")
    answered = ~np.isneginf(sure)
    if not answered.any():
        raise ValueError("risk is undefined where nothing is answered")
    levels, level = np.unique(-sure[answered], return_inverse=True)
    counts = np.cumsum(np.bincount(level.ravel(), minlength=levels.size))
    mistakes = np.cumsum(np.bincount(level.ravel(), weights=errors[answered], minlength=levels.size))
    return RiskCoverage(-levels, counts / sure.size, mistakes / counts)


def area_under_risk_coverage(curve: RiskCoverage) -> float:
    """Mean risk over the coverages the curve reaches, each step weighed by its width, in [0, 1]."""
    widths = np.diff(curve.coverage, prepend=0.0)
    return float(widths @ curve.risk / curve.coverage[-1])


def coverage_at_risk(curve: RiskCoverage, risk: float) -> float:
    """The highest coverage whose risk does not exceed `risk`; 0 where every one does."""
    kept = curve.coverage[curve.risk <= risk]
    return float(kept[-1]) if kept.size else 0.0

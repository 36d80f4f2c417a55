"""Rates at many thresholds at once, exactly: what trade-off and cost curves are drawn from."""

import numpy as np
from numpy.typing import NDArray

from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import Rate, decided
from idv.evaluation.reports.figures import counted_as_refused
from idv.evaluation.reports.targets import Side, groups_of, side_of

Floats = NDArray[np.float64]


def worst_rate(rate: Rate, trials: Trials, threshold: float) -> float:
    """The rate at a threshold, of the worst species where it is reported by species.

    Raises ValueError when no trial counts.
    """
    return max(
        float(rate.errors(decided(group.trials, threshold)).mean())
        for group in groups_of(rate, trials)
        if len(group.trials)
    )


def rate_curve(rate: Rate, trials: Trials, thresholds: Floats) -> Floats:
    """`worst_rate` at each threshold (K,). Raises ValueError when no trial counts."""
    groups = [np.sort(_scores(rate, group.trials)) for group in groups_of(rate, trials)]
    shares = [
        np.searchsorted(scores, thresholds, side="left") / scores.size for scores in groups if scores.size
    ]
    if not shares:
        raise ValueError(f"{rate.name} is undefined: no trial counts for it")
    accepts = side_of(rate) is Side.FALSE_ACCEPT
    errors: Floats = np.max([1 - share if accepts else share for share in shares], axis=0)
    return errors


def thresholds_to_show(trials: Trials, count: int = 200) -> Floats:
    """Evenly spaced thresholds between the lowest and the highest hundredth of all scores."""
    scores = trials.score[np.isfinite(trials.score)]
    low, high = np.quantile(scores, [0.01, 0.99])
    return np.linspace(low, high, count)


def _scores(rate: Rate, trials: Trials) -> Floats:
    return trials.score if side_of(rate) is Side.FALSE_ACCEPT else counted_as_refused(rate, trials)

"""Error rates of comparison scores in the terms of ISO/IEC 19795-1; higher scores mean more alike.

A comparison passes when its score is at or above the threshold. A failure to acquire or to extract is
given as a score of -inf: it never passes, so it counts as an error of a mated pair and of no other.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class DetPoints(NamedTuple):
    """A DET curve: for every threshold ((K,) ascending) the FMR (falling) and the FNMR (rising)."""

    thresholds: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]


def fmr(nonmated: ArrayLike, threshold: float) -> float:
    """False match rate: share of non-mated scores at or above the threshold, in [0, 1].

    Raises ValueError for no scores, or NaN among them or as the threshold.
    """
    return float(np.mean(_scores(nonmated) >= _number(threshold)))


def fnmr(mated: ArrayLike, threshold: float) -> float:
    """False non-match rate: share of mated scores below the threshold, in [0, 1].

    Raises ValueError for no scores, or NaN among them or as the threshold.
    """
    return float(np.mean(_scores(mated) < _number(threshold)))


def threshold_at_fmr(nonmated: ArrayLike, target: float) -> float:
    """The lowest threshold whose FMR on these scores does not exceed `target`, a rate in [0, 1].

    Always finite, so that a failure to acquire is let in at no target.
    Raises ValueError for no scores, NaN, or a target outside [0, 1].
    """
    if not 0.0 <= target <= 1.0:
        raise ValueError(f"a rate lies in [0, 1], not {target}")
    scores = _scores(nonmated)
    allowed = int(np.floor(target * scores.size + 1e-9))
    if allowed >= scores.size:
        return float(max(scores.min(), np.finfo(np.float64).min))
    strongest_refused = np.partition(scores, scores.size - 1 - allowed)[scores.size - 1 - allowed]
    return float(np.nextafter(strongest_refused, np.inf))


def fnmr_at_fmr(mated: ArrayLike, nonmated: ArrayLike, target: float) -> float:
    """FNMR at the lowest threshold whose FMR does not exceed `target`. Raises as `threshold_at_fmr`."""
    return fnmr(mated, threshold_at_fmr(nonmated, target))


def det_points(mated: ArrayLike, nonmated: ArrayLike) -> DetPoints:
    """FMR and FNMR at every score that occurs, and beyond the highest.

    Raises ValueError for no scores or NaN.
    """
    genuine, impostor = np.sort(_scores(mated)), np.sort(_scores(nonmated))
    thresholds = np.unique(np.concatenate([genuine, impostor, [np.inf]]))
    false_matches = impostor.size - np.searchsorted(impostor, thresholds, side="left")
    false_non_matches = np.searchsorted(genuine, thresholds, side="left")
    return DetPoints(thresholds, false_matches / impostor.size, false_non_matches / genuine.size)


def equal_error_rate(mated: ArrayLike, nonmated: ArrayLike) -> float:
    """Where FMR equals FNMR: the mean of both at the threshold that brings them closest, in [0, 1]."""
    curve = det_points(mated, nonmated)
    closest = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    return float((curve.fmr[closest] + curve.fnmr[closest]) / 2)


def roc_auc(mated: ArrayLike, nonmated: ArrayLike) -> float:
    """Probability that a mated score exceeds a non-mated one, ties half, in [0, 1] (Mann-Whitney U)."""
    genuine, impostor = _scores(mated), np.sort(_scores(nonmated))
    below = np.searchsorted(impostor, genuine, side="left")
    up_to = np.searchsorted(impostor, genuine, side="right")
    return float(np.mean((below + up_to) / 2) / impostor.size)


def best_accuracy_threshold(mated: ArrayLike, nonmated: ArrayLike) -> float:
    """A threshold with the highest share of right answers over both lists, midway between its neighbours."""
    genuine, impostor = _scores(mated), _scores(nonmated)
    curve = det_points(genuine, impostor)
    errors = curve.fmr * impostor.size + curve.fnmr * genuine.size
    best = int(np.argmin(errors))
    upper, lower = curve.thresholds[best], curve.thresholds[max(best - 1, 0)]
    between = (upper + lower) / 2
    # The lower neighbour itself would pass; beside the smallest numbers there is nothing between.
    return float(between) if np.isfinite(between) and between > lower else float(upper)


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64).ravel()
    if scores.size == 0:
        raise ValueError("an error rate needs at least one score")
    if np.isnan(scores).any():
        raise ValueError("NaN is not a score")
    return scores


def _number(threshold: float) -> float:
    """The threshold: every comparison with NaN is false, which would read as no error."""
    if np.isnan(threshold):
        raise ValueError("NaN is not a threshold")
    return threshold

"""Turning scores into log-likelihood ratios (natural logarithm), and how good those are.

Prior-weighted logistic regression as in Brümmer and du Preez (Computer Speech and Language 20, 2006): the
classes weigh as a stated prior says, whatever their counts, and that prior's log-odds are taken off again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.shares import booleans

_NEWTON_STEPS = 100
_CONVERGED = 1e-10


@dataclass(frozen=True)
class LlrModel:
    """llr = offset + Σ weights[k] · scores[..., k]."""

    weights: tuple[float, ...]
    offset: float

    def llr(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Log-likelihood ratios of scores with K values in the last axis: (..., K) -> (...)."""
        values: NDArray[np.float64] = np.asarray(scores, dtype=np.float64) @ np.asarray(self.weights)
        return values + self.offset


def fit_llr(mated: ArrayLike, nonmated: ArrayLike, *, prior: float = 0.5, ridge: float = 1e-6) -> LlrModel:
    """Fit an affine log-likelihood ratio on scores (N, K) of mated and (M, K) of non-mated pairs.

    `prior` in (0, 1), of mated pairs, says where the fit should be good: rare mated pairs put it where false
    matches are rare. It does not shift the ratios. `ridge` keeps the weights finite when the classes separate
    perfectly (per unit of standardised score).
    Raises ValueError for an empty class, values that are not finite, a score that never varies, or a prior
    outside (0, 1).
    """
    if not 0 < prior < 1:
        raise ValueError(f"calibration needs a prior between 0 and 1, not {prior}")
    positive, negative = _finite_rows(mated), _finite_rows(nonmated)
    rows = np.concatenate([positive, negative])
    labels = np.repeat([1.0, 0.0], [len(positive), len(negative)])
    sizes = [len(positive), len(negative)]
    even = np.repeat([0.5 / len(positive), 0.5 / len(negative)], sizes)
    shares = np.repeat([prior / len(positive), (1 - prior) / len(negative)], sizes)
    # Standardised under even weights, so that the ridge weighs alike whatever the counts.
    mean = even @ rows
    spread = np.sqrt(even @ (rows - mean) ** 2)
    if (np.ptp(rows, axis=0) == 0).any():
        raise ValueError("a score that never varies cannot be calibrated")
    design = np.hstack([(rows - mean) / spread, np.ones((len(rows), 1))])
    solution = _newton(design, labels, shares, ridge=ridge, prior_logit=float(np.log(prior / (1 - prior))))
    weights = solution[:-1] / spread
    return LlrModel(tuple(float(w) for w in weights), float(solution[-1] - weights @ mean))


def cllr(mated_llr: ArrayLike, nonmated_llr: ArrayLike) -> float:
    """Cost of log-likelihood ratios in bits: 0 is perfect, 1 says no more than llr = 0 everywhere.

    Infinite ratios are allowed; one on the wrong side costs inf. Raises ValueError for an empty class or NaN.
    """
    positive, negative = _ratios(mated_llr), _ratios(nonmated_llr)
    costs = np.mean(np.logaddexp(0.0, -positive)) + np.mean(np.logaddexp(0.0, negative))
    return float(costs / (2 * np.log(2)))


def min_cllr(mated: ArrayLike, nonmated: ArrayLike) -> float:
    """The lowest Cllr that any rising map of these scores to ratios reaches, in [0, 1]: discrimination alone.

    By pooling adjacent violators (Brümmer and du Preez, 2006). Cllr minus this is lost to calibration.
    Raises ValueError for an empty class or NaN.
    """
    positive, negative = _ratios(mated), _ratios(nonmated)
    levels, level = np.unique(np.concatenate([positive, negative]), return_inverse=True)
    level = level.ravel()
    ones = np.bincount(level[: positive.size], minlength=levels.size)
    zeros = np.bincount(level[positive.size :], minlength=levels.size)
    pooled_ones, pooled_zeros = _pooled(ones, zeros)
    odds_of_counts = positive.size / negative.size
    with np.errstate(divide="ignore"):
        ratios = np.log(pooled_ones) - np.log(pooled_zeros) - np.log(odds_of_counts)
    of_mated = pooled_ones @ _finite_cost(-ratios, pooled_ones) / positive.size
    of_others = pooled_zeros @ _finite_cost(ratios, pooled_zeros) / negative.size
    # Saying nothing costs exactly 1, which rounding can exceed.
    return float(min(1.0, (of_mated + of_others) / (2 * np.log(2))))


def ece(probability: ArrayLike, genuine: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error: how far stated probabilities lie from the shares that came true, in [0, 1].

    `probability` (N,) in [0, 1] of being genuine, `genuine` (N,) bool. In `bins` of equal width, (low, high],
    the first with its low end (Guo et al., ICML 2017). It depends on the bins: compare at equal ones only.
    Raises ValueError for no trials, lengths that differ, a probability outside [0, 1], or no bin.
    """
    stated, true = np.asarray(probability, dtype=np.float64).ravel(), booleans(genuine)
    if stated.size == 0 or stated.size != true.size or not ((stated >= 0) & (stated <= 1)).all():
        raise ValueError("calibration needs a probability in [0, 1] for every trial")
    if bins < 1:
        raise ValueError("calibration error needs at least one bin")
    edges = np.arange(1, bins) / bins
    place = np.searchsorted(edges, stated, side="left")
    gaps = np.bincount(place, weights=stated - true, minlength=bins)
    return float(np.sum(np.abs(gaps)) / stated.size)


def _pooled(
    ones: NDArray[np.int64], zeros: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of both classes in the blocks of the best rising share of ones; input in rising order."""
    # Neighbours of one class alone end in one block or in none: merged first, a million scores are few runs.
    kind = np.where(zeros == 0, 1, np.where(ones == 0, -1, 0))
    first = np.flatnonzero(np.r_[True, (kind[1:] != kind[:-1]) | (kind[1:] == 0)])
    blocks: list[tuple[int, int]] = []
    for one, zero in zip(
        np.add.reduceat(ones, first).tolist(), np.add.reduceat(zeros, first).tolist(), strict=True
    ):
        while blocks and blocks[-1][0] * zero >= one * blocks[-1][1]:
            one, zero = one + blocks[-1][0], zero + blocks[-1][1]  # noqa: PLW2901 - the block grows downwards
            blocks.pop()
        blocks.append((one, zero))
    pooled = np.array(blocks, dtype=np.float64)
    return pooled[:, 0], pooled[:, 1]


def _finite_cost(negative_ratios: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(1 + exp(x)), 0 where nothing is counted: there the ratio is infinite on the wrong side."""
    return np.where(counts > 0, np.logaddexp(0.0, np.where(counts > 0, negative_ratios, 0.0)), 0.0)


def _ratios(values: ArrayLike) -> NDArray[np.float64]:
    ratios = np.asarray(values, dtype=np.float64).ravel()
    if ratios.size == 0 or np.isnan(ratios).any():
        raise ValueError("the cost of calibration needs scores of both classes, none of them NaN")
    return ratios


def _newton(
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    shares: NDArray[np.float64],
    *,
    ridge: float,
    prior_logit: float,
) -> NDArray[np.float64]:
    """Damped Newton steps: a step is halved until the penalised loss does not rise."""
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 0.0
    signs = 2 * labels - 1

    def loss(at: NDArray[np.float64]) -> float:
        return float(shares @ np.logaddexp(0.0, -signs * (design @ at + prior_logit)) + 0.5 * penalty @ at**2)

    solution = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        probability = np.exp(-np.logaddexp(0.0, -(design @ solution) - prior_logit))
        gradient = design.T @ (shares * (probability - labels)) + penalty * solution
        curvature = shares * probability * (1 - probability)
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        before = loss(solution)
        while loss(solution - step) > before and np.abs(step).max() > _CONVERGED:
            step = step / 2
        solution = solution - step
        if np.abs(step).max() < _CONVERGED:
            break
    return solution


def _finite_rows(values: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
    if len(rows) == 0 or not np.isfinite(rows).all():
        raise ValueError("calibration needs finite scores of both classes")
    return rows

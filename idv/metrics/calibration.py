"""Turning scores into log-likelihood ratios (natural logarithm), and how good those are.

Prior-weighted logistic regression as in Brümmer and du Preez (Computer Speech and Language 20, 2006): the
classes weigh as a stated prior says, whatever their counts, and that prior's log-odds are taken off again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    """Cost of log-likelihood ratios in bits: 0 is perfect, 1 says no more than llr = 0 everywhere."""
    positive = np.asarray(mated_llr, dtype=np.float64)
    negative = np.asarray(nonmated_llr, dtype=np.float64)
    costs = np.mean(np.logaddexp(0.0, -positive)) + np.mean(np.logaddexp(0.0, negative))
    return float(costs / (2 * np.log(2)))


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

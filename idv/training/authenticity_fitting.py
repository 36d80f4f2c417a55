"""Fits the calibration of document authenticity: slope and offset of each signal in a noisy-OR.

The likelihood is that of the model in `idv.checks.document_authenticity.calibration`: a genuine document has
nothing wrong in any signal, a forged one has something wrong in at least one; a signal that is absent says
nothing. Genuine and forged weigh alike, and so does every species of forgery.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from idv.checks.document_authenticity.calibration import Factor

Floats = NDArray[np.float64]

_HIGHEST_OFFSET = 8.0
"""A signal that helps with nothing takes no more than this leaves it: 0.0003 of a document's probability."""
_FIRST_SLOPE, _FIRST_OFFSET, _FIRST_LEAK = 1.0, 4.0, 0.1
"""Where fitting begins; the first slope is also what slopes are drawn to."""
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Sample:
    """Scored documents: `scores` (N, K), NaN where a signal is absent; `genuine` (N,); `weights` (N,)."""

    scores: Floats
    genuine: NDArray[np.bool_]
    weights: Floats

    def where(self, rows: NDArray[np.bool_]) -> "Sample":
        """Some of the documents."""
        return Sample(self.scores[rows], self.genuine[rows], self.weights[rows])


def balanced_weights(genuine: NDArray[np.bool_], species: Sequence[str | None]) -> Floats:
    """Weights (N,) that sum to 1: half for the genuine, half for the forged, equally for each species."""
    names = np.array([name or "" for name in species])
    weights = np.zeros(len(names))
    weights[genuine] = 0.5 / max(int(genuine.sum()), 1)
    kinds = set(names[~genuine].tolist())
    for kind in kinds:
        rows = ~genuine & (names == kind)
        weights[rows] = 0.5 / len(kinds) / int(rows.sum())
    return weights


def fit_noisy_or(sample: Sample, *, shrinkage: float = 0.003) -> tuple[Factor, ...]:
    """The factor of each column, by penalised maximum likelihood; slopes >= 0.

    `shrinkage`: how strongly slopes, in units of a column's spread among genuine documents, are drawn to 1:
    what lies far below all genuine documents speaks against one, also where no forgery here shows it.
    A doubt that all documents share stands for forgeries no signal sees, so that no factor has to explain
    them; it is fitted and left out. Raises ValueError without documents of both kinds.
    """
    if sample.genuine.all() or not sample.genuine.any():
        raise ValueError("genuine and forged documents are needed")
    middle, spread = _scale(sample)
    present = np.isfinite(sample.scores)
    scaled = np.where(present, (sample.scores - middle) / spread, 0.0)
    columns = scaled.shape[1]
    start = np.concatenate([np.full(columns, _FIRST_SLOPE), np.full(columns, _FIRST_OFFSET), [_FIRST_LEAK]])
    found = minimize(
        _loss,
        start,
        args=(scaled, present, sample, shrinkage),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * columns + [(None, _HIGHEST_OFFSET)] * columns + [(0.0, None)],
        options={"maxiter": 2000},
    )
    slopes, offsets = found.x[:columns] / spread, found.x[columns:-1]
    return tuple(
        Factor(float(slope), float(offset - slope * centre))
        for slope, offset, centre in zip(slopes, offsets, middle, strict=True)
    )


def _scale(sample: Sample) -> tuple[Floats, Floats]:
    """Median and spread of each column among the genuine; 0 and 1 for one they never have."""
    genuine = sample.scores[sample.genuine]
    seen = np.isfinite(genuine).any(axis=0)
    middle, spread = np.zeros(genuine.shape[1]), np.ones(genuine.shape[1])
    middle[seen] = np.nanmedian(genuine[:, seen], axis=0)
    spread[seen] = np.maximum(np.nanstd(genuine[:, seen], axis=0), _LEAST_SPREAD)
    return middle, spread


def _loss(
    parameters: Floats, scaled: Floats, present: NDArray[np.bool_], sample: Sample, shrinkage: float
) -> tuple[float, Floats]:
    """Weighted negative log-likelihood with its gradient.

    With doubt d = softplus(-(a·x + b)) of a signal and D their sum, the probability of genuine is exp(-D).
    """
    slopes, offsets = np.split(parameters[:-1], 2)
    odds = scaled * slopes + offsets
    doubts = np.where(present, np.logaddexp(0.0, -odds), 0.0)
    total = np.maximum(doubts.sum(axis=1) + parameters[-1], 1e-12)
    each = np.where(sample.genuine, total, -np.log(-np.expm1(-total)))
    # d(loss)/dD: 1 for the genuine, -1/(exp(D) - 1) for the forged.
    by_total = sample.weights * np.where(sample.genuine, 1.0, -1.0 / np.expm1(np.minimum(total, 700.0)))
    by_odds = by_total[:, None] * np.where(present, -1.0 / (1.0 + np.exp(np.clip(odds, -700, 700))), 0.0)
    away = slopes - _FIRST_SLOPE
    loss = float(sample.weights @ each) + shrinkage * float(away @ away)
    by_slopes = (by_odds * scaled).sum(axis=0) + 2 * shrinkage * away
    return loss, np.concatenate([by_slopes, by_odds.sum(axis=0), [by_total.sum()]])

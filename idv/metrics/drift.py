"""How far live values have moved from those of a reference: PSI, Kolmogorov-Smirnov, and novelty."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HALF = 0.5  # added to every count, so that an empty bin costs much and not infinitely much
_SERIES_TERMS = 100
_NEVER_SO_CLOSE = 0.04  # the tail differs from 1 by exp(-771)
_BLOCK = 4_000_000  # similarities held at once


class Kolmogorov(NamedTuple):
    """The largest distance of two distribution functions, in [0, 1], and its asymptotic p-value."""

    statistic: float
    p_value: float


class Novelty(NamedTuple):
    """`distances` (M,) to the nearest reference; `share` of them beyond `limit`.

    The limit is what a stated share of the reference itself exceeds, each left out of its own search.
    """

    distances: NDArray[np.float64]
    limit: float
    share: float


def psi(reference: ArrayLike, live: ArrayLike, *, bins: int = 10) -> float:
    """Population stability index of scores (N,) and (M,), at least 0, in bins of the reference's quantiles.

    Scores of -inf (no answer) have a bin of their own. It grows with few scores: by chance alone it is about
    (bins - 1) · (1/N + 1/M). Raises ValueError for no scores, NaN, or fewer than two bins.
    """
    before, now = _scores(reference), _scores(live)
    if bins < 2:  # noqa: PLR2004 - one bin always agrees with itself
        raise ValueError("a stability index needs at least two bins")
    finite = before[~np.isneginf(before)]
    inner = np.arange(1, bins) / bins
    cuts = np.quantile(finite, inner, method="inverted_cdf") if finite.size else np.empty(0)
    edges = np.unique(np.append(cuts, np.finfo(np.float64).min))
    sides = (np.searchsorted(edges, values, side="right") for values in (before, now))
    counts = [np.bincount(side, minlength=edges.size + 1) for side in sides]
    return psi_of_counts(counts[0], counts[1])


def psi_of_counts(reference: ArrayLike, live: ArrayLike) -> float:
    """Population stability index of counts (K,) of the same categories: Σ (q - p) ln(q / p), at least 0.

    Half a count is added to each category that occurs on either side. Common reading: under 0.1 stable, over
    0.25 moved. Raises ValueError for no counts, negative ones or lengths that differ.
    """
    before, now = np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)
    if before.shape != now.shape or not ((before >= 0).all() and (now >= 0).all()):
        raise ValueError("a stability index needs counts of the same categories")
    if before.sum() == 0 or now.sum() == 0:
        raise ValueError("a stability index needs counts on both sides")
    occurs = before + now > 0
    p, q = before[occurs] + _HALF, now[occurs] + _HALF
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def ks(reference: ArrayLike, live: ArrayLike) -> Kolmogorov:
    """Two-sample Kolmogorov-Smirnov test of scores (N,) and (M,); the p-value is that of many scores.

    With ties the p-value is too high, which raises no false alarm. Raises ValueError for no scores or NaN.
    """
    before, now = np.sort(_scores(reference)), np.sort(_scores(live))
    at = np.concatenate([before, now])
    shares = [np.searchsorted(side, at, side="right") / side.size for side in (before, now)]
    statistic = float(np.max(np.abs(shares[0] - shares[1])))
    effective = before.size * now.size / (before.size + now.size)
    return Kolmogorov(statistic, kolmogorov_tail(math.sqrt(effective) * statistic))


def kolmogorov_tail(x: float) -> float:
    """Probability that Kolmogorov's limit distribution exceeds `x` at or above 0, in [0, 1] (1933)."""
    if x < _NEVER_SO_CLOSE:
        return 1.0
    if x < 1:
        # Jacobi's transformation of the series below: this one converges fast for small x.
        odd = np.arange(1, _SERIES_TERMS, 2)
        return 1.0 - float(math.sqrt(2 * math.pi) / x * np.exp(-((odd * math.pi / x) ** 2) / 8).sum())
    k = np.arange(1, _SERIES_TERMS)
    return float(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2 * (k * x) ** 2)))


def novelty(reference: ArrayLike, live: ArrayLike, *, beyond: float = 0.01) -> Novelty:
    """How many live embeddings (M, D) are unlike all reference embeddings (N, D), by cosine distance.

    `beyond` in (0, 1): the share of the reference that the limit leaves out; a live share well above it means
    people, documents or cameras the reference does not hold. Raises ValueError for fewer than two references,
    no live embedding, widths that differ, or embeddings that are not finite or zero.
    """
    if not 0 < beyond < 1:
        raise ValueError(f"a share lies between 0 and 1, not {beyond}")
    known, seen = _directions(reference), _directions(live)
    if len(known) < 2 or known.shape[1] != seen.shape[1]:  # noqa: PLR2004 - each is compared with another
        raise ValueError("novelty needs two reference embeddings, as wide as the live ones")
    own = 1 - _nearest(known, known, leave_out=True)
    limit = float(np.quantile(own, 1 - beyond, method="inverted_cdf"))
    distances = 1 - _nearest(seen, known, leave_out=False)
    return Novelty(distances, limit, float(np.mean(distances > limit)))


def _nearest(
    rows: NDArray[np.float64], known: NDArray[np.float64], *, leave_out: bool
) -> NDArray[np.float64]:
    """The highest cosine of each row with a known one, with itself left out where both are the same list."""
    nearest = np.empty(len(rows))
    step = max(1, _BLOCK // len(known))
    for start in range(0, len(rows), step):
        cosines = rows[start : start + step] @ known.T
        if leave_out:
            within = np.arange(len(cosines))
            cosines[within, start + within] = -np.inf
        nearest[start : start + step] = cosines.max(axis=1)
    return nearest


def _directions(embeddings: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(embeddings, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    if rows.ndim != 2 or len(rows) == 0 or not (np.isfinite(lengths) & (lengths > 0)).all():  # noqa: PLR2004 - rows and columns
        raise ValueError("novelty needs finite embeddings that are not zero, one a row")
    unit: NDArray[np.float64] = rows / lengths
    return unit


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64).ravel()
    if scores.size == 0 or np.isnan(scores).any():
        raise ValueError("a comparison of distributions needs scores, none of them NaN")
    return scores

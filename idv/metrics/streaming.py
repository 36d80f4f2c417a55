"""Error rates of more scores than fit into memory, from chunks; exact, as `error_rates` defines them.

A chunk is a pair of arrays: scores (n,), -inf for a failure, and genuine (n,) bool. What needs several passes
takes a function that begins the chunks anew.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.error_rates import DetPoints

Chunk = tuple[NDArray[np.float64], NDArray[np.bool_]]
Source = Callable[[], Iterable[Chunk]]
Keys = NDArray[np.uint64]

_ROUNDING = 1e-9  # as in error_rates: a target of 0.1 allows one of ten
_DIGIT_BITS = 16
_FEW = 1_000_000  # scores that are collected and sorted instead of counted once more
_SIGN = np.uint64(1 << 63)


def rates_at(chunks: Iterable[Chunk], thresholds: ArrayLike) -> DetPoints:
    """FMR and FNMR at `thresholds` (K,), in one pass; the thresholds come back in rising order.

    Raises ValueError for no score of a class, NaN, or no threshold.
    """
    wanted = np.unique(np.asarray(thresholds, dtype=np.float64))
    if wanted.size == 0 or np.isnan(wanted).any():
        raise ValueError("rates are asked for at one threshold at least, none of them NaN")
    # counts[k]: scores with exactly k of the thresholds at or below them.
    counts = np.zeros((2, wanted.size + 1), np.int64)
    for score, genuine in chunks:
        place = np.searchsorted(wanted, _checked(score), side="right")
        for kind in (0, 1):
            counts[kind] += np.bincount(place[genuine == kind], minlength=wanted.size + 1)
    nonmated, mated = _some(counts[0]), _some(counts[1])
    below = np.cumsum(mated)[:-1]
    at_or_above = nonmated.sum() - np.cumsum(nonmated)[:-1]
    return DetPoints(wanted, at_or_above / nonmated.sum(), below / mated.sum())


def threshold_at_fmr(source: Source, target: float) -> float:
    """The lowest threshold whose FMR does not exceed `target`, a rate in [0, 1]; two to five passes.

    By counting sixteen bits of the scores a pass, from the highest, until few enough are left to sort.
    Raises ValueError for no non-mated score, NaN, or a target outside [0, 1].
    """
    if not 0.0 <= target <= 1.0:
        raise ValueError(f"a rate lies in [0, 1], not {target}")
    prefix, bits = np.uint64(0), 0
    counts = _digit_counts(source, prefix, bits)
    total = int(counts.sum())
    if total == 0:
        raise ValueError("an error rate needs at least one score")
    allowed = int(np.floor(target * total + _ROUNDING))
    if allowed >= total:
        return _lowest(source)
    while True:
        # The strongest refused score has `allowed` scores before it, counted from the highest.
        from_highest = np.cumsum(counts[::-1])
        digit = counts.size - 1 - int(np.searchsorted(from_highest, allowed, side="right"))
        allowed -= int(counts[digit + 1 :].sum())
        prefix, bits = (prefix << np.uint64(_DIGIT_BITS)) | np.uint64(digit), bits + _DIGIT_BITS
        if bits == 64 or counts[digit] <= _FEW:  # noqa: PLR2004 - bits of a float
            break
        counts = _digit_counts(source, prefix, bits)
    return float(np.nextafter(_from_highest(source, prefix, bits, place=allowed), np.inf))


def fnmr_at_fmr(source: Source, target: float) -> float:
    """FNMR at the lowest threshold whose FMR does not exceed `target`. Raises as the two it is made of."""
    return float(rates_at(source(), [threshold_at_fmr(source, target)]).fnmr[0])


def det_points(source: Source, *, points: int = 1000) -> DetPoints:
    """A DET curve at `points` thresholds, evenly from the lowest to beyond the highest score; two passes.

    Exact at each of them. Raises ValueError for no score of a class, NaN, or fewer than two points.
    """
    if points < 2:  # noqa: PLR2004 - the two ends
        raise ValueError("a curve has at least two points")
    low, high = np.inf, -np.inf
    for score, _ in source():
        finite = _checked(score)[np.isfinite(score)]
        low, high = min(low, finite.min(initial=np.inf)), max(high, finite.max(initial=-np.inf))
    if low > high:
        raise ValueError("an error rate needs at least one score")
    return rates_at(source(), np.append(np.linspace(low, high, points - 1), np.nextafter(high, np.inf)))


def _digit_counts(source: Source, prefix: np.uint64, bits: int) -> NDArray[np.int64]:
    """How often each value of the next sixteen bits follows `prefix` among the non-mated scores."""
    counts = np.zeros(1 << _DIGIT_BITS, np.int64)
    for score, genuine in source():
        keys = _beginning_with(prefix, bits, _keys(_checked(score)[~genuine]))
        digits = (keys >> np.uint64(64 - bits - _DIGIT_BITS)) & np.uint64((1 << _DIGIT_BITS) - 1)
        counts += np.bincount(digits.astype(np.int64), minlength=counts.size)
    return counts


def _from_highest(source: Source, prefix: np.uint64, bits: int, *, place: int) -> float:
    """The score at `place`, from 0 for the highest, among those whose key begins with `prefix`."""
    if bits == 64:  # noqa: PLR2004 - bits of a float: nothing is left to tell them apart
        return float(_scores(np.array([prefix]))[0])
    collected = [
        _beginning_with(prefix, bits, _keys(_checked(score)[~genuine])) for score, genuine in source()
    ]
    return float(_scores(np.sort(np.concatenate(collected))[::-1][place : place + 1])[0])


def _beginning_with(prefix: np.uint64, bits: int, keys: Keys) -> Keys:
    return keys[keys >> np.uint64(64 - bits) == prefix] if bits else keys


def _lowest(source: Source) -> float:
    """The lowest non-mated score, finite: a failure is let in at no target."""
    lowest = min(float(score[~genuine].min(initial=np.inf)) for score, genuine in source())
    return max(lowest, float(np.finfo(np.float64).min))


def _keys(scores: NDArray[np.float64]) -> Keys:
    """Whole numbers in the order of the scores: the bits of a float, with the negative ones turned round."""
    bits = (scores + 0.0).view(np.uint64)  # the sum makes one zero of the two
    keys: Keys = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return keys


def _scores(keys: Keys) -> NDArray[np.float64]:
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float64)


def _checked(score: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = np.ascontiguousarray(score, dtype=np.float64)
    if np.isnan(scores).any():
        raise ValueError("NaN is not a score")
    return scores


def _some(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    if counts.sum() == 0:
        raise ValueError("an error rate needs at least one score of each class")
    return counts

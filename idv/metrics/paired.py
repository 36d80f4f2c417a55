"""Tests of two candidates on the same trials, and the correction for making many of them at once."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EXACT_SUM = 4000  # above, the normal approximation is off by less than a bootstrap is


class SignFlip(NamedTuple):
    """p-values of a sum of differences: of being off zero at all, and of being above it."""

    two_sided: float
    above: float


def mcnemar(only_a_wrong: int, only_b_wrong: int) -> float:
    """McNemar's exact two-sided p-value from the numbers of trials that one candidate alone got wrong.

    1.0 where no trial is discordant. Raises ValueError for a negative number.
    """
    if min(only_a_wrong, only_b_wrong) < 0:
        raise ValueError(f"{only_a_wrong} and {only_b_wrong} cannot be counted")
    return sign_flip_p_values(np.repeat([1.0, -1.0], [only_b_wrong, only_a_wrong])).two_sided


def sign_flip_p_values(differences: ArrayLike) -> SignFlip:
    """How likely a sum at least so large is, were each whole-number difference (C,) as likely negative.

    Fisher's randomisation test (1935), with one difference a cluster. Exact up to a sum of 4,000; beyond that
    by the normal approximation. Raises ValueError for a difference that is not whole.
    """
    values = np.asarray(differences, dtype=np.float64).ravel()
    if not np.array_equal(values, np.rint(values)):
        raise ValueError("a sign-flip test needs whole differences")
    sizes = np.abs(values[values != 0]).astype(np.int64)
    observed, largest = int(values.sum()), int(sizes.sum())
    if sizes.size == 0:
        return SignFlip(1.0, 1.0)
    if largest > _EXACT_SUM:
        return _normal(observed, math.sqrt(float(np.sum(sizes**2.0))))
    # The sum is 2 X - largest, where X adds the sizes whose sign came out positive.
    tails = np.cumsum(_subset_sums(sizes)[::-1])[::-1]
    above = float(tails[(observed + largest) // 2])
    far = float(tails[(abs(observed) + largest) // 2])
    return SignFlip(min(1.0, 2 * far if observed else 1.0), min(1.0, above))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values (N,) adjusted for being N: below α with probability at most α where nothing is true.

    Holm (Scandinavian Journal of Statistics 6, 1979); any dependence between the tests is allowed. In the
    order given. Raises ValueError for none, or one outside [0, 1].
    """
    values = np.asarray(p_values, dtype=np.float64).ravel()
    if values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("Holm's correction needs p-values in [0, 1]")
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def _subset_sums(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability (Σ sizes + 1,) of each sum, every size being in or out with probability a half."""
    probability = np.ones(1)
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        step = np.zeros(int(size) * int(count) + 1)
        step[:: int(size)] = _fair_coins(int(count))
        probability = np.convolve(probability, step)
    return probability


def _fair_coins(count: int) -> NDArray[np.float64]:
    """Probability (count + 1,) of each number of heads; whole numbers until the last division."""
    ways, probabilities = 1, []
    for heads in range(count + 1):
        probabilities.append(ways / (1 << count))
        ways = ways * (count - heads) // (heads + 1)
    return np.array(probabilities)


def _normal(observed: int, spread: float) -> SignFlip:
    above = math.erfc(observed / spread / math.sqrt(2)) / 2
    return SignFlip(math.erfc(abs(observed) / spread / math.sqrt(2)), above)

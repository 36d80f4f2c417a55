"""Tests that may be looked at after every value: when a live rate or score has become worse than promised.

Each takes the state it left off with and returns the one to go on from, so a feed is tested as it arrives.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_BOLDNESS = 0.5  # the share of the wealth that a bet may lose


def cusum(values: ArrayLike, *, expected: float, allowance: float, start: float = 0.0) -> Floats:
    """Page's cumulative sum (Biometrika 41, 1954) after each of `values` (N,), each at least 0.

    It gathers what exceeds `expected` by more than `allowance`, and never falls below 0; a common alarm is 5
    standard deviations with an allowance of half of one. Go on with `start` = the last. To watch for a fall,
    negate values and expectation. Raises ValueError for NaN or a negative allowance or start.
    """
    steps = _values(values)
    if not (allowance >= 0 and start >= 0 and math.isfinite(expected)):
        raise ValueError("a cumulative sum needs a finite expectation, allowance and start of at least 0")
    walk = start + np.cumsum(steps - expected - allowance)
    return np.asarray(walk - np.minimum(np.minimum.accumulate(walk), 0.0), dtype=np.float64)


def first_alarm(path: ArrayLike, limit: float) -> int | None:
    """The position of the first value of `path` (N,) at or above `limit`, or None."""
    above = np.flatnonzero(np.asarray(path) >= limit)
    return int(above[0]) if above.size else None


@dataclass(frozen=True)
class EProcess:
    """Wealth of a gambler who bets that the mean of values in [0, 1] is above `null_mean`, in (0, 1).

    While it is not, the wealth ever reaches 1/α with probability at most α, whenever one looks (Ville); so
    `log_wealth` at or above ln(1/α) is an alarm. Bets after Waudby-Smith and Ramdas (JRSS B 86, 2024).

    With `memory` (a number of values) old values are forgotten and the wealth begins anew at 1 whenever it is
    below: then false alarms come on average 1/α values apart or rarer, and a change is seen however late it
    comes (e-detector: Shin, Ramdas and Rinaldo, NEJSDS 2, 2024).
    """

    null_mean: float
    memory: float | None = None
    log_wealth: float = 0.0
    excess: float = 0.0
    spread: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a null mean outside (0, 1) or a memory below one value."""
        if not 0 < self.null_mean < 1:
            raise ValueError(f"a bet needs a mean between 0 and 1, not {self.null_mean}")
        if self.memory is not None and self.memory < 1:
            raise ValueError("a memory holds at least one value")

    def after(self, value: float) -> "EProcess":
        """The process after one more value in [0, 1]. Raises ValueError for another."""
        if not 0 <= value <= 1:
            raise ValueError(f"a bet is on values in [0, 1], not {value}")
        beyond = value - self.null_mean
        kept = 1.0 if self.memory is None else 1 - 1 / self.memory
        before = self.log_wealth if self.memory is None else max(self.log_wealth, 0.0)
        return replace(
            self,
            log_wealth=before + math.log1p(self._bet * beyond),
            excess=kept * self.excess + beyond,
            spread=kept * self.spread + beyond * beyond,
        )

    @property
    def _bet(self) -> float:
        """The bet on the next value, from earlier ones and one that varied as it may at most."""
        wanted = self.excess / (self.null_mean * (1 - self.null_mean) + self.spread)
        return min(max(wanted, 0.0), _BOLDNESS / self.null_mean)


def e_process(values: ArrayLike, *, null_mean: float, memory: float | None = None) -> Floats:
    """The logarithm of `EProcess`'s wealth after each of `values` (N,) in [0, 1]. Raises as it does."""
    process, path = EProcess(null_mean, memory), []
    for value in _values(values).tolist():
        process = process.after(value)
        path.append(process.log_wealth)
    return np.array(path)


def _values(values: ArrayLike) -> Floats:
    steps = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(steps).all():
        raise ValueError("a sequential test needs finite values")
    return steps

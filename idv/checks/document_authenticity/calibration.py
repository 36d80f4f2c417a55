"""The calibration of document authenticity: a file that turns the signals into one log-odds.

Each weighed signal has its own probability that what it looks for is not there, sigmoid(slope · score +
offset). A document is genuine when none of them is: their product, the complement of a noisy-OR (Pearl,
Probabilistic Reasoning in Intelligent Systems, 1988, section 4.3.2).
"""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idv.checks.document_authenticity.signals import TELLING, SignalName
from idv.domain.errors import ConfigurationError

HIGHEST = 20.0
"""Log-odds are cut here on both sides: beyond, they say nothing and sums of exponentials overflow."""


@dataclass(frozen=True)
class Factor:
    """One signal's log-odds of "nothing there": slope · score + offset; slope >= 0."""

    slope: float
    offset: float

    def log_odds(self, score: float) -> float:
        """Natural logarithm, within ±`HIGHEST`."""
        return min(HIGHEST, max(-HIGHEST, self.slope * score + self.offset))


@dataclass(frozen=True)
class AuthenticityCalibration:
    """The factors by signal; a signal without one is shown and does not count.

    `sha256`: of the file the numbers came from; it goes into the check digest.
    """

    factors: Mapping[SignalName, Factor]
    sha256: str

    def doubts(self, scores: Mapping[SignalName, float]) -> dict[SignalName, float]:
        """What each weighed signal takes from the document: -log of its probability, >= 0."""
        return {
            name: softplus(-self.factors[name].log_odds(score))
            for name, score in scores.items()
            if name in self.factors
        }


def fused(doubts: Mapping[SignalName, float]) -> float:
    """Log-odds that the document is genuine, within ±`HIGHEST`, from what speaks against it."""
    total = sum(doubts.values())
    if total <= 0:
        return HIGHEST
    # log(p / (1 - p)) with log p = -total.
    return max(-HIGHEST, min(HIGHEST, -total - math.log(-math.expm1(-total))))


def softplus(value: float) -> float:
    """log(1 + exp(value))."""
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


def load_calibration(path: Path) -> AuthenticityCalibration:
    """Read a calibration file. Raises ConfigurationError when it is absent, incomplete or not finite."""
    try:
        data = path.read_bytes()
        factors = _factors(tomllib.loads(data.decode()))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError([f"calibration {path.name}: {type(error).__name__}: {error}"]) from error
    return AuthenticityCalibration(factors, hashlib.sha256(data).hexdigest())


def _factors(body: Mapping[str, Any]) -> dict[SignalName, Factor]:
    """Raises ValueError for a signal that cannot be weighed, a falling slope, a number that is none."""
    factors = {
        SignalName(name): Factor(float(numbers["slope"]), float(numbers["offset"]))
        for name, numbers in body["signals"].items()
    }
    for name, factor in factors.items():
        if name in TELLING or factor.slope < 0 or not math.isfinite(factor.slope + factor.offset):
            msg = f"{name} cannot be weighed so"
            raise ValueError(msg)
    return factors

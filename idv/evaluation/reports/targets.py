"""Where the score is cut so that a rate keeps what was asked of it; never compared across models."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import RequestError
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import Decided, Rate, rates_of
from idv.metrics.error_rates import threshold_at_fmr

_YES, _NO = np.array([True]), np.array([False])
_ROUNDING = 1e-9
LOWEST = float(np.nextafter(-np.inf, 0.0))
"""The threshold that accepts every score there is, and nothing without a score."""


class Side(StrEnum):
    """Which way a rate moves: a higher threshold lowers false accepts and raises false rejects."""

    FALSE_ACCEPT = "false_accept"
    FALSE_REJECT = "false_reject"
    NON_RESPONSE = "non_response"


def side_of(rate: Rate) -> Side:
    """Found out by asking the rate which decision it calls an error."""
    if rate.errors(Decided(_YES, _NO, _NO))[0]:
        return Side.FALSE_ACCEPT
    return Side.FALSE_REJECT if rate.errors(Decided(_NO, _YES, _NO))[0] else Side.NON_RESPONSE


def rate_on(check: CheckName, side: Side) -> Rate:
    """The check's rate on one side, e.g. FMR and FNMR for face matching.

    Raises RequestError `check_without_rates`.
    """
    for rate in rates_of(check):
        if side_of(rate) is side:
            return rate
    raise RequestError("check_without_rates", f"no error rate is defined for {check}", field="check")


@dataclass(frozen=True)
class Target:
    """A rate that must not exceed `value`, in [0, 1]; of a rate by species, the worst species counts."""

    rate: Rate
    value: float

    def __str__(self) -> str:
        """As a person writes it: `fmr<=0.001`."""
        return f"{self.rate.name}<={self.value:g}"

    @property
    def in_words(self) -> str:
        """As a reader wants it: `FMR at or below 0.1 %`."""
        return f"{self.rate.name.upper()} at or below {100 * self.value:.4g} %"


def parse_target(text: str, check: CheckName, *, field: str = "target") -> Target:
    """A target from `fmr=1e-3`.

    Raises RequestError `target_malformed`, `target_unknown` (the check has no such rate) or
    `target_not_settable` (no threshold changes that rate).
    """
    name, sign, number = text.replace("<=", "=").partition("=")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not sign or not 0.0 <= value <= 1.0:
        raise RequestError(
            "target_malformed", f"expected RATE=SHARE such as fmr=1e-3, not {text!r}", field=field
        )
    known = {rate.name: rate for rate in rates_of(check)}
    rate = known.get(name.strip().lower())
    if rate is None:
        names = ", ".join(known) or "none"
        raise RequestError("target_unknown", f"{check} has the rates {names}; not {name!r}", field=field)
    if side_of(rate) is Side.NON_RESPONSE:
        raise RequestError(
            "target_not_settable", f"no threshold changes {rate.name}: it counts missing answers", field=field
        )
    return Target(rate, value)


@dataclass(frozen=True)
class Group:
    """The trials a rate is counted on: all of them, or those of one attack species."""

    name: str
    trials: Trials


def groups_of(rate: Rate, trials: Trials) -> Iterator[Group]:
    """The trials that count for a rate, by species where the rate is reported so.

    Attacks whose species nobody named are one group of their own.
    """
    counted = trials.where(rate.counts(trials))
    if not rate.per_species:
        yield Group("", counted)
        return
    for code in np.unique(counted.species.codes):
        name = "unnamed" if code < 0 else counted.species.names[code]
        yield Group(name, counted.where(counted.species.codes == code))


def threshold_for(target: Target, trials: Trials) -> float:
    """The threshold that keeps the target and costs the other side least.

    Lowest such threshold for a rate of false accepts, highest for one of false rejects. Raises RequestError
    `target_undefined` (no trial counts) or `target_unreachable`, with the best that can be reached.
    """
    groups = [group for group in groups_of(target.rate, trials) if len(group.trials)]
    if not groups:
        raise RequestError(
            "target_undefined",
            f"{target.rate.name} is undefined here: no trial counts for it",
            field="target",
        )
    if side_of(target.rate) is Side.FALSE_ACCEPT:
        # A missing score stays missing, whatever may be accepted.
        return max(LOWEST, *(threshold_at_fmr(group.trials.score, target.value) for group in groups))
    return min(_highest_refusing(target, group.trials.score) for group in groups)


def _highest_refusing(target: Target, scores: NDArray[np.float64]) -> float:
    """The highest threshold below which no more than the target's share of scores lies."""
    missing = bool(target.rate.errors(Decided(_NO, _NO, _YES))[0])
    answered = np.sort(scores[np.isfinite(scores)])
    unanswered = scores.size - answered.size
    allowed = int(np.floor(target.value * scores.size + _ROUNDING)) - (unanswered if missing else 0)
    if allowed < 0:
        raise RequestError(
            "target_unreachable",
            f"{target} cannot be reached by any threshold: {unanswered} of {scores.size} trials gave no "
            f"score, so the best is {unanswered / scores.size:.3g}",
            field="target",
        )
    if answered.size == 0:
        return np.inf
    return float(np.nextafter(answered[-1], np.inf) if allowed >= answered.size else answered[allowed])

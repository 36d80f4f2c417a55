"""What a threshold is asked for: a rate to keep, limits on others, costs, and a share of fraud."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from idv.domain.errors import RequestError
from idv.evaluation.reports.targets import Side, Target, side_of


@dataclass(frozen=True)
class Costs:
    """What one error costs, in any currency: letting a fraud in, and turning a genuine applicant away.

    Raises RequestError `costs_invalid` unless both are positive and finite.
    """

    false_accept: float
    false_reject: float

    def __post_init__(self) -> None:
        if not all(0 < cost < math.inf for cost in (self.false_accept, self.false_reject)):
            raise RequestError("costs_invalid", "both costs must be finite and above zero", field="cost")


@dataclass(frozen=True)
class Wish:
    """What is asked of a threshold.

    `target` is what the point is named after; `limits` are further rates to keep. With `costs` the cheapest
    threshold that keeps them all is taken, without the one that just keeps the target. `reject`: a rate of
    genuine applicants that may be refused for good; those between are inconclusive. `confident`: the target
    must be kept by the upper bound (95 %), not only by what was measured. `prior`: share of fraud among
    applicants, for costs and expected counts.

    Raises RequestError `wish_empty`, `prior_invalid` or `reject_target_invalid`.
    """

    target: Target | None = None
    limits: tuple[Target, ...] = ()
    costs: Costs | None = None
    reject: Target | None = None
    confident: bool = False
    prior: float = 0.01

    def __post_init__(self) -> None:
        if self.target is None and self.costs is None:
            raise RequestError(
                "wish_empty", "a threshold needs a target or costs to be chosen by", field="target"
            )
        if not 0.0 < self.prior < 1.0:
            raise RequestError(
                "prior_invalid", f"the share of fraud lies between 0 and 1, not {self.prior:g}", field="prior"
            )
        if self.reject is not None and side_of(self.reject.rate) is not Side.FALSE_REJECT:
            raise RequestError(
                "reject_target_invalid",
                f"refusing for good is limited by a rate of false rejects, not {self.reject.rate.name}",
                field="reject_target",
            )

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that must be kept, the target first."""
        return (*(() if self.target is None else (self.target,)), *self.limits)

    @property
    def in_words(self) -> str:
        """As an operating point states its target."""
        kept = ", ".join(target.in_words for target in self.targets)
        surely = " with 95 % confidence" if self.confident else ""
        if self.costs is None:
            return kept + surely
        paid = (
            f"least cost at {self.costs.false_accept:g} a false accept, {self.costs.false_reject:g} a false "
            f"reject, {100 * self.prior:g} % fraud"
        )
        return f"{paid}; {kept}{surely}" if kept else paid


class Range(NamedTuple):
    """Thresholds that keep every target, both ends included."""

    low: float
    high: float

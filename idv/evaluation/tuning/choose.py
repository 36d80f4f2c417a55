"""Chooses a threshold on tuning data: the range that keeps every target, and in it the one asked for."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import RequestError
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import decided
from idv.evaluation.reports.figures import Resampling, figure_of
from idv.evaluation.reports.promises import upper_bound
from idv.evaluation.reports.targets import LOWEST, Side, Target, groups_of, rate_on, side_of, threshold_for
from idv.evaluation.tuning.rates import rate_curve, worst_rate
from idv.evaluation.tuning.wishes import Range, Wish

Floats = NDArray[np.float64]

_BOUND = Resampling(confidence=0.9)
"""The upper end of a two-sided 90 % interval is a one-sided bound with 95 % confidence."""


def choose(check: CheckName, trials: Trials, wish: Wish, how: Resampling) -> float:
    """The threshold.

    Raises RequestError `target_unreachable`, with the best that can be reached, or `target_undefined`.
    """
    both = rate_on(check, Side.FALSE_ACCEPT), rate_on(check, Side.FALSE_REJECT)
    for rate in both:
        if not rate.counts(trials).any():
            raise RequestError(
                "target_undefined",
                f"{rate.name} is undefined on the tuning data: no trial counts",
                field="run",
            )
    kept = _range(trials, wish, how)
    if wish.costs is not None:
        return _cheapest(check, trials, wish, kept)
    if wish.target is None:
        raise RequestError("wish_empty", "a threshold needs a target or costs", field="target")
    return kept.low if side_of(wish.target.rate) is Side.FALSE_ACCEPT else kept.high


def reject_below(wish: Wish, trials: Trials, threshold: float) -> float | None:
    """Scores below this fail; those up to the threshold are inconclusive. None where nothing was asked."""
    if wish.reject is None:
        return None
    return min(threshold_for(wish.reject, trials), threshold)


def _range(trials: Trials, wish: Wish, how: Resampling) -> Range:
    low, high = -np.inf, np.inf
    binding: dict[Side, Target] = {}
    for target in wish.targets:
        threshold = _confident(target, trials, how) if wish.confident else threshold_for(target, trials)
        side = side_of(target.rate)
        if side is Side.FALSE_ACCEPT and threshold >= low:
            low, binding[side] = threshold, target
        if side is Side.FALSE_REJECT and threshold <= high:
            high, binding[side] = threshold, target
    if low > high:
        raise _contradiction(binding[Side.FALSE_ACCEPT], binding[Side.FALSE_REJECT], trials, Range(low, high))
    return Range(low, high)


def _contradiction(accepts: Target, rejects: Target, trials: Trials, found: Range) -> RequestError:
    reached = worst_rate(rejects.rate, trials, found.low)
    instead = worst_rate(accepts.rate, trials, found.high)
    return RequestError(
        "target_unreachable",
        f"no threshold keeps both {accepts} and {rejects}: where {accepts} holds, {rejects.rate.name} is at "
        f"best {reached:.4g}; where {rejects} holds, {accepts.rate.name} is at best {instead:.4g}",
        field="target",
    )


def _confident(target: Target, trials: Trials, how: Resampling) -> float:
    """The threshold whose upper bound (95 %) keeps the target, in every species; by counting errors."""
    thresholds = [
        _confident_of_group(target, group.trials, group.name, how) for group in groups_of(target.rate, trials)
    ]
    return max(thresholds) if side_of(target.rate) is Side.FALSE_ACCEPT else min(thresholds)


def _confident_of_group(target: Target, group: Trials, name: str, how: Resampling) -> float:
    bounded = replace(_BOUND, resamples=how.resamples, seed=how.seed)

    fewest = 0
    if side_of(target.rate) is Side.FALSE_REJECT:
        fewest = int(target.rate.errors(decided(group, LOWEST)).sum())
    bounds: dict[int, float] = {}

    def threshold_with(errors: int) -> float:
        return threshold_for(replace(target, value=errors / len(group)), group)

    def is_kept(errors: int) -> bool:
        figure = figure_of(target.rate, group, threshold_with(errors), bounded, group=name)
        bounds[errors] = upper_bound(figure)
        return bounds[errors] <= target.value

    # The bound grows with the errors, save from none to one: without an error it is the rule of three,
    # which for comparisons is harsher. So no error is the last thing to be tried.
    good, bad = fewest, int(target.value * len(group)) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if is_kept(middle) else (good, middle)
    if bounds.get(good, np.inf) > target.value and not is_kept(good):
        raise RequestError(
            "target_unreachable",
            f"{target} cannot be promised with 95 % confidence on {len(group):,} trials"
            f"{f' of {name}' if name else ''}: the best bound is {min(bounds.values()):.4g}; more subjects "
            "would lower it",
            field="target",
        )
    return threshold_with(good)


def _cheapest(check: CheckName, trials: Trials, wish: Wish, kept: Range) -> float:
    """Of all thresholds in the range, the one whose expected cost is least; of equals, the lowest."""
    scores = trials.score[np.isfinite(trials.score)]
    candidates = np.unique(np.concatenate([scores, [np.nextafter(scores.max(initial=0.0), np.inf)]]))
    candidates = candidates[(candidates >= kept.low) & (candidates <= kept.high)]
    ends = [end for end in kept if np.isfinite(end)]
    candidates = np.unique(np.concatenate([candidates, ends]))
    return float(candidates[np.argmin(expected_cost(check, trials, wish, candidates))])


def expected_cost(check: CheckName, trials: Trials, wish: Wish, thresholds: Floats) -> Floats:
    """Cost of an applicant at each threshold (K,): both errors weighed by the prior and by what they cost.

    Fraud is taken to come as the species that gets through most often.
    """
    if wish.costs is None:
        raise RequestError("costs_missing", "no costs were given", field="cost")
    accepts = rate_on(check, Side.FALSE_ACCEPT)
    rejects = rate_on(check, Side.FALSE_REJECT)
    lost = wish.prior * wish.costs.false_accept * rate_curve(accepts, trials, thresholds)
    return lost + (1 - wish.prior) * wish.costs.false_reject * rate_curve(rejects, trials, thresholds)

"""A figure of a report: an error rate, its counts and its interval over subjects; or why there is none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import Interval
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import Rate, decided, rates_of
from idv.evaluation.reports.targets import Side, Target, groups_of, rate_on, threshold_for
from idv.metrics.bootstrap import rate_at_rate_interval, rate_interval
from idv.metrics.error_rates import equal_error_rate, roc_auc

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made; the same seed gives the same interval to the last digit."""

    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Figure:
    """One rate: `errors` of `trials` by `subjects` people; `value` None where it is undefined, and `why`.

    `group`: the species it is about, empty for all trials; `worst`: the maximum over species.
    """

    name: str
    title: str
    source: str
    group: str = ""
    worst: bool = False
    errors: int = 0
    trials: int = 0
    subjects: int = 0
    value: float | None = None
    interval: Interval | None = None
    why: str = ""


def figure_of(rate: Rate, trials: Trials, threshold: float | None, how: Resampling, *, group: str) -> Figure:
    """One rate on the trials of one group, all of which count."""
    named = Figure(rate.name, rate.title, rate.source, group)
    if len(trials) == 0:
        return replace(named, why="no trial counts for it")
    wrong = rate.errors(decided(trials, threshold))
    return replace(
        named,
        errors=int(wrong.sum()),
        trials=len(trials),
        subjects=subjects_in(trials),
        value=float(wrong.mean()),
        interval=rate_interval(
            wrong,
            trials.subject_a,
            trials.subject_b,
            resamples=how.resamples,
            confidence=how.confidence,
            seed=how.seed,
        ),
    )


def figures_at(
    check: CheckName, trials: Trials, threshold: float | None, how: Resampling
) -> tuple[Figure, ...]:
    """Every rate of a check where the score is cut; a rate by species has one figure each and the maximum.

    The maximum comes last of its rate. Its interval is that of the worst species: over many species it is
    a little too hopeful at its lower end.
    """
    figures: list[Figure] = []
    for rate in rates_of(check):
        by_group = [
            figure_of(rate, group.trials, threshold, how, group=group.name)
            for group in groups_of(rate, trials)
        ] or [figure_of(rate, trials.where(rate.counts(trials)), threshold, how, group="")]
        figures += by_group
        if rate.per_species:
            figures.append(_maximum(by_group))
    return tuple(figures)


def _maximum(by_group: Sequence[Figure]) -> Figure:
    worst = max(by_group, key=lambda figure: -1.0 if figure.value is None else figure.value)
    return replace(worst, worst=True)


def subjects_in(trials: Trials) -> int:
    """How many different subjects the trials are about."""
    return int(np.unique(np.concatenate([np.unique(trials.subject_a), np.unique(trials.subject_b)])).size)


@dataclass(frozen=True)
class TradeOff:
    """What the other side costs where one side is held at `target`: FNMR@FMR, BPCER@APCER, DFRR@DFAR.

    The threshold is the one these very trials ask for; the interval chooses it anew in each resample.
    """

    name: str
    target: float
    value: float | None = None
    interval: Interval | None = None
    threshold: float | None = None
    supported: bool = True
    why: str = ""


_LEVELS = {"fmr": (1e-2, 1e-3, 1e-4), "apcer": (0.1, 0.05, 0.01), "dfar": (0.1, 0.05, 0.01)}
_FEW = 30


def trade_offs(check: CheckName, trials: Trials, how: Resampling) -> tuple[TradeOff, ...]:
    """The customary levels of a check; with several species the worst one holds the level.

    `supported` is False where fewer than 30 errors stand behind the level (rule of 30, ISO/IEC 19795-1).
    """
    made = rate_on(check, Side.FALSE_ACCEPT)
    return tuple(_trade_off(check, made, trials, level, how) for level in _LEVELS[made.name])


def _trade_off(check: CheckName, made: Rate, trials: Trials, level: float, how: Resampling) -> TradeOff:
    other = rate_on(check, Side.FALSE_REJECT)
    name = f"{other.name.upper()} at {made.name.upper()} {level:g}"
    genuine = trials.genuine
    if genuine.all() or not genuine.any():
        return TradeOff(name, level, supported=False, why="one of the two classes has no trials")
    threshold = threshold_for(Target(made, level), trials)
    deciding = _deciding(made, trials, level, threshold)
    judged = trials.where(genuine | deciding)
    counted = judged.where(other.counts(judged))
    value = float(other.errors(decided(counted, threshold)).mean())
    interval = rate_at_rate_interval(
        counted_as_refused(other, judged),
        judged.genuine,
        judged.subject_a,
        judged.subject_b,
        target=level,
        resamples=how.resamples,
        confidence=how.confidence,
        seed=how.seed,
    )
    spread = Interval(min(interval.low, value), max(interval.high, value), interval.confidence)
    supported = level * int(deciding.sum()) >= _FEW
    return TradeOff(name, level, value, spread, threshold, supported)


def _deciding(made: Rate, trials: Trials, level: float, threshold: float) -> Mask:
    """The non-genuine trials of the species whose own threshold is the one chosen."""
    others: Mask = ~trials.genuine
    if not made.per_species:
        return others
    target = Target(made, level)
    for code in np.unique(trials.species.codes[others]):
        mine: Mask = others & (trials.species.codes == code)
        if threshold_for(target, trials.where(mine)) >= threshold:
            return mine
    return others


def counted_as_refused(other: Rate, trials: Trials) -> NDArray[np.float64]:
    """Scores for `rate_at_rate_interval`, which calls whatever is not accepted an error.

    Where a missing answer is counted by a rate of its own, it is no refusal: it gets a score above all.
    """
    if other.name == "fnmr":
        return trials.score
    unanswered = trials.genuine & ~np.isfinite(trials.score)
    return np.where(unanswered, np.inf, trials.score)


@dataclass(frozen=True)
class Discrimination:
    """How well the scores tell the two classes apart, whatever the threshold."""

    group: str
    eer: float
    auc: float


def discriminations(check: CheckName, trials: Trials) -> Iterator[Discrimination]:
    """EER and AUC, of each species against all genuine trials where the check has species."""
    made = rate_on(check, Side.FALSE_ACCEPT)
    genuine = trials.score[trials.genuine]
    for group in groups_of(made, trials):
        others = group.trials.score
        if genuine.size and others.size:
            yield Discrimination(group.name, equal_error_rate(genuine, others), roc_auc(genuine, others))

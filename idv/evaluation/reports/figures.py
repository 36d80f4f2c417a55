"""A figure of a report: an error rate, its counts and its interval over subjects; or why there is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import Interval
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import Rate, decided, rates_of
from idv.evaluation.reports.targets import Side, Target, groups_of, rate_on, threshold_for
from idv.metrics.bootstrap import det_band, rate_interval
from idv.metrics.error_rates import equal_error_rate, roc_auc


@dataclass(frozen=True)
class Resampling:
    """How intervals are made; the same seed gives the same interval to the last digit."""

    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Figure:
    """One rate: `errors` of `trials` by `subjects` people.

    `value` or only `interval` is None where it is undefined, and `why` says so.

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
    interval, why = interval_of(wrong, trials, how)
    return replace(
        named,
        errors=int(wrong.sum()),
        trials=len(trials),
        subjects=subjects_in(trials),
        value=float(wrong.mean()),
        interval=interval,
        why=why,
    )


def interval_of(wrong: NDArray[np.bool_], trials: Trials, how: Resampling) -> tuple[Interval | None, str]:
    """The interval over subjects of the share of `wrong` (N,), or None and why it is undefined."""
    try:
        interval = rate_interval(
            wrong,
            trials.subject_a,
            trials.subject_b,
            resamples=how.resamples,
            confidence=how.confidence,
            seed=how.seed,
        )
    except ValueError as undefined:
        return None, str(undefined)
    return interval, ""


def band_of(
    score: NDArray[np.float64], trials: Trials, grid: Sequence[float], how: Resampling
) -> tuple[Interval, ...]:
    """The interval of the rate of false rejects at each rate of false accepts of `grid`.

    Raises ValueError where it is undefined: one subject, or one class.
    """
    lows, highs = det_band(
        score,
        trials.genuine,
        trials.subject_a,
        trials.subject_b,
        grid,
        resamples=how.resamples,
        confidence=how.confidence,
        seed=how.seed,
    )
    return tuple(
        Interval(low, high, how.confidence) for low, high in zip(lows.tolist(), highs.tolist(), strict=True)
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
    made, other = rate_on(check, Side.FALSE_ACCEPT), rate_on(check, Side.FALSE_REJECT)
    levels = _LEVELS[made.name]
    names = {level: f"{other.name.upper()} at {made.name.upper()} {level:g}" for level in levels}
    if trials.genuine.all() or not trials.genuine.any():
        why = "one of the two classes has no trials"
        return tuple(TradeOff(names[level], level, supported=False, why=why) for level in levels)
    if not made.per_species:
        return tuple(_trade_offs(names, made, other, trials, how))
    return tuple(
        trade_off
        for level in levels
        for trade_off in _trade_offs(
            {level: names[level]}, made, other, _with_worst_species(made, trials, level), how
        )
    )


def _trade_offs(
    names: Mapping[float, str], made: Rate, other: Rate, trials: Trials, how: Resampling
) -> Iterator[TradeOff]:
    """Levels that all non-genuine trials decide together: one bootstrap serves them all."""
    score = counted_as_refused(other, trials)
    others = int((~trials.genuine).sum())
    why, intervals = "", dict[float, Interval]()
    try:
        intervals = dict(zip(names, band_of(score, trials, list(names), how), strict=True))
    except ValueError as undefined:
        why = str(undefined)
    for level, name in names.items():
        interval = intervals.get(level)
        threshold = threshold_for(Target(made, level), trials)
        value = float(np.mean(score[trials.genuine] < threshold))
        yield TradeOff(name, level, value, interval, threshold, supported=level * others >= _FEW, why=why)


def _with_worst_species(made: Rate, trials: Trials, level: float) -> Trials:
    """The genuine trials, and those of the species whose own threshold is the one that must be chosen."""
    target = Target(made, level)
    others = ~trials.genuine
    codes = np.unique(trials.species.codes[others])
    chosen = max(
        codes, key=lambda code: threshold_for(target, trials.where(others & (trials.species.codes == code)))
    )
    return trials.where(trials.genuine | (trials.species.codes == chosen))


def counted_as_refused(other: Rate, trials: Trials) -> NDArray[np.float64]:
    """Scores for `det_band`, which calls whatever is not accepted an error.

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

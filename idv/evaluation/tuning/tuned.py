"""Tuning one check on one run: the threshold, what it was measured to do, and the operating point."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.operating_points import Interval, OperatingPoint, PointStatus
from idv.domain.results import CheckName
from idv.domain.score_tables import Run, RunRecord, Trials
from idv.evaluation.catalogue import Rate, rates_of
from idv.evaluation.reports.figures import Figure, Resampling, figures_at
from idv.evaluation.reports.promises import independent_trials
from idv.evaluation.reports.targets import Side, rate_on, side_of
from idv.evaluation.reports.wording import figure_name, part_name, percent, span
from idv.evaluation.tuning.changes import Changes, changes
from idv.evaluation.tuning.choose import choose, expected_cost, reject_below
from idv.evaluation.tuning.expected import ExpectedRow, expected_counts
from idv.evaluation.tuning.rates import rate_curve, thresholds_to_show
from idv.evaluation.tuning.wishes import Wish
from idv.metrics.intervals import rule_of_30, rule_of_three


class CurvePoint(NamedTuple):
    """One threshold of the trade-off: both rates and, where costs were given, the cost of an applicant."""

    threshold: float
    false_accept: float
    false_reject: float
    cost: float | None


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    `tuned`: figures on the part it chose on; `held_out`: on part test, if that is another.
    `expected` and `changes` are of the held-out part where there is one.
    """

    record: RunRecord
    wish: Wish
    chosen_on: Part
    point: OperatingPoint
    tuned: tuple[Figure, ...]
    held_out: tuple[Figure, ...]
    expected: tuple[ExpectedRow, ...]
    curve: tuple[CurvePoint, ...]
    changes: Changes
    warnings: tuple[str, ...]


def tune(
    run: Run,
    wish: Wish,
    *,
    how: Resampling,
    today: dt.date,
    in_force: Mapping[CheckName, OperatingPoint],
) -> Tuned:
    """Choose on part `tune` and measure on part `test`; sealed items are touched by neither.

    Raises RequestError: `run_without_truth`, `target_unreachable`, `target_undefined`, `check_without_rates`.
    """
    check = run.record.check
    chosen_on, tuning, held_out = _parts(run)
    threshold = choose(check, tuning, wish, how)
    low = reject_below(wish, tuning, threshold)
    figures = _moved(check, tuning, threshold, how)
    proof = _moved(check, held_out, threshold, how) if len(held_out) else ()
    shown = held_out if len(held_out) else tuning
    point = _point(run.record, wish, figures, proof, chosen_on, (threshold, low), today)
    return Tuned(
        record=run.record,
        wish=wish,
        chosen_on=chosen_on,
        point=point,
        tuned=figures,
        held_out=proof,
        expected=expected_counts(
            check, shown, threshold=threshold, reject_below=low, prior=wish.prior, how=how
        ),
        curve=tuple(_curve(check, tuning, wish)),
        changes=changes(run, shown, threshold, in_force, how),
        warnings=tuple(_warnings(run.record, wish, chosen_on, figures, proof)),
    )


def _parts(run: Run) -> tuple[Part, Trials, Trials]:
    """Where to choose, and the trials to choose and to prove on: none where test is what it chose on."""
    tuning, test = run.table.trials(Part.TUNE), run.table.trials(Part.TEST)
    if len(tuning):
        return Part.TUNE, tuning, test if _has_both(test) else test.where(np.zeros(len(test), bool))
    if len(test):
        return Part.TEST, test, test.where(np.zeros(len(test), bool))
    raise RequestError("run_without_truth", "no item of parts tune or test has a truth", field="run")


def _moved(check: CheckName, trials: Trials, threshold: float, how: Resampling) -> tuple[Figure, ...]:
    """The rates that a threshold moves."""
    fixed = {rate.name for rate in rates_of(check) if side_of(rate) is Side.NON_RESPONSE}
    return tuple(f for f in figures_at(check, trials, threshold, how) if f.name not in fixed)


def _has_both(trials: Trials) -> bool:
    return bool(trials.genuine.any()) and not bool(trials.genuine.all())


def stated_rate(check: CheckName, wish: Wish) -> Rate:
    """The rate that the point states: the target's, or of false accepts where only costs were given."""
    return rate_on(check, Side.FALSE_ACCEPT) if wish.target is None else wish.target.rate


def stated(figures: Sequence[Figure], name: str) -> Figure:
    """Its figure: the maximum over species where there is one."""
    found = [figure for figure in figures if figure.name == name]
    return next((figure for figure in found if figure.worst), found[0])


def _point(
    record: RunRecord,
    wish: Wish,
    tuned: Sequence[Figure],
    held_out: Sequence[Figure],
    chosen_on: Part,
    cuts: tuple[float, float | None],
    today: dt.date,
) -> OperatingPoint:
    measured_on = Part.TEST if held_out else chosen_on
    figure = stated(held_out or tuned, stated_rate(record.check, wish).name)
    value, interval = figure.value, figure.interval
    if value is None or interval is None or not np.isfinite(cuts[0]):
        raise RequestError(
            "target_undefined",
            f"{figure.name} cannot be stated for this threshold: {figure.why}",
            field="target",
        )
    return OperatingPoint(
        check=record.check,
        threshold=cuts[0],
        check_digest=record.check_digest,
        eval_set=f"{record.set_name} {record.set_version}, {part_name(measured_on)}",
        eval_set_digest=record.set_digest,
        target=f"{wish.in_words}; chosen on {chosen_on}, {figure_name(figure)} measured on {measured_on}",
        measured=value,
        # The interval is centred on what resampling says and may miss the measured value by a rounding.
        interval=Interval(min(interval.low, value), max(interval.high, value), interval.confidence),
        run_id=record.run_id,
        created_on=today,
        status=PointStatus.SHADOW,
        reject_below=cuts[1],
    )


def _curve(check: CheckName, trials: Trials, wish: Wish) -> Iterator[CurvePoint]:
    thresholds = thresholds_to_show(trials)
    accepts = rate_curve(rate_on(check, Side.FALSE_ACCEPT), trials, thresholds)
    rejects = rate_curve(rate_on(check, Side.FALSE_REJECT), trials, thresholds)
    costs = None if wish.costs is None else expected_cost(check, trials, wish, thresholds).tolist()
    for i, threshold in enumerate(thresholds.tolist()):
        cost = None if costs is None else costs[i]
        yield CurvePoint(threshold, float(accepts[i]), float(rejects[i]), cost)


def _warnings(
    record: RunRecord, wish: Wish, chosen_on: Part, tuned: Sequence[Figure], held_out: Sequence[Figure]
) -> Iterator[str]:
    if chosen_on is not Part.TUNE:
        yield (
            "The set has no part tune: the threshold was chosen and measured on the same trials of part "
            "test, so what is stated flatters."
        )
    elif not held_out:
        yield "Part test lacks one of the two classes: what is stated was measured on the tuning trials."
    figure = stated(tuned, stated_rate(record.check, wish).name)
    yield from _support(figure, chosen_on)
    yield from _misses(wish, figure, stated(held_out, figure.name) if held_out else figure, chosen_on)
    if record.dirty:
        yield "The run was made with uncommitted code: nobody else can make it again exactly."


def _support(figure: Figure, part: Part) -> Iterator[str]:
    name = figure_name(figure)
    if figure.errors == 0:
        yield (
            f"No error stands behind {name} on part {part}: {figure.trials:,} trials of {figure.subjects:,} "
            f"subjects cannot exclude {percent(rule_of_three(independent_trials(figure)))} (rule of three)."
        )
    elif not rule_of_30(figure.errors):
        yield (
            f"Only {figure.errors} errors stand behind {name} on part {part}; 30 are needed to know it to "
            "within 30 % (rule of 30)."
        )


def _misses(wish: Wish, figure: Figure, proof: Figure, chosen_on: Part) -> Iterator[str]:
    if wish.target is None or proof.value is None or proof.interval is None:
        return
    target = wish.target
    if proof is not figure and proof.value > target.value:
        yield (
            f"On part test {figure_name(proof)} is {percent(proof.value)} {span(proof.interval)}, above the "
            f"{percent(target.value)} that part {chosen_on} promised."
        )
    elif proof.interval.high > target.value and not wish.confident:
        yield (
            f"The interval of {figure_name(proof)} reaches {percent(proof.interval.high)}, above the target; "
            "--confident chooses a threshold whose upper bound keeps it."
        )

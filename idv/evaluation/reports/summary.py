"""Everything a report shows of one run, computed once; the four forms of a report only lay it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.score_tables import METRIC_VERSION, Run, RunRecord, Trials
from idv.evaluation.catalogue import rates_of
from idv.evaluation.reports.confidence import ScoreQuality, score_quality
from idv.evaluation.reports.curves import DetCurves, Histogram, det_curves, histogram
from idv.evaluation.reports.cuts import Cut, customary_target, cut_of, reported_part
from idv.evaluation.reports.equity import Differential, Equity, differentials, equities
from idv.evaluation.reports.figures import (
    Discrimination,
    Figure,
    Resampling,
    TradeOff,
    discriminations,
    figures_at,
    subjects_in,
    trade_offs,
)
from idv.evaluation.reports.operation import Operation, operation_of
from idv.evaluation.reports.promises import limits, promises, reading_promises
from idv.evaluation.reports.slices import SliceTable, slice_tables
from idv.evaluation.reports.targets import threshold_for
from idv.evaluation.reports.worst import WorstError, worst_errors


@dataclass(frozen=True)
class Question:
    """What a reader wants to know: of which part, cut where, and how intervals are made."""

    part: Part | None = None
    threshold: float | None = None
    target: str | None = None
    how: Resampling = field(default_factory=Resampling)


@dataclass(frozen=True)
class Counted:
    """How much was measured.

    `unscored`: trials that got no score; `unlabelled`: items of the part that have no truth to hold them to.
    """

    trials: int
    genuine: int
    others: int
    subjects: int
    items: int
    unscored: int
    unlabelled: int


@dataclass(frozen=True)
class Summary:
    """One run, summed up. Nothing in it needs the run any more."""

    record: RunRecord
    part: Part | None
    counted: Counted
    cut: Cut
    figures: tuple[Figure, ...]
    trade_offs: tuple[TradeOff, ...]
    discriminations: tuple[Discrimination, ...]
    det: DetCurves
    histogram: Histogram | None
    slices: tuple[SliceTable, ...]
    differentials: tuple[Differential, ...]
    equities: tuple[Equity, ...]
    score_quality: ScoreQuality
    operation: Operation
    worst: tuple[WorstError, ...]
    promises: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def name(self) -> str:
        """The candidate, as a reader calls it."""
        return self.record.candidate


def summarise(run: Run, question: Question = Question()) -> Summary:
    """Sum up one run.

    Raises RequestError: `check_without_rates`, `run_without_truth`, `metrics_of_another_version`, and what
    `cut_of` and `reported_part` raise.
    """
    record, how = run.record, question.how
    _require_reportable(run)
    part = reported_part(run, question.part)
    trials, rows = run.table.trials(part), run.table.items.rows_of(part)
    operation = operation_of(run.table.items, rows)
    if not len(trials) and operation.reads is None:
        raise RequestError("run_without_truth", "no item of the run has a truth to hold it to", field="run")
    cut = cut_of(run, trials, threshold=question.threshold, target=question.target, part=part)
    figures = figures_at(record.check, trials, cut.threshold, how)
    counted = _counted(run, trials, part)
    slices = slice_tables(run, trials, cut.threshold, how)
    return Summary(
        record=record,
        part=part,
        counted=counted,
        cut=cut,
        figures=figures,
        trade_offs=trade_offs(record.check, trials, how),
        discriminations=tuple(discriminations(record.check, trials)),
        det=det_curves(record.check, trials, how),
        histogram=histogram(record.check, trials),
        slices=slices,
        differentials=differentials(slices),
        equities=equities(slices),
        score_quality=score_quality(trials, _threshold_or_customary(record, trials, cut)),
        operation=operation,
        worst=worst_errors(run, trials, cut.threshold, rows),
        promises=(*promises(record, trials, cut, how), *reading_promises(operation)),
        limits=limits(record, figures, cut, unknown=counted.unlabelled),
    )


def require_same_trials(runs: Sequence[Run]) -> None:
    """Raise RequestError `runs_not_comparable` unless all runs judged the same frozen set in the same way."""
    first = runs[0].record
    for other in (run.record for run in runs[1:]):
        for name in ("check", "set_digest", "comparisons", "metric_version"):
            ours, theirs = getattr(first, name), getattr(other, name)
            if ours != theirs:
                raise RequestError(
                    "runs_not_comparable",
                    f"{first.run_id} and {other.run_id} differ in {name}: {ours} and {theirs}",
                    field="run",
                )


def _require_reportable(run: Run) -> None:
    record = run.record
    if not rates_of(record.check):
        raise RequestError("check_without_rates", f"no error rate is defined for {record.check}", field="run")
    if record.metric_version != METRIC_VERSION:
        raise RequestError(
            "metrics_of_another_version",
            f"{record.run_id} was made with metric version {record.metric_version}; this is {METRIC_VERSION}",
            field="run",
        )


def _threshold_or_customary(record: RunRecord, trials: Trials, cut: Cut) -> float:
    """What abstaining is measured from: own outcomes may follow rules that no threshold describes."""
    if cut.threshold is not None:
        return cut.threshold
    if trials.genuine.all():  # of none as well
        return float("-inf")
    return threshold_for(customary_target(record.check), trials)


def _counted(run: Run, trials: Trials, part: Part | None) -> Counted:
    items = run.table.items
    rows = items.rows_of(part)
    labelled = items.genuine >= 0 if run.table.pairs is None else items.subject.codes >= 0
    truth = labelled | (items.correct >= 0)
    genuine = int(trials.genuine.sum())
    return Counted(
        trials=len(trials),
        genuine=genuine,
        others=len(trials) - genuine,
        subjects=subjects_in(trials),
        items=int(rows.sum()),
        unscored=int(np.isneginf(trials.score).sum()),
        unlabelled=int((rows & ~truth).sum()),
    )

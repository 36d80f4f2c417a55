"""Facts about summaries: which part is reported, where it is cut, and what may stand side by side."""

import math

import numpy as np
import pytest

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import Run, ScoreTable
from idv.evaluation.reports.cuts import cut_of, reported_part
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.html import as_html
from idv.evaluation.reports.markdown import as_markdown
from idv.evaluation.reports.summary import Question, require_same_trials, summarise
from tests.unit.evaluation.reports.made_runs import (
    document_run,
    face_run,
    item_table,
    liveness_run,
    record,
)

QUICK = Resampling(resamples=40)


def _sealed_run() -> Run:
    """Three tune, three test and three sealed items; the sealed ones carry labels."""
    table = item_table(
        [1.0, -1.0, 0.5, 2.0, -2.0, 0.1, 9.0, 8.0, -9.0],
        [1, 0, 0, 1, 0, 1, 1, 0, 0],
        species=[None, "print", "screen"] * 3,
        parts=[Part.TUNE] * 3 + [Part.TEST] * 3 + [Part.SEALED] * 3,
    )
    return Run(record(CheckName.LIVENESS), ScoreTable(table))


def test_part_test_is_reported_where_there_is_one() -> None:
    """Tuning data are for tuning; without a test part everything that is not sealed is reported."""
    run = _sealed_run()
    assert reported_part(run, None) is Part.TEST
    assert run.table.items.rows_of(None).tolist() == [True] * 6 + [False] * 3
    assert run.table.items.rows_of(Part.SEALED).tolist() == [False] * 6 + [True] * 3


def test_a_part_without_trials_is_named() -> None:
    """Asking for what is not there is an error, not an empty report."""
    with pytest.raises(RequestError) as caught:
        reported_part(document_run(), Part.SEALED)
    assert caught.value.code == "part_empty"


def test_sealed_items_are_in_no_summary_that_did_not_ask_for_them() -> None:
    """Neither their count, nor their errors, nor their ids."""
    summary = summarise(_sealed_run(), Question(how=QUICK))
    assert summary.counted.items == 3
    assert not {i for e in summary.worst for i in e.items} & {"item-6", "item-7", "item-8"}


def test_a_target_is_met_on_tuning_data_and_reported_on_test() -> None:
    """The threshold is the one that part tune asks for, whatever part test says."""
    run = _sealed_run()
    cut = cut_of(run, run.table.trials(Part.TEST), threshold=None, target="apcer=0", part=Part.TEST)
    assert cut.threshold == pytest.approx(0.5)
    assert cut.threshold > 0.5  # type: ignore[operator] # just above the highest attack
    assert not cut.optimistic


def test_a_target_met_on_the_reported_trials_is_called_optimistic() -> None:
    """A set without a tune part leaves no other choice, and the reader is told."""
    run = face_run()
    assert cut_of(run, run.table.trials(), threshold=None, target="fmr=0.01", part=Part.TEST).optimistic


def test_own_outcomes_decide_unless_something_else_is_asked_for() -> None:
    """A check that decided has no threshold put upon it; comparisons, on which nothing decided, get one."""
    live, face = liveness_run(), face_run()
    own = cut_of(live, live.table.trials(), threshold=None, target=None, part=None)
    assert own.threshold is None
    customary = cut_of(face, face.table.trials(), threshold=None, target=None, part=None)
    assert "FMR at or below 0.1 %" in customary.origin


def test_a_given_threshold_is_taken_as_it_is() -> None:
    """Nothing was chosen, so nothing flatters."""
    run = liveness_run()
    cut = cut_of(run, run.table.trials(), threshold=1.25, target=None, part=None)
    assert (cut.threshold, cut.optimistic) == (1.25, False)


def test_a_summary_counts_what_it_rests_on() -> None:
    """Comparisons, classes, subjects, and those without a score."""
    counted = summarise(face_run(people=4, shots=2), Question(how=QUICK)).counted
    assert (counted.trials, counted.genuine, counted.others) == (28, 4, 24)
    assert (counted.subjects, counted.items, counted.unscored) == (4, 8, 7)


def test_items_without_a_label_count_nowhere_and_are_counted() -> None:
    """They are a limit of the report."""
    table = item_table([1.0, 2.0, -1.0, 0.0], [1, 1, 0, -1])
    summary = summarise(Run(record(CheckName.LIVENESS), ScoreTable(table)), Question(how=QUICK))
    assert (summary.counted.trials, summary.counted.unlabelled) == (3, 1)
    assert any("1 items have no label" in s for s in summary.limits)


def test_the_worst_errors_are_the_surest_wrong_ones() -> None:
    """The attack with the highest score comes first, and an unanswered one is no false reject."""
    table = item_table(
        [0.5, 3.0, 1.0, -2.0, -0.5, -np.inf],
        [0, 0, 0, 1, 1, 1],
        species=["print", "screen", "print"] + [None] * 3,
    )
    worst = summarise(Run(record(CheckName.LIVENESS), ScoreTable(table)), Question(how=QUICK)).worst
    assert [(e.kind.value, e.items[0]) for e in worst] == [
        ("false_accept", "item-1"),
        ("false_accept", "item-2"),
        ("false_accept", "item-0"),
        ("false_reject", "item-3"),
        ("false_reject", "item-4"),
        ("no_answer", "item-5"),
    ]
    assert (worst[0].species, worst[-1].reasons, worst[-1].score) == ("screen", "no_face", None)


def test_cost_latency_outcomes_and_reads_are_those_of_the_reported_items() -> None:
    """Latencies of the made runs are 1, 2, 3 … ms, each decision costs a quarter."""
    table = item_table(
        [1.0] * 100, [1] * 50 + [0] * 50, correct=[1, 0, -1, -1] * 25, outcomes=[Outcome.PASS] * 100
    )
    operation = summarise(
        Run(record(CheckName.DOCUMENT_READING), ScoreTable(table)), Question(how=QUICK)
    ).operation
    assert operation.latency is not None
    assert operation.latency.p50_ms == pytest.approx(50.5)
    assert operation.latency.p99_ms == pytest.approx(99.01)
    assert operation.cost == 0.25
    assert operation.outcomes == {Outcome.PASS: 100}
    assert operation.reads is not None
    assert (operation.reads.exact, operation.reads.items) == (25, 50)


def test_score_quality_tells_calibration_from_discrimination() -> None:
    """Doubling log-likelihood ratios separates no better and calibrates worse."""
    run = liveness_run(count=2000)
    plain = summarise(run, Question(how=QUICK)).score_quality
    object.__setattr__(run.table.items, "score", run.table.items.score * 5)
    louder = summarise(run, Question(how=QUICK)).score_quality
    assert plain.min_cllr == pytest.approx(louder.min_cllr)
    assert louder.cllr > plain.cllr  # type: ignore[operator] # both classes have scores
    assert all(0 <= p.said <= 1 and 0 <= p.seen <= 1 for p in plain.reliability)
    assert sum(p.trials for p in plain.reliability) == 995
    assert plain.coverage[-1].coverage == pytest.approx(0.995)
    assert all(math.isfinite(p.risk) for p in plain.coverage)


def test_one_class_alone_has_no_score_quality() -> None:
    """It is said, not computed."""
    table = item_table([1.0, 2.0], [1, 1])
    summary = summarise(Run(record(CheckName.LIVENESS), ScoreTable(table)), Question(how=QUICK))
    assert summary.score_quality.cllr is None
    assert summary.score_quality.why


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"check": CheckName.IDENTITY_MATCH}, "check_without_rates"),
        ({"metric_version": "0"}, "metrics_of_another_version"),
    ],
)
def test_what_cannot_be_summed_up_is_named(changes: dict[str, object], code: str) -> None:
    """Before any work is done."""
    run = Run(record(**{"check": CheckName.LIVENESS, **changes}), liveness_run().table)  # type: ignore[arg-type] # a table of changes
    with pytest.raises(RequestError) as caught:
        summarise(run)
    assert caught.value.code == code


def test_a_set_that_only_says_what_to_read_is_reported_by_what_was_read() -> None:
    """Specimens have no label, yet nine of ten were read exactly, and the tenth is named."""
    table = item_table([1.0] * 10, [-1] * 10, correct=[1] * 9 + [0])
    run = Run(record(CheckName.DOCUMENT_READING), ScoreTable(table))
    summary = summarise(run, Question(how=QUICK))
    (promise,) = summary.promises
    assert promise.startswith("At least 60.6 % of documents are read exactly with 95 % confidence")
    assert [(e.kind.value, e.items) for e in summary.worst] == [("misread", ("item-9",))]
    assert summary.counted.unlabelled == 0
    assert "read exactly" in as_html([summary])
    assert "read exactly" in as_markdown([summary])


def test_a_run_without_any_truth_is_named() -> None:
    """Sealed labels that nobody unsealed leave nothing to measure."""
    run = Run(record(CheckName.LIVENESS), ScoreTable(item_table([1.0], [-1])))
    with pytest.raises(RequestError) as caught:
        summarise(run)
    assert caught.value.code == "run_without_truth"


@pytest.mark.parametrize("name", ["set_digest", "metric_version", "check", "comparisons"])
def test_only_runs_of_the_same_trials_stand_side_by_side(name: str) -> None:
    """Another version of the set is another set."""
    first, other = face_run(), face_run()
    require_same_trials([first, other])
    changed = {"check": CheckName.LIVENESS, "comparisons": "listed"}.get(name, "other")
    object.__setattr__(other.record, name, changed)
    with pytest.raises(RequestError, match=name) as caught:
        require_same_trials([first, other])
    assert caught.value.code == "runs_not_comparable"

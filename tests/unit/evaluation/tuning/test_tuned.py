"""Facts about tuning a run: what it may look at, what it writes, and what it warns of."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.operating_points import Interval, OperatingPoint, PointStatus
from idv.domain.results import CheckName
from idv.domain.score_tables import Run, ScoreTable
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.targets import parse_target
from idv.evaluation.tuning.page import as_html
from idv.evaluation.tuning.points import point_text, write_point
from idv.evaluation.tuning.tuned import Tuned, tune
from idv.evaluation.tuning.wishes import Costs, Wish
from idv.workflow.operating_points import load_points, load_shadows, read_point
from tests.unit.evaluation.reports.made_runs import document_run, face_run, item_table, liveness_run, record

LIVE = CheckName.LIVENESS
DAY = dt.date(2026, 11, 22)
QUICK = Resampling(resamples=40)


def _tuned(run: Run, target: str, **wish: object) -> Tuned:
    asked = Wish(parse_target(target, run.record.check), **wish)  # type: ignore[arg-type] # whatever a test asks for
    return tune(run, asked, how=QUICK, today=DAY, in_force={})


def _in_force(**changes: object) -> OperatingPoint:
    values: dict[str, object] = {
        "check": LIVE,
        "threshold": 0.0,
        "check_digest": "c" * 64,
        "eval_set": "tiny 1",
        "eval_set_digest": "5" * 64,
        "target": "APCER at most 5 %",
        "measured": 0.05,
        "interval": Interval(0.04, 0.06),
        "run_id": "earlier",
        "created_on": DAY,
        **changes,
    }
    return OperatingPoint(**values)  # type: ignore[arg-type] # a table of changes


def test_the_threshold_comes_from_part_tune_and_the_proof_from_part_test() -> None:
    """Changing every test score changes what is measured, and not what is chosen."""
    run = liveness_run(count=480)
    before = _tuned(run, "apcer=0.1")
    table = run.table.items
    on_test = table.part.codes == table.part.names.index(Part.TEST)
    object.__setattr__(table, "score", np.where(on_test, table.score + 7.0, table.score))
    after = _tuned(run, "apcer=0.1")
    assert before.point.threshold == after.point.threshold
    assert before.chosen_on is Part.TUNE
    assert after.point.measured > before.point.measured


def test_sealed_items_are_never_touched() -> None:
    """Not their scores, not even when they are all that a part has."""
    rows = [1.0, -1.0, 2.0, -2.0] * 5
    parts = [Part.TUNE] * 20 + [Part.SEALED] * 20
    kinds = [1, 0, 1, 0] * 5
    table = item_table(rows + [99.0] * 20, kinds + [0] * 20, species=[None, "print"] * 20, parts=parts)
    tuned = _tuned(Run(record(LIVE), ScoreTable(table)), "apcer=0")
    assert tuned.point.threshold < 2.0
    assert tuned.held_out == ()
    assert sum(f.trials for f in tuned.tuned if f.name == "apcer" and not f.worst) == 10


def test_sealed_items_alone_cannot_be_tuned_on() -> None:
    """Their labels may be known to a report; tuning has nothing to look at."""
    table = item_table([1.0, -1.0], [1, 0], parts=[Part.SEALED] * 2)
    with pytest.raises(RequestError) as caught:
        _tuned(Run(record(LIVE), ScoreTable(table)), "apcer=0.1")
    assert caught.value.code == "run_without_truth"


def test_a_set_without_a_tune_part_is_tuned_on_test_and_says_so() -> None:
    """Aloud in the warnings and in the point's own target."""
    tuned = _tuned(document_run(), "dfar=0.2")
    assert any("no part tune" in w for w in tuned.warnings)
    assert "chosen on test" in tuned.point.target


def test_few_errors_behind_a_threshold_are_said() -> None:
    """Six errors do not bear a promise of five per cent, nor do none."""
    assert any("rule of 30" in w for w in _tuned(liveness_run(count=480), "apcer=0.1").warnings)
    assert any("rule of three" in w for w in _tuned(liveness_run(count=480), "apcer=0").warnings)


def test_a_miss_on_test_is_said() -> None:
    """Test scores of attacks are higher here than tuning could know."""
    run = liveness_run(count=480)
    table = run.table.items
    on_test = table.part.codes == table.part.names.index(Part.TEST)
    object.__setattr__(table, "score", np.where(on_test, table.score + 7.0, table.score))
    assert any("above the 10 % that part tune promised" in w for w in _tuned(run, "apcer=0.1").warnings)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """To the last digit, as a shadow point that has no effect."""
    tuned = _tuned(liveness_run(count=480), "apcer=0.1", reject=parse_target("bpcer=0.01", LIVE))
    path = tmp_path / "liveness.toml"
    write_point(tuned, path)
    assert read_point(path) == tuned.point
    assert load_points(tmp_path) == {}
    assert load_shadows(tmp_path) == {LIVE: (tuned.point,)}
    assert tuned.point.status is PointStatus.SHADOW
    assert tuned.point.reject_below is not None
    assert tuned.point.check_digest == "c" * 64


def test_strange_names_survive_being_written(tmp_path: Path) -> None:
    """Quotes, backslashes and control characters in a set's name break no file."""
    name = 'a "b" \\ c\nd\x7f\u2028é'
    tuned = _tuned(document_run(set_name=name), "dfar=0.2")
    write_point(tuned, tmp_path / "document_reading.toml")
    assert name in read_point(tmp_path / "document_reading.toml").eval_set


def test_a_point_in_force_is_never_overwritten(tmp_path: Path) -> None:
    """A shadow in its place would leave the check without a point."""
    tuned = _tuned(liveness_run(count=480), "apcer=0.1")
    path = tmp_path / "liveness.toml"
    path.write_text(point_text(tuned).replace('"shadow"', '"enforced"'), encoding="utf-8")
    with pytest.raises(RequestError) as caught:
        write_point(tuned, path)
    assert caught.value.code == "point_in_force"
    assert read_point(path).status is PointStatus.ENFORCED


def test_expected_counts_are_the_applicants() -> None:
    """Every row adds up to its people, and all rows to ten thousand."""
    tuned = _tuned(liveness_run(count=480), "apcer=0.1", reject=parse_target("bpcer=0.01", LIVE), prior=0.02)
    genuine, fraud = tuned.expected
    assert (genuine.of, fraud.of) == (9_800, 200)
    assert fraud.who == "fraud, all as screen"
    for row in tuned.expected:
        assert sum(count.count for count in row.counts) == pytest.approx(row.of)
        assert all(count.low <= count.count <= count.high for count in row.counts)


def test_changes_are_told_against_the_point_in_force_of_the_same_models() -> None:
    """A higher threshold lets fewer attacks in and turns more people away, on every slice."""
    run = liveness_run(count=480)
    wish = Wish(parse_target("apcer=0.1", LIVE))
    tuned = tune(run, wish, how=QUICK, today=DAY, in_force={LIVE: _in_force()})
    assert {(c.slice, c.value) for c in tuned.changes.slices} == {("device", "phone"), ("device", "webcam")}
    for change in tuned.changes.slices:
        more, less = (
            (change.after, change.before) if change.after.name == "bpcer" else (change.before, change.after)
        )
        assert more.value >= less.value  # type: ignore[operator] # every slice has both classes


def test_points_of_other_models_are_not_compared_with() -> None:
    """Thresholds of two models have no common scale."""
    wish = Wish(parse_target("apcer=0.1", LIVE))
    other = {LIVE: _in_force(check_digest="d" * 64)}
    found = tune(liveness_run(), wish, how=QUICK, today=DAY, in_force=other).changes
    assert found.against is None
    assert "other models" in found.why
    assert found.slices == ()


def test_costs_alone_choose_and_are_drawn() -> None:
    """The point names the costs, and the curve has its lowest place near the threshold."""
    run = liveness_run(count=960)
    tuned = tune(run, Wish(costs=Costs(50.0, 5.0), prior=0.05), how=QUICK, today=DAY, in_force={})
    assert tuned.point.target.startswith("least cost at 50 a false accept, 5 a false reject, 5 % fraud")
    costs = {point.threshold: point.cost for point in tuned.curve}
    lowest = min(costs, key=lambda threshold: costs[threshold] or 0.0)
    assert lowest == pytest.approx(tuned.point.threshold, abs=0.4)


@pytest.mark.parametrize("run", [liveness_run(count=480), face_run(), document_run()])
def test_the_page_holds_point_warnings_and_counts(run: Run) -> None:
    """For every kind of check, self-contained."""
    name = {"liveness": "apcer", "face_match": "fmr"}.get(run.record.check, "dfar")
    tuned = _tuned(run, f"{name}=0.1")
    text = as_html(tuned)
    assert f"{tuned.point.threshold:.6g}" in text
    assert "10,000 applicants" in text
    assert all(warning in text for warning in tuned.warnings)
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")

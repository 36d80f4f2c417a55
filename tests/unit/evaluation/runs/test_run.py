"""Facts about runs: every item a row, resumable without repeating, refused when it is about anything else."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import EvalSetError, IdvError, RequestError, StorageUnavailable
from idv.domain.eval_sets import Comparisons, EvalSet, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Run, ScoreTable
from idv.evaluation.runs.candidates import CheckCandidate, Judged
from idv.evaluation.runs.execution import Executor, Processes, Serial, Threads
from idv.evaluation.runs.judging import Task
from idv.evaluation.runs.run import BEGUN, JOURNAL, run_bench, unfinished
from idv.evaluation.runs.tables import read_run
from idv.infra.clock import ManualClock
from tests.unit.evaluation.runs.stand_ins import (
    CODE,
    ByteCheck,
    ByteMatch,
    Folder,
    bench_in,
    bench_of,
    candidate_of,
    items_of,
    measured,
    set_of,
)

FILES = {"a": b"dog", "b": b"cat", "Attack": b"zebra", "empty": b"", "b-tune": b"ant", "broken": b"!"}
FACES = {"a": b"aa", "a2": b"ab", "b": b"zz?", "none": b"", "c-tune": b"cc", "d-tune": b"dd"}


def outcomes(run: Run) -> list[str]:
    """Outcomes by row."""
    return [OUTCOMES[code].value for code in run.table.items.outcome]


def faces_of(folder: Path, **other: object) -> EvalSet:
    """A set of faces, all of which are compared."""
    items = items_of(folder, FACES, role=ImageRole.REFERENCE)
    return set_of(items, CheckName.FACE_MATCH, **{"comparisons": Comparisons.ALL_PAIRS, **other})


@pytest.mark.parametrize("executor", [Serial(), Threads(3), Processes(2)], ids=lambda e: e.name)
def test_every_item_is_a_row_whoever_judges(tmp_path: Path, executor: Executor) -> None:
    """Scores, failures, inconclusives and what broke stand in the set's order, the same for each executor."""
    run = measured(set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck()), tmp_path, executor=executor)
    items = run.table.items
    assert items.ids == tuple(FILES)
    assert outcomes(run) == ["pass", "fail", "pass", "inconclusive", "fail", "inconclusive"]
    scores = [ord("d") / 7, ord("c") / 7, ord("z") / 7, -np.inf, ord("a") / 7, -np.inf]
    assert items.score.tolist() == scores
    assert items.genuine.tolist() == [1, 1, 0, 1, 1, 1]
    assert items.reasons == ("", "", "", "no_face", "", "check_error")
    assert [items.species.names[c] if c >= 0 else None for c in items.species.codes][2] == "print"
    assert run.record.executor == executor.name
    np.testing.assert_array_equal(items.signals["length"], [3, 3, 5, np.nan, 3, np.nan])


def test_a_run_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    """The record and every column of both tables survive, -inf, empty reasons and slices included."""
    run = measured(faces_of(tmp_path), candidate_of(ByteMatch(), compares=True), tmp_path)
    again = read_run(tmp_path / "runs" / run.record.run_id)
    assert again.record == run.record
    for name in ("outcome", "score", "genuine", "correct", "latency_ms", "cost"):
        was, now = (getattr(r.table.items, name) for r in (run, again))
        assert was.dtype == now.dtype
        np.testing.assert_array_equal(was, now)
    for name in ("ids", "reasons"):
        assert getattr(again.table.items, name) == getattr(run.table.items, name)
    for name in ("part", "subject", "species"):
        was, now = (getattr(r.table.items, name) for r in (run, again))
        assert was.names == now.names
        np.testing.assert_array_equal(was.codes, now.codes)
    assert again.table.items.slices.keys() == {"light"}
    was, now = (r.table.items.signals["last_byte"] for r in (run, again))
    assert was.dtype == now.dtype
    np.testing.assert_array_equal(was, now)
    for name in ("a", "b", "score"):
        was, now = (getattr(r.table.pairs, name) for r in (run, again))
        assert was.dtype == now.dtype
        np.testing.assert_array_equal(was, now)


def test_each_face_is_looked_at_once(tmp_path: Path) -> None:
    """All comparisons of a part need one look at each image; a missing template is -inf, not a lost row."""
    run = measured(faces_of(tmp_path), candidate_of(ByteMatch(), compares=True), tmp_path)
    assert sorted(Folder(tmp_path).read) == sorted(FACES)
    pairs = run.table.pairs
    assert pairs is not None
    ids = run.table.items.ids
    by_name = {(ids[a], ids[b]): s for a, b, s in zip(pairs.a, pairs.b, pairs.score, strict=True)}
    assert by_name == {
        ("a", "a2"): -1.0,
        ("a", "b"): -np.hypot(25, 25),
        ("a", "none"): -np.inf,
        ("a2", "b"): -np.hypot(25, 24),
        ("a2", "none"): -np.inf,
        ("b", "none"): -np.inf,
        ("c-tune", "d-tune"): -np.hypot(1, 1),
    }
    assert outcomes(run) == ["pass", "pass", "inconclusive", "inconclusive", "pass", "pass"]
    assert run.table.items.reasons[2:4] == ("face_blurred", "no_face")
    assert run.table.items.score.tolist() == [0, 0, 0, -np.inf, 0, 0]
    noted = [97 / 7, 98 / 7, 63 / 7, np.nan, 99 / 7, 100 / 7]
    np.testing.assert_array_equal(run.table.items.signals["last_byte"], noted)


def test_listed_comparisons_keep_their_order(tmp_path: Path) -> None:
    """A listed set gives one score a line, whichever part or direction."""
    pairs = np.array([[4, 0], [0, 3], [1, 0]], np.int32)
    eval_set = faces_of(tmp_path, comparisons=Comparisons.LISTED, pairs=pairs)
    run = measured(eval_set, candidate_of(ByteMatch(), compares=True), tmp_path)
    assert run.table.pairs is not None
    np.testing.assert_array_equal(np.stack([run.table.pairs.a, run.table.pairs.b], 1), pairs)
    assert run.table.pairs.score.tolist() == [-np.hypot(2, 2), -np.inf, -1.0]


def test_any_check_can_be_measured_on_listed_comparisons(tmp_path: Path) -> None:
    """A check that makes no templates judges, and is paid, a comparison; the scores are the same."""
    pairs = np.array([[0, 1], [0, 3], [4, 5]], np.int32)
    eval_set = faces_of(tmp_path, comparisons=Comparisons.LISTED, pairs=pairs)
    one_by_one = measured(eval_set, candidate_of(ByteMatch(), price=0.5), tmp_path)
    at_once = measured(eval_set, candidate_of(ByteMatch(), compares=True, name="at-once"), tmp_path)
    assert one_by_one.table.pairs is not None
    assert at_once.table.pairs is not None
    np.testing.assert_array_equal(one_by_one.table.pairs.score, at_once.table.pairs.score)
    items = one_by_one.table.items
    assert items.cost.tolist() == [1.0, 0, 0, 0, 0.5, 0]
    assert outcomes(one_by_one) == ["pass", "pass", "not_run", "inconclusive", "pass", "pass"]
    assert items.reasons[3] == "no_face"


def test_a_check_without_templates_is_not_asked_for_all_pairs(tmp_path: Path) -> None:
    """All pairs of a set would be millions of calls: refused by name, before any work."""
    with pytest.raises(RequestError) as refused:
        measured(faces_of(tmp_path), candidate_of(ByteMatch()), tmp_path)
    assert refused.value.code == "comparisons_need_templates"
    assert not Folder(tmp_path).read


def test_reading_is_compared_with_the_truth(tmp_path: Path) -> None:
    """`correct` says whether the lines that were read are those of the truth, -1 where there is no truth."""
    plain = items_of(
        tmp_path, {"a": b"P<UTO 123", "b": b"P<UTO 124", "c": b"x"}, role=ImageRole.DOCUMENT_FRONT
    )
    items = [
        dataclasses.replace(item, truth={"mrz": "P<UTO\n123"} if item.id != "c" else {}) for item in plain
    ]
    check = ByteCheck(CheckName.DOCUMENT_READING)
    run = measured(set_of(items, check.name), candidate_of(check), tmp_path)
    assert run.table.items.correct.tolist() == [1, 0, -1]


class Killed(Exception):
    """Stands for a kill."""


def killed_after(rows: int, done: int, total: int) -> None:
    """A kill once so many rows are done."""
    if done >= rows:
        raise Killed


@pytest.mark.parametrize("compares", [False, True])
@pytest.mark.parametrize("rows", [1, 4, 6])
def test_a_killed_run_goes_on_without_repeating(tmp_path: Path, rows: int, compares: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The same command finishes it: each file is read once in all, and the table is the uninterrupted one."""
    eval_set = faces_of(tmp_path) if compares else set_of(items_of(tmp_path, FILES))
    check = ByteMatch() if compares else ByteCheck()
    candidate = candidate_of(check, compares=compares)
    bench = bench_in(tmp_path, on_progress=partial(killed_after, rows))
    with pytest.raises(Killed):
        run_bench(eval_set, candidate, bench)
    assert len(unfinished(tmp_path / "runs")) == 1
    run = measured(eval_set, candidate, tmp_path)
    assert sorted(Folder(tmp_path).read) == sorted(item.id for item in eval_set.items)
    assert not unfinished(tmp_path / "runs")
    folder = tmp_path / "runs" / run.record.run_id
    kept = {path.name for path in folder.iterdir()}
    assert kept == {"run.json", "items.parquet"} | ({"pairs.parquet"} if compares else set())
    whole = measured(eval_set, candidate, tmp_path, clock=_later())
    assert whole.record.run_id != run.record.run_id
    np.testing.assert_array_equal(whole.table.items.score, run.table.items.score)
    (was,), (now,) = (r.table.items.signals.values() for r in (whole, run))
    np.testing.assert_array_equal(was, now)
    if whole.table.pairs is not None and run.table.pairs is not None:
        np.testing.assert_array_equal(whole.table.pairs.score, run.table.pairs.score)


def _later() -> ManualClock:
    clock = ManualClock()
    clock.advance(60)
    return clock


@pytest.mark.parametrize(
    "changed",
    [
        lambda s, c: (dataclasses.replace(s, digest="f" * 64), c, 0),
        lambda s, c: (dataclasses.replace(s, version="2"), c, 0),
        lambda s, c: (s, _described(c, check_digest="d2"), 0),
        lambda s, c: (s, _described(c, settings={"pack": "other"}), 0),
        lambda s, c: (s, _described(c, name="other"), 0),
        lambda s, c: (s, c, 1),
    ],
    ids=["set digest", "set version", "check digest", "settings", "candidate", "seed"],
)
def test_a_run_of_anything_else_is_not_gone_on_with(tmp_path: Path, changed: object) -> None:
    """Named, it is refused; unnamed, another run is begun and the unfinished one stays."""
    eval_set, candidate = set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck())
    with pytest.raises(Killed):
        run_bench(eval_set, candidate, bench_in(tmp_path, on_progress=partial(killed_after, 2)))
    (begun,) = unfinished(tmp_path / "runs")
    other_set, other, seed = changed(eval_set, candidate)  # type: ignore[operator] # the table above
    with pytest.raises(RequestError) as refused:
        run_bench(other_set, other, bench_in(tmp_path, seed=seed), resume=begun)
    assert refused.value.code == "scores_belong_elsewhere"
    run_bench(other_set, other, bench_in(tmp_path, seed=seed))
    assert tuple(unfinished(tmp_path / "runs")) == (begun,)


def test_rows_made_before_unsealing_are_not_gone_on_with(tmp_path: Path) -> None:
    """A sealed truth says whether a reading is right: half a run without it would count as not read."""
    plain = items_of(tmp_path, {"a": b"AB 1", "b": b"AB 2"}, role=ImageRole.DOCUMENT_FRONT)
    bare = [dataclasses.replace(item, part=Part.SEALED, label=None, subject=None) for item in plain]
    opened = [dataclasses.replace(item, truth={"mrz": "AB\n1"}) for item in bare]
    check = ByteCheck(CheckName.DOCUMENT_READING)
    candidate = candidate_of(check)
    with pytest.raises(Killed):
        measured(set_of(bare, check.name), candidate, tmp_path, on_progress=partial(killed_after, 1))
    run = measured(set_of(opened, check.name), candidate, tmp_path)
    assert run.table.items.correct.tolist() == [1, 0]


def test_a_check_of_other_things_is_refused_before_any_work(tmp_path: Path) -> None:
    """Selfies cannot tell how well documents are read; no folder is begun for it."""
    candidate = candidate_of(ByteCheck(CheckName.DOCUMENT_READING))
    with pytest.raises(RequestError) as refused:
        measured(set_of(items_of(tmp_path, FILES)), candidate, tmp_path)
    assert refused.value.code == "check_not_of_set"
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Where a file lies no run can be kept."""
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(StorageUnavailable) as refused:
        measured(set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck()), tmp_path)
    assert refused.value.code == "run_not_written"


def _described(candidate: CheckCandidate, **other: object) -> CheckCandidate:
    described = dataclasses.replace(candidate.described, **other)  # type: ignore[arg-type] # fields by name
    return dataclasses.replace(candidate, described=described)


def test_only_an_unfinished_run_is_gone_on_with(tmp_path: Path) -> None:
    """A finished run and one that was never begun are named errors."""
    eval_set, candidate = set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck())
    run = measured(eval_set, candidate, tmp_path)
    for run_id, code in ((run.record.run_id, "run_finished"), ("nothing", "run_unknown")):
        with pytest.raises(RequestError) as refused:
            run_bench(eval_set, candidate, bench_in(tmp_path), resume=run_id)
        assert refused.value.code == code


def test_a_run_that_two_versions_of_the_code_worked_on_is_dirty(tmp_path: Path) -> None:
    """The commit is that of the beginning; the flag says that it is not the whole truth."""
    eval_set, candidate = set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck())
    with pytest.raises(Killed):
        run_bench(eval_set, candidate, bench_in(tmp_path, on_progress=partial(killed_after, 2)))
    other = dataclasses.replace(CODE, commit="beef")
    record = measured(eval_set, candidate, tmp_path, code=other, clock=_later()).record
    assert (record.commit, record.dirty) == (CODE.commit, True)
    assert record.started_at < record.finished_at  # type: ignore[operator] # it is finished


@pytest.mark.parametrize("executor", [Serial(), Threads(2), Processes(2)], ids=lambda e: e.name)
def test_a_missing_file_ends_the_run_by_name(tmp_path: Path, executor: Executor) -> None:
    """It is no answer of the check; finished rows are kept, and the run goes on once the file is there."""
    eval_set, candidate = set_of(items_of(tmp_path, FILES)), candidate_of(ByteCheck())
    (tmp_path / "b-tune").rename(tmp_path / "away")
    with pytest.raises(IdvError) as refused:
        measured(eval_set, candidate, tmp_path, executor=executor)
    assert refused.value.code == "media_missing"
    assert isinstance(refused.value, EvalSetError | RequestError)
    (tmp_path / "away").rename(tmp_path / "b-tune")
    assert outcomes(measured(eval_set, candidate, tmp_path))[4] == "fail"


def test_the_journal_of_faces_is_private_and_goes(tmp_path: Path) -> None:
    """While a run lasts its templates are readable by the owner only; afterwards no byte of them is left."""
    modes = []

    def look(done: int, total: int) -> None:
        (journal,) = (tmp_path / "runs").glob(f"*/{JOURNAL}")
        modes.append(journal.stat().st_mode & 0o777)

    run = measured(faces_of(tmp_path), candidate_of(ByteMatch(), compares=True), tmp_path, on_progress=look)
    assert set(modes) == {0o600}
    folder = tmp_path / "runs" / run.record.run_id
    assert not (folder / JOURNAL).exists()
    assert not (folder / BEGUN).exists()
    assert "template" not in (folder / "run.json").read_text()


_SCRIPT = """
import sys
from pathlib import Path
from idv.evaluation.runs.execution import Threads
from tests.unit.evaluation.runs.stand_ins import ByteCheck, candidate_of, items_of, measured, set_of
folder = Path(sys.argv[1])
files = {f"i{n}": bytes([100 + n]) for n in range(40)}
candidate = candidate_of(ByteCheck(slow_s=0.05))
run = measured(set_of(items_of(folder, files)), candidate, folder, executor=Threads(2))
print(run.record.run_id)
"""


def test_a_process_killed_at_any_moment_repeats_no_finished_item(tmp_path: Path) -> None:
    """Kill -9 in the middle, twice; what the journal held is not judged again, and the run gets whole."""
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    finished: set[str] = set()
    for wanted in (5, 15):
        with subprocess.Popen(command, env=environment) as process:
            while len(_journalled(tmp_path)) < wanted:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        finished = _journalled(tmp_path)
        (tmp_path / "read.log").unlink()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    run = read_run(tmp_path / "runs" / done.stdout.strip())
    assert np.isfinite(run.table.items.score).all()
    assert not finished & set(Folder(tmp_path).read)
    assert len(Folder(tmp_path).read) == 40 - len(finished)


def _journalled(folder: Path) -> set[str]:
    """Keys of whole rows."""
    journals = list((folder / "runs").glob(f"*/{JOURNAL}"))
    lines = journals[0].read_bytes().splitlines(keepends=True) if journals else []
    return {json.loads(line)["key"] for line in lines if line.endswith(b"\n")}


class Fatal(ByteCheck):
    """Takes its process with it at a file that starts with `c`."""

    def judge(self, evidence, context, *, deadline):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as its base
        """Judge, or die."""
        if next(iter(evidence.images.values())).data.startswith(b"c"):
            os._exit(1)
        return super().judge(evidence, context, deadline=deadline)


def test_a_process_that_dies_costs_one_row(tmp_path: Path) -> None:
    """The item that killed a process is a row that says so; another process goes on with the rest."""
    candidate = CheckCandidate(candidate_of(ByteCheck()).described, partial(bench_of, Fatal()))
    run = measured(set_of(items_of(tmp_path, FILES)), candidate, tmp_path, executor=Processes(1))
    assert outcomes(run) == ["pass", "inconclusive", "pass", "inconclusive", "fail", "inconclusive"]
    assert run.table.items.reasons[1] == "check_error"


def test_processes_that_only_die_end_the_run(tmp_path: Path) -> None:
    """A run whose processes all die is an error, not a table of failures."""
    eval_set = set_of(items_of(tmp_path, {f"c{n}": b"c" for n in range(6)}))
    candidate = CheckCandidate(candidate_of(ByteCheck()).described, partial(bench_of, Fatal()))
    with pytest.raises(IdvError) as refused:
        measured(eval_set, candidate, tmp_path, executor=Processes(1))
    assert refused.value.code == "judges_died"


def test_outcomes_are_stored_by_their_position() -> None:
    """The codes of the score table are those of the domain, which a stored run depends on."""
    assert [outcome.value for outcome in OUTCOMES] == ["pass", "fail", "inconclusive", "not_run"]
    assert Task("k", {}).acquire is False
    assert Outcome.PASS in OUTCOMES


@pytest.mark.parametrize("rows", [0, 1])
def test_a_candidate_refused_before_any_work_leaves_nothing_to_go_on_with(tmp_path: Path, rows: int) -> None:
    """One that is refused later keeps what was finished, for the next call."""

    class Refused:
        """Judges some items and then does not want to."""

        described = candidate_of(ByteCheck()).described

        def measured(self, eval_set: EvalSet, judged: Judged, *, scratch: Path) -> ScoreTable:
            tasks = [Task(item.id, item.media) for item in eval_set.items[:rows]]
            judged(tasks, candidate_of(ByteCheck()).open_workbench)
            raise RequestError("item_unknown", "no such item", field="candidate")

    with pytest.raises(RequestError, match="no such item"):
        run_bench(set_of(items_of(tmp_path, FILES)), Refused(), bench_in(tmp_path))
    assert len(unfinished(tmp_path / "runs")) == rows
    assert len(list((tmp_path / "runs").iterdir())) == rows

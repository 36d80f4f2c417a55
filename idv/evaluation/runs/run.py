"""One run: a candidate over a set, journalled, so that a killed run can be gone on with, and then kept."""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from idv.domain.errors import RequestError, StorageUnavailable
from idv.domain.eval_sets import EvalSet, Part
from idv.domain.ports import Clock
from idv.domain.results import CheckName
from idv.domain.score_tables import METRIC_VERSION, Run, RunRecord
from idv.evaluation.runs.candidates import Candidate, Described, Rows
from idv.evaluation.runs.execution import Executor
from idv.evaluation.runs.journal import Journal, claim_path, read_claim
from idv.evaluation.runs.judging import Media, OpenWorkbench, Task, Work
from idv.evaluation.runs.record import Code
from idv.evaluation.runs.rows import row_line, rows_of
from idv.evaluation.runs.tables import RECORD, replace_whole, write_run
from idv.evaluation.sets.item_files import labels_of, roles_of

JOURNAL, BEGUN = "journal.jsonl", "begun.json"


def _unwatched(done: int, total: int) -> None:
    """Nobody looks."""


@dataclass(frozen=True)
class Bench:
    """Where and how runs are made: everything but the set and the candidate.

    `runs`: the folder that holds one folder a run. `on_progress` is told how many of how many tasks are done.
    """

    runs: Path
    media: Media
    executor: Executor
    clock: Clock
    code: Code
    seed: int = 0
    currency: str = "EUR"
    on_progress: Callable[[int, int], None] = _unwatched


def run_bench(eval_set: EvalSet, candidate: Candidate, bench: Bench, *, resume: str | None = None) -> Run:
    """Measure a candidate on a set and write the run to `<runs>/<run_id>`; returns it.

    An unfinished run of the very same thing is gone on with. `resume` names the run to go on with, and then
    anything else about it is an error: RequestError `run_unknown`, `run_finished`, `scores_belong_elsewhere`
    (another set, check, model, setting, seed or currency, or labels unsealed since). While it lasts, the
    folder holds a journal, readable by its owner only since it contains templates of faces; it is deleted
    once the tables are written. Raises RequestError `check_not_of_set`, and StorageUnavailable when the disk
    refuses. A candidate that is refused before any work leaves no folder behind.
    """
    described = candidate.described
    _require_fitting(eval_set, described.check)
    belongs_to = _belongs_to(eval_set, described, bench)
    folder = _folder(bench, eval_set, described, belongs_to, resume=resume)
    with Journal(folder / JOURNAL, belongs_to) as journal:
        begun = _begun(folder, bench)
        try:
            table = candidate.measured(eval_set, _Journalled(journal, bench), scratch=folder)
        except RequestError:
            if journal.is_empty:  # refused before any work: there is nothing to go on with
                (folder / BEGUN).unlink()
                journal.delete()
                folder.rmdir()
            raise
        run = Run(_record(folder.name, eval_set, described, bench=bench, begun=begun), table)
        write_run(run, folder)
        (folder / BEGUN).unlink()
        journal.delete()
    return run


def _require_fitting(eval_set: EvalSet, check: CheckName) -> None:
    """Another check of the same kind of items may be measured: a document's, for instance."""
    about = eval_set.check
    if (roles_of(check), labels_of(check)) != (roles_of(about), labels_of(about)):
        raise RequestError(
            "check_not_of_set",
            f"{eval_set.name} is for {about}: {check} looks at other things",
            field="check",
        )


def unfinished(runs: Path) -> Mapping[str, Mapping[str, str]]:
    """Runs that were begun and not finished, oldest first: their id -> what they belong to."""
    begun = sorted(path.parent for path in runs.glob(f"*/{JOURNAL}"))
    claims = {folder.name: read_claim(folder / JOURNAL) for folder in begun if not (folder / RECORD).exists()}
    return {name: claim for name, claim in claims.items() if claim is not None}


@dataclass(frozen=True)
class _Journalled:
    """Judges what the journal does not hold yet."""

    journal: Journal
    bench: Bench

    def __call__(self, tasks: Sequence[Task], open_workbench: OpenWorkbench) -> Rows:
        rows = rows_of(self.journal.kept)
        waiting = [task for task in tasks if task.key not in rows]
        self.bench.on_progress(len(tasks) - len(waiting), len(tasks))
        if not waiting:
            return rows
        work = Work(open_workbench, self.bench.media)
        with closing(self.bench.executor.rows(waiting, work)) as judged:
            for row in judged:
                self.journal.append(row_line(row))
                rows[row.key] = row
                self.bench.on_progress(len(rows), len(tasks))
        return rows


def _belongs_to(eval_set: EvalSet, described: Described, bench: Bench) -> dict[str, str]:
    """Everything that must be equal for rows of two sessions to stand in one table."""
    # A sealed truth changes what a row says, and no digest.
    sealed = [item for item in eval_set.items if item.part is Part.SEALED]
    return {
        "set": f"{eval_set.name} {eval_set.version}",
        "set_digest": eval_set.digest,
        "check": described.check.value,
        "candidate": described.name,
        "check_digest": described.check_digest,
        "settings": json.dumps(dict(described.settings), sort_keys=True),
        "seed": str(bench.seed),
        "currency": bench.currency,
        "unsealed": str(any(item.label or item.subject or item.truth for item in sealed)),
    }


def _folder(
    bench: Bench,
    eval_set: EvalSet,
    described: Described,
    belongs_to: Mapping[str, str],
    *,
    resume: str | None,
) -> Path:
    """Where the run is or will be."""
    if resume is not None:
        return _resumed(bench.runs, resume)
    same = [name for name, claim in unfinished(bench.runs).items() if claim == belongs_to]
    if same:
        return bench.runs / same[-1]
    began = bench.clock.now().strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(json.dumps(belongs_to, sort_keys=True).encode()).hexdigest()
    folder = bench.runs / f"{eval_set.name}-{_slug(described.name)}-{began}-{digest[:6]}"
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise RequestError("run_exists", f"{folder} is there already", field="out") from None
    except OSError as error:
        raise _refused(folder, error) from error
    return folder


def _refused(folder: Path, error: OSError) -> StorageUnavailable:
    return StorageUnavailable("run_not_written", f"{folder} cannot be written: {error.strerror}")


def _resumed(runs: Path, run_id: str) -> Path:
    folder = runs / Path(run_id).name
    if (folder / RECORD).exists():
        raise RequestError("run_finished", f"{folder} is finished", field="resume")
    if not claim_path(folder / JOURNAL).exists():
        raise RequestError("run_unknown", f"{folder} holds no unfinished run", field="resume")
    return folder


def _slug(name: str) -> str:
    """A candidate's name in characters that a file name may have."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


@dataclass(frozen=True)
class _Begun:
    """When a run was begun, and with which code."""

    started_at: dt.datetime
    commit: str
    dirty: bool


def _begun(folder: Path, bench: Bench) -> _Begun:
    """As it was begun. A run that two versions of the code worked on is dirty, whatever they were."""
    path, code = folder / BEGUN, bench.code
    if path.exists():
        body = json.loads(path.read_text(encoding="utf-8"))
        mixed = body["commit"] != code.commit or body["dirty"] or code.dirty
        return _Begun(dt.datetime.fromisoformat(body["started_at"]), body["commit"], mixed)
    begun = _Begun(bench.clock.now(), code.commit, code.dirty)
    body = {**dataclasses.asdict(begun), "started_at": begun.started_at.isoformat()}
    try:
        replace_whole(path, lambda partial: partial.write_text(json.dumps(body), encoding="utf-8"))
    except OSError as error:
        raise _refused(folder, error) from error
    return begun


def _record(
    run_id: str, eval_set: EvalSet, described: Described, *, bench: Bench, begun: _Begun
) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        set_name=eval_set.name,
        set_version=eval_set.version,
        set_digest=eval_set.digest,
        comparisons=eval_set.comparisons,
        limits=eval_set.limits,
        check=described.check,
        candidate=described.name,
        provider=described.provider,
        check_digest=described.check_digest,
        started_at=begun.started_at,
        finished_at=bench.clock.now(),
        commit=begun.commit,
        dirty=begun.dirty,
        executor=bench.executor.name,
        seed=bench.seed,
        packages=bench.code.packages,
        models=described.models,
        settings=described.settings,
        currency=bench.currency,
        metric_version=METRIC_VERSION,
    )

"""`idv bench run`: measure candidates on a frozen set."""

import dataclasses
import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.cli.bars import counting
from idv.cli.run_folders import RUNS
from idv.domain.errors import RequestError
from idv.domain.eval_sets import EvalSet
from idv.domain.results import CheckName
from idv.domain.score_tables import OUTCOMES, Run
from idv.evaluation.runs.candidates import Candidate
from idv.evaluation.runs.csv_scores import read_scores
from idv.evaluation.runs.execution import Executor, Processes, Serial, Threads
from idv.evaluation.runs.ray_execution import RayActors
from idv.evaluation.runs.record import code_here
from idv.evaluation.runs.run import Bench, run_bench
from idv.evaluation.sets.folder import load_set
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set
from idv.infra.clock import SystemClock
from idv.settings import Settings


class ExecutorName(StrEnum):
    """Who judges the items."""

    SERIAL = "serial"
    THREADS = "threads"
    PROCESSES = "processes"
    RAY = "ray"


_EXECUTORS: dict[ExecutorName, Callable[[int], Executor]] = {
    ExecutorName.SERIAL: lambda _: Serial(),
    ExecutorName.THREADS: Threads,
    ExecutorName.PROCESSES: Processes,
    ExecutorName.RAY: RayActors,
}


def run(
    *,
    set_: Annotated[str, typer.Option("--set", help="Folder of the set, or the name of one.")],
    candidate: Annotated[
        list[str],
        typer.Option(
            help="A pack (open, insightface, …), a folder with <model>/1/model.onnx laid over the pack of "
            "the settings, or a .csv of scores made elsewhere (item, for pairs item_b, score); repeat for "
            "several."
        ),
    ],
    check: Annotated[CheckName | None, typer.Option(help="The check (default: the set's).")] = None,
    media: Annotated[str | None, typer.Option(help="Where the media lie (default: IDV_MEDIA_ROOT).")] = None,
    executor: Annotated[ExecutorName, typer.Option(help="Who judges the items.")] = ExecutorName.THREADS,
    workers: Annotated[int, typer.Option(min=1, help="Items judged at a time.")] = os.cpu_count() or 1,
    out: Annotated[
        Path, typer.Option(envvar="IDV_RUNS_DIR", help="Folder that gets one folder a run.")
    ] = RUNS,
    resume: Annotated[
        str | None, typer.Option(help="Go on with this run; anything else about it is an error.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Stands in the record, for candidates that draw.")] = 0,
    price: Annotated[float, typer.Option(min=0, help="What one judgement costs; 0 for own models.")] = 0.0,
    currency: Annotated[str, typer.Option(help="Of the price.")] = "EUR",
    sealed_labels: Annotated[
        Path | None, typer.Option(help="File with the labels of the sealed part.", dir_okay=False)
    ] = None,
    deadline_s: Annotated[
        float, typer.Option("--deadline", min=0.1, max=240, help="Seconds that an item may take.")
    ] = 240.0,
    partial: Annotated[
        bool, typer.Option("--partial", help="Items that a CSV of scores leaves out count as failures.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Measure every candidate on a set; each run gets a folder with run.json, items.parquet, pairs.parquet.

    The deadline is longer than the service's, so that a busy machine does not change what is measured; give
    --deadline to see what the service would say.

    A run that was killed is gone on with by the same command: finished items are not judged again. Until it
    is finished its folder holds a journal that only its owner can read (for faces it contains templates).
    """
    checked = settings.load().model_copy(update={"deadline_s": deadline_s})
    if resume is not None and len(candidate) > 1:
        raise RequestError("one_candidate_to_resume", "a run has one candidate", field="candidate")
    eval_set = load_set(find_set(set_, committed=checked.eval_sets), sealed_labels=sealed_labels)
    chosen = _EXECUTORS[executor](workers)
    bench = Bench(
        runs=out,
        media=MediaRoot(media or checked.media_root),
        executor=chosen,
        clock=SystemClock(),
        code=code_here(),
        seed=seed,
        currency=currency,
    )
    opened = [
        _candidate(
            name, checked, check or eval_set.check, price=price, threads=chosen.threads, partial=partial
        )
        for name in candidate
    ]
    runs = [_run(eval_set, measured, bench, resume=resume) for measured in opened]
    if json_:
        typer.echo(json.dumps([_summary(run, out) for run in runs], indent=1, ensure_ascii=False))
    else:
        _show(runs, out)


def _run(eval_set: EvalSet, measured: Candidate, bench: Bench, *, resume: str | None) -> Run:
    with counting(measured.described.name) as tell:
        return run_bench(eval_set, measured, dataclasses.replace(bench, on_progress=tell), resume=resume)


def _candidate(
    name: str, checked: Settings, check: CheckName, *, price: float, threads: int, partial: bool
) -> Candidate:
    if name.endswith(".csv"):
        return read_scores(Path(name), check, partial=partial)
    return bootstrap.candidate(checked, check, name=name, price=price, threads=threads)


def _summary(run: Run, out: Path) -> dict[str, object]:
    """What a machine needs to go on with: where the run is, and how its items ended."""
    items, pairs = run.table.items, run.table.pairs
    return {
        "run_id": run.record.run_id,
        "folder": str(out / run.record.run_id),
        "candidate": run.record.candidate,
        "check": run.record.check.value,
        "check_digest": run.record.check_digest,
        "set": f"{run.record.set_name} {run.record.set_version}",
        "set_digest": run.record.set_digest,
        "items": len(items.ids),
        "comparisons": 0 if pairs is None else int(pairs.score.size),
        "outcomes": {outcome.value: int((items.outcome == i).sum()) for i, outcome in enumerate(OUTCOMES)},
        "read_exactly": int((items.correct == 1).sum()),
        "to_be_read": int((items.correct >= 0).sum()),
        "mean_latency_ms": float(items.latency_ms.mean()) if items.ids else None,
        "cost": float(items.cost.sum(dtype=float)),
        "currency": run.record.currency,
    }


def _show(runs: list[Run], out: Path) -> None:
    table = Table("candidate", "items", "comparisons", *(o.value for o in OUTCOMES), "read", "ms an item")
    for run in runs:
        row = _summary(run, out)
        outcomes = [str((run.table.items.outcome == i).sum()) for i in range(len(OUTCOMES))]
        read = f"{row['read_exactly']} of {row['to_be_read']}" if row["to_be_read"] else "-"
        counts = (str(row["items"]), str(row["comparisons"]), *outcomes, read)
        table.add_row(run.record.candidate, *counts, f"{row['mean_latency_ms'] or 0:.0f}")
    Console().print(table)
    for run in runs:
        typer.echo(out / run.record.run_id)

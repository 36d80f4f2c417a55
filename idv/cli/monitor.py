"""`idv monitor`: live scores, outcomes and reasons against a reference; alarms by exit code and webhook."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.cli.opened import Opened, opened
from idv.cli.policy import SinceOption, TenantOption
from idv.cli.run_folders import RUNS, RunsOption, opened_run
from idv.domain.errors import RequestError
from idv.domain.labels import Truth
from idv.domain.live import LiveFeed, Window
from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName
from idv.evaluation.monitoring.alerts import drift_body, rang_body
from idv.evaluation.monitoring.drift import EmbeddingDistance, GroupDrift, LabelledErrors, Limits
from idv.evaluation.monitoring.monitor import Look, Monitor, Watch
from idv.evaluation.monitoring.observations import READINGS, observe
from idv.evaluation.monitoring.samples import Reference, reference_of_run, reference_of_window
from idv.infra.clock import SystemClock
from idv.workflow.operating_points import load_points

ALARMED = 21
"""The exit code when something moved."""
_COLUMNS = (
    *("check", "provider", "country", "live", "PSI", "KS", "outcomes", "reasons", "inconclusive", "novel"),
    "alarms",
)
_DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def monitor(
    context: typer.Context,
    *,
    reference: Annotated[
        list[str] | None, typer.Option(help="A bench run, by folder or id; repeat for several checks.")
    ] = None,
    reference_from: Annotated[
        dt.datetime | None, typer.Option(formats=_DAY, help="Or live traffic begun from here (UTC) …")
    ] = None,
    reference_until: Annotated[dt.datetime | None, typer.Option(formats=_DAY, help="… until here.")] = None,
    since: SinceOption = None,
    check: Annotated[CheckName | None, typer.Option(help="This check only.")] = None,
    tenant: TenantOption = None,
    least: Annotated[int, typer.Option(min=20, help="Results a group needs to be judged.")] = 100,
    false_alarm_every: Annotated[
        float, typer.Option(min=100, help="Results between false alarms of one sequential test, on average.")
    ] = 100_000,
    alert: Annotated[bool, typer.Option(help="Send new alarms to the webhook, if one is set.")] = True,
    runs: RunsOption = RUNS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare live traffic with a reference, by check, provider and country; run it from a timer.

    Distributions are those of everything since `--since`; the sequential test goes on from where the last
    call stopped and keeps its state in the store. Exit code 21 when something moved too far.
    """
    with opened(context) as doors:
        live = doors.stores.live
        references = _references(
            reference or [], _window(reference_from, reference_until, tenant), live, runs
        )
        chosen = {name: found for name, found in references.items() if check in (None, name)}
        if not chosen:
            raise RequestError("reference_missing", "no reference is about this check", field="reference")
        outbox = doors.stores.outbox if alert and _somebody_listens(context) else None
        watcher = Monitor(live, doors.stores.monitors, outbox, SystemClock(), bootstrap.new_id)
        look = watcher.look(
            Watch(chosen, _utc(since), tenant, Limits(least=least), false_alarm_every=false_alarm_every)
        )
    _tell(look, as_json=as_json)
    raise typer.Exit(ALARMED if look.alarmed else 0)


def _references(
    named: Sequence[str], window: Window | None, live: LiveFeed, runs: Path
) -> dict[CheckName, Reference]:
    """By check. Raises RequestError unless there are either runs or a window, and each holds something."""
    if bool(named) is (window is not None):
        raise RequestError(
            "reference_missing", "give either runs or a window of live traffic as the reference"
        )
    try:
        if window is None:
            opened_runs = [opened_run(Path(name), runs) for name in named]
            return {run.record.check: reference_of_run(run, _point(run.record.check)) for run in opened_runs}
        rows = list(observe(live.cases(window, kinds=READINGS)))
        name = f"live {window.since:%Y-%m-%dT%H:%M:%S}/{window.until:%Y-%m-%dT%H:%M:%S}"
        checks = {row.check for row in rows}
        return {c: reference_of_window(name, [row for row in rows if row.check is c]) for c in checks}
    except ValueError as error:
        raise RequestError("reference_empty", str(error), field="reference") from error


def _point(check: CheckName) -> OperatingPoint | None:
    """What makes comparisons of a run comparable with live outcomes: the point in force."""
    values = settings.load()
    return load_points(values.operating_points / values.pack).get(check)


def _somebody_listens(context: typer.Context) -> bool:
    return isinstance(context.obj, Opened) or settings.load().webhook_url is not None


def _window(begin: dt.datetime | None, end: dt.datetime | None, tenant: str | None) -> Window | None:
    if begin is None and end is None:
        return None
    if begin is None or end is None or begin >= end:
        raise RequestError("reference_missing", "a window needs its begin and, later, its end")
    return Window(since=_utc(begin), until=_utc(end), tenant=tenant)


def _utc(at: dt.datetime | None) -> dt.datetime | None:
    return None if at is None else at.replace(tzinfo=dt.UTC)


def _tell(look: Look, *, as_json: bool) -> None:
    if as_json:
        body = {
            "alarmed": look.alarmed,
            "alerted": look.alerted,
            "new": list(look.new),
            "groups": [drift_body(group) for group in look.groups],
            "sequential": [rang_body(alarm) for alarm in look.rang],
        }
        print(json.dumps(body, indent=1))
        return
    console = Console()
    table = Table(*_COLUMNS, box=None)
    for group in look.groups:
        table.add_row(*_cells(group))
    console.print(table)
    for alarm in look.rang:
        said = f"{alarm.share:.1%} over {alarm.results} results, expected at most {alarm.expected:.1%}"
        console.print(f"[red]sequential alarm[/red] {alarm.stream}: {said}", highlight=False)
    for line in (line for group in look.groups for line in _notes(group)):
        console.print(line, highlight=False)
    others = sorted({group.check for group in look.groups if not group.same_models})
    if others:
        console.print(f"scored by other models than the reference: {', '.join(others)}", highlight=False)
    if not look.groups:
        console.print("no live results of these checks yet")


def _notes(group: GroupDrift) -> Iterator[str]:
    """What the table has no column for."""
    if group.country is None:
        yield from (_distance_line(group, side) for side in group.embedding_distances)
        yield from (_labelled_line(group, errors) for errors in group.labelled)
    place = f"{group.check}/{group.provider}/{group.country or 'all'}"
    for moved in (signal for signal in group.signals if signal.moved):
        said = f"PSI {moved.psi:.3f} over {moved.live} results"
        yield f"[red]signal moved[/red] {place}, {moved.signal}: {said}"


def _distance_line(group: GroupDrift, side: EmbeddingDistance) -> str:
    return (
        f"distance to the reference embeddings, {group.check}/{group.provider}, {side.signal}: "
        f"{side.share:.1%} of {side.faces} live faces beyond {side.limit:.3f} "
        f"({side.interval.low:.1%} to {side.interval.high:.1%}); "
        f"of the reference's own {side.own.low:.1%} to {side.own.high:.1%}"
    )


def _labelled_line(group: GroupDrift, errors: LabelledErrors) -> str:
    done = "passed" if errors.truth is Truth.FRAUD_CONFIRMED else "did not pass"
    span = f"{errors.interval.low:.1%} to {errors.interval.high:.1%}"
    place = f"labelled {errors.truth}, {group.check}/{group.provider}"
    return f"{place}: {errors.wrong} of {errors.total} {done} ({span})"


def _cells(group: GroupDrift) -> tuple[str, ...]:
    place = (group.check, group.provider, group.country or "all", str(group.live))
    if not group.judged:
        return (*place, *[""] * 6, "too few to judge")
    figures = (group.score_psi, group.score_ks, group.outcome_psi, group.reason_psi)
    shares = (group.inconclusive_share, group.novelty_share)
    alarms = f"[red]{', '.join(group.alarms)}[/red]" if group.alarms else "none"
    return (
        *place,
        *("" if value is None else f"{value:.3f}" for value in figures),
        *("" if value is None else f"{value:.1%}" for value in shares),
        alarms,
    )

"""`idv labels`: what verifications turned out to be; import, list, who was labelled, export for tuning."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from idv.cli.bars import counting
from idv.cli.opened import opened
from idv.cli.policy import SinceOption, TenantOption
from idv.cli.run_folders import RUNS, RunsOption
from idv.domain.errors import NotFound, RequestError
from idv.domain.labels import LabelSource, Truth
from idv.domain.live import Window
from idv.domain.results import CheckName
from idv.evaluation.monitoring.coverage import Coverage, Stratum, coverage
from idv.evaluation.monitoring.labelled import labelled_run
from idv.evaluation.monitoring.observations import READINGS, observe
from idv.evaluation.runs.record import code_here
from idv.evaluation.runs.tables import write_run
from idv.infra.clock import SystemClock
from idv.workflow.labelling import Labelling, Teller, Told

app = typer.Typer(help="Labels from life: import, list, coverage, export.", no_args_is_help=True)

COLUMNS = ("verification", "truth", "source", "labelled_by", "known_at")
_FAULTS_SHOWN = 10
_LISTED = ("id", "tenant", "created_at", "decision", "truth")


class _Row(NamedTuple):
    verification: str
    told: Told


@app.command("import")
def import_labels(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"CSV with the columns {', '.join(COLUMNS)}.")
    ],
    tenant: Annotated[str, typer.Option(help="Whose verifications they are.")],
    by: Annotated[str, typer.Option(help="Who imports; in the audit log as a keyed hash.")] = "cli",
) -> None:
    """Append labels. Nothing is stored unless every row is right; what is known already is passed over."""
    rows = _read(file)
    with opened(context) as doors:
        labelling = Labelling(doors.stores.verifications, SystemClock())
        news = _news(rows, labelling, tenant)
        with counting("labels", len(news)) as done:
            for number, row in enumerate(news, 1):
                labelling.tell(Teller(tenant, by), row.verification, row.told)
                done(number)
    typer.echo(f"{len(news)} labels stored, {len(rows) - len(news)} were known already")


@app.command("list")
def list_labels(
    context: typer.Context,
    tenant: TenantOption = None,
    since: SinceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Show labelled verifications, oldest first. Who told each is in `GET /v1/verifications/{id}/labels`."""
    table = Table("verification", "tenant", "begun", "decision", "truth", box=None)
    with opened(context) as doors:
        for case in doors.stores.live.cases(_window(since, tenant)):
            if case.truth is None:
                continue
            row = (case.id, case.tenant, case.created_at.isoformat(), case.decision or "", case.truth)
            if as_json:
                print(json.dumps(dict(zip(_LISTED, row, strict=True))))
            table.add_row(*row)
    if not as_json:
        Console().print(table)


@app.command("coverage")
def show_coverage(
    context: typer.Context,
    tenant: TenantOption = None,
    since: SinceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Which verifications were ever labelled, by decision and score: labels speak for these alone."""
    with opened(context) as doors:
        found = coverage(doors.stores.live.cases(_window(since, tenant)))
    if as_json:
        print(json.dumps(_coverage_body(found), indent=1))
    else:
        _show(found, Console())


@app.command()
def export(
    context: typer.Context,
    check: Annotated[CheckName, typer.Option(help="Whose scores.")],
    provider: Annotated[str | None, typer.Option(help="Judged by this provider only.")] = None,
    tenant: TenantOption = None,
    since: SinceOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Write labelled live scores as a run that `idv tune` and `idv bench report` read."""
    with opened(context) as doors:
        cases = doors.stores.live.cases(_window(since, tenant), kinds=READINGS)
        rows = [row for row in observe(cases, check) if provider in (None, row.provider)]
    run = labelled_run(rows, check, code=code_here(), now=dt.datetime.now(dt.UTC))
    write_run(run, runs / run.record.run_id)
    genuine = int(run.table.items.genuine.sum())
    total = len(run.table.items.ids)
    typer.echo(f"{runs / run.record.run_id}: {genuine} genuine, {total - genuine} fraud", err=True)
    typer.echo(run.record.run_id)


def _window(since: dt.datetime | None, tenant: str | None) -> Window:
    return Window(since=None if since is None else since.replace(tzinfo=dt.UTC), tenant=tenant)


def _read(file: Path) -> list[_Row]:
    """Every row of a file. Raises RequestError `labels_invalid` with the faulty lines, not what they say."""
    rows, faults = [], []
    try:
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise RequestError("labels_invalid", f"the file lacks the column {missing[0]}", field="file")
        for line in reader:
            try:
                rows.append(_row(line))
            except ValueError as error:
                faults.append(f"line {reader.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = f"the file cannot be read ({type(error).__name__})"
        raise RequestError("labels_invalid", why, field="file") from error
    _refuse(faults)
    return rows


def _row(line: dict[str, str | None]) -> _Row:
    cells = {column: (line[column] or "").strip() for column in COLUMNS}
    for column in ("verification", "labelled_by"):
        if not cells[column]:
            raise ValueError(f"{column} is empty")
    told = Told(
        _member(Truth, cells["truth"], "truth"),
        _member(LabelSource, cells["source"], "source"),
        cells["labelled_by"],
        _known_at(cells["known_at"]),
    )
    return _Row(cells["verification"], told)


def _member(kind: Any, text: str, column: str) -> Any:  # a StrEnum and its member
    if text not in set(kind):
        raise ValueError(f"{column} is one of {', '.join(kind)}")
    return kind(text)


def _known_at(text: str) -> dt.datetime:
    """A day stands for its first moment in UTC."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("known_at is a date or a time, such as 2026-03-01T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _news(rows: Sequence[_Row], labelling: Labelling, tenant: str) -> list[_Row]:
    """The rows that say something new, once all of them are known to be about the tenant's verifications."""
    news, faults = [], []
    now = SystemClock().now()
    for number, row in enumerate(rows, 1):
        try:
            fresh = labelling.is_news(tenant, row.verification, row.told)
        except NotFound:
            faults.append(f"row {number}: there is no such verification of this tenant")
            continue
        if row.told.known_at > now:
            faults.append(f"row {number}: known_at lies in the future")
        elif fresh:
            news.append(row)
    _refuse(faults)
    return news


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise RequestError("labels_invalid", "; ".join(faults[:_FAULTS_SHOWN]) + more, field="file")


def _show(found: Coverage, console: Console) -> None:
    console.print(f"{found.labelled} of {found.total} verifications are labelled, {found.fraud} as fraud")
    for name, strata in found.strata.items():
        table = Table(name, "verifications", "labelled", "share", "fraud", box=None)
        for stratum in strata:
            table.add_row(*_cells(stratum))
        console.print(table)
    for name in found.biased:
        console.print(
            f"[yellow]selection bias[/yellow] by {name}: some were labelled much rather than others, so "
            "rates on labels do not hold for all verifications",
            highlight=False,
        )


def _cells(stratum: Stratum) -> Iterable[str]:
    low, high = stratum.interval.low, stratum.interval.high
    share = f"{stratum.labelled / stratum.total:.1%} \\[{low:.1%}, {high:.1%}]"
    return stratum.name, str(stratum.total), str(stratum.labelled), share, str(stratum.fraud)


def _coverage_body(found: Coverage) -> dict[str, Any]:
    return {
        "total": found.total,
        "labelled": found.labelled,
        "fraud": found.fraud,
        "strata": {
            name: [
                {
                    "name": stratum.name,
                    "total": stratum.total,
                    "labelled": stratum.labelled,
                    "fraud": stratum.fraud,
                    "interval": [stratum.interval.low, stratum.interval.high],
                }
                for stratum in strata
            ]
            for name, strata in found.strata.items()
        },
        "biased": list(found.biased),
    }

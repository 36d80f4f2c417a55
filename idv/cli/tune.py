"""`idv tune`: choose a threshold on a run and write it down as an operating point."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import settings
from idv.cli.pages import write_page
from idv.cli.run_folders import RUNS, RunsOption, opened_run
from idv.domain.errors import RequestError
from idv.domain.eval_sets import Part
from idv.domain.results import CheckName
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.json_form import plain
from idv.evaluation.reports.targets import parse_target
from idv.evaluation.reports.wording import figure_name, percent, span
from idv.evaluation.tuning.expected import APPLICANTS
from idv.evaluation.tuning.page import as_html
from idv.evaluation.tuning.points import write_point
from idv.evaluation.tuning.tuned import Tuned, tune
from idv.evaluation.tuning.wishes import Costs, Wish
from idv.infra.clock import SystemClock
from idv.workflow.operating_points import load_points


def tune_run(
    run: Annotated[Path, typer.Argument(help="The run: a folder, or an id below --runs.")],
    *,
    check: Annotated[CheckName | None, typer.Option(help="What the run must be about.")] = None,
    target: Annotated[str | None, typer.Option(help="The rate to keep, e.g. fmr=1e-3.")] = None,
    max_: Annotated[
        list[str] | None,
        typer.Option("--max", help="A further rate to keep, e.g. fnmr=0.05; repeat for more."),
    ] = None,
    reject_target: Annotated[
        str | None, typer.Option(help="Genuine applicants that may fail for good, e.g. fnmr=5e-3.")
    ] = None,
    cost_fa: Annotated[float | None, typer.Option(help="Cost of letting a fraud in.")] = None,
    cost_fr: Annotated[float | None, typer.Option(help="Cost of turning a genuine applicant away.")] = None,
    prior: Annotated[float, typer.Option(help="Share of fraud among applicants.")] = 0.01,
    confident: Annotated[
        bool, typer.Option("--confident", help="Let the upper bound (95 %) keep the targets.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the operating point (TOML, status shadow).")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the tuning report (HTML).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap resamples of an interval.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    runs: RunsOption = RUNS,
) -> None:
    """Choose on part `tune`, measure on part `test`; sealed items are never touched.

    The point that is written has no effect until `idv policy promote` puts it in force. Exit code 5 when no
    threshold keeps what is asked; the error says what is the best that can be reached.
    """
    opened = opened_run(run, runs)
    about = opened.record.check
    if check is not None and check is not about:
        raise RequestError("run_of_another_check", f"{opened.record.run_id} is about {about}", field="check")
    wish = Wish(
        target=None if target is None else parse_target(target, about),
        limits=tuple(parse_target(text, about, field="max") for text in max_ or ()),
        costs=_costs(cost_fa, cost_fr),
        reject=None if reject_target is None else parse_target(reject_target, about, field="reject_target"),
        confident=confident,
        prior=prior,
    )
    checked = settings.load()
    tuned = tune(
        opened,
        wish,
        how=Resampling(resamples=resamples, seed=seed),
        today=SystemClock().now().date(),
        in_force=load_points(checked.operating_points / checked.pack),
    )
    if out is not None:
        write_point(tuned, out)
    if report is not None:
        write_page(report, as_html(tuned))
    if json_:
        print(_json(tuned))
    else:
        _show(tuned, out)


def _costs(false_accept: float | None, false_reject: float | None) -> Costs | None:
    if false_accept is None and false_reject is None:
        return None
    if false_accept is None or false_reject is None:
        raise RequestError("costs_incomplete", "give --cost-fa and --cost-fr together", field="cost")
    return Costs(false_accept, false_reject)


def _json(tuned: Tuned) -> str:
    body = plain(tuned)
    body["wish"] = {"in_words": tuned.wish.in_words, "prior": tuned.wish.prior}
    return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False)


def _show(tuned: Tuned, out: Path | None) -> None:
    console, point = Console(), tuned.point
    console.print(f"[bold]{point.check}[/bold]: {point.target}", highlight=False)
    fails = "" if point.reject_below is None else f", fail below {point.reject_below:.6g}"
    console.print(f"pass at or above [bold]{point.threshold:.6g}[/bold]{fails}", highlight=False)
    table = Table("rate", box=None)
    for column in ("part", "value", "interval", "errors", "trials", "subjects"):
        table.add_column(column, justify="right")
    for part, figures in ((tuned.chosen_on, tuned.tuned), (Part.TEST, tuned.held_out)):
        for f in figures:
            counts = (f"{f.errors:,}", f"{f.trials:,}", f"{f.subjects:,}")
            table.add_row(figure_name(f), part, percent(f.value), _plain(span(f.interval)), *counts)
    console.print(table)
    console.print(_expected(tuned))
    _show_changes(console, tuned)
    for warning in tuned.warnings:
        console.print(f"[yellow]note[/yellow] {_plain(warning)}", highlight=False)
    if out is not None:
        console.print(
            f"written to {out}, status {point.status}; `idv policy promote` puts it in force", highlight=False
        )


def _expected(tuned: Tuned) -> Table:
    table = Table(f"of {APPLICANTS:,} applicants, {percent(tuned.wish.prior)} fraud", box=None)
    table.add_column("how many", justify="right")
    for count in tuned.expected[0].counts:
        table.add_column(count.fate, justify="right")
    for row in tuned.expected:
        cells = (_plain(f"{c.count:,.1f}\n[{c.low:,.1f}, {c.high:,.1f}]") for c in row.counts)
        table.add_row(row.who, f"{row.of:,.0f}", *cells)
    return table


def _show_changes(console: Console, tuned: Tuned) -> None:
    found = tuned.changes
    if found.against is None:
        console.print(found.why)
        return
    if not found.slices:
        return
    table = Table("slice", "value", "rate", box=None)
    for column in (f"in force ({found.against.threshold:.4g})", "new", "change"):
        table.add_column(column, justify="right")
    for c in found.slices:
        change = 100 * ((c.after.value or 0.0) - (c.before.value or 0.0))
        values = (percent(c.before.value), percent(c.after.value), f"{change:+.3g} points")
        table.add_row(c.slice, c.value, c.after.name.upper(), *values)
    console.print(table)


def _plain(text: str) -> str:
    """Square brackets are intervals here, not markup."""
    return text.replace("[", "\\[")

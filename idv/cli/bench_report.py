"""`idv bench report`: what one run is worth, or several candidates side by side."""

from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idv import settings
from idv.cli.pages import write_page
from idv.cli.run_folders import RUNS, RunsOption, opened_run
from idv.domain.errors import RequestError
from idv.domain.eval_sets import EvalSet, Part
from idv.evaluation.reports.figures import Resampling
from idv.evaluation.reports.html import as_html
from idv.evaluation.reports.json_form import as_json
from idv.evaluation.reports.league import league_of, names_of
from idv.evaluation.reports.markdown import as_markdown
from idv.evaluation.reports.summary import Question, Summary, require_same_trials, summarise
from idv.evaluation.reports.thumbnails import thumbnails
from idv.evaluation.reports.wording import figure_name, part_name, percent, span
from idv.evaluation.sets.folder import load_set
from idv.evaluation.sets.media import MediaRoot
from idv.evaluation.sets.places import find_set
from idv.vision.imaging.decoder import BoundedDecoder


def report_runs(
    run: Annotated[list[Path], typer.Argument(help="Runs on one set: folders, or ids below --runs.")],
    *,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report as Markdown.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Cut every candidate's score here.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Cut each candidate's score where this holds, e.g. fmr=1e-3.")
    ] = None,
    part: Annotated[Part | None, typer.Option(help="The part to report (default: test, if any).")] = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Show the worst errors.")] = True,
    eval_set: Annotated[str | None, typer.Option("--set", help="The set, by name or folder.")] = None,
    media: Annotated[str | None, typer.Option(help="Media root (default: IDV_MEDIA_ROOT).")] = None,
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap resamples of an interval.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    runs: RunsOption = RUNS,
) -> None:
    """Report one run, or several candidates on one set: a table here; HTML, Markdown or JSON on request.

    Without --threshold or --target the candidate's own outcomes count where it has any, else FMR 1e-3,
    APCER 5 % or DFAR 5 %. A target is met on part `tune` where the set has one. Exit code 5 when the runs
    cannot stand side by side.
    """
    if threshold is not None and target is not None:
        raise RequestError("threshold_and_target", "give --threshold or --target, not both", field="target")
    if threshold is not None and len(run) > 1:
        raise RequestError(
            "threshold_shared",
            "scores of different candidates have no common threshold; give --target",
            field="threshold",
        )
    console = Console(stderr=True)
    opened = [opened_run(folder, runs) for folder in run]
    require_same_trials(opened)
    question = Question(part, threshold, target, Resampling(resamples=resamples, seed=seed))
    summaries = []
    with console.status("summing up") if console.is_terminal else nullcontext():
        while opened:
            # The largest runs are hundreds of megabytes: each is let go once it is summed up.
            summaries.append(summarise(opened.pop(0), question))
    if html is not None:
        pictures, note = _pictures(summaries, images=images, name=eval_set, media=media)
        write_page(html, as_html(summaries, pictures=pictures, pictures_note=note))
    if markdown is not None:
        write_page(markdown, as_markdown(summaries))
    if json_:
        print(as_json(summaries))
    else:
        _show(summaries)


def _pictures(
    summaries: Sequence[Summary], *, images: bool, name: str | None, media: str | None
) -> tuple[Mapping[str, str], str]:
    """Thumbnails by item id, and why there are none."""
    if not images:
        return {}, ""
    checked = settings.load()
    try:
        found = _same_set(
            summaries, find_set(name or summaries[0].record.set_name, committed=checked.eval_sets)
        )
    except RequestError as error:
        if name is not None:
            raise
        return {}, f"No pictures: {error.message}."
    with closing(BoundedDecoder(workers=1)) as decoder:
        made = thumbnails(summaries, found, MediaRoot(media or checked.media_root), decoder)
    return made, "" if made else "No pictures: none of the media lie below the media root."


def _same_set(summaries: Sequence[Summary], folder: Path) -> EvalSet:
    found = load_set(folder)
    if found.digest != summaries[0].record.set_digest:
        raise RequestError(
            "run_of_another_set",
            f"the set {found.name} found here is not the one that was run: its digest differs",
            field="set",
        )
    return found


def _show(summaries: Sequence[Summary]) -> None:
    console = Console()
    first = summaries[0]
    about = (
        f"{first.record.check} on {first.record.set_name} {first.record.set_version}, {part_name(first.part)}"
    )
    counted = first.counted
    console.print(f"[bold]{about}[/bold]: {counted.trials:,} trials of {counted.subjects:,} subjects")
    if len(summaries) > 1:
        console.print(_league(summaries))
    for name, summary in zip(names_of(summaries), summaries, strict=True):
        _show_one(console, name, summary)


def _league(summaries: Sequence[Summary]) -> Table:
    """Candidates stand in columns: a terminal is seldom as wide as the figures are many."""
    league = league_of(summaries)
    table = Table("", box=None)
    for row in league.rows:
        table.add_column(row.name, justify="right", overflow="fold")
    for column, *cells in zip(league.columns, *(row.cells for row in league.rows), strict=True):
        table.add_row(column, *(_plain(str(cell)) for cell in cells))
    return table


def _show_one(console: Console, name: str, summary: Summary) -> None:
    console.print(
        f"\n[bold]{name}[/bold], run {summary.record.run_id}; {summary.cut.origin}", highlight=False
    )
    table = Table("rate", box=None)
    for column in ("value", "interval", "errors", "trials", "subjects"):
        table.add_column(column, justify="right")
    for f in summary.figures:
        counts = (f"{f.errors:,}", f"{f.trials:,}", f"{f.subjects:,}")
        table.add_row(figure_name(f), percent(f.value), _plain(span(f.interval)), *counts)
    for t in summary.trade_offs:
        few = "" if t.supported else "few errors"
        table.add_row(t.name, percent(t.value), _plain(span(t.interval)), few)
    if summary.counted.trials:
        console.print(table)
    for sentence in summary.promises:
        console.print(sentence, highlight=False)
    for sentence in summary.limits:
        console.print(f"[yellow]limit[/yellow] {_plain(sentence)}", highlight=False)


def _plain(text: str) -> str:
    """Square brackets are intervals here, not markup."""
    return text.replace("[", "\\[")

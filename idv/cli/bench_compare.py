"""`idv bench compare`: the regression gate over two runs of one frozen set."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from idv.cli.run_folders import RUNS, RunsOption, opened_run
from idv.evaluation.gate.compare import GateReport, GateTest, Verdict, compare
from idv.evaluation.gate.rules import OUTCOME, GateRule, read_rules

FAILED = 20
"""The exit code of a gate that a candidate did not pass."""
_ITEMS_SHOWN = 5
_WIDTH = 120
"""Where no terminal says how wide it is."""
_WORDS = {
    Verdict.WORSE: ("WORSE", "red"),
    Verdict.NOT_WORSE: ("ok", "green"),
    Verdict.UNTESTED: ("untested", "yellow"),
}


def compare_runs(
    base: Annotated[Path, typer.Argument(help="The run to hold against: a folder, or an id below --runs.")],
    candidate: Annotated[Path, typer.Argument(help="The run that must not be worse.")],
    rules: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The gate's rules.")],
    runs: RunsOption = RUNS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all items.")] = False,
) -> None:
    """Fail when a candidate errs more often than the base, beyond the paired interval, on any named slice.

    Both runs must have judged the same set with the same metric version. Each run gets its own threshold
    on that set; thresholds are never compared. Exit code 20 when the gate fails, 5 when the runs cannot be
    compared.
    """
    report = compare(opened_run(base, runs), opened_run(candidate, runs), read_rules(rules))
    if as_json:
        print(json.dumps(_body(report), indent=1))
    else:
        _show(report)
    raise typer.Exit(FAILED if report.failed else 0)


def _body(report: GateReport) -> dict[str, Any]:
    return {
        "passed": not report.failed,
        "base": report.base,
        "candidate": report.candidate,
        "nominal": report.nominal,
        "tests": [_test_body(test) for test in report.tests],
    }


def _test_body(test: GateTest) -> dict[str, Any]:
    tested = test.verdict is not Verdict.UNTESTED
    interval = test.interval
    return {
        "check": test.rule.check,
        "rate": test.rule.rate,
        "at": test.rule.at,
        "slice": test.slice,
        "verdict": test.verdict,
        "trials": test.trials,
        "base": test.base_rate if tested else None,
        "candidate": test.candidate_rate if tested else None,
        "difference": test.difference if tested else None,
        "interval": [interval.low, interval.high] if interval else None,
        "p_value": test.p_value if tested else None,
        "p_adjusted": test.adjusted if tested else None,
        "newly_wrong": test.newly_wrong,
        "newly_right": test.newly_right,
        "items": list(test.items),
        "note": test.note,
    }


def _show(report: GateReport) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    table = Table("", "rate", "slice", "trials", "base", "candidate", "worse by", "p", box=None)
    for test in report.tests:
        word, colour = _WORDS[test.verdict]
        table.add_row(f"[{colour}]{word}[/{colour}]", _rate(test.rule), test.slice, *_figures(test))
    console.print(table)
    for test in report.failed:
        named = ", ".join(test.items[:_ITEMS_SHOWN])
        more = f" and {test.newly_wrong - _ITEMS_SHOWN} more" if test.newly_wrong > _ITEMS_SHOWN else ""
        about = f"{_rate(test.rule)}, {test.slice}: {test.newly_wrong} newly wrong"
        console.print(f"[red]{about}[/red], {test.newly_right} newly right: {named}{more}", highlight=False)
    tested = sum(test.verdict is not Verdict.UNTESTED for test in report.tests)
    said = "[red]gate FAILED[/red]" if report.failed else "[green]gate passed[/green]"
    console.print(f"{said}: {report.candidate} against {report.base}", highlight=False, soft_wrap=True)
    console.print(
        f"{len(report.failed)} of {tested} tests worse; p adjusted by Holm, "
        f"nominal {report.nominal:.0%} false alarms a run",
        highlight=False,
    )


def _rate(rule: GateRule) -> str:
    return rule.rate if rule.at == OUTCOME else f"{rule.rate} at {rule.at}"


def _figures(test: GateTest) -> tuple[str, ...]:
    if test.interval is None:
        return str(test.trials), "", "", test.note, ""
    low, high = test.interval.low, test.interval.high
    return (
        str(test.trials),
        f"{test.base_rate:.2%}",
        f"{test.candidate_rate:.2%}",
        f"{test.difference:+.2%} \\[{low:+.2%}, {high:+.2%}]",
        f"{test.adjusted:.2g}",
    )

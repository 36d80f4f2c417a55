"""Candidates side by side on one set: the few numbers that a choice between them begins with."""

from collections.abc import Sequence
from dataclasses import dataclass

from idv.evaluation.catalogue import rates_of
from idv.evaluation.reports.figures import Figure
from idv.evaluation.reports.summary import Summary
from idv.evaluation.reports.wording import milliseconds, money, percent, span


@dataclass(frozen=True)
class LeagueCell:
    """A number in words and, for a rate, its interval."""

    value: str
    span: str = ""

    def __str__(self) -> str:
        """Both."""
        return f"{self.value} {self.span}".strip()


@dataclass(frozen=True)
class LeagueRow:
    """One candidate; `cells` as the league's columns."""

    name: str
    cells: tuple[LeagueCell, ...]


@dataclass(frozen=True)
class League:
    """The table, in the order in which the runs were given."""

    columns: tuple[str, ...]
    rows: tuple[LeagueRow, ...]


def league_of(summaries: Sequence[Summary]) -> League:
    """One row a candidate; candidates of one name are told apart by their run."""
    first = summaries[0]
    columns = [
        *(_column(name) for name in headline_names(first)),
        *(trade_off.name for trade_off in first.trade_offs[:2]),
        *(("read exactly",) if first.operation.reads else ()),
        "no score",
        f"{first.record.currency} a decision",
        "p50",
        "p95",
        "p99",
    ]
    rows = [LeagueRow(name, tuple(_cells(s))) for name, s in zip(names_of(summaries), summaries, strict=True)]
    return League(tuple(columns), tuple(rows))


def names_of(summaries: Sequence[Summary]) -> tuple[str, ...]:
    """Candidates' names, with the run where a name occurs twice."""
    names = [summary.name for summary in summaries]
    return tuple(f"{s.name} ({s.record.run_id})" if names.count(s.name) > 1 else s.name for s in summaries)


def headline_names(summary: Summary) -> tuple[str, ...]:
    """The rates of the check."""
    return tuple(rate.name for rate in rates_of(summary.record.check))


def headline(summary: Summary, name: str) -> Figure:
    """The one figure that stands for a rate: the maximum over species where there is one."""
    figures = [figure for figure in summary.figures if figure.name == name]
    return next((figure for figure in figures if figure.worst), figures[0])


def _column(name: str) -> str:
    return f"max {name.upper()}" if name in ("apcer", "dfar", "apnrr") else name.upper()


def _cells(summary: Summary) -> list[LeagueCell]:
    operation = summary.operation
    latency = operation.latency
    figures = [headline(summary, name) for name in headline_names(summary)]
    reads = operation.reads
    return [
        *(LeagueCell(percent(f.value), span(f.interval)) for f in figures),
        *(LeagueCell(percent(t.value), span(t.interval)) for t in summary.trade_offs[:2]),
        *((LeagueCell(percent(reads.exact / reads.items), span(reads.interval)),) if reads else ()),
        LeagueCell(percent(_share(summary.counted.unscored, summary.counted.trials))),
        LeagueCell(money(operation.cost, "")),
        *(LeagueCell(milliseconds(getattr(latency, name, None))) for name in ("p50_ms", "p95_ms", "p99_ms")),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

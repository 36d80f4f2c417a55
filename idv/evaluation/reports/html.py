"""The report as one self-contained HTML file: no network, no script, right on a phone and on paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from idv.domain.eval_sets import Part
from idv.evaluation.reports.charts import (
    Chart,
    ForestScale,
    coverage_chart,
    det_chart,
    histogram_chart,
    reliability_chart,
)
from idv.evaluation.reports.equity import Measure, measures
from idv.evaluation.reports.figures import Figure
from idv.evaluation.reports.league import headline, league_of, names_of
from idv.evaluation.reports.page import filled
from idv.evaluation.reports.slices import SliceTable
from idv.evaluation.reports.summary import Summary
from idv.evaluation.reports.wording import milliseconds, money, percent, span
from idv.evaluation.reports.worst import ErrorKind
from idv.metrics.presentation import acer

Pictures = Mapping[str, str]
"""Item id -> its thumbnails as JPEG in base64; what is absent is not shown."""

_KINDS = {
    ErrorKind.FALSE_ACCEPT: "Falsely accepted, surest first",
    ErrorKind.FALSE_REJECT: "Falsely refused, surest first",
    ErrorKind.NO_ANSWER: "Genuine and without an answer",
    ErrorKind.MISREAD: "Not read exactly",
}


@dataclass(frozen=True)
class _Cell:
    text: str
    span: str
    svg: str


@dataclass(frozen=True)
class _Head:
    name: str
    top: float


@dataclass(frozen=True)
class _SliceRow:
    value: str
    trials: int
    cells: tuple[_Cell, ...]


@dataclass(frozen=True)
class _SliceView:
    name: str
    heads: tuple[_Head, ...]
    rows: tuple[_SliceRow, ...]
    unknown: int
    left_out: int
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class _ErrorView:
    items: tuple[str, ...]
    score: float | None
    species: str
    reasons: str
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class _View:
    """One candidate as the page shows it."""

    name: str
    summary: Summary
    charts: tuple[Chart, ...]
    slices: tuple[_SliceView, ...]
    operation: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, tuple[_ErrorView, ...]], ...]
    pictures_note: str
    provenance: tuple[tuple[str, str], ...]
    acer: float | None


def as_html(
    summaries: Sequence[Summary], *, pictures: Pictures | None = None, pictures_note: str = ""
) -> str:
    """The page of one run, or of several candidates on one set, which must have judged the same trials.

    `pictures_note` says why pictures are missing, if they are. Pictures of sealed items are dropped.
    """
    first = summaries[0]
    names = names_of(summaries)
    check = first.record.check.value.replace("_", " ").capitalize()
    league = league_of(summaries)
    chart = _league_chart(names, summaries) if len(summaries) > 1 else None
    shown = {} if first.part is Part.SEALED or pictures is None else pictures
    values = {
        "title": f"{check}: {', '.join(names)} on {first.record.set_name}",
        "first": first,
        "record": first.record,
        "is_pairs": first.record.comparisons.value != "none",
        "confidence": _confidence(first),
        "views": [
            _view(name, summary, shown, pictures_note) for name, summary in zip(names, summaries, strict=True)
        ],
        "league": {"columns": league.columns, "rows": league.rows, "chart": chart},
    }
    return filled("report.html", values)


def _confidence(summary: Summary) -> float:
    return next((f.interval.confidence for f in summary.figures if f.interval), 0.95)


def _view(name: str, summary: Summary, pictures: Pictures, note: str) -> _View:
    return _View(
        name=name,
        summary=summary,
        charts=tuple(_charts(summary)),
        slices=tuple(_slice_view(summary, table) for table in summary.slices),
        operation=tuple(_operation(summary)),
        errors=tuple(_errors(summary, pictures)),
        pictures_note=note,
        provenance=tuple(_provenance(summary)),
        acer=_acer(summary),
    )


def _league_chart(names: Sequence[str], summaries: Sequence[Summary]) -> Chart | None:
    curves = [
        (name, curve)
        for name, summary in zip(names, summaries, strict=True)
        for curve in summary.det.curves
        if not curve.group
    ]
    if not curves:
        return None
    det = summaries[0].det
    return det_chart("All candidates (DET)", det.x_name, det.y_name, curves, note=_DET_NOTE)


_DET_NOTE = "Nearer to the lower left is better; equal steps on the axes are equal deviations (probit)."


def _charts(summary: Summary) -> Iterator[Chart]:
    det = summary.det
    if det.curves:
        main = det.curves[0]
        several = len(det.curves) > 1
        note = f"{_DET_NOTE} Band: pointwise interval over subjects." if main.band else _DET_NOTE
        title = "Worst species (DET)" if several else "Error trade-off (DET)"
        yield det_chart(
            title, det.x_name, det.y_name, [("worst species" if several else summary.name, main)], note=note
        )
        if several:
            named = [(curve.group, curve) for curve in det.curves[1:]]
            yield det_chart("Each species (DET)", det.x_name, det.y_name, named, note=_DET_NOTE)
    if summary.histogram:
        yield histogram_chart("Scores by class", summary.histogram, summary.cut.threshold)
    if summary.score_quality.reliability:
        yield reliability_chart("Do scores mean what they say?", summary.score_quality.reliability)
    if summary.score_quality.coverage:
        yield coverage_chart("What abstaining would buy", summary.score_quality.coverage)


def _slice_view(summary: Summary, table: SliceTable) -> _SliceView:
    shown = [f.name for row in table.rows[:1] for f in row.figures]
    # A rate without an error anywhere takes a column for nothing.
    shown = [name for name in shown if any(_of(row.figures, name).errors for row in table.rows)] or shown[:2]
    scales = {name: ForestScale.over(_of(row.figures, name) for row in table.rows) for name in shown}
    rows = tuple(
        _SliceRow(
            row.value,
            row.trials,
            tuple(_cell(_of(row.figures, name), scales[name], _overall(summary, name)) for name in shown),
        )
        for row in table.rows
    )
    return _SliceView(
        table.name,
        tuple(_Head(name.upper(), scales[name].top) for name in shown),
        rows,
        table.unknown,
        table.left_out,
        measures(summary.differentials, summary.equities, table.name),
    )


def _of(figures: Sequence[Figure], name: str) -> Figure:
    return next(figure for figure in figures if figure.name == name)


def _overall(summary: Summary, name: str) -> float | None:
    """The rate over all trials, species taken together as in the slices."""
    figures = [f for f in summary.figures if f.name == name and not f.worst]
    trials = sum(f.trials for f in figures)
    return sum(f.errors for f in figures) / trials if trials else None


def _cell(figure: Figure, scale: ForestScale, overall: float | None) -> _Cell:
    return _Cell(percent(figure.value), span(figure.interval), scale.svg(figure, overall))


def _operation(summary: Summary) -> Iterator[tuple[str, str]]:
    operation, record = summary.operation, summary.record
    yield "items", f"{operation.items:,}"
    yield "outcomes", ", ".join(f"{name} {count:,}" for name, count in operation.outcomes.items())
    if operation.reasons:
        yield "reasons", ", ".join(f"{code} {count:,}" for code, count in operation.reasons.items())
    if operation.latency:
        percentiles = (operation.latency.p50_ms, operation.latency.p95_ms, operation.latency.p99_ms)
        yield "latency", "p50 {}, p95 {}, p99 {}".format(*map(milliseconds, percentiles))
    yield "cost", f"{money(operation.cost, record.currency)} a decision"
    if operation.reads:
        reads = operation.reads
        share = percent(reads.exact / reads.items)
        yield "read exactly", f"{reads.exact:,} of {reads.items:,}, {share} {span(reads.interval)}"


def _errors(summary: Summary, pictures: Pictures) -> Iterator[tuple[str, tuple[_ErrorView, ...]]]:
    for kind, errors in groupby(summary.worst, key=lambda error: error.kind):
        yield (
            _KINDS[kind],
            tuple(
                _ErrorView(
                    e.items,
                    e.score,
                    e.species,
                    e.reasons.replace(";", ", "),
                    tuple(pictures[item] for item in e.items if item in pictures),
                )
                for e in errors
            ),
        )


def _provenance(summary: Summary) -> Iterator[tuple[str, str]]:
    record = summary.record
    yield "run", record.run_id
    yield "set", f"{record.set_name} version {record.set_version}, digest {record.set_digest}"
    yield "candidate", f"{record.candidate} of provider {record.provider}"
    yield "check", f"{record.check}, digest {record.check_digest}"
    yield "started", f"{record.started_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "finished", f"{record.finished_at:%Y-%m-%d %H:%M:%S %Z}" if record.finished_at else "not finished"
    yield "code", record.commit + (" with uncommitted changes" if record.dirty else "")
    yield "executor", f"{record.executor}, seed {record.seed}, metric version {record.metric_version}"
    for title, mapping in (
        ("settings", record.settings),
        ("models", record.models),
        ("packages", record.packages),
    ):
        yield title, ", ".join(f"{name} {value}" for name, value in mapping.items()) or "none"


def _acer(summary: Summary) -> float | None:
    if not any(figure.name == "apcer" for figure in summary.figures):
        return None
    attack, bona_fide = headline(summary, "apcer").value, headline(summary, "bpcer").value
    return None if attack is None or bona_fide is None else acer(attack, bona_fide)

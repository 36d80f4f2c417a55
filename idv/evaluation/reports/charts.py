"""The charts of a report: each takes a part of a summary and gives an SVG and its legend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from idv.evaluation.reports.confidence import CoveragePoint, ReliabilityPoint
from idv.evaluation.reports.curves import DetCurve, Histogram
from idv.evaluation.reports.figures import Figure
from idv.evaluation.reports.svg import Frame, linear_axis, probit_axis

STYLES = 8
"""Line styles `s0` to `s7` of the style sheet: a colour and a dash pattern each."""

_LABEL = 0.13
"""How much of an axis the widest label takes, `0.0001 %`."""


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the style of its line and its words."""

    style: str
    label: str


@dataclass(frozen=True)
class Chart:
    """One picture: `svg` is safe to put into a page as it is."""

    title: str
    svg: str
    note: str = ""
    legend: tuple[Key, ...] = ()


def style(number: int) -> str:
    """The class of the n-th line."""
    return f"s{number % STYLES}"


def det_chart(
    title: str, x_name: str, y_name: str, named: Sequence[tuple[str, DetCurve]], *, note: str = ""
) -> Chart:
    """Curves on probit axes; only points with an error on both sides have a place there."""
    drawable = [
        (name, [p for p in curve.points if 0 < p.x < 1 and 0 < p.y < 1], curve.band) for name, curve in named
    ]
    points = [p for _, kept, _ in drawable for p in kept]
    lowest_x, lowest_y = (min((p[axis] for p in points), default=1e-2) for axis in (0, 1))
    frame = Frame(
        probit_axis(x_name, min(lowest_x, 0.05) / 1.5, 0.7, gap=_LABEL),
        probit_axis(y_name, min(lowest_y, 0.05) / 1.5, 0.7),
    )
    marks, legend = [], []
    for number, (name, kept, band) in enumerate(drawable):
        if band and len(drawable) <= 3:  # noqa: PLR2004 - more bands than three hide each other
            around = [(p.x, p.high) for p in band] + [(p.x, p.low) for p in reversed(band)]
            marks.append(frame.area(around, f"band {style(number)}"))
        marks.append(frame.line(_steps(kept), f"curve {style(number)}"))
        marks += [frame.dot(p.x, p.y, style(number)) for p in kept[:1] if len(kept) == 1]
        legend.append(Key(style(number), name))
    described = f"{y_name} against {x_name} for {', '.join(name for name, _ in named)}."
    return Chart(title, frame.drawn(marks, title=title, description=described), note, tuple(legend))


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where there are few errors a DET is a staircase, and is drawn as one."""
    made: list[tuple[float, float]] = []
    for x, y in points:
        if made:
            made.append((x, made[-1][1]))
        made.append((x, y))
    return made


def histogram_chart(title: str, histogram: Histogram, threshold: float | None) -> Chart:
    """The share of each class in each bin, as outlines; the threshold as a line across."""
    edges = histogram.edges
    heights = [[count / max(sum(series.counts), 1) for count in series.counts] for series in histogram.series]
    top = max((max(h) for h in heights), default=0.0) or 1.0
    frame = Frame(linear_axis("score", edges[0], edges[-1]), linear_axis("share of class", 0.0, 1.05 * top))
    marks, legend = [], []
    for number, (series, shares) in enumerate(zip(histogram.series, heights, strict=True)):
        outline = [(edges[0], 0.0), *_outline(edges, shares), (edges[-1], 0.0)]
        marks.append(frame.area(outline, f"band {style(number)}"))
        marks.append(frame.line(outline, f"curve {style(number)}"))
        missing = f", {series.unscored:,} without a score" if series.unscored else ""
        legend.append(Key(style(number), f"{series.name} ({sum(series.counts):,}{missing})"))
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        marks.append(frame.vertical(threshold, "cut"))
        legend.append(Key("cut", f"threshold {threshold:.4g}"))
    described = "Distribution of scores by class; higher scores are more genuine."
    note = "Outermost bins hold what lies beyond, at most one score in 10,000 on each side."
    return Chart(title, frame.drawn(marks, title=title, description=described), note, tuple(legend))


def _outline(edges: Sequence[float], shares: Sequence[float]) -> Iterator[tuple[float, float]]:
    for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True):
        yield left, share
        yield right, share


def reliability_chart(title: str, points: Sequence[ReliabilityPoint]) -> Chart:
    """What a score claims at even odds against what was so; on the diagonal, it says the truth."""
    frame = Frame(
        linear_axis("probability the score claims", 0, 1, percent=True),
        linear_axis("share that was genuine", 0, 1, percent=True),
    )
    marks = [frame.line([(0, 0), (1, 1)], "diagonal")]
    marks.append(frame.line([(p.said, p.seen) for p in points], "curve s0"))
    marks += [frame.dot(p.said, p.seen, "s0") for p in points]
    described = "Claimed probability against observed share in equally filled bins."
    return Chart(
        title,
        frame.drawn(marks, title=title, description=described),
        "Scores read as log-likelihood ratios, both classes weighing the same.",
        (Key("s0", "this run"), Key("diagonal", "perfectly calibrated")),
    )


def coverage_chart(title: str, points: Sequence[CoveragePoint]) -> Chart:
    """How wrong the answers are when only the surest are given."""
    top = max((p.risk for p in points), default=0.0) or 0.01
    frame = Frame(
        linear_axis("share answered", 0, 1, percent=True),
        linear_axis("wrong among the answered", 0, 1.05 * top, percent=True),
    )
    marks = [frame.line([(p.coverage, p.risk) for p in points], "curve s0")]
    described = "Risk against coverage when trials nearest to the threshold are left to a person first."
    note = "Trials are left to a person nearest to the threshold first; on this set's mix of classes."
    return Chart(title, frame.drawn(marks, title=title, description=described), note)


@dataclass(frozen=True)
class ForestScale:
    """One scale for all rows of a forest plot, from 0 to `top`."""

    top: float

    @classmethod
    def over(cls, figures: Iterable[Figure]) -> "ForestScale":
        """Wide enough for the interval of every rate that has an error; those without may reach beyond."""
        shown = [f for f in figures if f.interval]
        ends = [f.interval.high for f in shown if f.interval and f.errors] or [1.0]
        return cls(min(1.0, 1.05 * max(ends)))

    def svg(self, figure: Figure, overall: float | None) -> str:
        """Interval as a bar, with an arrow where it goes on; rate as a square; the overall rate as a line."""
        if figure.interval is None or figure.value is None:
            return ""
        low, value, high = (
            self._place(rate) for rate in (figure.interval.low, figure.value, figure.interval.high)
        )
        beyond = (
            '<path class="beyond" d="M134 4 L139 8 L134 12 Z"/>' if figure.interval.high > self.top else ""
        )
        across = "" if overall is None else self._across(overall)
        return (
            '<svg class="forest" viewBox="0 0 140 16" aria-hidden="true">'
            f'<line class="grid" x1="2" x2="138" y1="15.5" y2="15.5"/>{across}'
            f'<line class="bar" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
            f'<rect class="mark" x="{value - 3:.1f}" y="5" width="6" height="6"/>{beyond}</svg>'
        )

    def _across(self, rate: float) -> str:
        place = self._place(rate)
        return f'<line class="cut" x1="{place:.1f}" x2="{place:.1f}" y1="0" y2="16"/>'

    def _place(self, rate: float) -> float:
        return 4 + 132 * min(rate / self.top, 1.0)


def lines_chart(
    title: str,
    *,
    x_name: str,
    y_name: str,
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    at: Sequence[tuple[float, str]] = (),
    note: str = "",
    rates: bool = False,
) -> Chart:
    """Plain lines over a common x, with thresholds marked across: trade-off and cost curves.

    `rates`: y is an error rate and gets a probit axis, on which small ones can be told apart.
    """
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points if y > 0]
    y_axis = (
        probit_axis(y_name, max(min([*ys, 0.01]) / 1.5, 1e-7), 0.995)
        if rates
        else linear_axis(y_name, 0.0, 1.05 * max(ys, default=1.0))
    )
    frame = Frame(linear_axis(x_name, min(xs, default=0.0), max(xs, default=1.0)), y_axis)
    marks, legend = [], []
    for number, (name, drawn) in enumerate(lines):
        points = [(x, y) for x, y in drawn if y > 0 or not rates]
        marks.append(frame.line(points, f"curve {style(number)}"))
        legend.append(Key(style(number), name))
    for number, (x, name) in enumerate(at):
        if min(xs) <= x <= max(xs):
            mark = "cut" if number == 0 else "diagonal"
            marks.append(frame.vertical(x, mark))
            legend.append(Key(mark, name))
    described = f"{y_name} against {x_name}: {', '.join(name for name, _ in lines)}."
    return Chart(title, frame.drawn(marks, title=title, description=described), note, tuple(legend))

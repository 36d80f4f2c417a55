"""The few SVG elements that charts are made of; colours come from the page's classes, so themes just work."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist

WIDTH, HEIGHT = 360, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 16, 10, 38

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Axis:
    """One axis: where a value lies between 0 and 1, its ticks with labels, and what it shows."""

    title: str
    position: Scale
    ticks: Sequence[tuple[float, str]]


def linear_axis(title: str, low: float, high: float, *, percent: bool = False) -> Axis:
    """From `low` to `high` with about five round ticks."""
    span = (high - low) or 1.0
    step = _round_step(span / 5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [step * k for k in range(first, last + 1)]
    return Axis(
        title,
        lambda value: (value - low) / span,
        [(value, f"{100 * value:g} %" if percent else f"{value:.6g}") for value in values],
    )


def probit_axis(title: str, low: float, high: float, *, gap: float = 0.05) -> Axis:
    """Rates between `low` and `high` in (0, 1) as a DET plot has them: equal steps are equal deviations.

    Ticks nearer to each other than `gap`, a share of the axis, are left out: their labels would overlap.
    """
    normal = NormalDist()
    start, end = normal.inv_cdf(low), normal.inv_cdf(high)
    marks = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99)

    def position(rate: float) -> float:
        return (normal.inv_cdf(min(max(rate, low), high)) - start) / (end - start)

    ticks: list[tuple[float, str]] = []
    for mark in marks:
        if low <= mark <= high and (not ticks or position(mark) - position(ticks[-1][0]) >= gap):
            ticks.append((mark, f"{100 * mark:.6g} %"))
    return Axis(title, position, ticks)


def _round_step(raw: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** int(f"{raw:e}".partition("e")[2])
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))


@dataclass(frozen=True)
class Frame:
    """Two axes around a plotting area; turns values into places on the page."""

    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place in pixels, y upwards."""
        return (
            _LEFT + self.x.position(x) * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - self.y.position(y) * (HEIGHT - _TOP - _BOTTOM),
        )

    def line(self, points: Iterable[tuple[float, float]], style: str) -> str:
        """A line through the points."""
        return f'<polyline class="{style}" points="{self._places(points)}"/>'

    def area(self, points: Iterable[tuple[float, float]], style: str) -> str:
        """A filled shape around the points."""
        return f'<polygon class="{style}" points="{self._places(points)}"/>'

    def vertical(self, x: float, style: str) -> str:
        """A line across the whole height."""
        place = self.at(x, 0)[0]
        return (
            f'<line class="{style}" x1="{place:.1f}" x2="{place:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        )

    def dot(self, x: float, y: float, style: str) -> str:
        """A point."""
        left, top = self.at(x, y)
        return f'<circle class="{style}" cx="{left:.1f}" cy="{top:.1f}" r="3"/>'

    def drawn(self, marks: Sequence[str], *, title: str, description: str) -> str:
        """The whole picture with axes, as a figure that a screen reader can name and describe."""
        body = "".join([*self._grid(), *marks, *self._titles()])
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. '
            f'{escape(description)}">{body}</svg>'
        )

    def _places(self, points: Iterable[tuple[float, float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in points)

    def _grid(self) -> Iterable[str]:
        bottom = HEIGHT - _BOTTOM
        for value, label in self.x.ticks:
            x = _LEFT + self.x.position(value) * (WIDTH - _LEFT - _RIGHT)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{label}</text>'
        for value, label in self.y.ticks:
            y = bottom - self.y.position(value) * (bottom - _TOP)
            yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{_LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{label}</text>'

    def _titles(self) -> Iterable[str]:
        middle = (HEIGHT - _BOTTOM + _TOP) / 2
        yield (
            f'<text class="axis" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 5}" '
            f'text-anchor="middle">{escape(self.x.title)}</text>'
        )
        yield (
            f'<text class="axis" transform="translate(10 {middle}) rotate(-90)" '
            f'text-anchor="middle">{escape(self.y.title)}</text>'
        )

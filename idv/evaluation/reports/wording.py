"""Numbers and names as a reader sees them, alike in every form of a report."""

from idv.domain.eval_sets import Part
from idv.domain.operating_points import Interval
from idv.evaluation.reports.figures import Figure


def percent(rate: float | None) -> str:
    """A share with three figures, `–` where there is none: `0.1 %`, `12.3 %`."""
    return "–" if rate is None else f"{100 * rate:.3g} %"


def span(interval: Interval | None) -> str:
    """An interval in percent: `[0.08, 0.13]`."""
    return "" if interval is None else f"[{100 * interval.low:.3g}, {100 * interval.high:.3g}]"


def figure_name(figure: Figure) -> str:
    """`APCER print`, `APCER maximum (screen)`, `FMR`."""
    name = figure.name.upper()
    if figure.worst:
        return f"{name} maximum ({figure.group})" if figure.group else f"{name} maximum"
    return f"{name} {figure.group}" if figure.group else name


def part_name(part: Part | None) -> str:
    """How a report calls the part it is about."""
    return "all parts that are not sealed" if part is None else f"part {part}"


def money(cost: float | None, currency: str) -> str:
    """Cost of one decision."""
    if cost is None:
        return "–"
    return f"{cost:.4g} {currency}".strip()


def milliseconds(value: float | None) -> str:
    """A duration without false precision."""
    return "–" if value is None else f"{value:,.0f} ms" if value >= 10 else f"{value:.2g} ms"  # noqa: PLR2004

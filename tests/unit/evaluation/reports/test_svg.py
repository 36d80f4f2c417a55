"""Facts about charts: where values lie, which ticks there are, and that nothing leaves the picture."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.operating_points import Interval
from idv.evaluation.reports.charts import ForestScale, det_chart, lines_chart
from idv.evaluation.reports.curves import BandPoint, DetCurve, Point
from idv.evaluation.reports.figures import Figure
from idv.evaluation.reports.svg import HEIGHT, WIDTH, Frame, linear_axis, probit_axis


def test_probit_steps_are_equal_deviations() -> None:
    """From 2.3 % to 50 % is two deviations, and so is from 50 % to 97.7 %."""
    axis = probit_axis("FMR", 0.0227501, 0.9772499)
    assert axis.position(0.0227501) == pytest.approx(0)
    assert axis.position(0.5) == pytest.approx(0.5)
    assert axis.position(0.9772499) == pytest.approx(1)


@given(st.floats(1e-7, 0.4), st.floats(0.41, 0.999), st.floats(0.01, 0.3))
def test_probit_ticks_keep_their_distance(low: float, high: float, gap: float) -> None:
    """So labels never overlap."""
    axis = probit_axis("FMR", low, high, gap=gap)
    places = [axis.position(value) for value, _ in axis.ticks]
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(places))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_are_round_few_and_inside(low: float, width: float) -> None:
    """Between two and eight ticks, none outside the axis."""
    axis = linear_axis("score", low, low + width)
    assert 2 <= len(axis.ticks) <= 8
    assert all(-1e-6 <= axis.position(value) <= 1 + 1e-6 for value, _ in axis.ticks)


def test_an_axis_without_width_still_draws() -> None:
    """All scores alike are no division by zero."""
    axis = linear_axis("score", 2.0, 2.0)
    assert all(math.isfinite(axis.position(value)) for value, _ in axis.ticks)


def _places(svg: str) -> list[tuple[float, float]]:
    pairs = re.findall(r'points="([^"]*)"', svg)
    return [(float(x), float(y)) for text in pairs for x, y in (p.split(",") for p in text.split())]


rates = st.floats(0, 1)


@given(st.lists(st.tuples(rates, rates), max_size=8), st.lists(st.tuples(rates, rates, rates), max_size=3))
def test_a_det_never_leaves_its_picture(
    points: list[tuple[float, float]], band: list[tuple[float, float, float]]
) -> None:
    """Rates of zero and one, which a probit axis cannot show, are left out or held at the edge."""
    curve = DetCurve("", tuple(Point(*p) for p in points), tuple(BandPoint(*b) for b in band))
    for x, y in _places(det_chart("DET", "FMR", "FNMR", [("a", curve)]).svg):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_words_in_a_chart_are_escaped() -> None:
    """A title is text, whatever is in it."""
    frame = Frame(linear_axis("<x>", 0, 1), linear_axis("y", 0, 1))
    svg = frame.drawn([], title='a "b" <c>', description="d & e")
    assert "<x>" not in svg
    assert "<c>" not in svg
    assert "&quot;b&quot;" in svg


def test_thresholds_outside_the_drawn_range_are_not_drawn() -> None:
    """A line at the edge would be at the wrong place."""
    lines = [("cost", [(0.0, 1.0), (1.0, 2.0)])]
    made = lines_chart("t", x_name="x", y_name="y", lines=lines, at=[(5.0, "far"), (0.5, "near")])
    assert [key.label for key in made.legend] == ["cost", "near"]


def test_rates_of_zero_have_no_place_on_a_probit_scale() -> None:
    """They are left out rather than drawn at an invented value."""
    lines = [("FMR", [(0.0, 0.5), (1.0, 0.1), (2.0, 0.0)])]
    made = lines_chart("t", x_name="x", y_name="y", lines=lines, rates=True)
    assert len(_places(made.svg)) == 2


def _figure(low: float, value: float, high: float, errors: int) -> Figure:
    return Figure("fmr", "", "", value=value, errors=errors, interval=Interval(low, high))


def test_a_forest_is_as_wide_as_the_intervals_of_rates_with_errors() -> None:
    """A group without an error may reach to 100 %: it gets an arrow instead of the whole width."""
    seen, unseen = _figure(0.01, 0.02, 0.04, 5), _figure(0.0, 0.0, 0.9, 0)
    scale = ForestScale.over([seen, unseen])
    assert scale.top == pytest.approx(0.042)
    assert "beyond" in scale.svg(unseen, None)
    assert "beyond" not in scale.svg(seen, 0.02)
    assert scale.svg(Figure("fmr", "", ""), None) == ""

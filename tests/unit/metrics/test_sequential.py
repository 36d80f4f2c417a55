"""Tests that may be looked at after every value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics.sequential import EProcess, cusum, e_process, first_alarm

VALUES = st.lists(st.floats(-10, 10), min_size=1, max_size=40)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(VALUES, st.floats(0, 3))
def test_cusum_agrees_with_its_recursion(values: list[float], start: float) -> None:
    """Step by step: what exceeds expectation and allowance is added, and the sum never falls below 0."""
    level, expected = start, []
    for value in values:
        level = max(0.0, level + value - 0.5 - 0.25)
        expected.append(level)
    assert cusum(values, expected=0.5, allowance=0.25, start=start) == pytest.approx(expected, abs=1e-9)


@given(VALUES, st.integers(0, 40))
def test_cusum_goes_on_where_it_stopped(values: list[float], cut: int) -> None:
    """Two halves, the second begun with the last of the first, are the whole."""
    whole = cusum(values, expected=0.0, allowance=0.1)
    first = cusum(values[:cut], expected=0.0, allowance=0.1)
    start = float(first[-1]) if first.size else 0.0
    second = cusum(values[cut:], expected=0.0, allowance=0.1, start=start)
    assert np.concatenate([first, second]) == pytest.approx(whole, abs=1e-9)


def test_the_first_alarm() -> None:
    """The first position at the limit, or None."""
    assert first_alarm([0.0, 2.0, 5.0, 5.0], 5.0) == 2
    assert first_alarm([0.0, 2.0], 5.0) is None


@given(SHARES)
def test_a_bet_never_uses_the_value_it_is_on(values: list[float]) -> None:
    """Changing the last value changes the wealth only by the bet laid before it: a straight line in it."""
    process = EProcess(0.3)
    for value in values:
        process = process.after(value)
    ends = [math.exp(process.after(x).log_wealth - process.log_wealth) for x in (0.0, 0.5, 1.0)]
    assert ends[1] == pytest.approx((ends[0] + ends[2]) / 2, abs=1e-9)
    # Fair at the null mean: the bet on a value that equals it wins and loses nothing.
    assert 0.7 * ends[0] + 0.3 * ends[2] == pytest.approx(1.0, abs=1e-9)


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Of 400 feeds at the null rate, looked at after each of 300 values, at most 5 % and its error alarm."""
    rng = np.random.default_rng(2)
    feeds = rng.random((400, 300)) < 0.1
    alarms = sum(first_alarm(e_process(f, null_mean=0.1), math.log(20)) is not None for f in feeds)
    assert alarms / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def test_a_worse_rate_is_seen() -> None:
    """Errors three times as frequent as promised raise the alarm in every one of 50 feeds of 400."""
    rng = np.random.default_rng(3)
    feeds = rng.random((50, 400)) < 0.3
    assert all(first_alarm(e_process(f, null_mean=0.1), math.log(20)) is not None for f in feeds)


def test_a_memory_sees_a_late_change() -> None:
    """After 3,000 good values the one with a memory alarms within 200 bad ones, the one without does not."""
    rng = np.random.default_rng(4)
    feed = np.concatenate([rng.random(3000) < 0.05, rng.random(200) < 0.3])
    with_memory = first_alarm(e_process(feed, null_mean=0.1, memory=100), math.log(1000))
    assert with_memory is not None
    assert with_memory > 3000
    assert first_alarm(e_process(feed, null_mean=0.1), math.log(1000)) is None


def test_a_memory_keeps_false_alarms_apart() -> None:
    """At the null rate, alarms of the detector at 1/α = 200 are on average at least 200 values apart."""
    rng = np.random.default_rng(5)
    waits = []
    for _ in range(60):
        alarm = first_alarm(e_process(rng.random(2000) < 0.1, null_mean=0.1, memory=50), math.log(200))
        waits.append(2000 if alarm is None else alarm + 1)
    assert np.mean(waits) >= 200


def test_what_cannot_be_tested_is_refused() -> None:
    """NaN, a value beyond the bounds, an impossible mean or memory, and a negative allowance raise."""
    with pytest.raises(ValueError, match="finite"):
        cusum([float("nan")], expected=0, allowance=0)
    with pytest.raises(ValueError, match="allowance"):
        cusum([1.0], expected=0, allowance=-1)
    with pytest.raises(ValueError, match="values in"):
        e_process([2.0], null_mean=0.1)
    with pytest.raises(ValueError, match="mean"):
        EProcess(0.0)
    with pytest.raises(ValueError, match="memory"):
        EProcess(0.1, memory=0)

"""Confidence intervals of a proportion."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics.intervals import clopper_pearson, regularised_incomplete_beta, wilson

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_exact_interval_of_no_error_is_the_rule_of_three() -> None:
    """Without an error the upper end solves (1 - p)^n = 2.5 %."""
    interval = clopper_pearson(0, 100)
    assert interval.low == 0.0
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 100), abs=1e-9)


def test_published_values() -> None:
    """Ten in a hundred: 4.90 to 17.62 % exactly, 5.52 to 17.44 % by Wilson."""
    exact, score = clopper_pearson(10, 100), wilson(10, 100)
    assert (exact.low, exact.high) == pytest.approx((0.04900, 0.17622), abs=1e-5)
    assert (score.low, score.high) == pytest.approx((0.05523, 0.17437), abs=1e-5)


@given(COUNTS)
def test_both_hold_the_estimate(counts: tuple[int, int]) -> None:
    """Either interval lies in [0, 1] and contains the observed share."""
    errors, trials = counts
    for interval in (wilson(errors, trials), clopper_pearson(errors, trials)):
        assert 0 <= interval.low <= errors / trials + 1e-12
        assert errors / trials - 1e-12 <= interval.high <= 1


@given(COUNTS)
def test_the_mirror_image(counts: tuple[int, int]) -> None:
    """Counting the right answers instead of the errors mirrors the interval."""
    errors, trials = counts
    there, back = clopper_pearson(errors, trials), clopper_pearson(trials - errors, trials)
    assert there.low == pytest.approx(1 - back.high, abs=1e-9)


@given(COUNTS)
def test_the_exact_ends_leave_the_promised_tails(counts: tuple[int, int]) -> None:
    """At the upper end, so few errors have a probability of 2.5 %, by the binomial sum itself."""
    errors, trials = counts
    if errors == trials:
        return
    p = clopper_pearson(errors, trials).high
    tail = sum(_binomial(k, trials, p) for k in range(errors + 1))
    assert tail == pytest.approx(0.025, rel=1e-5)


def _binomial(k: int, n: int, p: float) -> float:
    log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))


@given(st.floats(0.01, 0.99), st.integers(1, 30), st.integers(1, 30))
def test_incomplete_beta_is_a_binomial_tail(x: float, a: int, b: int) -> None:
    """I_x(a, b) is the probability of at least a successes in a + b - 1 trials."""
    n = a + b - 1
    tail = sum(_binomial(k, n, x) for k in range(a, n + 1))
    assert regularised_incomplete_beta(x, a, b) == pytest.approx(tail, abs=1e-10)


def test_millions_of_trials() -> None:
    """Rare errors in many trials stay close to the Poisson interval."""
    interval = clopper_pearson(5, 5_000_000)
    assert interval.low * 5e6 == pytest.approx(1.6235, abs=1e-3)
    assert interval.high * 5e6 == pytest.approx(11.668, abs=1e-3)


@pytest.mark.parametrize(("errors", "trials"), [(3, 2), (-1, 2), (0, 0)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    """More errors than trials, negative counts and no trials raise."""
    with pytest.raises(ValueError, match="proportion"):
        wilson(errors, trials)


def test_a_confidence_in_percent_is_refused() -> None:
    """95 instead of 0.95 raises."""
    with pytest.raises(ValueError, match="confidence"):
        clopper_pearson(1, 2, confidence=95)

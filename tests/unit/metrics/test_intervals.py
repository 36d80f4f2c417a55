"""Confidence intervals of a proportion."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from idv.metrics.intervals import (
    clopper_pearson,
    regularised_incomplete_beta,
    relative_precision,
    rule_of_30,
    rule_of_three,
    student_t_quantile,
    student_t_tail,
    wilson,
)

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


@given(st.integers(1, 100_000), st.floats(0.5, 0.999))
def test_rule_of_three_is_exact(trials: int, confidence: float) -> None:
    """The bound is Clopper and Pearson's one-sided one without errors, by SciPy's beta distribution."""
    expected = stats.beta.ppf(confidence, 1, trials)
    assert rule_of_three(trials, confidence=confidence) == pytest.approx(expected, abs=1e-12)


def test_rule_of_three_is_about_three_in_n() -> None:
    """In 3,000 trials without an error, 0.1 % at 95 %."""
    assert rule_of_three(3000) == pytest.approx(0.001, abs=2e-6)


def test_thirty_errors_are_enough() -> None:
    """30 errors give 30 % either way at 90 %, 29 do not, and none gives no precision at all."""
    assert rule_of_30(30)
    assert not rule_of_30(29)
    assert relative_precision(30) == pytest.approx(stats.norm.ppf(0.95) / math.sqrt(30), abs=1e-12)
    assert relative_precision(0) == math.inf


@given(COUNTS, st.floats(0.5, 0.99))
def test_both_agree_with_scipy(counts: tuple[int, int], confidence: float) -> None:
    """Wilson's and the exact interval are SciPy's, to 1e-12."""
    errors, trials = counts
    reference = stats.binomtest(errors, trials)
    for own, method in ((clopper_pearson, "exact"), (wilson, "wilson")):
        expected = reference.proportion_ci(confidence, method=method)
        found = own(errors, trials, confidence=confidence)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.floats(-40, 40))
def test_students_tail_of_one_degree_is_cauchys(t: float) -> None:
    """With one degree of freedom it is an arc tangent, which holds next to 0 too, where SciPy rounds."""
    assert student_t_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, abs=1e-12)


@given(st.floats(-40, 40).filter(lambda t: abs(t) > 1e-3), st.floats(1, 2000))
def test_students_tail_agrees_with_scipy(t: float, freedom: float) -> None:
    """The tail of Student's t is SciPy's, to 1e-12."""
    assert student_t_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), abs=1e-12)


@given(st.floats(0.001, 0.999), st.floats(2, 2000))
def test_students_quantile_agrees_with_scipy(probability: float, freedom: float) -> None:
    """The quantile is SciPy's, to nine digits of its size."""
    expected = stats.t.ppf(probability, freedom)
    assert student_t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_what_has_no_bound_is_refused() -> None:
    """No trials, negative errors and a certain quantile raise."""
    with pytest.raises(ValueError, match="proportion"):
        rule_of_three(0)
    with pytest.raises(ValueError, match="counted"):
        relative_precision(-1)
    with pytest.raises(ValueError, match="confidence"):
        student_t_quantile(1.0, 5)

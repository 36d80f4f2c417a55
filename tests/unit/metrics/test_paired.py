"""Paired tests and the correction for many of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from idv.metrics.paired import holm, mcnemar, sign_flip_p_values

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(b: int, c: int) -> None:
    """Against SciPy's exact binomial test of the discordant trials at one half."""
    expected = stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_sign_flips_agree_with_trying_them_all(differences: list[int]) -> None:
    """Every assignment of signs, counted one by one, gives the same p-values."""
    sums = [
        sum(sign * d for sign, d in zip(signs, differences, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    found, observed = sign_flip_p_values(differences), sum(differences)
    assert found.two_sided == pytest.approx(np.mean(np.abs(sums) >= abs(observed)), abs=1e-12)
    assert found.above == pytest.approx(np.mean(np.array(sums) >= observed), abs=1e-12)


def test_many_differences_are_close_to_normal() -> None:
    """Beyond the exact limit the approximation continues it: 1 % apart in the p-value."""
    exact = sign_flip_p_values(np.repeat([1.0, -1.0], [2080, 1920]))
    beyond = sign_flip_p_values(np.repeat([1.0, -1.0], [2081, 1920]))
    assert exact.two_sided == pytest.approx(stats.binomtest(2080, 4000, 0.5).pvalue, rel=1e-9)
    assert beyond.two_sided == pytest.approx(exact.two_sided, rel=0.1)


def test_holm_by_hand() -> None:
    """Holm's steps on four values: times 4, 3, 2, 1, never falling, in the order given."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-12)
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    """Adjusted values are at least the raw ones and at most the number of tests times them."""
    adjusted, raw = holm(p_values), np.array(p_values)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * raw.size, 1.0) + 1e-12).all() or adjusted.max() <= 1
    assert adjusted.min() == pytest.approx(min(raw.min() * raw.size, 1.0), abs=1e-12)


@pytest.mark.parametrize("bad", [[], [1.5], [float("nan")]])
def test_what_is_no_p_value_is_refused(bad: list[float]) -> None:
    """Nothing, a value above 1 and NaN raise."""
    with pytest.raises(ValueError, match="p-values"):
        holm(bad)


def test_impossible_counts_are_refused() -> None:
    """Negative counts and differences that are not whole raise."""
    with pytest.raises(ValueError, match="counted"):
        mcnemar(-1, 2)
    with pytest.raises(ValueError, match="whole"):
        sign_flip_p_values([0.5])

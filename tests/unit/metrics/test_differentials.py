"""Differences between groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics import differentials

RATES = st.lists(st.floats(1e-6, 1), min_size=2, max_size=8).map(
    lambda values: {f"group {k}": value for k, value in enumerate(values)}
)
TWO = {"a": 0.01, "b": 0.04}


def test_hand_made_measures() -> None:
    """Of 1 and 4 %: four times as high, twice the geometric mean, Gini 0.6, three points apart."""
    fair = {"a": 0.02, "b": 0.02}
    assert differentials.max_min_ratio(TWO) == pytest.approx(4)
    assert differentials.max_over_geometric_mean(TWO) == pytest.approx(2)
    assert differentials.gini(TWO) == pytest.approx(0.6)
    assert differentials.garbe(TWO, fair) == pytest.approx(0.3)
    assert differentials.fairness_discrepancy_rate(TWO, fair) == pytest.approx(0.985)
    assert differentials.inequity_rate(TWO, fair) == pytest.approx(2)


@given(RATES)
def test_gini_agrees_with_the_sorted_formula(rates: dict[str, float]) -> None:
    """The mean absolute difference equals the textbook sum over ranks, with the correction for few groups."""
    values = np.sort(list(rates.values()))
    n = values.size
    textbook = 2 * np.sum(np.arange(1, n + 1) * values) / (n * values.sum()) - (n + 1) / n
    assert differentials.gini(rates) == pytest.approx(textbook * n / (n - 1), abs=1e-12)


@given(RATES, st.floats(0.01, 1))
def test_ratios_do_not_depend_on_the_scale(rates: dict[str, float], scale: float) -> None:
    """Half the errors everywhere leave ratio and Gini as they were; they stay in their ranges."""
    scaled = {name: rate * scale for name, rate in rates.items()}
    for measure, low, high in (
        (differentials.max_min_ratio, 1, np.inf),
        (differentials.max_over_geometric_mean, 1, np.inf),
        (differentials.gini, 0, 1),
    ):
        assert measure(scaled) == pytest.approx(measure(rates), rel=1e-9, abs=1e-12)
        assert low - 1e-12 <= measure(rates) <= high + 1e-12


def test_one_group_with_every_error_is_most_unequal() -> None:
    """Gini reaches 1 with few groups too; the ratios are undefined and say so."""
    assert differentials.gini({"a": 0.1, "b": 0.0, "c": 0.0}) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no error"):
        differentials.max_min_ratio({"a": 0.1, "b": 0.0})


@pytest.mark.parametrize(
    ("rates", "reason"),
    [({"a": 0.1}, "two groups"), ({"a": 0.0, "b": 0.0}, "no group"), ({"a": 5.0, "b": 1.0}, "rate")],
)
def test_what_has_no_differential_is_refused(rates: dict[str, float], reason: str) -> None:
    """One group, no errors at all and percentages raise with the reason."""
    with pytest.raises(ValueError, match=reason):
        differentials.gini(rates)


def test_a_weight_above_one_is_refused() -> None:
    """The weight of FMR is a share."""
    with pytest.raises(ValueError, match="weight"):
        differentials.garbe(TWO, TWO, fmr_weight=2)


def test_rates_of_groups_come_with_intervals() -> None:
    """Errors and trials by group, an interval where there are two subjects, none where there is one."""
    wrong = np.array([True, False, False, False, True, True])
    people = [1, 1, 2, 2, 3, 4]
    a, b = differentials.group_rates(
        wrong, [0, 0, 0, 0, 1, -1], ["young", "old"], subjects=(people, people), resamples=50
    )
    assert (a.name, a.errors, a.trials, a.rate) == ("young", 1, 4, 0.25)
    assert a.interval is not None
    assert a.interval.low <= 0.25 <= a.interval.high
    assert (b.name, b.rate, b.interval) == ("old", 1.0, None)


def test_impostors_of_ones_own_group_are_a_slice() -> None:
    """Same group needs both groups known; pairs of groups count whichever comes first."""
    a, b = [0, 0, 1, -1, 1], [0, 1, 0, -1, 1]
    wrong = np.array([True, True, False, True, False])
    assert differentials.same_group(a, b).tolist() == [True, False, False, False, True]
    rates = differentials.cross_group_rates(wrong, a, b, ["x", "y"])
    assert rates == {("x", "x"): 1.0, ("x", "y"): 0.5, ("y", "y"): 0.0}


def test_groups_of_unpaired_people_are_refused() -> None:
    """Groups of more people on one side than on the other raise."""
    with pytest.raises(ValueError, match="pairs"):
        differentials.same_group([0], [0, 1])
    with pytest.raises(ValueError, match="pairs"):
        differentials.cross_group_rates(np.array([True]), [0], [0, 1], ["x", "y"])

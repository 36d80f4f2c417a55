"""Log-likelihood ratios from scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from idv.metrics.calibration import cllr, ece, fit_llr, min_cllr


def test_two_normal_classes_give_the_ratio_of_their_densities() -> None:
    """For N(1, 1) against N(-1, 1) the ratio is 2x: slope 2, offset 0."""
    rng = np.random.default_rng(1)
    model = fit_llr(rng.normal(1, 1, 40_000), rng.normal(-1, 1, 40_000))
    assert model.weights[0] == pytest.approx(2.0, abs=0.06)
    assert model.offset == pytest.approx(0.0, abs=0.06)


def test_the_ratio_does_not_depend_on_how_many_of_each_class_there_are() -> None:
    """Ten times as many non-mated scores of the same shape change nothing: no prior leaks in."""
    rng = np.random.default_rng(2)
    mated, nonmated = rng.normal(1, 1, 500), rng.normal(-1, 1, 500)
    even, skewed = fit_llr(mated, nonmated), fit_llr(mated, np.tile(nonmated, 10))
    assert skewed.offset == pytest.approx(even.offset, abs=1e-6)
    assert skewed.weights == pytest.approx(even.weights, abs=1e-6)


def test_a_prior_steers_the_fit_but_does_not_shift_it() -> None:
    """Where the affine model is true, fitting for rare mated pairs gives the same ratios."""
    rng = np.random.default_rng(4)
    mated, nonmated = rng.normal(1, 1, 60_000), rng.normal(-1, 1, 60_000)
    model = fit_llr(mated, nonmated, prior=0.02)
    assert model.weights[0] == pytest.approx(2.0, abs=0.1)
    assert model.offset == pytest.approx(0.0, abs=0.15)


def test_an_impossible_prior_is_refused() -> None:
    """Certainty is no prior."""
    with pytest.raises(ValueError, match="prior"):
        fit_llr([1.0, 2.0], [0.0, 1.5], prior=1.0)


def test_a_useless_score_gets_no_weight_beside_a_useful_one() -> None:
    """Noise that is alike in both classes is weighed about zero."""
    rng = np.random.default_rng(3)
    mated = np.stack([rng.normal(2, 1, 5000), rng.normal(0, 1, 5000)], axis=1)
    nonmated = np.stack([rng.normal(-2, 1, 5000), rng.normal(0, 1, 5000)], axis=1)
    assert abs(fit_llr(mated, nonmated).weights[1]) < 0.2


def test_perfectly_separated_classes_stay_finite() -> None:
    """The ridge keeps the ratio finite where the likelihood has no maximum."""
    model = fit_llr([10.0, 11.0, 12.0], [0.0, 1.0, 2.0])
    assert np.isfinite(model.llr([[6.0]])).all()
    assert model.llr([[12.0]])[0] > 0 > model.llr([[0.0]])[0]


@settings(max_examples=30)
@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_rescaled_scores_give_the_same_ratios(scale: float, shift: float) -> None:
    """An affine change of the scores is absorbed by the weights."""
    mated, nonmated = np.array([2.0, 1.0, 3.0, 0.2]), np.array([0.0, -1.0, 0.5, 1.5])
    plain = fit_llr(mated, nonmated).llr(mated[:, None])
    changed = fit_llr(mated * scale + shift, nonmated * scale + shift).llr((mated * scale + shift)[:, None])
    assert changed == pytest.approx(plain, abs=1e-5)


def test_saying_nothing_costs_one_bit() -> None:
    """Ratios of zero everywhere cost 1; confident and right costs almost 0; confident and wrong much more."""
    assert cllr([0.0, 0.0], [0.0]) == pytest.approx(1.0)
    assert cllr([30.0], [-30.0]) == pytest.approx(0.0, abs=1e-9)
    assert cllr([-30.0], [30.0]) > 30


@pytest.mark.parametrize(
    ("mated", "nonmated"), [([], [1.0]), ([float("nan")], [1.0]), ([float("-inf")], [1.0]), ([1.0], [1.0])]
)
def test_what_cannot_be_calibrated_is_refused(mated: list[float], nonmated: list[float]) -> None:
    """An empty class, NaN, a failure's -inf and a score that never varies raise."""
    with pytest.raises(ValueError, match=r"calibrat"):
        fit_llr(mated, nonmated)


TIED = st.lists(st.integers(-4, 4), min_size=1, max_size=40)


@given(TIED, TIED)
def test_min_cllr_agrees_with_isotonic_regression(mated: list[int], nonmated: list[int]) -> None:
    """With many ties: the cost of scikit-learn's isotonic posteriors, turned into ratios."""
    levels = sorted({*mated, *nonmated})
    ones = np.array([mated.count(level) for level in levels], dtype=float)
    zeros = np.array([nonmated.count(level) for level in levels], dtype=float)
    posterior = isotonic_regression(ones / (ones + zeros), sample_weight=ones + zeros)
    odds = len(mated) / len(nonmated)
    cost = 0.0
    for one, zero, p in zip(ones, zeros, posterior, strict=True):
        cost += one / len(mated) * np.log2(1 + (1 - p) / p * odds) if one else 0.0
        cost += zero / len(nonmated) * np.log2(1 + p / (1 - p) / odds) if zero else 0.0
    assert min_cllr(mated, nonmated) == pytest.approx(cost / 2, abs=1e-12)


@given(TIED, TIED)
def test_no_map_of_the_scores_costs_less(mated: list[int], nonmated: list[int]) -> None:
    """The scores taken as ratios cost at least the minimum."""
    assert min_cllr(mated, nonmated) <= cllr(mated, nonmated) + 1e-12


def test_min_cllr_of_separated_scores_is_zero() -> None:
    """When every mated score is above every other nothing is lost; a failure counts as the lowest score."""
    assert min_cllr([2.0, 3.0], [0.0, 1.0]) == 0.0
    assert min_cllr([2.0, -np.inf], [0.0, -np.inf]) > 0


def test_cllr_agrees_with_its_definition() -> None:
    """The two means of logarithms to the base 2, by hand."""
    expected = (np.log2(1 + np.exp(-2.0)) + np.log2(1 + np.exp(-1.0))) / 2
    assert cllr([2.0], [-1.0]) == pytest.approx(expected, abs=1e-12)
    assert cllr([np.inf], [-np.inf]) == 0.0


def test_ece_by_hand() -> None:
    """Two bins: 0.5 belongs to the lower; gaps of 0.2 and 0.1 over the five trials."""
    stated, true = [0.0, 0.3, 0.5, 0.9, 0.8], [False, True, False, True, True]
    lower, upper = abs(0.8 - 1) / 5, abs(1.7 - 2) / 5
    assert ece(stated, np.array(true), bins=2) == pytest.approx(lower + upper, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), st.integers(1, 20))
def test_ece_agrees_with_a_loop_over_bins(trials: list[tuple[float, bool]], bins: int) -> None:
    """Each bin's mean probability and share of true, weighed by its size."""
    total = 0.0
    for k in range(bins):
        low, high = k / bins, (k + 1) / bins
        inside = [(p, t) for p, t in trials if (low < p or k == 0) and (p <= high or k == bins - 1)]
        if inside:
            stated = sum(p for p, _ in inside) / len(inside)
            true = sum(t for _, t in inside) / len(inside)
            total += len(inside) / len(trials) * abs(stated - true)
    stated_all, true_all = zip(*trials, strict=True)
    assert ece(stated_all, np.array(true_all), bins=bins) == pytest.approx(total, abs=1e-12)


def test_what_has_no_cost_is_refused() -> None:
    """An empty class, a probability above 1, labels that are no booleans and no bins raise."""
    with pytest.raises(ValueError, match="both classes"):
        min_cllr([], [1.0])
    with pytest.raises(ValueError, match="probability"):
        ece([1.2], np.array([True]))
    with pytest.raises(ValueError, match="true or false"):
        ece([0.2], [0.7])
    with pytest.raises(ValueError, match="bin"):
        ece([0.2], np.array([True]), bins=0)

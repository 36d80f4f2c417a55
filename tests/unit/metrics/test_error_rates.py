"""Error rates of comparison scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from idv.metrics import error_rates

SCORES = st.lists(st.floats(-50, 50, allow_nan=False), min_size=1, max_size=60)
RATES = st.floats(0, 1)


def test_a_score_at_the_threshold_passes() -> None:
    """The threshold itself counts as alike, for both error rates."""
    assert error_rates.fmr([1.0, 2.0, 3.0, 4.0], 3.0) == 0.5
    assert error_rates.fnmr([1.0, 2.0, 3.0, 4.0], 3.0) == 0.5


def test_a_failure_to_acquire_is_an_error_of_the_mated_pair_only() -> None:
    """A pair without a score (-inf) is a false non-match and never a false match."""
    assert error_rates.fnmr([-np.inf, 5.0], -100.0) == 0.5
    assert error_rates.fmr([-np.inf, -200.0], -100.0) == 0.0


def test_hand_counted_fnmr_at_fmr() -> None:
    """One false match in ten is allowed: the threshold passes just the strongest impostor."""
    nonmated = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    threshold = error_rates.threshold_at_fmr(nonmated, 0.1)
    assert 8 < threshold <= 9
    assert error_rates.fnmr_at_fmr([7.5, 8.5, 9.5, 10.0], nonmated, 0.1) == 0.25


def test_ties_never_push_the_rate_over_its_target() -> None:
    """Equal impostor scores are refused together when passing them together would be too many."""
    threshold = error_rates.threshold_at_fmr([1.0, 1.0, 1.0, 0.0], 0.25)
    assert error_rates.fmr([1.0, 1.0, 1.0, 0.0], threshold) == 0.0


@given(SCORES, RATES)
def test_the_threshold_keeps_its_promise(nonmated: list[float], target: float) -> None:
    """No list of scores makes the measured FMR exceed the target."""
    threshold = error_rates.threshold_at_fmr(nonmated, target)
    assert error_rates.fmr(nonmated, threshold) <= target + 1e-9


@given(SCORES, RATES)
def test_the_threshold_is_the_lowest_that_does(nonmated: list[float], target: float) -> None:
    """The next lower score that occurs would break the target."""
    threshold = error_rates.threshold_at_fmr(nonmated, target)
    lower = [s for s in nonmated if s < threshold]
    if lower:
        assert error_rates.fmr(nonmated, max(lower)) > target


@given(SCORES, SCORES)
def test_det_is_monotone(mated: list[float], nonmated: list[float]) -> None:
    """With a rising threshold FMR falls and FNMR rises, from no refusal to nothing but refusals."""
    curve = error_rates.det_points(mated, nonmated)
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    assert curve.fnmr[0] == 0.0
    assert (curve.fmr[-1], curve.fnmr[-1]) == (0.0, 1.0)


@given(SCORES, SCORES)
def test_det_agrees_with_counting(mated: list[float], nonmated: list[float]) -> None:
    """Every point of the curve is what counting at its threshold gives."""
    curve = error_rates.det_points(mated, nonmated)
    for threshold, false_match, false_non_match in zip(*curve, strict=True):
        assert false_match == pytest.approx(error_rates.fmr(nonmated, threshold))
        assert false_non_match == pytest.approx(error_rates.fnmr(mated, threshold))


@given(SCORES, SCORES)
def test_auc_is_the_share_of_rightly_ordered_pairs(mated: list[float], nonmated: list[float]) -> None:
    """The rank formula equals comparing every mated with every non-mated score."""
    differences = np.subtract.outer(np.array(mated), np.array(nonmated))
    expected = np.mean((np.sign(differences) + 1) / 2)
    assert error_rates.roc_auc(mated, nonmated) == pytest.approx(expected)


@given(SCORES, SCORES)
def test_swapping_the_classes_mirrors_the_auc(mated: list[float], nonmated: list[float]) -> None:
    """AUC of the swapped lists is one minus the AUC."""
    there, back = error_rates.roc_auc(mated, nonmated), error_rates.roc_auc(nonmated, mated)
    assert there + back == pytest.approx(1.0)


def test_eer_of_separated_lists_is_zero() -> None:
    """When every mated score is above every other the equal error rate is 0."""
    assert error_rates.equal_error_rate([3.0, 4.0], [1.0, 2.0]) == 0.0


def test_eer_counted_by_hand() -> None:
    """One of four wrong on each side is an equal error rate of a quarter."""
    assert error_rates.equal_error_rate([1.0, 5.0, 6.0, 7.0], [2.0, 0.0, 0.5, 5.5]) == pytest.approx(0.25)


@given(SCORES, SCORES)
def test_no_threshold_beats_the_most_accurate(mated: list[float], nonmated: list[float]) -> None:
    """No score that occurs, used as a threshold, gives fewer errors."""

    def errors(threshold: float) -> float:
        false_matches = error_rates.fmr(nonmated, threshold) * len(nonmated)
        return false_matches + error_rates.fnmr(mated, threshold) * len(mated)

    best = error_rates.best_accuracy_threshold(mated, nonmated)
    assert errors(best) <= min(errors(t) for t in [*mated, *nonmated]) + 1e-6


@pytest.mark.parametrize("bad", [[], [float("nan")]])
def test_no_score_and_nan_are_refused(bad: list[float]) -> None:
    """An empty list and NaN raise instead of giving a rate."""
    with pytest.raises(ValueError, match="score"):
        error_rates.fmr(bad, 0.0)


def test_a_target_outside_the_unit_interval_is_refused() -> None:
    """A percentage passed as a rate raises."""
    with pytest.raises(ValueError, match="rate"):
        error_rates.threshold_at_fmr([1.0], 5.0)


@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=40),
    st.lists(st.integers(-4, 4), min_size=1, max_size=40),
)
def test_det_and_auc_agree_with_scikit_learn(mated: list[int], nonmated: list[int]) -> None:
    """With many ties: every point of scikit-learn's ROC curve lies on the DET curve, and the areas agree."""
    labels, scores = [1] * len(mated) + [0] * len(nonmated), mated + nonmated
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    curve = error_rates.det_points(mated, nonmated)
    assert curve.fmr[::-1] == pytest.approx(fpr, abs=1e-12)
    assert 1 - curve.fnmr[::-1] == pytest.approx(tpr, abs=1e-12)
    assert curve.thresholds[::-1].tolist() == thresholds.tolist()
    assert error_rates.roc_auc(mated, nonmated) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_a_failure_is_let_in_at_no_target() -> None:
    """Even a target of 1 gives a finite threshold, below every score and above a failure."""
    threshold = error_rates.threshold_at_fmr([-np.inf, -np.inf], 1.0)
    assert np.isfinite(threshold)
    assert error_rates.fmr([-np.inf, -1e300], threshold) == 0.5


def test_nan_is_no_threshold() -> None:
    """Nothing compares with NaN, which would read as no error: it raises."""
    with pytest.raises(ValueError, match="threshold"):
        error_rates.fmr([1.0], float("nan"))

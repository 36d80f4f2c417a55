"""Risk against coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics.abstention import area_under_risk_coverage, coverage_at_risk, risk_coverage

TRIALS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


def test_a_hand_made_curve() -> None:
    """Sure and right; two tied, one wrong; unsure and wrong; one never answered."""
    curve = risk_coverage([9.0, 5.0, 5.0, 1.0, -np.inf], np.array([False, True, False, True, True]))
    assert curve.confidences.tolist() == [9.0, 5.0, 1.0]
    assert curve.coverage == pytest.approx([0.2, 0.6, 0.8])
    assert curve.risk == pytest.approx([0.0, 1 / 3, 0.5])
    assert area_under_risk_coverage(curve) == pytest.approx((0.2 * 0 + 0.4 / 3 + 0.2 * 0.5) / 0.8)
    assert coverage_at_risk(curve, 0.4) == pytest.approx(0.6)
    assert coverage_at_risk(risk_coverage([1.0], np.array([True])), 0.5) == 0.0


@given(TRIALS)
def test_it_agrees_with_counting(trials: list[tuple[int, bool]]) -> None:
    """Each point is what answering at and above its confidence gives."""
    sure, wrong = (np.array(column) for column in zip(*trials, strict=True))
    for level, coverage, risk in zip(*risk_coverage(sure, wrong), strict=True):
        assert coverage == pytest.approx(np.mean(sure >= level), abs=1e-12)
        assert risk == pytest.approx(np.mean(wrong[sure >= level]), abs=1e-12)


def test_what_has_no_risk_is_refused() -> None:
    """Nothing answered, lengths that differ and NaN raise."""
    with pytest.raises(ValueError, match="nothing is answered"):
        risk_coverage([-np.inf], np.array([True]))
    with pytest.raises(ValueError, match="confidence"):
        risk_coverage([1.0], np.array([True, False]))
    with pytest.raises(ValueError, match="NaN"):
        risk_coverage([float("nan")], np.array([True]))

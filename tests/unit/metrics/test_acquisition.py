"""Failures to acquire and to enrol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics import acquisition, error_rates

RATE = st.floats(0, 1)


def test_hand_counted_failures() -> None:
    """One of four attempts without a score, two of five people without a template."""
    assert acquisition.fta([0.5, -np.inf, -3.0, 1.0]) == 0.25
    assert acquisition.fte(np.array([True, False, True, False, True])) == pytest.approx(0.4)


@given(
    st.lists(st.floats(-3, 3) | st.just(-np.inf), min_size=1, max_size=30).filter(lambda s: max(s) > -np.inf)
)
def test_the_project_fnmr_includes_failures(scores: list[float]) -> None:
    """FNMR of what was acquired, composed with FTA, is the FNMR that counts a failure as an error."""
    acquired = [score for score in scores if score > -np.inf]
    composed = acquisition.false_reject_rate(error_rates.fnmr(acquired, 0.0), fta=acquisition.fta(scores))
    assert composed == pytest.approx(error_rates.fnmr(scores, 0.0), abs=1e-12)


@given(RATE, RATE, RATE)
def test_composed_rates_are_products_of_getting_through(rate: float, fta: float, fte: float) -> None:
    """Genuine people get in who pass all three steps, impostors likewise."""
    through = (1 - fte) * (1 - fta)
    assert acquisition.false_reject_rate(rate, fta=fta, fte=fte) == pytest.approx(
        1 - through * (1 - rate), abs=1e-12
    )
    assert acquisition.false_accept_rate(rate, fta=fta, fte=fte) == pytest.approx(through * rate, abs=1e-12)


def test_what_is_no_failure_rate_is_refused() -> None:
    """No attempt, NaN, and a percentage raise."""
    with pytest.raises(ValueError, match="undefined"):
        acquisition.fta([])
    with pytest.raises(ValueError, match="NaN"):
        acquisition.fta([float("nan")])
    with pytest.raises(ValueError, match="rate"):
        acquisition.false_reject_rate(3.0, fta=0.0)

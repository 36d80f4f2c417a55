"""Rates of scores that come in chunks."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics import error_rates, streaming
from idv.metrics.streaming import Chunk

SCORE = st.sampled_from([-np.inf, -1e300, -1.0, -0.0, 0.0, 1e-310, 0.5, 1.0, 1e300]) | st.floats(-3, 3)
SCORES = st.lists(SCORE, min_size=1, max_size=40)


def chunked(mated: list[float], nonmated: list[float], size: int = 7) -> streaming.Source:
    """Both classes, mixed, in chunks of some rows; the last one is empty."""
    scores = np.array([*mated, *nonmated])
    genuine = np.arange(scores.size) < len(mated)
    order = np.random.default_rng(0).permutation(scores.size)

    def chunks() -> Iterator[Chunk]:
        for start in range(0, scores.size + size, size):
            rows = order[start : start + size]
            yield scores[rows], genuine[rows]

    return chunks


@given(SCORES, SCORES, st.lists(st.floats(-3, 3), min_size=1, max_size=5))
def test_rates_are_those_of_all_scores_at_once(
    mated: list[float], nonmated: list[float], thresholds: list[float]
) -> None:
    """At every threshold FMR and FNMR are exactly what error_rates counts."""
    found = streaming.rates_at(chunked(mated, nonmated)(), thresholds)
    for threshold, fmr, fnmr in zip(*found, strict=True):
        assert fmr == pytest.approx(error_rates.fmr(nonmated, threshold), abs=1e-12)
        assert fnmr == pytest.approx(error_rates.fnmr(mated, threshold), abs=1e-12)


@given(SCORES, st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]))
def test_the_threshold_is_that_of_all_scores_at_once(nonmated: list[float], target: float) -> None:
    """Found by counting bits, also among failures, zeros of both signs and the smallest numbers."""
    found = streaming.threshold_at_fmr(chunked([1.0], nonmated), target)
    assert found == error_rates.threshold_at_fmr(nonmated, target)


def test_more_ties_than_are_collected_are_counted_to_the_last_bit() -> None:
    """1,200,000 equal scores are never all held: the search goes on to the last bit."""
    tied, few = np.full(400_000, 0.25), np.array([0.25, 0.5, np.nextafter(0.25, 1)])

    def chunks() -> Iterator[Chunk]:
        for _ in range(3):
            yield tied, np.zeros(tied.size, bool)
        yield few, np.zeros(few.size, bool)
        yield few, np.ones(few.size, bool)

    assert streaming.threshold_at_fmr(chunks, 1 / 1_200_003) == np.nextafter(few[2], 1)
    assert streaming.threshold_at_fmr(chunks, 2 / 1_200_003) == few[2]
    assert streaming.fnmr_at_fmr(chunks, 2 / 1_200_003) == 1 / 3


@given(SCORES, SCORES)
def test_every_point_of_the_curve_is_exact(mated: list[float], nonmated: list[float]) -> None:
    """The curve begins at the lowest score and ends beyond the highest; each point is counted."""
    if (
        not np.isfinite([*mated, *nonmated]).any()
        or max(np.abs([s for s in mated + nonmated if np.isfinite(s)])) > 3
    ):
        return
    curve = streaming.det_points(chunked(mated, nonmated), points=6)
    assert curve.fmr[-1] == 0
    for threshold, fmr, fnmr in zip(*curve, strict=True):
        assert fmr == pytest.approx(error_rates.fmr(nonmated, threshold), abs=1e-12)
        assert fnmr == pytest.approx(error_rates.fnmr(mated, threshold), abs=1e-12)


def test_what_has_no_rate_is_refused() -> None:
    """A class that never comes, NaN in a later chunk, a percentage and no threshold raise."""
    with pytest.raises(ValueError, match="each class"):
        streaming.rates_at(chunked([1.0], [])(), [0.0])
    with pytest.raises(ValueError, match="score"):
        streaming.threshold_at_fmr(chunked([1.0], []), 0.1)
    with pytest.raises(ValueError, match="NaN"):
        streaming.rates_at(chunked([1.0] * 9, [float("nan")])(), [0.0])
    with pytest.raises(ValueError, match="rate"):
        streaming.threshold_at_fmr(chunked([1.0], [1.0]), 5.0)
    with pytest.raises(ValueError, match="threshold"):
        streaming.rates_at(chunked([1.0], [1.0])(), [])
    with pytest.raises(ValueError, match="points"):
        streaming.det_points(chunked([1.0], [1.0]), points=1)
    with pytest.raises(ValueError, match="score"):
        streaming.det_points(chunked([-np.inf], [-np.inf]))

"""FNMR@FMR of resamples without copying rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from idv.metrics import error_rates
from idv.metrics.rate_at_rate import RateAtRate
from idv.metrics.resampling import multiplicities, subjects_of

ROW = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(-3, 3), st.booleans())
TARGETS = [0.0, 0.01, 0.1, 0.25, 0.5, 1.0]


@settings(max_examples=80)
@given(st.lists(ROW, min_size=2, max_size=60), st.integers(0, 1000))
def test_it_equals_copying_rows_and_sorting_again(rows: list[tuple[int, int, int, bool]], seed: int) -> None:
    """On the same multiplicities the rate is that of the copied table, also tied, tiny, with failures."""
    a, b, level, failed = (np.array(column) for column in zip(*rows, strict=True))
    genuine = a == b
    if genuine.all() or not genuine.any():
        return
    score = np.where(failed & (level == 0), -np.inf, level.astype(float))
    subjects = subjects_of(a, b)
    table = RateAtRate(score, genuine, subjects, targets=TARGETS)
    drawn = next(multiplicities(subjects.count, resamples=6, seed=seed))
    for column, rates in zip(drawn.T.astype(int), table.resampled(drawn).rates, strict=True):
        weights = np.where(genuine, column[subjects.a], column[subjects.a] * column[subjects.b])
        copies = np.repeat(np.arange(score.size), weights)
        mated, others = score[copies][genuine[copies]], score[copies][~genuine[copies]]
        if mated.size == 0 or others.size == 0:
            assert np.isnan(rates).all()
        else:
            expected = [error_rates.fnmr_at_fmr(mated, others, target) for target in TARGETS]
            assert rates == pytest.approx(expected, abs=1e-12)


def test_it_equals_a_weighted_roc_curve() -> None:
    """Against scikit-learn's curve with the weights as sample weights, over more than one chunk."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 200, 20_000), rng.integers(0, 200, 20_000)
    b[:6000] = a[:6000]
    genuine = a == b
    score = rng.normal(size=a.size) + genuine
    subjects = subjects_of(a, b)
    drawn = next(multiplicities(subjects.count, resamples=5, seed=0))
    rates = RateAtRate(score, genuine, subjects, targets=[0.03, 0.6]).resampled(drawn).rates
    for column, found in zip(drawn.T.astype(int), rates, strict=True):
        weights = np.where(genuine, column[subjects.a], column[subjects.a] * column[subjects.b])
        fmr, tmr, _ = roc_curve(genuine, score, sample_weight=weights, drop_intermediate=False)
        expected = [1 - tmr[np.searchsorted(fmr, t + 1e-12, side="right") - 1] for t in (0.03, 0.6)]
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_estimate_is_the_plain_rate() -> None:
    """Every subject once is the table as it is."""
    mated, others = [1.0, 3.0, 4.0, -np.inf], [0.0, 1.0, 2.0, 3.5]
    table = RateAtRate(
        mated + others, [True] * 4 + [False] * 4, subjects_of(range(8), range(8)), targets=[0.25, 1.0]
    )
    expected = [error_rates.fnmr_at_fmr(mated, others, target) for target in (0.25, 1.0)]
    assert table.estimate().tolist() == expected == [0.5, 0.25]


@pytest.mark.parametrize(
    ("score", "genuine", "target", "reason"),
    [
        ([1.0, 2.0], [True, True], 0.1, "both classes"),
        ([1.0, np.nan], [True, False], 0.1, "NaN"),
        ([1.0, 2.0, 3.0], [True, False, True], 0.1, "length"),
        ([1.0, 2.0], [True, False], 5.0, "rate"),
    ],
)
def test_what_has_no_rate_is_refused(
    score: list[float], genuine: list[bool], target: float, reason: str
) -> None:
    """One class, NaN, lengths that differ and a percentage raise with the reason."""
    with pytest.raises(ValueError, match=reason):
        RateAtRate(score, genuine, subjects_of([1, 2], [1, 2]), targets=[target])

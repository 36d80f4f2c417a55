"""Drawing subjects: weights and totals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.metrics.resampling import Rows, multiplicities, running_totals, subjects_of

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)


def test_subjects_are_numbered_among_both_columns() -> None:
    """A subject has one number whichever side it stands on, also a negative one and a name."""
    numbered = subjects_of([7, -2, 7], [7, 7, 40])
    assert numbered.count == 3
    assert (numbered.a.tolist(), numbered.b.tolist()) == ([1, 0, 1], [1, 1, 2])
    named = subjects_of(["b", "a"], ["b", "b"])
    assert (named.a.tolist(), named.b.tolist()) == ([1, 0], [1, 1])


def test_far_apart_numbers_are_numbered_alike() -> None:
    """Numbers too far apart for a table get the same positions by sorting."""
    assert subjects_of([10**15, 5], [10**15, 5]).a.tolist() == [1, 0]


@pytest.mark.parametrize(("a", "b"), [([], []), ([1], [1, 2])])
def test_rows_without_two_subjects_are_refused(a: list[int], b: list[int]) -> None:
    """No rows, or subjects missing on one side, raise."""
    with pytest.raises(ValueError, match="subjects"):
        subjects_of(a, b)


def test_every_resample_draws_as_many_as_there_are() -> None:
    """Each column sums to the number of subjects; the number of columns is what was asked for."""
    blocks = list(multiplicities(5, resamples=300, seed=1))
    assert sum(block.shape[1] for block in blocks) == 300
    assert all((block.sum(axis=0, dtype=int) == 5).all() for block in blocks)


def test_draws_are_multinomial() -> None:
    """Mean 1 and variance 1 - 1/S over many resamples, by the multinomial's moments."""
    counts = np.concatenate([b.astype(float) for b in multiplicities(8, resamples=20_000, seed=2)], axis=1)
    assert counts.mean(axis=1) == pytest.approx(np.ones(8), abs=0.04)
    assert counts.var(axis=1) == pytest.approx(np.full(8, 7 / 8), abs=0.05)


def test_one_seed_draws_alike() -> None:
    """The same seed gives the same draws, another seed others."""
    first, again, other = (next(multiplicities(9, resamples=4, seed=seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_many_subjects_come_in_narrow_blocks() -> None:
    """With two million subjects no block holds more than a few resamples; all together are as asked for."""
    widths = [block.shape[1] for block in multiplicities(2_000_000, resamples=6, seed=0)]
    assert max(widths) <= 4
    assert sum(widths) == 6


def test_no_resample_is_refused() -> None:
    """A bootstrap of nothing raises."""
    with pytest.raises(ValueError, match="resample"):
        next(multiplicities(3, resamples=0, seed=0))


@settings(max_examples=60)
@given(PAIRS, st.booleans())
def test_totals_are_the_sums_of_weights(pairs: list[tuple[int, int]], large: bool) -> None:  # noqa: FBT001 - Hypothesis
    """For one-subject, two-subject and mixed rows the total is the sum of m[a] or m[a] · m[b]."""
    subjects = subjects_of(*np.array(pairs).T)
    drawn = next(multiplicities(subjects.count, resamples=7, seed=5))
    drawn = drawn.astype(np.float64) * 100 if large else drawn
    rows = Rows(subjects.a, subjects.b)
    m = drawn.astype(np.float64)
    expected = np.where((subjects.a == subjects.b)[:, None], m[subjects.a], m[subjects.a] * m[subjects.b])
    assert np.array_equal(rows.weights(drawn, 0, len(rows)).astype(np.float64), expected)
    assert np.array_equal(rows.totals(drawn), expected.sum(axis=0))
    assert np.array_equal(running_totals(rows.weights(drawn, 0, len(rows))), np.cumsum(expected, axis=0).T)


def test_totals_of_sparse_pairs_are_exact() -> None:
    """Too few pairs of many people for a matrix: gathered in chunks, and still the exact sum."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3000, 20_000), rng.integers(0, 3000, 20_000)
    subjects = subjects_of(a, b)
    drawn = next(multiplicities(subjects.count, resamples=3, seed=1))
    m = drawn.astype(np.int64)
    expected = np.where((subjects.a == subjects.b)[:, None], m[subjects.a], m[subjects.a] * m[subjects.b])
    assert np.array_equal(Rows(subjects.a, subjects.b).totals(drawn), expected.sum(axis=0))

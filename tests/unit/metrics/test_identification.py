"""One-to-many search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics import identification

TABLES = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.tuples(st.lists(st.integers(0, 4), min_size=width, max_size=width), st.integers(0, width - 1)),
        min_size=1,
        max_size=12,
    )
)
# Four searches of enrolled people in a gallery of three.
SCORES = [[9.0, 1.0, 2.0], [5.0, 6.0, 1.0], [4.0, 4.0, 0.0], [0.0, 7.0, 8.0]]
MATE = [0, 0, 1, 1]


def test_a_hand_made_table() -> None:
    """Found first, second, tied (so second), second."""
    found = identification.mates(SCORES, MATE)
    assert found.score.tolist() == [9.0, 5.0, 4.0, 7.0]
    assert found.rank.tolist() == [1, 2, 2, 2]
    assert identification.rank_one(*found) == 0.25
    assert identification.fnir(*found, 5.0) == 0.25
    assert identification.fnir(*found, 5.0, rank=1) == 0.75
    assert identification.fpir([3.0, 5.0, 8.0, 1.0], 5.0) == 0.5
    assert identification.fnir_at_fpir(*found, [3.0, 5.0, 8.0, 1.0], 0.25) == 0.5


@given(TABLES)
def test_ranks_agree_with_sorting(rows: list[tuple[list[int], int]]) -> None:
    """The rank is the place of the mate when it stands last among its equals."""
    scores, mate = zip(*rows, strict=True)
    found = identification.mates(np.array(scores, dtype=float), mate)
    for row, column, rank in zip(scores, mate, found.rank.tolist(), strict=True):
        ordered = sorted(row, reverse=True)
        assert rank == len(ordered) - ordered[::-1].index(row[column])


def test_a_mate_beyond_the_candidate_list_is_not_found() -> None:
    """Rank 0 and a failed search are misses at every threshold."""
    assert identification.fnir([5.0, -np.inf], [0, 1], -np.inf) == 1.0
    assert identification.rank_one([5.0, -np.inf], [0, 1]) == 0.0


def test_the_threshold_keeps_its_promise() -> None:
    """A quarter of four unenrolled searches may raise an alarm."""
    threshold = identification.threshold_at_fpir([1.0, 2.0, 3.0, 4.0], 0.25)
    assert identification.fpir([1.0, 2.0, 3.0, 4.0], threshold) == 0.25


def test_what_is_no_search_is_refused() -> None:
    """Shapes that do not fit, rank 0 as a limit, NaN, and no search raise."""
    with pytest.raises(ValueError, match="search"):
        identification.mates([[1.0, 2.0]], [0, 1])
    with pytest.raises(ValueError, match="ranks"):
        identification.fnir([1.0], [1], 0.0, rank=0)
    with pytest.raises(ValueError, match="threshold"):
        identification.fnir([1.0], [1], float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        identification.rank_one([float("nan")], [1])
    with pytest.raises(ValueError, match="undefined"):
        identification.rank_one([], [])

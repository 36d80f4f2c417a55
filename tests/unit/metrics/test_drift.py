"""Live values against those of a reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from idv.metrics import drift

COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=8)
# Two at least: SciPy divides by zero on one against one.
TIED = st.lists(st.integers(-5, 5), min_size=2, max_size=60)


def test_a_hand_made_index() -> None:
    """Counts 9.5 and 0.5 of 10 against the reverse: 2 · 0.9 · ln 19, with half a count added."""
    assert drift.psi_of_counts([9, 0], [0, 9]) == pytest.approx(2 * 0.9 * np.log(19), abs=1e-12)
    assert drift.psi_of_counts([5, 5, 0], [50, 50, 0]) == pytest.approx(0.0, abs=1e-12)


@given(COUNTS)
def test_the_index_is_a_symmetric_divergence(counts: list[tuple[int, int]]) -> None:
    """Against SciPy: the sum of both relative entropies, the same either way, never negative."""
    before, now = np.array(counts, dtype=float).T
    if before.sum() == 0 or now.sum() == 0:
        return
    kept = before + now > 0
    p, q = before[kept] + 0.5, now[kept] + 0.5
    expected = stats.entropy(p, q) + stats.entropy(q, p)
    assert drift.psi_of_counts(before, now) == pytest.approx(expected, abs=1e-12)
    assert drift.psi_of_counts(now, before) == pytest.approx(expected, abs=1e-12)


def test_an_index_sees_a_shift_and_a_growing_silence() -> None:
    """Ten bins of the reference's quantiles: nothing for itself, much for a shift and for lost answers."""
    scores = np.arange(1000.0)
    assert drift.psi(scores, scores) == pytest.approx(0.0, abs=1e-12)
    assert drift.psi(scores, scores + 300) > 0.25
    silent = np.where(np.arange(1000) % 3 == 0, -np.inf, scores)
    assert drift.psi(scores, silent) > 0.25
    assert drift.psi([-np.inf, -np.inf], [-np.inf, 1.0]) > 0


@settings(max_examples=40)
@given(TIED, TIED)
def test_ks_agrees_with_scipy(reference: list[int], live: list[int]) -> None:
    """Statistic as SciPy's, with ties; p-value by the limit distribution as SciPy computes it."""
    found = drift.ks(reference, live)
    expected = stats.ks_2samp(reference, live, method="asymp").statistic
    effective = len(reference) * len(live) / (len(reference) + len(live))
    assert found.statistic == pytest.approx(expected, abs=1e-12)
    assert found.p_value == pytest.approx(special.kolmogorov(np.sqrt(effective) * expected), abs=1e-12)


@given(st.floats(0, 5))
def test_kolmogorovs_tail_agrees_with_scipy(x: float) -> None:
    """On both sides of the place where the series changes."""
    assert drift.kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), abs=1e-12)


def test_strangers_are_novel() -> None:
    """A direction the reference does not hold is far from all of it; its own members are near."""
    reference = np.array([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0], [1.0, 0.0, 0.1], [2.0, 0.1, 0.1]])
    found = drift.novelty(reference, [[0.0, 0.0, 1.0], [3.0, 0.0, 0.0]], beyond=0.25)
    assert found.distances == pytest.approx([1 - 0.1 / np.sqrt(1.01), 0.0])
    assert found.share == 0.5


def test_novelty_agrees_with_all_distances() -> None:
    """In blocks or at once: the least cosine distance; the limit is a quantile of the reference's own."""
    rng = np.random.default_rng(1)
    reference, live = rng.normal(size=(2500, 3)), rng.normal(size=(1800, 3))
    found = drift.novelty(reference, live, beyond=0.1)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (reference, live)]
    assert found.distances == pytest.approx(1 - (unit[1] @ unit[0].T).max(axis=1), abs=1e-12)
    own = unit[0] @ unit[0].T
    np.fill_diagonal(own, -2)
    assert np.mean(1 - own.max(axis=1) > found.limit) == pytest.approx(0.1, abs=1e-3)
    assert found.share == pytest.approx(np.mean(found.distances > found.limit))


def test_what_cannot_be_compared_is_refused() -> None:
    """No scores, no counts, one bin, other categories, zero embeddings and other widths raise."""
    with pytest.raises(ValueError, match="scores"):
        drift.ks([], [1.0])
    with pytest.raises(ValueError, match="both sides"):
        drift.psi_of_counts([0, 0], [1, 0])
    with pytest.raises(ValueError, match="categories"):
        drift.psi_of_counts([1], [1, 0])
    with pytest.raises(ValueError, match="two bins"):
        drift.psi([1.0], [1.0], bins=1)
    with pytest.raises(ValueError, match="zero"):
        drift.novelty([[1.0], [2.0]], [[0.0]])
    with pytest.raises(ValueError, match="wide"):
        drift.novelty([[1.0], [2.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="share"):
        drift.novelty([[1.0], [2.0]], [[1.0]], beyond=5)

"""Intervals over subjects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.metrics import bootstrap
from idv.metrics.intervals import student_t_quantile, wilson_of_rate
from idv.metrics.paired import mcnemar
from idv.metrics.resampling import multiplicities, subjects_of

WRONG = st.lists(st.booleans(), min_size=2, max_size=60)


@settings(max_examples=40)
@given(WRONG)
def test_it_holds_the_estimate(wrong: list[bool]) -> None:
    """The interval lies in [0, 1] and holds the observed share."""
    people = np.arange(len(wrong)) // 2
    if people.max() == 0:
        return
    interval = bootstrap.rate_interval(wrong, people, people, resamples=50)
    assert 0 <= interval.low <= np.mean(wrong) <= interval.high <= 1


def test_independent_trials_get_wilsons_interval() -> None:
    """One trial a subject: Wilson's interval with Student's t, up to the bootstrap's own noise."""
    wrong = np.arange(400) < 40
    interval = bootstrap.rate_interval(wrong, np.arange(400), np.arange(400), resamples=4000)
    expected = wilson_of_rate(0.1, 400, z=student_t_quantile(0.975, 399))
    assert interval.low == pytest.approx(expected.low, abs=2e-3)
    assert interval.high == pytest.approx(expected.high, abs=2e-3)


def test_trials_that_hang_together_widen_it() -> None:
    """Ten copies of each subject's trial tell no more than one: the interval stays as wide."""
    wrong, people = np.arange(60) < 9, np.arange(60)
    once = bootstrap.rate_interval(wrong, people, people)
    tenfold = bootstrap.rate_interval(np.repeat(wrong, 10), np.repeat(people, 10), np.repeat(people, 10))
    assert tenfold.low == pytest.approx(once.low, abs=5e-3)
    assert tenfold.high == pytest.approx(once.high, abs=5e-3)


def test_no_error_still_leaves_doubt_over_subjects() -> None:
    """Without an error the bound is that of as many trials as there are subjects, not of all trials."""
    people = np.repeat(np.arange(50), 20)
    interval = bootstrap.rate_interval(np.zeros(1000, bool), people, people)
    assert interval.low == 0.0
    assert interval.high == pytest.approx(wilson_of_rate(0, 50, z=student_t_quantile(0.975, 49)).high)


def test_comparisons_of_one_wolf_widen_it() -> None:
    """The same number of false matches is less certain when one person is part of all of them."""
    a, b = np.triu_indices(40, 1)
    spread = np.zeros(a.size, bool)
    spread[::20] = True
    wolf = a == 0
    assert wolf.sum() == spread.sum() == 39
    apart, together = (bootstrap.rate_interval(w, a, b) for w in (spread, wolf))
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_replicates_are_the_means_of_the_copied_rows() -> None:
    """Each replicate is the mean of the rows copied as often as the product of the counts says."""
    values = np.array([1.0, 0.0, -1.0, 1.0])
    subjects = subjects_of([0, 0, 1, 2], [0, 1, 2, 2])
    replicates = bootstrap.mean_replicates(values, subjects, resamples=30, seed=8)
    drawn = next(multiplicities(3, resamples=30, seed=8)).astype(int)
    expected = []
    for m in drawn.T:
        copies = np.repeat(values, [m[0], m[0] * m[1], m[1] * m[2], m[2]])
        expected += [copies.mean()] if copies.size else []
    assert replicates == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40), st.integers(0, 40))
def test_pairs_add_what_summing_over_them_gives(pairs: list[tuple[int, int]], accepted: int) -> None:
    """The variance of pairs by runs of sorted keys equals summing each pair's residuals one by one."""
    subjects = subjects_of(*np.array(pairs).T)
    number = min(accepted, len(pairs))
    wrong = (np.arange(len(pairs)) < number).astype(float)
    residuals = wrong - wrong.mean()
    by_pair: dict[tuple[int, int], float] = {}
    for (a, b), residual in zip(pairs, residuals.tolist(), strict=True):
        by_pair[min(a, b), max(a, b)] = by_pair.get((min(a, b), max(a, b)), 0.0) + residual
    expected = sum(total**2 for (a, b), total in by_pair.items() if a != b) / len(pairs) ** 2
    assert bootstrap._pair_variance(residuals, subjects) == pytest.approx(expected, abs=1e-12)
    assert bootstrap._pair_variances(np.array([number]), subjects) == pytest.approx([expected], abs=1e-12)


def test_the_same_seed_gives_the_same_interval() -> None:
    """An interval can be computed again."""
    wrong, people = np.arange(30) % 4 == 0, np.arange(30) // 2
    first, again = (bootstrap.rate_interval(wrong, people, people, seed=5) for _ in range(2))
    assert first == again


def test_the_threshold_adds_its_own_doubt() -> None:
    """FNMR at an FMR is less certain than FNMR at the threshold found, taken as given."""
    rng = np.random.default_rng(4)
    mated, others = rng.normal(2, 1, 400), rng.normal(0, 1, 400)
    people = np.arange(800)
    score, genuine = np.concatenate([mated, others]), np.arange(800) < 400
    chosen = bootstrap.rate_at_rate_interval(score, genuine, people, people, target=0.05)
    cut = np.sort(others)[-21]
    fixed = bootstrap.rate_interval(mated <= cut, people[:400], people[:400])
    assert chosen.high - chosen.low > 1.2 * (fixed.high - fixed.low)
    assert chosen.low < np.mean(mated <= cut) < chosen.high


def test_a_band_is_the_intervals_at_its_grid() -> None:
    """Each point of the band is the interval of the rate at that target."""
    rng = np.random.default_rng(5)
    score, genuine = rng.normal(size=120) + (np.arange(120) < 60), np.arange(120) < 60
    people = np.arange(120) // 3
    low, high = bootstrap.det_band(score, genuine, people, people, [0.1, 0.3], resamples=60)
    for k, target in enumerate((0.1, 0.3)):
        one = bootstrap.rate_at_rate_interval(score, genuine, people, people, target=target, resamples=60)
        assert (low[k], high[k]) == pytest.approx((one.low, one.high), abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
@settings(max_examples=40)
def test_without_clusters_the_p_value_is_mcnemars(wrong: list[tuple[bool, bool]]) -> None:
    """One trial a subject: exactly McNemar's test of the discordant trials."""
    a, b = np.array(wrong).T
    people = np.arange(a.size)
    found = bootstrap.paired_difference(a, b, people, people, resamples=20)
    assert found.difference == pytest.approx(b.mean() - a.mean())
    assert found.p_value == pytest.approx(mcnemar(int((a & ~b).sum()), int((b & ~a).sum())), abs=1e-12)


def test_swapping_the_candidates_mirrors_the_difference() -> None:
    """B minus A is the negative of A minus B, with the interval mirrored and the p-value as it was."""
    rng = np.random.default_rng(6)
    a, b = rng.random(200) < 0.2, rng.random(200) < 0.3
    first, second = rng.integers(0, 30, 200), rng.integers(0, 30, 200)
    there = bootstrap.paired_difference(a, b, first, second)
    back = bootstrap.paired_difference(b, a, first, second)
    assert back.difference == pytest.approx(-there.difference, abs=1e-12)
    assert (back.interval.low, back.interval.high) == pytest.approx(
        (-there.interval.high, -there.interval.low), abs=1e-12
    )
    assert back.p_value == pytest.approx(there.p_value, abs=1e-12)
    assert there.p_worse < back.p_worse


def test_one_persons_errors_prove_little() -> None:
    """Twenty new errors of one subject are one observation, of twenty subjects they are proof."""
    before, after = np.zeros(100, bool), np.arange(100) < 20
    apart = bootstrap.paired_difference(before, after, np.arange(100), np.arange(100))
    one = np.maximum(np.arange(100) - 19, 0)
    together = bootstrap.paired_difference(before, after, one, one)
    assert apart.p_value < 1e-5
    assert together.p_value == 1.0
    assert together.p_worse == 0.5


def test_candidates_that_agree_do_not_differ() -> None:
    """No discordant trial: difference 0 and p-value 1."""
    wrong, people = np.arange(50) < 5, np.arange(50)
    found = bootstrap.paired_difference(wrong, wrong, people, people)
    assert (found.difference, found.p_value, found.p_worse) == (0.0, 1.0, 1.0)
    assert (found.interval.low, found.interval.high) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "people", "reason"),
    [
        ([], [], "subjects"),
        ([True], [1, 2], "trials"),
        ([0.5, 1.0], [1, 2], "wrong"),
        ([True, False], [1, 1], "two"),
    ],
)
def test_what_has_no_interval_is_refused(wrong: list[float], people: list[int], reason: str) -> None:
    """No trials, lengths that differ, shares taken for errors, and a single subject raise."""
    with pytest.raises(ValueError, match=reason):
        bootstrap.rate_interval(wrong, people, people)

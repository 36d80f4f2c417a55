"""What every metric must do; ADDING_A_METRIC.md says how a new one joins."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from idv.metrics import (
    abstention,
    acquisition,
    calibration,
    documents,
    drift,
    error_rates,
    identification,
    presentation,
    streaming,
)

Scores = NDArray[np.float64]
_SPECIES = ("print", "screen", "mask")


@dataclass(frozen=True)
class Metric:
    """One number from the scores of genuine trials and of the others.

    `by_order`: depends on the order of the scores only. `by_share`: every trial twice changes nothing.
    `uses`: which classes it is undefined without.
    """

    name: str
    compute: Callable[[Scores, Scores], float]
    low: float = 0.0
    high: float = 1.0
    by_order: bool = True
    by_share: bool = True
    uses: tuple[str, ...] = ("genuine", "others")

    def __str__(self) -> str:
        return self.name


def _probability(scores: Scores) -> Scores:
    return np.clip(scores / 100 + 0.5, 0, 1)


def _both(genuine: Scores, others: Scores) -> tuple[Scores, NDArray[np.bool_]]:
    scores = np.concatenate([genuine, others])
    return scores, np.arange(scores.size) < genuine.size


def _chunked(genuine: Scores, others: Scores) -> streaming.Source:
    scores, kinds = _both(genuine, others)
    return lambda: [(scores[:3], kinds[:3]), (scores[3:], kinds[3:])]


def _ece(genuine: Scores, others: Scores) -> float:
    scores, kinds = _both(genuine, others)
    return calibration.ece(_probability(scores), kinds)


def _area(genuine: Scores, others: Scores) -> float:
    scores, kinds = _both(genuine, others)
    return abstention.area_under_risk_coverage(abstention.risk_coverage(scores, ~kinds))


METRICS = (
    Metric("fmr", lambda g, o: error_rates.fmr(o, g.max())),
    Metric("fnmr", lambda g, o: error_rates.fnmr(g, o.max())),
    Metric("fnmr_at_fmr", lambda g, o: error_rates.fnmr_at_fmr(g, o, 0.2)),
    Metric("fta", lambda g, _: acquisition.fta(g), uses=("genuine",)),
    Metric("equal_error_rate", error_rates.equal_error_rate),
    Metric("roc_auc", error_rates.roc_auc),
    Metric("streamed fnmr_at_fmr", lambda g, o: streaming.fnmr_at_fmr(_chunked(g, o), 0.2)),
    Metric("max_apcer", lambda g, o: presentation.max_apcer(o, np.zeros(o.size, int), _SPECIES, g.max())),
    Metric("bpcer", lambda g, o: presentation.bpcer(g, o.max())),
    Metric("bpcer_at_apcer", lambda g, o: presentation.bpcer_at_apcer(g, o, np.zeros(o.size, int), 0.2)),
    Metric("apnrr", lambda _, o: presentation.apnrr(o), uses=("others",)),
    Metric("bpnrr", lambda g, _: presentation.bpnrr(g), uses=("genuine",)),
    Metric("max_dfar", lambda g, o: documents.max_dfar(o, np.zeros(o.size, int), _SPECIES, g.max())),
    Metric("dfrr", lambda g, o: documents.dfrr(g, o.max())),
    Metric("dfrr_at_dfar", lambda g, o: documents.dfrr_at_dfar(g, o, np.zeros(o.size, int), 0.2)),
    Metric("fpir", lambda g, o: identification.fpir(o, g.max())),
    Metric("fnir", lambda g, o: identification.fnir(g, np.ones(g.size), o.max())),
    Metric("fnir_at_fpir", lambda g, o: identification.fnir_at_fpir(g, np.ones(g.size), o, 0.2)),
    Metric("rank_one", lambda g, o: identification.rank_one(g, 1 + (g < o.max())), uses=("genuine",)),
    Metric("min_cllr", calibration.min_cllr),
    Metric("cllr", calibration.cllr, high=math.inf, by_order=False),
    Metric("ece", _ece, by_order=False, uses=()),
    Metric("risk", _area, uses=()),
    Metric("ks", lambda g, o: drift.ks(g, o).statistic),
    Metric("psi", drift.psi, high=math.inf, by_share=False),
)


# Whole numbers, so that cubing them is exact and makes no new ties.
SCORES = st.lists(st.integers(-20, 20), min_size=2, max_size=30).map(lambda v: np.array(v, dtype=np.float64))
every = pytest.mark.parametrize("metric", METRICS, ids=str)


@every
@settings(max_examples=25)
@given(SCORES, SCORES)
def test_it_stays_in_its_range(metric: Metric, genuine: Scores, others: Scores) -> None:
    """No scores push a metric out of the range its documentation states, and none gives NaN."""
    assert metric.low <= metric.compute(genuine, others) <= metric.high


@pytest.mark.parametrize("metric", [m for m in METRICS if m.by_order], ids=str)
@settings(max_examples=25)
@given(SCORES, SCORES)
def test_only_the_order_of_scores_counts(metric: Metric, genuine: Scores, others: Scores) -> None:
    """A strictly rising map of all scores leaves what is about order as it was."""
    there = metric.compute(genuine, others)
    assert metric.compute(genuine**3 + 5, others**3 + 5) == pytest.approx(there, abs=1e-12)


@every
@settings(max_examples=25)
@given(SCORES, SCORES, st.integers(0, 99))
def test_the_order_of_trials_does_not_count(
    metric: Metric, genuine: Scores, others: Scores, seed: int
) -> None:
    """Shuffled trials give the same number."""
    there = metric.compute(genuine, others)
    rng = np.random.default_rng(seed)
    shuffled = metric.compute(rng.permutation(genuine), rng.permutation(others))
    assert shuffled == pytest.approx(there, abs=1e-12)


@pytest.mark.parametrize("metric", [m for m in METRICS if m.by_share], ids=str)
@settings(max_examples=25)
@given(SCORES, SCORES)
def test_every_trial_twice_changes_nothing(metric: Metric, genuine: Scores, others: Scores) -> None:
    """A rate is a share: doubling every trial leaves it as it was."""
    there = metric.compute(genuine, others)
    assert metric.compute(np.tile(genuine, 2), np.tile(others, 2)) == pytest.approx(there, abs=1e-12)


@every
def test_all_scores_tied_is_no_special_case(metric: Metric) -> None:
    """Where every trial has the same score the metric is still a number in its range."""
    assert metric.low <= metric.compute(np.ones(4), np.ones(3)) <= metric.high


@every
@pytest.mark.parametrize("missing", ["genuine", "others", "both"])
def test_an_absent_class_raises(metric: Metric, missing: str) -> None:
    """Undefined raises, with a reason, wherever the class that is absent is needed."""
    if missing != "both" and missing not in metric.uses:
        return
    genuine = np.empty(0) if missing in ("genuine", "both") else np.arange(3.0)
    others = np.empty(0) if missing in ("others", "both") else np.arange(3.0)
    with pytest.raises(ValueError, match=r"\w"):
        metric.compute(genuine, others)


@every
def test_nan_raises(metric: Metric) -> None:
    """NaN is refused on either side that counts, never passed on."""
    bad, good = np.array([1.0, np.nan, 2.0]), np.array([0.0, 1.0, 2.0])
    if "genuine" in metric.uses or not metric.uses:
        with pytest.raises(ValueError, match=r"\w"):
            metric.compute(bad, good)
    if "others" in metric.uses or not metric.uses:
        with pytest.raises(ValueError, match=r"\w"):
            metric.compute(good, bad)

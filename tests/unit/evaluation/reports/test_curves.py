"""Facts about curves: thinned points are exact, bands enclose them, histograms hold every score."""

import numpy as np
import pytest

from idv.domain.results import CheckName
from idv.evaluation.reports.curves import det_curves, histogram
from idv.evaluation.reports.figures import Resampling
from idv.metrics.error_rates import det_points
from tests.unit.evaluation.reports.made_runs import face_run, liveness_run, liveness_trials, matching_trials

FACE, LIVE = CheckName.FACE_MATCH, CheckName.LIVENESS
QUICK = Resampling(resamples=40)


def test_every_point_of_a_long_thinned_curve_lies_on_the_full_one() -> None:
    """Of 20,000 scores less than a thousand thresholds are drawn, each of them exactly."""
    rng = np.random.default_rng(1)
    mated, nonmated = rng.normal(3, 1, 4_000), rng.normal(0, 1, 16_000)
    trials = matching_trials(mated=mated.tolist(), nonmated=nonmated.tolist())
    drawn = det_curves(FACE, trials, QUICK)
    full = det_points(mated, nonmated)
    known = set(zip(full.fmr.tolist(), full.fnmr.tolist(), strict=True))
    (curve,) = drawn.curves
    assert len(curve.points) < 1_000
    rounded = {(round(x, 12), round(y, 12)) for x, y in known}
    assert {(round(p.x, 12), round(p.y, 12)) for p in curve.points} <= rounded
    assert (drawn.x_name, drawn.y_name) == ("FMR", "FNMR")


def test_the_band_lies_around_the_curve() -> None:
    """At a rate on the grid the curve's own value is inside its interval."""
    run = face_run()
    (curve,) = det_curves(FACE, run.table.trials(), QUICK).curves
    assert curve.band
    for place in curve.band:
        below = [p.y for p in curve.points if p.x <= place.x]
        assert place.low - 1e-9 <= min(below) <= place.high + 1e-9


def test_the_curve_that_counts_is_the_worst_species_at_each_threshold() -> None:
    """No species lies to the right of it."""
    trials = liveness_run(count=400).table.trials()
    worst, *species = det_curves(LIVE, trials, QUICK).curves
    assert [curve.group for curve in species] == ["print", "screen"]
    for curve in species:
        for point in curve.points:
            assert any(p.y == point.y and p.x >= point.x for p in worst.points)


def test_a_curve_needs_both_classes() -> None:
    """Without attacks there is nothing to draw."""
    assert det_curves(LIVE, liveness_trials([1.0], {}), QUICK).curves == ()


def test_a_histogram_holds_every_score_and_counts_the_missing() -> None:
    """Two far outliers stand in the outermost bins; nothing is dropped."""
    trials = liveness_trials([1.0, 1e6, -np.inf], {"print": [-1.0, -1e6, 0.0]})
    made = histogram(LIVE, trials)
    assert made is not None
    counted = {s.name: (sum(s.counts), s.unscored) for s in made.series}
    assert counted == {"bona fide": (2, 1), "print": (3, 0)}
    assert len(made.edges) == len(made.series[0].counts) + 1


@pytest.mark.parametrize("scores", [[-np.inf], [2.0]])
def test_histograms_of_nothing_or_of_one_score(scores: list[float]) -> None:
    """No score at all has no histogram; a single one has a wide bin and is in it."""
    made = histogram(FACE, matching_trials(mated=scores, nonmated=[]))
    if made is None:
        assert scores == [-np.inf]
    else:
        assert sum(made.series[0].counts) == 1

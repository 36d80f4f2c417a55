"""Facts about fitting the noisy-OR of document authenticity."""

import math

import numpy as np
import pytest
from scipy.optimize import check_grad

from idv.checks.document_authenticity.calibration import AuthenticityCalibration, Factor, fused
from idv.checks.document_authenticity.signals import SignalName
from idv.training.authenticity_fitting import Sample, _loss, balanced_weights, fit_noisy_or


def drawn(seed: int = 1) -> Sample:
    """200 genuine documents; 100 forged in the first of three signals, 100 in the second; the third is noise.

    The second signal is absent on every fourth document.
    """
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, (400, 3))
    scores[200:300, 0] -= 5
    scores[300:, 1] -= 5
    scores[::4, 1] = np.nan
    genuine = np.arange(400) < 200
    species = [None] * 200 + ["a"] * 100 + ["b"] * 100
    return Sample(scores, genuine, balanced_weights(genuine, species))


def test_signals_that_tell_weigh_and_noise_does_not() -> None:
    """Noise takes nothing from a genuine document as low as any, a telling signal all from a forged one."""
    first, second, noise = fit_noisy_or(drawn())
    assert noise.log_odds(-3.0) > 4.0
    assert max(first.log_odds(-5.0), second.log_odds(-5.0)) < 0.0
    assert min(first.log_odds(0.0), second.log_odds(0.0)) > 2.0


def test_what_no_forgery_shows_still_speaks_against_a_document_far_below_all_genuine_ones() -> None:
    """Forty spreads below, in the signal that was noise on every document of the sample."""
    *_, noise = fit_noisy_or(drawn())
    assert noise.log_odds(-40.0) < 0.0


def test_one_fitted_signal_is_enough_to_condemn() -> None:
    """On documents it was not fitted to, the score parts forged from genuine, whatever signal is low."""
    factors = fit_noisy_or(drawn())
    names = (SignalName.RECAPTURE, SignalName.TAMPERING, SignalName.TEMPLATE_PRINT)
    calibration = AuthenticityCalibration(dict(zip(names, factors, strict=True)), "c")
    other = drawn(2)
    scores = np.array(
        [
            fused(calibration.doubts({n: v for n, v in zip(names, row, strict=True) if math.isfinite(v)}))
            for row in other.scores
        ]
    )
    caught = ~other.genuine & np.isfinite(other.scores).all(axis=1)
    assert (scores[other.genuine] > 0).mean() > 0.95
    assert (scores[caught] < 0).mean() > 0.95


def test_the_gradient_is_that_of_the_loss() -> None:
    """Compared with finite differences at a point away from the start."""
    sample = drawn()
    present = np.isfinite(sample.scores)
    scaled = np.where(present, sample.scores, 0.0)
    at = np.array([0.7, 1.3, 0.2, 2.0, 1.0, 3.0, 0.4])
    wrong = check_grad(
        lambda p: _loss(p, scaled, present, sample, 0.01)[0],
        lambda p: _loss(p, scaled, present, sample, 0.01)[1],
        at,
    )
    assert wrong < 1e-5


def test_species_weigh_alike_whatever_their_number() -> None:
    """Half for the genuine, the rest shared by species."""
    weights = balanced_weights(
        np.array([True, True, False, False, False, False]), [None, None, "a", "b", "b", "b"]
    )
    assert weights.tolist() == pytest.approx([0.25, 0.25, 0.25, 0.25 / 3, 0.25 / 3, 0.25 / 3])


def test_documents_of_one_kind_fit_nothing() -> None:
    """There would be nothing to tell apart."""
    sample = drawn()
    with pytest.raises(ValueError, match="genuine and forged"):
        fit_noisy_or(sample.where(sample.genuine))


def test_a_signal_that_no_genuine_document_has_does_not_break_the_fit() -> None:
    """Its factor is finite."""
    sample = drawn()
    sample.scores[sample.genuine, 2] = np.nan
    assert all(math.isfinite(f.slope + f.offset) for f in fit_noisy_or(sample))


@pytest.mark.parametrize("doubts", [{}, {SignalName.RECAPTURE: 0.0}, {SignalName.RECAPTURE: 900.0}])
def test_a_fused_score_is_finite(doubts: dict[SignalName, float]) -> None:
    """Also at the ends, where probabilities are 0 or 1."""
    assert abs(fused(doubts)) == 20.0
    assert Factor(1e9, 0.0).log_odds(5.0) == 20.0

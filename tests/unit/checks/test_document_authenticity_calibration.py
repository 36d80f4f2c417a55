"""Facts about the file that turns signals into one score."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.checks.document_authenticity.calibration import (
    AuthenticityCalibration,
    Factor,
    fused,
    load_calibration,
)
from idv.checks.document_authenticity.signals import MEANING, TELLING, SignalName
from idv.domain.errors import ConfigurationError

SLOPES = st.floats(0, 10)
SCORES = st.floats(-30, 30)
CALIBRATION = AuthenticityCalibration(
    {SignalName.RECAPTURE: Factor(1.0, 1.0), SignalName.TAMPERING: Factor(2.0, 0.5)}, "c"
)


def written(folder: Path, text: str) -> Path:
    """The text as a calibration file."""
    path = folder / "document_authenticity.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_committed_file_weighs_only_what_has_a_meaning() -> None:
    """Every weighed signal has a reason that a low score stands for."""
    found = load_calibration(Path(__file__).parents[3] / "calibrations/open/document_authenticity.toml")
    assert set(found.factors) <= set(MEANING)
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[signals.recapture]\nslope = 1.0",
        "[signals.recapture]\nslope = -1.0\noffset = 0.0",
        "[signals.recapture]\nslope = nan\noffset = 0.0",
        "[signals.unheard_of]\nslope = 1.0\noffset = 0.0",
        "[signals.capture_quality]\nslope = 1.0\noffset = 0.0",
        "signals = 3",
        "[[",
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    """Absent numbers, a falling slope, a signal that only tells, one nobody knows."""
    with pytest.raises(ConfigurationError):
        load_calibration(written(tmp_path, text))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(ConfigurationError, match=r"document_authenticity\.toml"):
        load_calibration(tmp_path / "document_authenticity.toml")


@given(SCORES, SCORES, st.floats(0, 20))
def test_a_higher_signal_never_lowers_the_score(recapture: float, tampering: float, more: float) -> None:
    """The score rises with every signal, and lies below each signal's own log-odds."""
    low = {SignalName.RECAPTURE: recapture, SignalName.TAMPERING: tampering}
    high = {**low, SignalName.RECAPTURE: recapture + more}
    score = fused(CALIBRATION.doubts(low))
    assert fused(CALIBRATION.doubts(high)) >= score - 1e-9
    for name, value in low.items():
        assert score <= CALIBRATION.factors[name].log_odds(value) + 1e-6


@given(SCORES)
def test_one_signal_alone_is_its_own_log_odds(score: float) -> None:
    """Up to the limit of 20."""
    odds = CALIBRATION.factors[SignalName.RECAPTURE].log_odds(score)
    assert fused(CALIBRATION.doubts({SignalName.RECAPTURE: score})) == pytest.approx(odds, abs=1e-5)


def test_an_absent_signal_says_nothing() -> None:
    """The score is that of the ones that are there, whatever the calibration knows besides."""
    assert set(CALIBRATION.doubts({SignalName.RECAPTURE: 1.0, SignalName.GHOST_PORTRAIT: -9.0})) == {
        SignalName.RECAPTURE
    }
    assert not TELLING & set(MEANING)
    assert math.isfinite(fused({}))

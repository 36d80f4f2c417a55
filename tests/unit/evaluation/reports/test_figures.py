"""Facts about figures: the rates of a report with their counts, maxima and trade-offs."""

import numpy as np
import pytest

from idv.domain.results import CheckName
from idv.evaluation.reports.figures import (
    Figure,
    Resampling,
    discriminations,
    figures_at,
    subjects_in,
    trade_offs,
)
from tests.unit.evaluation.reports.made_runs import (
    document_run,
    face_run,
    liveness_run,
    liveness_trials,
    matching_trials,
)

FACE, LIVE = CheckName.FACE_MATCH, CheckName.LIVENESS
QUICK = Resampling(resamples=50)


def _by_name(figures: tuple[Figure, ...]) -> dict[tuple[str, str, bool], Figure]:
    return {(f.name, f.group, f.worst): f for f in figures}


def test_rates_by_species_stand_beside_their_maximum() -> None:
    """One of two screens and no print gets through: the maximum is the screens' 50 %, not the mean."""
    trials = liveness_trials([3.0, -1.0, -np.inf], {"print": [-3.0, -2.0], "screen": [1.0, -1.0]})
    figures = _by_name(figures_at(LIVE, trials, 0.0, QUICK))
    assert figures["apcer", "print", False].value == 0.0
    assert figures["apcer", "screen", False].value == 0.5
    assert figures["apcer", "screen", True].value == 0.5
    assert (figures["bpcer", "", False].errors, figures["bpcer", "", False].trials) == (1, 3)
    assert figures["bpnrr", "", False].value == pytest.approx(1 / 3)


def test_a_rate_without_trials_says_why() -> None:
    """A set without attacks has no APCER, and zero would be a lie."""
    figures = _by_name(figures_at(LIVE, liveness_trials([1.0, 2.0], {}), 0.0, QUICK))
    assert figures["apcer", "", True].value is None
    assert "no trial counts" in figures["apcer", "", True].why
    assert figures["bpcer", "", False].value == 0.0


def test_intervals_hold_the_value_and_the_same_seed_gives_the_same() -> None:
    """An interval that could not be made again would not be evidence."""
    trials = face_run().table.trials()
    once, again = (figures_at(FACE, trials, 2.0, QUICK) for _ in range(2))
    assert once == again
    for figure in once:
        assert figure.interval is not None
        assert figure.value is not None
        assert figure.interval.low <= figure.value <= figure.interval.high


def test_subjects_of_comparisons_are_counted_once() -> None:
    """Two comparisons among three people are about three subjects."""
    trials = face_run(people=3, shots=1, missing=0).table.trials()
    assert subjects_in(trials) == 3


def test_fnmr_at_fmr_is_the_plain_share_below_the_threshold_that_fmr_asks_for() -> None:
    """With one impostor in a hundred allowed, the second highest impostor is refused and all below."""
    trials = matching_trials(mated=[50.0, 98.5, 120.0, -np.inf], nonmated=[float(i) for i in range(100)])
    levels = {t.name: t for t in trade_offs(FACE, trials, QUICK)}
    assert levels["FNMR at FMR 0.01"].value == 0.5
    assert levels["FNMR at FMR 0.01"].threshold == pytest.approx(98.0)
    assert not levels["FNMR at FMR 0.01"].supported


def test_levels_with_thirty_errors_behind_them_are_supported() -> None:
    """The rule of 30: at FMR 1e-2, 7,020 impostors give 70 errors, at 1e-3 only 7."""
    supported = {t.target: t.supported for t in trade_offs(FACE, face_run().table.trials(), QUICK)}
    assert supported == {1e-2: True, 1e-3: False, 1e-4: False}


def test_the_worst_species_holds_the_level_of_a_trade_off() -> None:
    """BPCER at APCER is counted where the hardest species keeps the level, not the mixture."""
    trials = liveness_trials([0.5, 2.5, 3.0, 4.0], {"print": [-9.0] * 9, "screen": [0.0, 1.0, 2.0]})
    level = next(t for t in trade_offs(LIVE, trials, QUICK) if t.target == 0.1)
    assert level.value == 0.25
    assert level.threshold == pytest.approx(2.0)


def test_a_bona_fide_capture_without_a_score_is_no_rejection_of_a_trade_off() -> None:
    """BPNRR counts it; BPCER at APCER must not count it again."""
    trials = liveness_trials([-np.inf, 3.0, 4.0, 5.0], {"print": [0.0, 1.0]})
    assert {t.value for t in trade_offs(LIVE, trials, QUICK)} == {0.0}


def test_one_class_alone_has_no_trade_off() -> None:
    """It says so instead of dividing by nothing."""
    (first, *_) = trade_offs(LIVE, liveness_trials([1.0], {}), QUICK)
    assert first.value is None
    assert "no trials" in first.why


def test_discrimination_is_told_by_species() -> None:
    """Prints are told apart perfectly, screens not at all."""
    trials = liveness_trials([1.0, 2.0], {"print": [-1.0, -2.0], "screen": [1.0, 2.0]})
    found = {d.group: (d.eer, d.auc) for d in discriminations(LIVE, trials)}
    assert found["print"] == (0.0, 1.0)
    assert found["screen"][1] == 0.5


def test_one_subject_has_a_rate_and_no_interval() -> None:
    """Nobody can say from one person how others differ, and the figure says that."""
    trials = liveness_trials([1.0], {})
    bpcer = next(f for f in figures_at(LIVE, trials, 0.0, QUICK) if f.name == "bpcer")
    assert (bpcer.value, bpcer.interval) == (0.0, None)
    assert "two of them" in bpcer.why


@pytest.mark.parametrize("run", [face_run(), liveness_run(), document_run()])
def test_counts_of_a_rate_add_up(run: object) -> None:
    """Errors never exceed trials, and the value is their quotient."""
    for figure in figures_at(run.record.check, run.table.trials(), None, QUICK):  # type: ignore[attr-defined] # any run
        assert 0 <= figure.errors <= figure.trials
        assert figure.value == pytest.approx(figure.errors / figure.trials)

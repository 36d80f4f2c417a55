"""Facts about promises: what may be said, and that few data forbid to say much."""

import numpy as np
import pytest

from idv.domain.results import CheckName
from idv.evaluation.reports.cuts import Cut
from idv.evaluation.reports.figures import Resampling, figures_at
from idv.evaluation.reports.promises import limits, promises, upper_bound
from tests.unit.evaluation.reports.made_runs import face_run, liveness_trials, matching_trials, record

FACE, LIVE = CheckName.FACE_MATCH, CheckName.LIVENESS
QUICK = Resampling(resamples=50)
AT_2 = Cut(2.0, "threshold 2 as given")


def test_without_an_error_the_rule_of_three_speaks() -> None:
    """A hundred attacks of a hundred people, none accepted: at most 2.95 % with 95 % confidence."""
    trials = liveness_trials([5.0] * 10, {"print": [-5.0] * 100})
    (apcer, *_) = promises(record(LIVE), trials, AT_2, QUICK)
    assert "APCER of the worst species (print) is at most 2.95 % with 95 % confidence" in apcer
    assert "100 presentations of 100 subjects with 0 errors (rule of three)" in apcer


def test_comparisons_that_share_people_promise_no_more_than_their_people() -> None:
    """Forty people give 780 comparisons, but only twenty that share nobody."""
    trials = face_run(people=40, shots=1, missing=0).table.trials()
    (fmr, fnmr) = promises(record(FACE), trials, Cut(50.0, ""), QUICK)
    assert "at most 13.9 % with" in fmr
    assert "20 trials that share no subject; were all trials independent, 0.383 %" in fmr
    assert "cannot be stated" in fnmr


def test_with_errors_the_bound_lies_above_the_measured_rate() -> None:
    """A promise below what was seen would be none."""
    trials = face_run().table.trials()
    for figure in figures_at(FACE, trials, 2.0, Resampling(200, 0.9)):
        assert figure.value is not None
        assert upper_bound(figure) > figure.value


def test_own_outcomes_are_named_as_such() -> None:
    """Where the candidate decides by rules of its own, no threshold is promised."""
    trials = liveness_trials([5.0], {"print": [-5.0]})
    (apcer, _) = promises(record(LIVE), trials, Cut(None, "own"), QUICK)
    assert apcer.startswith("As the candidate itself decides, APCER")


def test_few_errors_and_none_are_limits() -> None:
    """Both small-number rules speak, each about its own rates."""
    trials = matching_trials(mated=[5.0] * 50 + [0.0], nonmated=[-1.0] * 40)
    figures = figures_at(FACE, trials, 2.0, QUICK)
    said = limits(record(FACE), figures, AT_2, unknown=0)
    assert any("rule of three" in s and "FMR of 13.9 %" in s for s in said)
    assert any("rule of 30" in s and "FNMR (1)" in s for s in said)


@pytest.mark.parametrize(
    ("changes", "unknown", "cut", "words"),
    [
        ({"dirty": True}, 0, AT_2, "uncommitted code"),
        ({"finished_at": None}, 0, AT_2, "not finished"),
        ({}, 7, AT_2, "7 items have no label"),
        ({}, 0, Cut(2.0, "", optimistic=True), "flatter"),
        ({"limits": ("Only adults.",)}, 0, AT_2, "Only adults."),
    ],
)
def test_what_weakens_a_figure_is_said(
    changes: dict[str, object], unknown: int, cut: Cut, words: str
) -> None:
    """The set's own limits, unlabelled items, dirty code and flattering thresholds are all said."""
    assert any(words in s for s in limits(record(FACE, **changes), (), cut, unknown=unknown))


def test_a_handful_of_people_is_a_limit() -> None:
    """Five hundred captures of nine people are about nine people."""
    trials = liveness_trials([5.0] * 9, {"print": [-1.0] * 9})
    said = limits(record(LIVE), figures_at(LIVE, trials, 2.0, QUICK), AT_2, unknown=0)
    assert any(s.startswith("Only 9 subjects") for s in said)


def test_many_errors_need_no_warning() -> None:
    """Two hundred errors are enough for both rules."""
    scores = np.linspace(0, 4, 400).tolist()
    figures = figures_at(FACE, matching_trials(mated=scores, nonmated=scores), 2.0, QUICK)
    assert limits(record(FACE, limits=()), figures, AT_2, unknown=0) == ()

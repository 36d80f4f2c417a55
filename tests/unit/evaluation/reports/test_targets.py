"""Facts about targets: how they are written, and where they put the threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import RequestError
from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import RATES
from idv.evaluation.reports.targets import (
    Side,
    Target,
    groups_of,
    parse_target,
    rate_on,
    side_of,
    threshold_for,
)
from idv.evaluation.tuning.rates import worst_rate
from tests.unit.evaluation.reports.made_runs import liveness_trials, matching_trials

FACE, LIVE = CheckName.FACE_MATCH, CheckName.LIVENESS


def test_sides_follow_from_what_a_rate_calls_an_error() -> None:
    """Accepting frauds is one side, turning genuine away the other, and no answer is neither."""
    sides = {rate.name: side_of(rate) for rate in RATES}
    assert sides["fmr"] is sides["apcer"] is sides["dfar"] is Side.FALSE_ACCEPT
    assert sides["fnmr"] is sides["bpcer"] is sides["dfrr"] is Side.FALSE_REJECT
    assert sides["apnrr"] is sides["bpnrr"] is sides["dnrr"] is Side.NON_RESPONSE


def test_a_target_is_read_as_people_write_it() -> None:
    """Both `=` and `<=` mean at most, and the rate's case does not matter."""
    assert parse_target("fmr=1e-3", FACE) == parse_target("FMR<=0.001", FACE)
    assert str(parse_target("fmr=1e-3", FACE)) == "fmr<=0.001"
    assert parse_target("fmr=1e-3", FACE).in_words == "FMR at or below 0.1 %"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fmr", "target_malformed"),
        ("fmr=lots", "target_malformed"),
        ("fmr=2", "target_malformed"),
        ("fmr=nan", "target_malformed"),
        ("apcer=0.1", "target_unknown"),
    ],
)
def test_a_target_that_means_nothing_is_named(text: str, code: str) -> None:
    """Typing errors and rates of other checks are errors of their own."""
    with pytest.raises(RequestError) as caught:
        parse_target(text, FACE)
    assert caught.value.code == code


def test_a_rate_no_threshold_moves_is_no_target() -> None:
    """Missing answers stay missing wherever the score is cut."""
    with pytest.raises(RequestError, match="no threshold changes") as caught:
        parse_target("apnrr=0.1", LIVE)
    assert caught.value.code == "target_not_settable"


def test_a_check_without_rates_has_no_side() -> None:
    """Identity matching has no error rate yet, and says so."""
    with pytest.raises(RequestError) as caught:
        rate_on(CheckName.IDENTITY_MATCH, Side.FALSE_ACCEPT)
    assert caught.value.code == "check_without_rates"


def test_fmr_puts_the_threshold_just_above_the_first_refused_impostor() -> None:
    """One of four impostors may pass at 25 %: the threshold lies just above the second highest."""
    trials = matching_trials(mated=[5.0], nonmated=[1.0, 2.0, 3.0, 4.0])
    threshold = threshold_for(parse_target("fmr=0.25", FACE), trials)
    assert 3.0 < threshold < 3.0001


def test_the_worst_species_sets_the_threshold() -> None:
    """Prints are easily refused, screens are not: the screens decide."""
    trials = liveness_trials([9.0], {"print": [-3.0, -2.0], "screen": [1.0, 2.0]})
    threshold = threshold_for(parse_target("apcer=0.5", LIVE), trials)
    assert 1.0 < threshold < 1.0001


def test_missing_scores_are_false_non_matches_but_no_false_rejections_of_attack_detection() -> None:
    """FNMR counts a missing template as an error, BPCER leaves it to the non-response rate."""
    mated = matching_trials(mated=[-np.inf, 1.0, 2.0, 3.0], nonmated=[0.0])
    assert threshold_for(parse_target("fnmr=0.25", FACE), mated) == 1.0
    bona_fide = liveness_trials([-np.inf, 1.0, 2.0, 3.0], {"print": [0.0]})
    assert threshold_for(parse_target("bpcer=0.25", LIVE), bona_fide) == 2.0


def test_an_unreachable_target_says_the_best_there_is() -> None:
    """A quarter of the mated pairs has no score, so no threshold brings FNMR below that."""
    trials = matching_trials(mated=[-np.inf, 1.0, 2.0, 3.0], nonmated=[0.0])
    with pytest.raises(RequestError, match=r"the best is 0\.25") as caught:
        threshold_for(parse_target("fnmr=0.1", FACE), trials)
    assert caught.value.code == "target_unreachable"


def test_a_target_without_trials_is_undefined() -> None:
    """No impostor, no FMR."""
    with pytest.raises(RequestError) as caught:
        threshold_for(parse_target("fmr=0.1", FACE), matching_trials(mated=[1.0], nonmated=[]))
    assert caught.value.code == "target_undefined"


def test_accepting_everybody_still_accepts_nobody_without_a_score() -> None:
    """At FMR 100 % the lowest score passes; a missing one does not."""
    trials = matching_trials(mated=[1.0], nonmated=[-np.inf, -5.0])
    threshold = threshold_for(parse_target("fmr=1", FACE), trials)
    assert -np.inf < threshold <= -5.0


def test_attacks_of_unknown_species_are_a_group_of_their_own() -> None:
    """They may not vanish from a rate that is reported by species."""
    trials = liveness_trials([1.0], {"print": [0.0], "": [0.5]})
    made = rate_on(LIVE, Side.FALSE_ACCEPT)
    assert {group.name: len(group.trials) for group in groups_of(made, trials)} == {"unnamed": 1, "print": 1}


scores = st.lists(st.sampled_from([-np.inf, -1.5, 0.0, 0.5, 0.5, 2.0, 3.25]), min_size=1, max_size=12)


@given(scores, scores, st.floats(0, 1), st.sampled_from(["fmr", "fnmr"]))
def test_the_threshold_keeps_the_target_and_no_better_one_does(
    mated: list[float], nonmated: list[float], value: float, name: str
) -> None:
    """At the threshold the rate holds; one score further towards the other side it does not."""
    trials = matching_trials(mated=mated, nonmated=nonmated)
    target = parse_target(f"{name}={value!r}", FACE)
    if name == "fnmr" and value * len(mated) + 1e-9 < np.isneginf(mated).sum():
        with pytest.raises(RequestError, match="cannot be reached"):
            threshold_for(target, trials)
        return
    threshold = threshold_for(target, trials)
    assert worst_rate(target.rate, trials, threshold) <= value + 1e-9
    assert _one_score_further(target, trials, threshold) > value - 1e-9


def _one_score_further(target: Target, trials: Trials, threshold: float) -> float:
    """The rate once the threshold passes the next score that counts; 1 where there is none."""
    counted = trials.score[target.rate.counts(trials)]
    finite = counted[np.isfinite(counted)]
    if side_of(target.rate) is Side.FALSE_ACCEPT:
        refused = finite[finite < threshold]
        return worst_rate(target.rate, trials, float(refused.max())) if refused.size else 1.0
    accepted = finite[finite >= threshold]
    beyond = float(np.nextafter(accepted.min(), np.inf)) if accepted.size else np.inf
    return worst_rate(target.rate, trials, beyond) if accepted.size else 1.0

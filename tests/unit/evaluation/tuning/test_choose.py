"""Facts about choosing: every target is kept, costs are least, and what cannot be had is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import RequestError
from idv.domain.results import CheckName
from idv.evaluation.reports.figures import Resampling, figures_at
from idv.evaluation.reports.promises import upper_bound
from idv.evaluation.reports.targets import Side, parse_target, rate_on
from idv.evaluation.tuning.choose import choose, expected_cost, reject_below
from idv.evaluation.tuning.rates import rate_curve, worst_rate
from idv.evaluation.tuning.wishes import Costs, Wish
from tests.unit.evaluation.reports.made_runs import face_run, liveness_run, liveness_trials, matching_trials

FACE, LIVE = CheckName.FACE_MATCH, CheckName.LIVENESS
QUICK = Resampling(resamples=60)
TRIALS = matching_trials(mated=[1.5, 2.5, 3.5, 4.5], nonmated=[0.0, 1.0, 2.0, 3.0])


def _wish(target: str | None = None, *limits: str, **other: object) -> Wish:
    return Wish(
        target=None if target is None else parse_target(target, FACE),
        limits=tuple(parse_target(text, FACE) for text in limits),
        **other,  # type: ignore[arg-type] # whatever a test asks for
    )


def test_a_rate_of_false_accepts_takes_the_lowest_threshold_that_keeps_it() -> None:
    """A quarter of the impostors may pass: just above the second highest."""
    assert choose(FACE, TRIALS, _wish("fmr=0.25"), QUICK) == pytest.approx(2.0)


def test_a_rate_of_false_rejects_takes_the_highest_threshold_that_keeps_it() -> None:
    """A quarter of the mated may fail: the second lowest still passes."""
    assert choose(FACE, TRIALS, _wish("fnmr=0.25"), QUICK) == 2.5


def test_limits_that_can_be_kept_change_nothing_else() -> None:
    """FMR 25 % leaves FNMR at 25 %."""
    assert choose(FACE, TRIALS, _wish("fmr=0.25", "fnmr=0.25"), QUICK) == pytest.approx(2.0)


def test_targets_that_exclude_each_other_are_unreachable_with_the_best_of_both() -> None:
    """No impostor may pass and no mated pair may fail, and three of them overlap."""
    with pytest.raises(RequestError, match=r"fnmr is at best 0\.5; .* fmr is at best 0\.5") as caught:
        choose(FACE, TRIALS, _wish("fmr=0", "fnmr=0"), QUICK)
    assert caught.value.code == "target_unreachable"


def test_the_cheapest_threshold_is_the_cheapest_of_all() -> None:
    """Against trying every threshold there is."""
    wish = _wish(costs=Costs(100.0, 3.0), prior=0.05)
    trials = face_run().table.trials()
    chosen = choose(FACE, trials, wish, QUICK)
    every = np.unique(trials.score[np.isfinite(trials.score)])
    cost = expected_cost(FACE, trials, wish, np.array([chosen]))[0]
    assert cost == pytest.approx(expected_cost(FACE, trials, wish, every).min())


def test_costs_choose_only_among_what_keeps_the_targets() -> None:
    """Rejecting is nearly free here, and still FNMR is kept."""
    wish = _wish("fnmr=0.25", costs=Costs(1e6, 1e-6), prior=0.5)
    assert choose(FACE, TRIALS, wish, QUICK) <= 2.5


def test_expected_cost_is_the_prior_weighed_sum_of_both_errors() -> None:
    """At threshold 2: half the impostors pass, a quarter of the mated fail."""
    wish = _wish(costs=Costs(100.0, 10.0), prior=0.1)
    (cost,) = expected_cost(FACE, TRIALS, wish, np.array([2.0])).tolist()
    assert cost == pytest.approx(0.1 * 100 * 0.5 + 0.9 * 10 * 0.25)


def test_a_confident_threshold_keeps_its_target_by_the_upper_bound() -> None:
    """And is never laxer than the one that only keeps it as measured."""
    trials = liveness_run(count=1200).table.trials()
    target = parse_target("apcer=0.1", LIVE)
    plain, sure = (choose(LIVE, trials, Wish(target, confident=c), QUICK) for c in (False, True))
    assert sure > plain
    bounded = Resampling(QUICK.resamples, 0.9, QUICK.seed)
    for figure in figures_at(LIVE, trials, sure, bounded):
        if figure.name == "apcer":
            assert upper_bound(figure) <= 0.1


def test_a_promise_that_the_data_cannot_bear_is_refused() -> None:
    """Forty people cannot show FMR 1e-5 even without an error."""
    with pytest.raises(RequestError, match="more subjects would lower it") as caught:
        choose(FACE, face_run().table.trials(), _wish("fmr=1e-5", confident=True), QUICK)
    assert caught.value.code == "target_unreachable"


def test_confidence_about_rejects_counts_the_missing() -> None:
    """Two captures without a score are errors of FNMR before any threshold is chosen."""
    trials = face_run(people=200, shots=2, missing=2).table.trials()
    sure = choose(FACE, trials, _wish("fnmr=0.2", confident=True), QUICK)
    assert worst_rate(rate_on(FACE, Side.FALSE_REJECT), trials, sure) < 0.2


@pytest.mark.parametrize("target", ["fmr=0.1", "fnmr=0.1"])
def test_one_class_alone_cannot_be_tuned(target: str) -> None:
    """Whatever is asked, both errors must be known."""
    with pytest.raises(RequestError) as caught:
        choose(FACE, matching_trials(mated=[1.0], nonmated=[]), _wish(target), QUICK)
    assert caught.value.code == "target_undefined"


def test_what_fails_for_good_lies_below_what_passes() -> None:
    """However lax the reject target, the two cuts never cross."""
    assert reject_below(_wish("fmr=0.25", reject=parse_target("fnmr=0", FACE)), TRIALS, 2.0) == 1.5
    assert reject_below(_wish("fmr=0.25", reject=parse_target("fnmr=1", FACE)), TRIALS, 2.0) == 2.0
    assert reject_below(_wish("fmr=0.25"), TRIALS, 2.0) is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "wish_empty"),
        ({"target": parse_target("fmr=0.1", FACE), "prior": 0.0}, "prior_invalid"),
        ({"target": parse_target("fmr=0.1", FACE), "prior": 1.5}, "prior_invalid"),
        (
            {"target": parse_target("fmr=0.1", FACE), "reject": parse_target("fmr=0.1", FACE)},
            "reject_target_invalid",
        ),
    ],
)
def test_wishes_that_mean_nothing_are_named(values: dict[str, object], code: str) -> None:
    """Before any work is done."""
    with pytest.raises(RequestError) as caught:
        Wish(**values)  # type: ignore[arg-type] # a table of mistakes
    assert caught.value.code == code


@pytest.mark.parametrize("costs", [(0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0), (1.0, float("inf"))])
def test_costs_are_positive(costs: tuple[float, float]) -> None:
    """A free error would push the threshold to the edge of the world."""
    with pytest.raises(RequestError) as caught:
        Costs(*costs)
    assert caught.value.code == "costs_invalid"


scores = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=1, max_size=8)


@given(scores, scores, scores, st.sampled_from([-2.0, 0.0, 0.25, 0.5, 3.0]))
def test_a_curve_of_rates_is_the_rate_at_each_threshold(
    bona_fide: list[float], prints: list[float], screens: list[float], threshold: float
) -> None:
    """Sorted search and plain counting agree, with species and with missing scores."""
    trials = liveness_trials(bona_fide, {"print": prints, "screen": screens})
    for side in (Side.FALSE_ACCEPT, Side.FALSE_REJECT):
        rate = rate_on(LIVE, side)
        (curve,) = rate_curve(rate, trials, np.array([threshold])).tolist()
        assert curve == pytest.approx(worst_rate(rate, trials, threshold))

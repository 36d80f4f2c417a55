"""Shadow points: compared with every score, and without any effect on what is decided."""

import datetime as dt
import itertools
from dataclasses import dataclass, replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.decisions import Decision
from idv.domain.evidence import Evidence
from idv.domain.operating_points import Interval, OperatingPoint, PointStatus
from idv.domain.ports import Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, ShadowVerdict
from idv.infra.clock import ManualClock
from idv.policies.onboarding import ONBOARDING
from idv.workflow.policy import decide
from idv.workflow.runner import CheckRunner
from idv.workflow.shadows import shadow_verdicts

CLOCK = ManualClock()
POINT = OperatingPoint(
    check=CheckName.LIVENESS,
    threshold=1.0,
    check_digest="d",
    eval_set="s",
    eval_set_digest="e",
    target="apcer=0.05",
    measured=0.04,
    interval=Interval(0.03, 0.05),
    run_id="run-shadow",
    created_on=dt.date(2026, 3, 1),
    status=PointStatus.SHADOW,
    reject_below=-1.0,
)
JUDGED = CheckResult(
    CheckName.LIVENESS,
    Outcome.PASS,
    provider="open",
    check_digest="d",
    produced_at=CLOCK.now(),
    score=0.0,
    threshold=0.0,
    operating_point="run-enforced",
)


def verdict(result: CheckResult, point: OperatingPoint = POINT) -> Outcome:
    """What one point makes of a result."""
    (found,) = shadow_verdicts(result, [point])
    assert (found.operating_point, found.threshold) == ("run-shadow", 1.0)
    return found.outcome


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        (1.0, Outcome.PASS),
        (0.99, Outcome.INCONCLUSIVE),
        (-1.0, Outcome.INCONCLUSIVE),
        (-1.01, Outcome.FAIL),
    ],
)
def test_a_shadow_cuts_the_score_as_a_point_in_force_would(score: float, outcome: Outcome) -> None:
    """At the threshold it passes, below `reject_below` it fails, between it cannot say."""
    assert verdict(replace(JUDGED, score=score)) is outcome


def test_without_a_lower_threshold_everything_below_fails() -> None:
    """A point with one threshold knows no middle."""
    assert verdict(replace(JUDGED, score=0.99), replace(POINT, reject_below=None)) is Outcome.FAIL


@pytest.mark.parametrize(
    ("result", "point"),
    [
        (replace(JUDGED, operating_point=None, threshold=None, reasons=(Reason.FACE_BLURRED,)), POINT),
        (replace(JUDGED, score=None), POINT),
        (replace(JUDGED, score=float("nan")), POINT),
        (JUDGED, replace(POINT, check_digest="other models")),
        (JUDGED, replace(POINT, check=CheckName.FACE_MATCH)),
    ],
)
def test_a_shadow_has_no_opinion_where_no_threshold_was_asked_or_it_is_not_its_own(
    result: CheckResult, point: OperatingPoint
) -> None:
    """A poor picture, a missing score, other models, another check: inconclusive."""
    assert verdict(result, point) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("reason", [Reason.NO_OPERATING_POINT, Reason.OPERATING_POINT_MISMATCH])
def test_a_shadow_answers_where_only_the_point_in_force_is_missing(reason: Reason) -> None:
    """A first point can be watched before any is in force."""
    scored = replace(
        JUDGED,
        outcome=Outcome.INCONCLUSIVE,
        operating_point=None,
        threshold=None,
        score=2.0,
        reasons=(reason,),
    )
    assert verdict(scored) is Outcome.PASS


@dataclass
class Scripted:
    """A check that gives one result."""

    result: CheckResult
    name: CheckName = CheckName.LIVENESS
    provider: str = "open"
    digest: str = "d"

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """It."""
        return self.result


def run(result: CheckResult, *points: OperatingPoint) -> CheckResult:
    """The result as the runner hands it on, under shadow points."""
    runner = CheckRunner([Scripted(result)], CLOCK, {CheckName.LIVENESS: points})
    (made,) = runner.run(Evidence({}), cast("Perception", object()), deadline=1.0)
    return made


@given(score=st.floats(-5, 5), thresholds=st.lists(st.floats(-5, 5), max_size=3))
def test_shadows_change_nothing_else_of_a_result(score: float, thresholds: list[float]) -> None:
    """With and without shadow points the runner's result is the same but for its verdicts."""
    points = [replace(POINT, threshold=t, reject_below=None) for t in thresholds]
    judged = replace(JUDGED, score=score)
    with_shadows = run(judged, *points)
    assert len(with_shadows.shadows) == len(points)
    assert replace(with_shadows, shadows=()) == run(judged)


def test_a_check_cannot_bring_verdicts_of_its_own() -> None:
    """Only registered points speak."""
    assert run(replace(JUDGED, shadows=(ShadowVerdict("x", 0.0, Outcome.PASS),))).shadows == ()


def test_no_shadow_ever_moves_a_decision() -> None:
    """Over every combination of outcomes of all checks of the policy and every verdict of a shadow.

    The record of the decision is the same to the last field.
    """
    names = [rule.check for rule in ONBOARDING.rules]
    now = CLOCK.now()
    shadows = [ShadowVerdict("run-shadow", 0.0, outcome) for outcome in Outcome]
    reasons = {Outcome.FAIL: (Reason.FACE_MISMATCH,), Outcome.INCONCLUSIVE: (Reason.FACE_BLURRED,)}
    seen: set[Decision] = set()
    for outcomes in itertools.product(Outcome, repeat=len(names)):
        plain = [
            CheckResult(name, outcome, "open", "d", now, score=1.0, reasons=reasons.get(outcome, ()))
            for name, outcome in zip(names, outcomes, strict=True)
        ]
        loaded = dict.fromkeys(names, "d")
        expected = decide(plain, ONBOARDING, now=now, loaded=loaded)
        seen.add(expected.decision)
        for shadow in shadows:
            shadowed = [replace(result, shadows=(shadow,)) for result in plain]
            assert decide(shadowed, ONBOARDING, now=now, loaded=loaded) == expected
    assert seen == set(Decision)

"""Facts about the decision: it fails closed, whatever the checks say."""

import dataclasses
import datetime as dt
import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.decisions import Decision, Step
from idv.domain.reasons import Reason, ReasonKind
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.policies.onboarding import ONBOARDING
from idv.workflow.policy import PolicyRules, Rule, decide

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
LOADED = {name: f"digest-{name}" for name in CheckName}
CHECKS = tuple(rule.check for rule in ONBOARDING.rules)


def passed(name: CheckName) -> CheckResult:
    """A pass that is fresh, finite and made by the loaded models."""
    return CheckResult(name, Outcome.PASS, "own", LOADED[name], NOW, score=3.0)


def but(name: CheckName, outcome: Outcome, *reasons: Reason) -> CheckResult:
    """The same with another outcome."""
    return dataclasses.replace(passed(name), outcome=outcome, score=None, reasons=reasons)


def decision(*results: CheckResult, rules: PolicyRules = ONBOARDING) -> Decision:
    """What the policy decides."""
    return decide(results, rules, now=NOW, loaded=LOADED).decision


_BROKEN_PASS: dict[str, Callable[[CheckResult], CheckResult]] = {
    "nan": lambda r: dataclasses.replace(r, score=math.nan),
    "infinite": lambda r: dataclasses.replace(r, score=math.inf),
    "no score": lambda r: dataclasses.replace(r, score=None),
    "stale": lambda r: dataclasses.replace(r, produced_at=NOW - dt.timedelta(days=2)),
    "from the future": lambda r: dataclasses.replace(r, produced_at=NOW + dt.timedelta(seconds=5)),
    "wrong model": lambda r: dataclasses.replace(r, check_digest="another"),
}


def anything_but_a_pass(name: CheckName) -> list[CheckResult | None]:
    """Every way in which a result can be something else than a usable pass; None is a missing one."""
    undecided = [
        but(name, outcome, *reasons)
        for outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_RUN)
        for reasons in (
            (),
            (Reason.NO_FACE,),
            (Reason.GLANCE_ASIDE,),
            (Reason.CHECK_ERROR,),
            (Reason.DEADLINE_EXCEEDED,),
            (Reason.NO_FACE, Reason.CHECK_ERROR),
            (Reason.PRESENTATION_ATTACK,),
        )
    ]
    failed = [
        but(name, Outcome.FAIL, reason) for reason in (Reason.FACE_MISMATCH, Reason.PRESENTATION_ATTACK)
    ]
    broken = [breaks(passed(name)) for breaks in _BROKEN_PASS.values()]
    return [None, *undecided, *failed, *broken]


def named_states(name: CheckName) -> list[CheckResult | None]:
    """Pass, missing, fail, not run, quality, time-out, exception, NaN, stale, wrong model."""
    return [
        passed(name),
        None,
        but(name, Outcome.FAIL, Reason.FACE_MISMATCH),
        but(name, Outcome.NOT_RUN, Reason.EVIDENCE_MISSING),
        but(name, Outcome.INCONCLUSIVE, Reason.NO_FACE),
        but(name, Outcome.INCONCLUSIVE, Reason.DEADLINE_EXCEEDED),
        but(name, Outcome.INCONCLUSIVE, Reason.CHECK_ERROR),
        *(_BROKEN_PASS[how](passed(name)) for how in ("nan", "stale", "wrong model")),
    ]


STATES = {name: named_states(name) for name in CHECKS}


def test_all_passes_are_accepted() -> None:
    """A fresh, finite pass from every check is the one way to an accept."""
    assert decision(*map(passed, CHECKS)) is Decision.ACCEPT


def test_accept_needs_a_pass_from_every_required_check() -> None:
    """Over all combinations of states, accept appears only where every required check passed."""
    optional = {rule.check for rule in ONBOARDING.rules if not rule.required}
    for states in itertools.product(*STATES.values()):
        results = [state for state in states if state is not None]
        if decision(*results) is Decision.ACCEPT:
            usable = {r.name for r in results if r is STATES[r.name][0]}
            assert set(CHECKS) - optional <= usable
            assert all(r.outcome in (Outcome.PASS, Outcome.NOT_RUN) for r in results)


@given(st.data())
def test_replacing_a_pass_never_moves_towards_accept(data: st.DataObject) -> None:
    """Monotone: whatever replaces a pass, the decision is at least as strict as before."""
    states = {
        name: data.draw(st.sampled_from([passed(name), *anything_but_a_pass(name)]), label=name)
        for name in CHECKS
    }
    changed = data.draw(st.sampled_from(CHECKS), label="changed")
    states[changed] = passed(changed)
    before = decision(*(s for s in states.values() if s is not None))
    states[changed] = data.draw(st.sampled_from(anything_but_a_pass(changed)), label="instead")
    after = decision(*(s for s in states.values() if s is not None))
    assert after.severity >= before.severity


@pytest.mark.parametrize("how", _BROKEN_PASS)
def test_a_pass_that_cannot_be_relied_on_goes_to_a_person(how: str) -> None:
    """A stale pass, one without a finite score, or one of other models leads to review."""
    results = [passed(name) for name in CHECKS]
    results[0] = _BROKEN_PASS[how](results[0])
    assert decision(*results) is Decision.REVIEW


@pytest.mark.parametrize("reason", list(Reason))
def test_undecided_never_accepts(reason: Reason) -> None:
    """Quality and usability ask for a re-capture at best, everything else for a person at best."""
    for rule in ONBOARDING.rules:
        results = [passed(name) for name in CHECKS if name is not rule.check]
        found = decision(*results, but(rule.check, Outcome.INCONCLUSIVE, reason))
        recapture = reason.kind in (ReasonKind.QUALITY, ReasonKind.USABILITY)
        assert found is (Decision.STEP_UP if recapture else Decision.REVIEW)


def test_a_different_face_is_rejected_with_its_reason() -> None:
    """A failed face match rejects and says why."""
    results = [passed(name) for name in CHECKS if name is not CheckName.FACE_MATCH]
    record = decide(
        [*results, but(CheckName.FACE_MATCH, Outcome.FAIL, Reason.FACE_MISMATCH)],
        ONBOARDING,
        now=NOW,
        loaded=LOADED,
    )
    assert record.decision is Decision.REJECT
    assert [f.reason for f in record.findings] == [Reason.FACE_MISMATCH]


def test_a_document_reason_asks_for_the_document_again() -> None:
    """The step asked for is the picture that would settle it, whichever check complained."""
    results = [passed(name) for name in CHECKS if name is not CheckName.FACE_MATCH]
    record = decide(
        [*results, but(CheckName.FACE_MATCH, Outcome.INCONCLUSIVE, Reason.NO_PORTRAIT)],
        ONBOARDING,
        now=NOW,
        loaded=LOADED,
    )
    assert record.steps == (Step.RECAPTURE_DOCUMENT,)


def test_not_run_does_not_hide_an_earlier_result() -> None:
    """A check that had nothing new to look at leaves its earlier verdict in force."""
    results = [passed(name) for name in CHECKS]
    idle = [but(name, Outcome.NOT_RUN, Reason.EVIDENCE_MISSING) for name in CHECKS]
    assert decision(*results, *idle) is Decision.ACCEPT
    failed = but(CheckName.LIVENESS, Outcome.FAIL, Reason.PRESENTATION_ATTACK)
    assert decision(*results, failed, *idle) is Decision.REVIEW


def test_a_missing_claim_does_not_matter_but_a_wrong_one_does() -> None:
    """`identity_match` may be left out; once it ran, its fail counts."""
    others = [passed(name) for name in CHECKS if name is not CheckName.IDENTITY_MATCH]
    assert decision(*others) is Decision.ACCEPT
    failed = but(CheckName.IDENTITY_MATCH, Outcome.FAIL, Reason.NAME_MISMATCH)
    assert decision(*others, failed) is Decision.REVIEW


def test_rules_that_could_accept_a_fail_are_refused() -> None:
    """Neither a fail that accepts, nor a search hit that rejects, nor an empty policy can be written down."""
    with pytest.raises(ValueError, match="cannot lead to accept"):
        Rule(CheckName.LIVENESS, on_fail=Decision.ACCEPT)
    with pytest.raises(ValueError, match="review at most"):
        Rule(CheckName.FACE_SEARCH, on_fail=Decision.REJECT)
    with pytest.raises(ValueError, match="requires no check"):
        PolicyRules("empty", ())
    with pytest.raises(ValueError, match="two rules"):
        PolicyRules("twice", (Rule(CheckName.LIVENESS, Decision.REVIEW),) * 2)


def test_the_digest_pins_the_rules() -> None:
    """Another rule gives another policy digest, the same rules the same one."""
    lenient = dataclasses.replace(ONBOARDING, rules=ONBOARDING.rules[:1])
    assert ONBOARDING.digest == dataclasses.replace(ONBOARDING).digest != lenient.digest

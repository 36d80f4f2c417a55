"""The decision: a pure function of results and rules that can only fail closed.

Accept needs a fresh, finite `pass` from every required check, made by the models that are loaded. In the
order accept, step_up, review, reject, replacing any pass by anything else never moves the decision
towards accept: every result contributes a decision, a pass contributes accept, and the strictest
contribution wins.
"""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from idv.domain.decisions import Decision, DecisionRecord, Finding, Step
from idv.domain.reasons import Reason, ReasonKind
from idv.domain.results import CheckName, CheckResult, Outcome

_SEARCHES = frozenset({CheckName.FACE_SEARCH})
"""A hit among many people never rejects anybody by itself (NIST SP 800-63A-4)."""


@dataclass(frozen=True)
class Rule:
    """How one check takes part: `on_fail` is the decision a fail leads to, `step` the re-capture that helps.

    A check that is not `required` may be left out (`not_run`, no result); once it ran, it counts.
    """

    check: CheckName
    on_fail: Decision
    step: Step | None = None
    required: bool = True

    def __post_init__(self) -> None:
        """Refuse rules that could accept a fail, or reject on a search hit alone."""
        if self.on_fail is Decision.ACCEPT:
            msg = f"{self.check}: a fail cannot lead to accept"
            raise ValueError(msg)
        if self.check in _SEARCHES and self.on_fail is Decision.REJECT:
            msg = f"{self.check}: a hit among many people leads to review at most"
            raise ValueError(msg)


@dataclass(frozen=True)
class PolicyRules:
    """A named set of rules; `max_age` is how old a result may be when it is decided upon."""

    name: str
    rules: tuple[Rule, ...]
    max_age: dt.timedelta = dt.timedelta(hours=1)

    def __post_init__(self) -> None:
        """Refuse a policy that requires nothing: it would accept everybody."""
        if not any(rule.required for rule in self.rules):
            msg = f"policy {self.name} requires no check"
            raise ValueError(msg)
        if len({rule.check for rule in self.rules}) != len(self.rules):
            msg = f"policy {self.name} has two rules for one check"
            raise ValueError(msg)

    @property
    def digest(self) -> str:
        """SHA-256 of the rules, so that a stored decision can be replayed under the same ones."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


_ABOUT_THE_DOCUMENT = frozenset(
    {
        Reason.NO_DOCUMENT,
        Reason.NO_PORTRAIT,
        Reason.DOCUMENT_CUT_OFF,
        Reason.DOCUMENT_BLURRED,
        Reason.DOCUMENT_TOO_SMALL,
        Reason.DOCUMENT_GLARE,
        Reason.SEVERAL_DOCUMENTS,
        Reason.DOCUMENT_TYPE_UNKNOWN,
        Reason.AUTHENTICITY_UNCERTAIN,
        Reason.MRZ_NOT_FOUND,
        Reason.MRZ_UNREADABLE,
        Reason.FIELD_UNREADABLE,
    }
)
"""Whatever check gives them, a new picture of the document is what helps."""


class _Contribution(NamedTuple):
    """What one result does to the decision, why, and what the person could do about it."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()
    step: Step | None = None


def decide(
    results: Sequence[CheckResult],
    rules: PolicyRules,
    *,
    now: dt.datetime,
    loaded: Mapping[CheckName, str],
) -> DecisionRecord:
    """Decide from the results alone; of several results of one check the last that ran counts.

    `loaded`: the digest of each check as it is loaded now; a result of other models cannot pass.
    """
    latest = _latest(results)
    contributions = [
        (
            rule.check,
            _contribution(latest.get(rule.check), rule, now=now, max_age=rules.max_age, loaded=loaded),
        )
        for rule in rules.rules
    ]
    decision = max((c.decision for _, c in contributions), key=lambda d: d.severity)
    steps = _unique(c.step for _, c in contributions if c.decision is Decision.STEP_UP and c.step)
    return DecisionRecord(
        decision=decision,
        findings=tuple(Finding(check, reason) for check, c in contributions for reason in c.reasons),
        steps=tuple(steps) if decision is Decision.STEP_UP else (),
        policy=rules.name,
        policy_digest=rules.digest,
        decided_at=now,
    )


def _latest(results: Sequence[CheckResult]) -> dict[CheckName, CheckResult]:
    """The last result of each check; `not_run` never hides an earlier one of the same verification."""
    latest: dict[CheckName, CheckResult] = {}
    for result in results:
        if result.outcome is not Outcome.NOT_RUN or result.name not in latest:
            latest[result.name] = result
    return latest


def _contribution(
    result: CheckResult | None,
    rule: Rule,
    *,
    now: dt.datetime,
    max_age: dt.timedelta,
    loaded: Mapping[CheckName, str],
) -> _Contribution:
    if not rule.required and (result is None or result.outcome is Outcome.NOT_RUN):
        return _Contribution(Decision.ACCEPT)
    if result is None:
        return _Contribution(Decision.REVIEW, (Reason.CHECK_MISSING,))
    if result.outcome is Outcome.FAIL:
        return _Contribution(rule.on_fail, result.reasons, rule.step)
    if result.outcome is Outcome.PASS:
        fault = _fault_of_pass(result, now=now, max_age=max_age, loaded=loaded)
        return _Contribution(Decision.REVIEW, (fault,)) if fault else _Contribution(Decision.ACCEPT)
    return _of_undecided(result, rule)


def _fault_of_pass(
    result: CheckResult, *, now: dt.datetime, max_age: dt.timedelta, loaded: Mapping[CheckName, str]
) -> Reason | None:
    """Why a pass cannot be relied on, or None."""
    if result.score is None or not math.isfinite(result.score):
        return Reason.SCORE_NOT_FINITE
    if result.check_digest != loaded.get(result.name):
        return Reason.OPERATING_POINT_MISMATCH
    if not dt.timedelta(0) <= now - result.produced_at <= max_age:
        return Reason.RESULT_STALE
    return None


def _of_undecided(result: CheckResult, rule: Rule) -> _Contribution:
    """Inconclusive or not run: re-capture where only that stands in the way, a person otherwise."""
    kinds = {reason.kind for reason in result.reasons}
    step = Step.RECAPTURE_DOCUMENT if _ABOUT_THE_DOCUMENT & set(result.reasons) else rule.step
    recapture_helps = bool(kinds) and kinds <= {ReasonKind.QUALITY, ReasonKind.USABILITY}
    decision = Decision.STEP_UP if recapture_helps and step else Decision.REVIEW
    return _Contribution(decision, result.reasons or (Reason.CHECK_MISSING,), step)


def _unique(steps: Iterable[Step]) -> list[Step]:
    return list(dict.fromkeys(steps))

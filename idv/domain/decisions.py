"""Decisions, in their order from lenient to strict, and what a person is asked to do next."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from idv.domain.reasons import Reason
from idv.domain.results import CheckName


class Decision(StrEnum):
    """What happens to the applicant; `severity` orders them."""

    ACCEPT = "accept"
    STEP_UP = "step_up"
    REVIEW = "review"
    REJECT = "reject"

    @property
    def severity(self) -> int:
        """0 for accept up to 3 for reject."""
        return tuple(Decision).index(self)


class Step(StrEnum):
    """What a `step_up` asks for."""

    RECAPTURE_DOCUMENT = "recapture_document"
    RECAPTURE_SELFIE = "recapture_selfie"


@dataclass(frozen=True)
class Finding:
    """One reason behind a decision, and the check that gave it."""

    check: CheckName
    reason: Reason


@dataclass(frozen=True)
class DecisionRecord:
    """A decision with everything needed to explain and replay it.

    `policy` names the rules, `policy_digest` pins them; `decided_by` is `policy` or a reviewer's id.
    """

    decision: Decision
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    policy: str
    policy_digest: str
    decided_at: dt.datetime
    decided_by: str = "policy"
    note: str | None = None

"""A verification: one applicant's case, from upload to decision and after."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from idv.domain.decisions import DecisionRecord
from idv.domain.results import CheckResult


class Status(StrEnum):
    """Where a verification stands."""

    PROCESSING = "processing"
    DECIDED = "decided"


@dataclass(frozen=True)
class Verification:
    """One case with all its results and decisions, oldest first; nothing is ever overwritten.

    `applicant_ref` is the caller's name for the applicant: personal data, so not shown in a repr.
    """

    id: str
    tenant: str
    status: Status
    created_at: dt.datetime
    updated_at: dt.datetime
    applicant_ref: str | None = field(default=None, repr=False)
    results: tuple[CheckResult, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()

    @property
    def decision(self) -> DecisionRecord | None:
        """The decision in force: the last one."""
        return self.decisions[-1] if self.decisions else None

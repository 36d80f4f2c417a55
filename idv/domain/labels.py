"""Labels from life: what a verification turned out to be, told later; a revision is a new label."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Truth(StrEnum):
    """What turned out; `withdrawn`: an earlier label was a mistake, and the truth is not known."""

    FRAUD_CONFIRMED = "fraud_confirmed"
    GENUINE_CONFIRMED = "genuine_confirmed"
    WITHDRAWN = "withdrawn"


class LabelSource(StrEnum):
    """How it was found out."""

    MANUAL_REVIEW = "manual_review"
    CHARGEBACK = "chargeback"
    APPLICANT_REPORT = "applicant_report"
    AUTHORITY = "authority"
    PROVIDER = "provider"
    OTHER = "other"


@dataclass(frozen=True)
class LifeLabel:
    """One label of one verification; labels are only ever appended, and the last one is in force.

    `known_at`: when the truth was known, which may be long before `recorded_at`, when it was stored.
    `labelled_by` names a person or a system: sealed where it is stored, never shown in a repr.
    """

    truth: Truth
    source: LabelSource
    labelled_by: str = field(repr=False)
    known_at: dt.datetime
    recorded_at: dt.datetime


def truth_in_force(labels: Sequence[LifeLabel]) -> Truth | None:
    """What the last label says; None without labels or when the last one withdraws."""
    if not labels or labels[-1].truth is Truth.WITHDRAWN:
        return None
    return labels[-1].truth

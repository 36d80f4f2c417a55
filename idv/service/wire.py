"""What goes over the wire: requests strictly checked, replies rendered the same way every time.

Replies are stored and replayed byte for byte, so the order of their fields is part of them.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from idv.domain.decisions import Decision, Step
from idv.domain.documents import (
    DigitState,
    DocumentReading,
    DocumentView,
    FieldName,
    MrzFormat,
    MrzReading,
    Zone,
)
from idv.domain.evidence import ImageRole
from idv.domain.images import DecodedImage
from idv.domain.labels import LabelSource, LifeLabel, Truth, truth_in_force
from idv.domain.reasons import Reason, ReasonKind
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Erasure, Page, StoredReply
from idv.domain.verifications import Status, Verification

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCORE_DIGITS = 6
_LATENCY_DIGITS = 1
_SHARE_DIGITS = 4


def _printable(text: str) -> str:
    """Refuse control characters, which no name has and some databases cannot keep."""
    if not text.isprintable():
        msg = "control characters"
        raise ValueError(msg)
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Cursor = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_=.:+/-]+$")]
ApplicantRef = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]


class _Received(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True)


class Claimed(_Received):
    """What the applicant says of themselves."""

    given_names: Text | None = None
    surname: Text | None = None
    full_name: Text | None = None
    date_of_birth: dt.date | None = None


class Metadata(_Received):
    """The metadata part of a verification."""

    applicant_ref: ApplicantRef | None = None
    claimed: Claimed | None = None


class EvidenceMetadata(_Received):
    """The metadata part of further evidence."""

    claimed: Claimed | None = None


class Resolution(_Received):
    """A reviewer's decision."""

    decision: Decision
    note: Annotated[str, Field(min_length=1, max_length=2000)]


class LabelIn(_Received):
    """What a verification turned out to be; `known_at` (with a time zone) is when it was known."""

    truth: Truth
    source: LabelSource
    labelled_by: Text
    known_at: AwareDatetime


class ReasonOut(_Sent):
    """A reason, what kind it is, a sentence for a person, and the check that gave it."""

    code: Reason
    kind: ReasonKind
    sentence: str
    check: CheckName | None = None


class SignalOut(_Sent):
    """A part of a check with its own score."""

    name: str
    score: float
    reasons: tuple[Reason, ...]


Point = tuple[float, float]
"""x and y in shares of the upright image's width and height, [0, 1] inside it."""


class RegionOut(_Sent):
    """Where in an image a signal saw what speaks against it: the corners of a polygon."""

    image: ImageRole
    signal: str
    outline: tuple[Point, ...]


class CheckOut(_Sent):
    """One check's judgement; a score is higher for what is more genuine."""

    name: CheckName
    outcome: Outcome
    score: float | None
    threshold: float | None
    operating_point: str | None
    provider: str
    reasons: tuple[ReasonOut, ...]
    signals: tuple[SignalOut, ...]
    regions: tuple[RegionOut, ...]
    latency_ms: float


class VerificationOut(_Sent):
    """A verification; `checks` holds the result in force of each check, `steps` what a step_up asks for."""

    id: str
    status: Status
    created_at: dt.datetime
    updated_at: dt.datetime
    applicant_ref: str | None
    decision: Decision | None
    decided_by: str | None
    note: str | None
    policy: str | None
    reasons: tuple[ReasonOut, ...]
    steps: tuple[Step, ...]
    checks: tuple[CheckOut, ...]


class PageOut(_Sent):
    """A page of verifications, newest first; `cursor` continues it, null on the last."""

    items: tuple[VerificationOut, ...]
    cursor: str | None


class ErasureOut(_Sent):
    """Proof of an erasure: how many verifications went, and the audit entry that says so."""

    id: str
    verifications: int
    audit_sequence: int
    erased_at: dt.datetime


class LabelOut(_Sent):
    """One label from life."""

    truth: Truth
    source: LabelSource
    labelled_by: str
    known_at: dt.datetime
    recorded_at: dt.datetime


class LabelsOut(_Sent):
    """Everything told of a verification, oldest first; `truth`: what is in force, null without."""

    id: str
    truth: Truth | None
    labels: tuple[LabelOut, ...]


class FieldOut(_Sent):
    """A value read in one zone of the document."""

    name: FieldName
    value: str
    zone: Zone
    confidence: float


class MrzOut(_Sent):
    """A machine-readable zone, and what its check digits say."""

    format: MrzFormat
    lines: tuple[str, ...]
    valid: bool
    digits: dict[str, DigitState]
    repairs: int


class DocumentOut(_Sent):
    """Everything read from one side of a document."""

    document_type: str | None
    mrz: MrzOut | None
    fields: tuple[FieldOut, ...]
    reasons: tuple[ReasonOut, ...]


class DocumentCheckOut(_Sent):
    """The reading check and what was read, by side."""

    check: CheckOut
    front: DocumentOut
    back: DocumentOut | None


class SideOut(_Sent):
    """One side as it was found: its type, null when unknown, and its corners clockwise from its top left.

    `quadrilateral` is null where no document was found.
    """

    document_type: str | None
    quadrilateral: tuple[Point, ...] | None


class AuthenticityOut(_Sent):
    """The authenticity check, and where the document lies in each picture."""

    check: CheckOut
    front: SideOut
    back: SideOut | None


class ErrorOut(_Sent):
    """What went wrong."""

    type: str
    code: str
    message: str
    field: str | None
    request_id: str


class ErrorEnvelope(_Sent):
    """The one shape of every error."""

    error: ErrorOut


def plausible_id(text: str) -> str:
    """The text if it could be an identifier of ours, otherwise one that nothing ever has."""
    return text if _ID.fullmatch(text) else "none"


def verification_out(verification: Verification) -> VerificationOut:
    """A verification as the API shows it: the decision in force and the checks behind it."""
    record = verification.decision
    findings = record.findings if record else ()
    return VerificationOut(
        id=verification.id,
        status=verification.status,
        created_at=verification.created_at,
        updated_at=verification.updated_at,
        applicant_ref=verification.applicant_ref,
        decision=record.decision if record else None,
        decided_by=record.decided_by if record else None,
        note=record.note if record else None,
        policy=record.policy if record else None,
        reasons=tuple(_reason(finding.reason, finding.check) for finding in findings),
        steps=record.steps if record else (),
        checks=tuple(check_out(result) for result in _in_force(verification.results)),
    )


def check_out(result: CheckResult) -> CheckOut:
    """A check's result as the API shows it."""
    return CheckOut(
        name=result.name,
        outcome=result.outcome,
        score=_rounded(result.score),
        threshold=_rounded(result.threshold),
        operating_point=result.operating_point,
        provider=result.provider,
        reasons=tuple(_reason(reason) for reason in result.reasons),
        signals=tuple(
            SignalOut(name=s.name, score=round(s.score, _SCORE_DIGITS), reasons=s.reasons)
            for s in result.signals
        ),
        regions=tuple(
            RegionOut(image=r.role, signal=r.signal, outline=tuple(_point(*corner) for corner in r.outline))
            for r in result.regions
        ),
        latency_ms=round(result.latency_ms, _LATENCY_DIGITS),
    )


def side_out(reading: DocumentReading, view: DocumentView | None, image: DecodedImage) -> SideOut:
    """One side as the API shows it; `view` in the pixels of `image`."""
    height, width = image.pixels.shape[:2]
    corners = () if view is None else view.corners.tolist()
    return SideOut(
        document_type=reading.document_type,
        quadrilateral=tuple(_point(x / width, y / height) for x, y in corners) or None,
    )


def _point(x: float, y: float) -> Point:
    return round(x, _SHARE_DIGITS), round(y, _SHARE_DIGITS)


def document_out(reading: DocumentReading) -> DocumentOut:
    """What was read from one side; barcode payloads stay inside, their fields do not."""
    mrz = reading.mrz
    return DocumentOut(
        document_type=reading.document_type,
        mrz=_mrz_out(mrz) if mrz else None,
        fields=tuple(
            FieldOut(name=f.name, value=f.value, zone=f.zone, confidence=round(f.confidence, _SCORE_DIGITS))
            for f in reading.fields
        ),
        reasons=tuple(_reason(reason) for reason in reading.reasons),
    )


def _mrz_out(mrz: MrzReading) -> MrzOut:
    return MrzOut(
        format=mrz.format,
        lines=mrz.lines,
        valid=mrz.valid,
        digits=dict(mrz.digits),
        repairs=mrz.repairs,
    )


def page_out(page: Page) -> PageOut:
    """A page as the API shows it."""
    return PageOut(items=tuple(verification_out(item) for item in page.items), cursor=page.cursor)


def erasure_out(verification_id: str, erasure: Erasure) -> ErasureOut:
    """The proof of an erasure."""
    return ErasureOut(
        id=verification_id,
        verifications=erasure.verifications,
        audit_sequence=erasure.audit_sequence,
        erased_at=erasure.erased_at,
    )


def labels_out(verification_id: str, labels: Sequence[LifeLabel]) -> LabelsOut:
    """The labels of a verification as the API shows them."""
    return LabelsOut(
        id=verification_id,
        truth=truth_in_force(labels),
        labels=tuple(
            LabelOut(
                truth=label.truth,
                source=label.source,
                labelled_by=label.labelled_by,
                known_at=label.known_at,
                recorded_at=label.recorded_at,
            )
            for label in labels
        ),
    )


def reply(status: int, body: BaseModel) -> StoredReply:
    """The bytes that answer, and are stored to answer again."""
    return StoredReply(status=status, body=body.model_dump_json().encode())


def _in_force(results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """The last result of each check that ran; as the policy sees them."""
    latest: dict[CheckName, CheckResult] = {}
    for result in results:
        if result.outcome is not Outcome.NOT_RUN or result.name not in latest:
            latest[result.name] = result
    return tuple(latest.values())


def _reason(reason: Reason, check: CheckName | None = None) -> ReasonOut:
    return ReasonOut(code=reason, kind=reason.kind, sentence=reason.sentence, check=check)


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, _SCORE_DIGITS)

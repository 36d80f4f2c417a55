"""Facts about the life of a verification: one stored step at a time, evidence added, a person's word."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.domain.decisions import Decision, Step
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import Conflict, MediaError, MediaFault, NotFound, Overloaded
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage, MediaType
from idv.domain.ports import Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import StoredReply
from idv.domain.verifications import Verification
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.vision.perception.perceiver import EvidencePerceiver
from idv.workflow.policy import PolicyRules, Rule
from idv.workflow.runner import CheckRunner
from idv.workflow.verification import Limits, Request, Verifications

SELFIE, FRONT = ImageRole.SELFIE, ImageRole.DOCUMENT_FRONT


class Eyes:
    """Perception of images that are one letter: `p` a person, `d` a document, empty undecodable."""

    def decode(self, data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        """The letter as a pixel."""
        if not data:
            raise MediaError(MediaFault.EMPTY, "no bytes")
        return DecodedImage(np.full((8, 8, 3), data[0], np.uint8), MediaType.PNG, 8, 8)

    def faces(self, pixels: RgbImage, *, scale: float = 1.0) -> tuple[Face, ...]:
        """One face on persons and documents."""
        quality = FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1)
        points = np.zeros((5, 2), np.float32)
        found = Face(Box(0, 0, 1, 1), 1, np.zeros((0, 3), np.float32), points, Pose(0, 0, 0), quality)
        return (found,) if chr(pixels[0, 0, 0]) in "pd" else ()

    def subject(self, faces: tuple[Face, ...], shape: tuple[int, ...]) -> SubjectFace:
        """It, or why not."""
        return SubjectFace(faces[0], 1) if faces else SubjectFace(None, 0, (Reason.NO_FACE,))

    def template(self, pixels: RgbImage, face: Face) -> FaceTemplate:
        """One number."""
        return FaceTemplate((("m", np.ones(1, np.float32)),))

    def find(self, image: DecodedImage) -> DocumentView | None:
        """The whole image."""
        return DocumentView(np.zeros((4, 2), np.float32), image.pixels, 1.0)

    def read(self, view: DocumentView) -> DocumentReading:
        """Nothing."""
        return DocumentReading(document_type="t")


@dataclass
class FacesSeen:
    """Passes when both the document's and the selfie's template are there, sent now or before."""

    clock: ManualClock
    name: CheckName = CheckName.FACE_MATCH
    provider: str = "own"
    digest: str = "d"
    seen: list[ClaimedIdentity | None] = field(default_factory=list)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Look at both, and note the claim."""
        self.seen.append(evidence.claimed)
        outcome, score = Outcome.PASS, 1.0
        reasons: tuple[Reason, ...] = ()
        try:
            for role in (FRONT, SELFIE):
                context.template(role)
        except KeyError:
            outcome, reasons, score = Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,), 0.0
        except ValueError:
            outcome, reasons, score = Outcome.INCONCLUSIVE, (Reason.NO_FACE,), 0.0
        now = self.clock.now()
        return CheckResult(self.name, outcome, self.provider, self.digest, now, score=score, reasons=reasons)


@dataclass
class Desk:
    """The use cases over memory."""

    clock: ManualClock = field(default_factory=ManualClock)
    limits: Limits = field(default_factory=lambda: Limits(attempts=3))

    def __post_init__(self) -> None:
        """Wire."""
        self.stores = memory_stores(keyring=KeyRing.generate(), clock=self.clock)
        self.numbers = count()
        eyes = Eyes()
        self.cases = Verifications(
            perceiver=EvidencePerceiver(eyes, eyes, eyes, eyes, eyes),
            runner=CheckRunner([FacesSeen(self.clock)], self.clock),
            rules=PolicyRules(
                "test", (Rule(CheckName.FACE_MATCH, Decision.REJECT, step=Step.RECAPTURE_SELFIE),)
            ),
            store=self.stores.verifications,
            clock=self.clock,
            new_id=lambda prefix: f"{prefix}_{next(self.numbers):024d}",
            limits=self.limits,
        )

    def request(self, tenant: str = "t1") -> Request:
        """From somebody with time."""
        return Request(tenant, "key1", deadline=self.clock.monotonic() + 10)

    def begin(self, ref: str | None = None, **images: bytes) -> Verification:
        """A new case."""
        return self.cases.begin(self.request(), evidence(**images), applicant_ref=ref, render=render)


def evidence(**images: bytes) -> Evidence:
    """Images by role."""
    return Evidence({ImageRole(role): EncodedImage(data) for role, data in images.items()})


def render(verification: Verification) -> StoredReply:
    """A reply."""
    return StoredReply(201, verification.id.encode())


def test_a_good_case_is_stored_with_its_decision_audit_entry_and_event() -> None:
    """One call leaves a decided verification, a link in the chain and a webhook without personal data."""
    desk = Desk()
    done = desk.begin(ref="canary-ref", document_front=b"d", selfie=b"p")
    assert done.decision is not None
    assert done.decision.decision is Decision.ACCEPT
    stored = desk.cases.get("t1", done.id)
    assert stored.decisions == done.decisions
    assert desk.stores.audit.verify() >= 1
    (delivery,) = desk.stores.outbox.due(now=desk.clock.now(), limit=9)
    assert done.id.encode() in delivery[0].payload
    assert b"canary" not in delivery[0].payload


def test_missing_evidence_asks_for_it_and_the_answer_is_judged_with_what_is_remembered() -> None:
    """Without a selfie the case steps up; the selfie alone then suffices, the document is remembered."""
    desk = Desk()
    first = desk.begin(document_front=b"d")
    assert first.decision is not None
    assert (first.decision.decision, first.decision.steps) == (Decision.STEP_UP, (Step.RECAPTURE_SELFIE,))
    second = desk.cases.add_evidence(desk.request(), first.id, evidence(selfie=b"p"), render=render)
    assert second.decision is not None
    assert second.decision.decision is Decision.ACCEPT
    assert len(second.decisions) == len(second.results) == 2


def test_a_claim_made_once_is_judged_with_every_later_document() -> None:
    """Evidence added without a claim is judged under the earlier one, so a swapped document answers to it."""
    desk = Desk()
    claim = ClaimedIdentity(full_name="Anna Eriksson")
    first = desk.cases.begin(
        desk.request(),
        dataclasses.replace(evidence(document_front=b"d"), claimed=claim),
        applicant_ref=None,
        render=render,
    )
    seen: list[ClaimedIdentity | None] = []
    watching = dataclasses.replace(desk.cases.runner, checks=[FacesSeen(desk.clock, seen=seen)])
    cases = dataclasses.replace(desk.cases, runner=watching)
    cases.add_evidence(desk.request(), first.id, evidence(document_front=b"d"), render=render)
    assert seen == [claim]


def test_an_undecodable_image_is_refused_and_nothing_is_stored() -> None:
    """The field is named, no verification begins, no attempt is counted."""
    desk = Desk()
    with pytest.raises(MediaError) as refused:
        desk.begin(ref="r", document_front=b"d", selfie=b"")
    assert refused.value.field == SELFIE
    assert desk.cases.page("t1", limit=9).items == ()


def test_evidence_is_only_taken_by_a_case_that_waits_for_it() -> None:
    """A decided case cannot be talked into another decision by more pictures."""
    desk = Desk()
    done = desk.begin(document_front=b"d", selfie=b"p")
    with pytest.raises(Conflict, match="does not wait"):
        desk.cases.add_evidence(desk.request(), done.id, evidence(selfie=b"p"), render=render)


def test_a_case_can_be_answered_only_so_often() -> None:
    """After as many tries as the limit allows, more evidence is refused."""
    desk = Desk()
    waiting = desk.begin(document_front=b"d", selfie=b"x")
    for _ in range(desk.limits.attempts):
        desk.cases.add_evidence(desk.request(), waiting.id, evidence(selfie=b"x"), render=render)
    with pytest.raises(Conflict, match="too often"):
        desk.cases.add_evidence(desk.request(), waiting.id, evidence(selfie=b"p"), render=render)


def test_an_applicant_may_begin_only_so_often_within_the_window() -> None:
    """The attempts of one applicant are counted; another applicant, or a later day, starts anew."""
    desk = Desk()
    for _ in range(3):
        desk.begin(ref="r", document_front=b"d")
    with pytest.raises(Overloaded):
        desk.begin(ref="r", document_front=b"d")
    desk.begin(ref="other", document_front=b"d")
    desk.clock.advance(dt.timedelta(hours=25).total_seconds())
    desk.begin(ref="r", document_front=b"d")


def test_an_attempt_stored_while_another_was_judged_counts_against_it() -> None:
    """Both find room when they begin; the one that is stored second is refused, and nothing of it is kept."""
    desk = Desk(limits=Limits(attempts=1))

    def overtaken(verification: Verification) -> StoredReply:
        desk.begin(ref="r", document_front=b"d")
        return render(verification)

    with pytest.raises(Overloaded):
        desk.cases.begin(desk.request(), evidence(document_front=b"d"), applicant_ref="r", render=overtaken)
    assert len(desk.cases.page("t1", limit=10).items) == 1


def test_a_reviewer_decides_with_a_note() -> None:
    """The person's decision is appended, with who and why; step_up is not theirs to give."""
    desk = Desk()
    case = desk.begin(document_front=b"d", selfie=b"x")
    done = desk.cases.resolve(desk.request(), case.id, Decision.REJECT, note="not the same", render=render)
    assert done.decision is not None
    assert (done.decision.decision, done.decision.decided_by) == (Decision.REJECT, "key1")
    assert done.decision.note == "not the same"
    with pytest.raises(Conflict):
        desk.cases.resolve(desk.request(), case.id, Decision.STEP_UP, note="again", render=render)


@pytest.mark.parametrize(
    "act",
    [
        lambda d, i: d.cases.get("t2", i),
        lambda d, i: d.cases.add_evidence(d.request("t2"), i, evidence(selfie=b"p"), render=render),
        lambda d, i: d.cases.resolve(d.request("t2"), i, Decision.ACCEPT, note="n", render=render),
        lambda d, i: d.cases.erase("t2", i, actor="k"),
    ],
)
def test_no_tenant_touches_anothers_case(act: Callable[[Desk, str], object]) -> None:
    """Every use case answers another tenant's identifier as if it did not exist."""
    desk = Desk()
    case = desk.begin(document_front=b"d")
    with pytest.raises(NotFound):
        act(desk, case.id)


def test_erased_is_gone() -> None:
    """After erasure the case cannot be read, and the chain still holds."""
    desk = Desk()
    case = desk.begin(ref="r", document_front=b"d")
    erasure = desk.cases.erase("t1", case.id, actor="key1")
    assert erasure.verifications == 1
    with pytest.raises(NotFound):
        desk.cases.get("t1", case.id)
    assert desk.stores.audit.verify() == erasure.audit_sequence


@pytest.mark.parametrize(("keep", "kinds"), [(False, 2), (True, 3)])
def test_images_are_kept_only_when_a_setting_says_so(keep: bool, kinds: int) -> None:  # noqa: FBT001
    """By default templates and readings are remembered, pictures are not."""
    desk = Desk(limits=Limits(keep_images=keep))
    case = desk.begin(document_front=b"d")
    private = desk.stores.verifications.private("t1", case.id)
    assert len(private) == kinds
    assert ("image.document_front" in private) is keep

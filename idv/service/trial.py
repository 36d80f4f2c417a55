"""An application without models: its checks answer what the uploaded files ask them to.

For tests of the service, crash trials and trying the API. A file is `IMG:` and then words such as
`face_match=fail` or `liveness=inconclusive`; a check nobody names passes. Everything around the checks
(use cases, policy, stores) is real and given by the caller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from idv.domain.documents import DocumentReading, DocumentView, FieldName, FieldReading, Zone
from idv.domain.errors import IdvError, MediaError, MediaFault
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage, MediaType
from idv.domain.ports import Clock, ImageDecoder, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Remembered, Stores
from idv.settings import Settings
from idv.workflow.policy import PolicyRules
from idv.workflow.runner import CheckRunner
from idv.workflow.single import SingleChecks
from idv.workflow.verification import Limits, Verifications

MAGIC = b"IMG:"
"""What a file has to begin with to be a picture here."""

_REASONS = {
    CheckName.DOCUMENT_AUTHENTICITY: (Reason.DOCUMENT_TAMPERED, Reason.AUTHENTICITY_UNCERTAIN),
    CheckName.DOCUMENT_READING: (Reason.MRZ_CHECK_DIGIT_REFUTED, Reason.MRZ_UNREADABLE),
    CheckName.FACE_MATCH: (Reason.FACE_MISMATCH, Reason.MATCH_UNCERTAIN),
    CheckName.LIVENESS: (Reason.PRESENTATION_ATTACK, Reason.PRESENTATION_UNCERTAIN),
    CheckName.IDENTITY_MATCH: (Reason.NAME_MISMATCH, Reason.FIELD_UNREADABLE),
}
_SCORES = {Outcome.PASS: 3.0, Outcome.FAIL: -3.0}

Pause = Callable[[Evidence], None]
"""Called by every check before it answers: may wait, or raise."""


@dataclass(frozen=True)
class TrialApplication:
    """Satisfies `idv.service.application.Application`."""

    settings: Settings
    clock: Clock
    stores: Stores
    verifications: Verifications
    single: SingleChecks

    def unready(self) -> tuple[str, ...]:
        """Codes of what keeps a request from being served: the store may."""
        try:
            self.stores.audit.entries(limit=1)
        except IdvError as error:
            return (error.code,)
        return ()

    def close(self) -> None:
        """Nothing was opened here."""


def trial_application(
    *,
    settings: Settings,
    clock: Clock,
    stores: Stores,
    rules: PolicyRules,
    new_id: Callable[[str], str],
    limits: Limits = Limits(),  # noqa: B008 - frozen
    pause: Pause = lambda _: None,
    decoder: ImageDecoder | None = None,
) -> TrialApplication:
    """Real use cases over trial checks, one for each rule of the policy.

    With a decoder, pictures are what it can decode; without one, what begins with `MAGIC`.
    """
    perceiver = TrialPerceiver(decoder)
    checks = tuple(TrialCheck(rule.check, clock, pause) for rule in rules.rules)
    runner = CheckRunner(checks, clock)
    return TrialApplication(
        settings=settings,
        clock=clock,
        stores=stores,
        verifications=Verifications(
            perceiver=perceiver,
            runner=runner,
            rules=rules,
            store=stores.verifications,
            clock=clock,
            new_id=new_id,
            limits=limits,
        ),
        single=SingleChecks(perceiver, runner),
    )


@dataclass(frozen=True)
class TrialCheck:
    """Implements ports.Check: does what the files say."""

    name: CheckName
    clock: Clock
    pause: Pause
    provider: str = "trial"
    digest: str = "trial"

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """The outcome the evidence names for this check; a pass otherwise."""
        del context, deadline
        self.pause(evidence)
        outcome = _asked_for(self.name, evidence)
        on_fail, on_doubt = _REASONS[self.name]
        return CheckResult(
            name=self.name,
            outcome=outcome,
            provider=self.provider,
            check_digest=self.digest,
            produced_at=self.clock.now(),
            score=_SCORES.get(outcome),
            reasons={Outcome.FAIL: (on_fail,), Outcome.INCONCLUSIVE: (on_doubt,)}.get(outcome, ()),
        )


@dataclass(frozen=True)
class TrialPerceiver:
    """Implements ports.Perceiver."""

    decoder: ImageDecoder | None = None

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> Perception:
        """Perception that knows a picture by its first bytes, or decodes it."""
        del remembered
        return TrialPerception(evidence.images, self.decoder)


@dataclass(frozen=True)
class TrialPerception:
    """Implements ports.Perception; everything about a file follows from its bytes."""

    images: Mapping[ImageRole, EncodedImage]
    decoder: ImageDecoder | None = None

    def image(self, role: ImageRole) -> DecodedImage:
        """The decoded picture, or one black pixel; MediaError if it is none."""
        if self.decoder:
            return self.decoder.decode(self.images[role].data)
        if not self.images[role].data.startswith(MAGIC):
            raise MediaError(MediaFault.TYPE_UNKNOWN, "This is not a picture.")
        return DecodedImage(np.zeros((1, 1, 3), np.uint8), MediaType.JPEG, 1, 1)

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """None."""
        del role
        return ()

    def subject(self, role: ImageRole) -> SubjectFace:
        """Nobody."""
        del role
        return SubjectFace(None, 0, (Reason.NO_FACE,))

    def template(self, role: ImageRole) -> FaceTemplate:
        """The first bytes of the file as numbers."""
        first = np.frombuffer(self.images[role].data[:16].ljust(16), np.uint8)
        return FaceTemplate((("trial", first.astype(np.float32)),))

    def document(self, role: ImageRole) -> DocumentView | None:
        """None."""
        del role
        return None

    def reading(self, role: ImageRole) -> DocumentReading:
        """The whole file as the surname, so that tests can look for where it goes."""
        text = self.images[role].data.removeprefix(MAGIC).decode("latin-1")
        return DocumentReading(fields=(FieldReading(FieldName.SURNAME, text, Zone.VIZ, 1.0),))

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """As if every picture had taken 10 ms to decode."""
        return {"decode": 10.0 * len(self.images)}


def _asked_for(name: CheckName, evidence: Evidence) -> Outcome:
    for image in evidence.images.values():
        for word in image.data.removeprefix(MAGIC).split():
            check, _, outcome = word.decode("latin-1").partition("=")
            if check == name and outcome in set(Outcome):
                return Outcome(outcome)
    return Outcome.PASS

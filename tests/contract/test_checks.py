"""What every check holds to, whatever it judges: named outcomes, no exception for bad evidence, no NaN."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pytest

from idv.checks.document_authenticity.calibration import AuthenticityCalibration
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Parts
from idv.checks.document_reading.check import DocumentReadingCheck
from idv.checks.face_match.calibration import Calibration
from idv.checks.face_match.check import FaceMatch
from idv.checks.identity_match.check import IdentityMatch
from idv.checks.liveness.calibration import LivenessCalibration
from idv.checks.liveness.check import Liveness
from idv.documents.document_types import load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import MediaError, MediaFault, ModelError
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import Check, Perception
from idv.domain.reasons import Reason, ReasonKind
from idv.domain.results import CheckResult, Outcome
from idv.infra.clock import ManualClock
from idv.workflow.runner import CheckRunner

CLOCK = ManualClock()


class NoNetwork:
    """A network that must not be asked: there is no usable face, no document."""

    def predict(self, pixels: RgbImage, points: FloatArray) -> NoReturn:
        """Refuse."""
        raise AssertionError("the network was asked without anything to look at")


CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        DocumentReadingCheck(types=load_document_types(), clock=CLOCK, provider="own", digest="d"),
        DocumentAuthenticity(
            parts=Parts(recapture=NoNetwork(), tampering=NoNetwork()),
            types=load_document_types(),
            calibration=AuthenticityCalibration({}, "c"),
            point=None,
            clock=CLOCK,
            provider="own",
            looks={},
        ),
        IdentityMatch(clock=CLOCK, provider="own", digest="d"),
        FaceMatch(
            point=None, calibration=Calibration({"m": 1.0}, 0.0, "c"), clock=CLOCK, provider="own", digest="d"
        ),
        Liveness(
            network=NoNetwork(),
            calibration=LivenessCalibration(1.0, 1.0, 1.0, 0.0, "c"),
            point=None,
            clock=CLOCK,
            provider="own",
            digest="d",
        ),
    )
}


@dataclass
class Blind:
    """A perception that sees nothing: no face, no document."""

    stage_ms: Mapping[str, float]

    def image(self, role: ImageRole) -> DecodedImage:
        """There is a picture, but nobody should need it."""
        raise AssertionError("pixels were asked for although nothing is in them")

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """None."""
        return ()

    def subject(self, role: ImageRole) -> SubjectFace:
        """None."""
        return SubjectFace(None, 0, (Reason.NO_FACE,))

    def template(self, role: ImageRole) -> FaceTemplate:
        """None."""
        raise ValueError("no face")

    def document(self, role: ImageRole) -> DocumentView | None:
        """None."""
        return None

    def reading(self, role: ImageRole) -> DocumentReading:
        """Nothing."""
        return DocumentReading(reasons=(Reason.NO_DOCUMENT,))


class Crowded(Blind):
    """A perception that sees a face beside others, and nothing to read."""

    def subject(self, role: ImageRole) -> SubjectFace:
        """One of several."""
        none = np.zeros((0, 3), np.float32)
        quality = FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1)
        face = Face(Box(0, 0, 9, 9), 1, none, np.zeros((5, 2), np.float32), Pose(0, 0, 0), quality)
        return SubjectFace(face, 2, (Reason.SEVERAL_FACES,))

    def template(self, role: ImageRole) -> FaceTemplate:
        """That of the one."""
        return FaceTemplate((("m", np.ones(1, np.float32)),))


class Raising:
    """A perception that raises the same error whatever it is asked of an image that was sent."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error
        self.stage_ms: Mapping[str, float] = {}

    def _raise(self, role: ImageRole) -> NoReturn:
        raise self._error() if role in EVIDENCE.images else KeyError(role)

    image = faces = subject = template = document = reading = _raise


EVIDENCE = Evidence(
    {role: EncodedImage(b"x") for role in (ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE)},
    ClaimedIdentity(full_name="Canary Name"),
)


def judged(check: Check, evidence: Evidence, context: Perception) -> CheckResult:
    """The check's own answer, not made safe by the runner."""
    return check.judge(evidence, context, deadline=CLOCK.monotonic() + 10)


@pytest.fixture(params=sorted(CHECKS))
def check(request: pytest.FixtureRequest) -> Check:
    """Every check."""
    return CHECKS[request.param]


def test_without_evidence_a_check_does_not_run(check: Check) -> None:
    """Nothing sent and nothing remembered is `not_run`, with the reason that asks for it."""
    result = judged(check, Evidence({}), Raising(lambda: KeyError("not sent")))
    assert (result.outcome, result.reasons) == (Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))


def test_evidence_that_shows_nothing_is_inconclusive(check: Check) -> None:
    """No face and no document are quality reasons: neither a pass nor held against the person."""
    result = judged(check, EVIDENCE, Blind({}))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {reason.kind for reason in result.reasons} == {ReasonKind.QUALITY}


def test_several_faces_are_never_a_pass(check: Check) -> None:
    """A face that stands beside another one is not judged as if it were alone."""
    result = judged(check, EVIDENCE, Crowded({}))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons


def test_an_image_that_cannot_be_decoded_is_inconclusive(check: Check) -> None:
    """A MediaError from perception becomes `media_undecodable`, first among the reasons."""
    result = judged(check, EVIDENCE, Raising(lambda: MediaError(MediaFault.CORRUPT, "broken")))
    assert (result.outcome, result.reasons[0]) == (Outcome.INCONCLUSIVE, Reason.MEDIA_UNDECODABLE)
    assert {reason.kind for reason in result.reasons} == {ReasonKind.QUALITY}


@pytest.mark.parametrize("error", [RuntimeError, lambda: ModelError("model_run_failed", "broken")])
def test_a_perception_that_breaks_never_passes(check: Check, error: Callable[[], Exception]) -> None:
    """Through the runner, whatever perception raises ends as inconclusive for a technical reason."""
    runner = CheckRunner([check], CLOCK)
    (result,) = runner.run(EVIDENCE, Raising(error), deadline=CLOCK.monotonic() + 10)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert {reason.kind for reason in result.reasons} == {ReasonKind.TECHNICAL}


def test_a_result_names_its_check_and_its_models(check: Check) -> None:
    """Name, provider and digest of a result are those of the check that gave it."""
    result = judged(check, EVIDENCE, Blind({}))
    assert (result.name, result.provider, result.check_digest) == (check.name, check.provider, check.digest)
    assert result.produced_at == CLOCK.now()
    assert result.score is None or np.isfinite(result.score)


def test_no_result_repeats_personal_data(check: Check) -> None:
    """A claimed name does not appear in what a check says of itself."""
    assert "Canary" not in repr(judged(check, EVIDENCE, Blind({})))

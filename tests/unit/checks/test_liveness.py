"""The liveness check and its calibration."""

import dataclasses
import datetime as dt
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from idv.checks.liveness.calibration import LivenessCalibration, load_calibration
from idv.checks.liveness.check import Liveness, liveness_digest
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import ConfigurationError, MediaError, MediaFault
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage, MediaType
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.vision.models.pad import PadLogits

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
CALIBRATION = LivenessCalibration(1.0, 2.0, 3.0, 0.5, "c0ffee")
FACE = Face(
    Box(0, 0, 10, 10),
    0.9,
    np.zeros((0, 3), np.float32),
    np.ones((5, 2), np.float32),
    Pose(0, 0, 0),
    FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1),
)
IMAGE = DecodedImage(np.zeros((4, 4, 3), np.uint8), MediaType.JPEG, 4, 4)
SELFIE = Evidence({ImageRole.SELFIE: EncodedImage(b"never decoded here")})
POINT = OperatingPoint(
    check=CheckName.LIVENESS,
    threshold=2.0,
    check_digest="digest",
    eval_set="hand",
    eval_set_digest="0",
    target="APCER 5 %",
    measured=0.05,
    interval=Interval(0, 0.1),
    run_id="run-1",
    created_on=dt.date(2026, 1, 1),
    reject_below=-2.0,
)


@dataclass(frozen=True)
class FixedClock:
    """Always the same time."""

    def now(self) -> dt.datetime:
        """The second of January."""
        return NOW

    def monotonic(self) -> float:
        """Zero."""
        return 0.0


@dataclass(frozen=True)
class FixedNetwork:
    """Gives the same logits for every face."""

    logits: PadLogits

    def predict(self, pixels: RgbImage, five_points: FloatArray) -> PadLogits:
        """The logits it was made with."""
        assert pixels.shape == (4, 4, 3)
        assert five_points.shape == (5, 2)
        return self.logits


@dataclass
class Seen:
    """A perception that shows one subject, or refuses to decode."""

    found: SubjectFace = field(default_factory=lambda: SubjectFace(FACE, 1))
    broken: bool = False
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def image(self, role: ImageRole) -> DecodedImage:
        """The image, unless broken."""
        if self.broken:
            raise MediaError(MediaFault.TRUNCATED, "cut short")
        return IMAGE

    def subject(self, role: ImageRole) -> SubjectFace:
        """The subject, unless broken."""
        self.image(role)
        return self.found

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """Never asked."""
        raise NotImplementedError

    def template(self, role: ImageRole) -> FaceTemplate:
        """Never asked."""
        raise NotImplementedError

    def document(self, role: ImageRole) -> DocumentView | None:
        """Never asked."""
        raise NotImplementedError

    def reading(self, role: ImageRole) -> DocumentReading:
        """Never asked."""
        raise NotImplementedError


def _check(logits: PadLogits, point: OperatingPoint | None = POINT) -> Liveness:
    return Liveness(
        network=FixedNetwork(logits),
        calibration=CALIBRATION,
        point=point,
        clock=FixedClock(),
        provider="open",
        digest="digest",
    )


def _judge(
    context: float,
    detail: float,
    *,
    native: float = 0.0,
    point: OperatingPoint | None = POINT,
    seen: Seen | None = None,
    evidence: Evidence = SELFIE,
) -> CheckResult:
    check = _check(PadLogits(context, detail, native), point)
    return check.judge(evidence, seen or Seen(), deadline=1.0)


@pytest.mark.parametrize(
    ("context", "outcome", "reasons"),
    [
        (1.5, Outcome.PASS, ()),
        (1.4, Outcome.INCONCLUSIVE, (Reason.PRESENTATION_UNCERTAIN,)),
        (-2.5, Outcome.INCONCLUSIVE, (Reason.PRESENTATION_UNCERTAIN,)),
        (-2.6, Outcome.FAIL, (Reason.PRESENTATION_ATTACK,)),
    ],
)
def test_the_point_cuts_the_score_into_three(
    context: float, outcome: Outcome, reasons: tuple[Reason, ...]
) -> None:
    """At the threshold passes, from `reject_below` on is uncertain, below it is an attack."""
    result = _judge(context, 0.0)
    assert (result.outcome, result.reasons) == (outcome, reasons)
    assert result.score == pytest.approx(context + 0.5)
    assert (result.threshold, result.operating_point) == (2.0, "run-1")


def test_every_branch_stands_as_a_signal() -> None:
    """The score is the calibrated sum; each branch's own logit is shown beside it."""
    result = _judge(1.0, 3.0, native=-2.0)
    assert result.score == pytest.approx(0.5 + 1.0 + 6.0 - 6.0)
    shown = {signal.name: signal.score for signal in result.signals}
    assert shown == {
        "presentation_context": 1.0,
        "presentation_detail": 3.0,
        "presentation_native": -2.0,
    }


def test_without_reject_below_everything_under_the_threshold_fails() -> None:
    """A point with one cut knows no middle."""
    result = _judge(1.4, 0.0, point=dataclasses.replace(POINT, reject_below=None))
    assert (result.outcome, result.reasons) == (Outcome.FAIL, (Reason.PRESENTATION_ATTACK,))


def test_without_a_point_nothing_passes() -> None:
    """A bare score decides nothing, however high."""
    result = _judge(99.0, 0.0, point=None)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,))
    assert (result.threshold, result.operating_point) == (None, None)


def test_a_point_for_other_models_decides_nothing() -> None:
    """A threshold made for another digest is not used."""
    result = _judge(99.0, 0.0, point=dataclasses.replace(POINT, check_digest="other"))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.OPERATING_POINT_MISMATCH,))


def test_a_missing_selfie_is_not_run() -> None:
    """What was not sent was not judged."""
    result = _judge(99.0, 0.0, evidence=Evidence({}))
    assert (result.outcome, result.reasons) == (Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (SubjectFace(None, 0, (Reason.NO_FACE,)), (Reason.NO_FACE,)),
        (SubjectFace(None, 0), (Reason.NO_FACE,)),
        (SubjectFace(FACE, 2, (Reason.SEVERAL_FACES,)), (Reason.SEVERAL_FACES,)),
        (SubjectFace(FACE, 1, (Reason.FACE_TOO_SMALL,)), (Reason.FACE_TOO_SMALL,)),
    ],
)
def test_an_unusable_face_is_inconclusive_not_an_attack(
    found: SubjectFace, reasons: tuple[Reason, ...]
) -> None:
    """Quality reasons are passed on and no score is made up."""
    result = _judge(-99.0, 0.0, seen=Seen(found))
    assert (result.outcome, result.reasons, result.score) == (Outcome.INCONCLUSIVE, reasons, None)


def test_undecodable_bytes_are_inconclusive() -> None:
    """A picture that cannot be opened says nothing about the person."""
    result = _judge(99.0, 0.0, seen=Seen(broken=True))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.MEDIA_UNDECODABLE,))


@pytest.mark.parametrize("logit", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_inconclusive(logit: float) -> None:
    """NaN and infinity never leave the check."""
    result = _judge(logit, 0.0)
    assert (result.outcome, result.reasons, result.score) == (
        Outcome.INCONCLUSIVE,
        (Reason.SCORE_NOT_FINITE,),
        None,
    )


def test_the_digest_covers_analysis_network_and_calibration() -> None:
    """Changing any part changes the digest."""
    base = liveness_digest({"blazeface": "a"}, {"pad": "b"}, CALIBRATION)
    others = {
        liveness_digest({"blazeface": "x"}, {"pad": "b"}, CALIBRATION),
        liveness_digest({"blazeface": "a"}, {"pad": "x"}, CALIBRATION),
        liveness_digest({"blazeface": "a"}, {"pad": "b"}, dataclasses.replace(CALIBRATION, sha256="x")),
    }
    assert base not in others
    assert len(others) == 3


def test_a_calibration_is_read_with_its_digest(tmp_path: Path) -> None:
    """The digest is of the file's bytes."""
    path = tmp_path / "liveness.toml"
    path.write_text("context_weight = 1.0\ndetail_weight = 2\nnative_weight = 0.25\noffset = -0.5\n")
    read = load_calibration(path)
    assert read == LivenessCalibration(1.0, 2.0, 0.25, -0.5, hashlib.sha256(path.read_bytes()).hexdigest())
    assert read.llr(context=1.0, detail=1.0, native=2.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "context_weight = 1.0\n",
        "context_weight = 1\ndetail_weight = 1\noffset = 0\n",
        "context_weight = nan\ndetail_weight = 1\nnative_weight = 1\noffset = 0\n",
        "context_weight = [1]\ndetail_weight = 1\nnative_weight = 1\noffset = 0\n",
        "no toml",
    ],
)
def test_a_broken_calibration_is_refused_at_start(tmp_path: Path, text: str | None) -> None:
    """Absent, incomplete, not finite, of a wrong type or no TOML: the error names the file."""
    path = tmp_path / "liveness.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"liveness\.toml"):
        load_calibration(path)

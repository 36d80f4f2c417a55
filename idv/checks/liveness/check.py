"""The liveness check: passive presentation attack detection on one selfie (ISO/IEC 30107-3)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from idv.checks.liveness.calibration import LivenessCalibration
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.errors import MediaError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.operating_points import OperatingPoint
from idv.domain.ports import Clock, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Signal, check_digest


class Logits(Protocol):
    """Uncalibrated log-odds of a bona fide presentation."""

    @property
    def context(self) -> float:
        """From the head and what surrounds it."""
        ...

    @property
    def detail(self) -> float:
        """From the fine structure of the face."""
        ...

    @property
    def native(self) -> float:
        """From what repeats in the camera's own pixels."""
        ...


class Network(Protocol):
    """Judges one face in one frame."""

    def predict(self, pixels: RgbImage, five_points: FloatArray) -> Logits:
        """Logits of the face at `five_points`."""
        ...


class _Verdict(NamedTuple):
    outcome: Outcome
    reasons: tuple[Reason, ...]


def liveness_digest(
    analysis: Mapping[str, str], network: Mapping[str, str], calibration: LivenessCalibration
) -> str:
    """The check digest: parts of the face analyser and of the network, and the calibration file."""
    return check_digest({**analysis, **network, "calibration": calibration.sha256})


@dataclass(frozen=True)
class Liveness:
    """Passes a selfie whose calibrated log-likelihood ratio reaches the operating point's threshold.

    `digest`: over face analysis, network and calibration. Without a point made for exactly that digest the
    score is given but nothing passes or fails.
    """

    network: Network
    calibration: LivenessCalibration
    point: OperatingPoint | None
    clock: Clock
    provider: str
    digest: str
    name: CheckName = field(default=CheckName.LIVENESS, init=False)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:  # noqa: ARG002 - one short call; the runner watches the clock
        """Judge the selfie. A selfie that nobody can be seen in is inconclusive, never an attack."""
        if ImageRole.SELFIE not in evidence.images:
            return self._result(_Verdict(Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,)))
        try:
            subject = context.subject(ImageRole.SELFIE)
            if subject.face is None or not subject.usable:
                return self._result(_Verdict(Outcome.INCONCLUSIVE, subject.reasons or (Reason.NO_FACE,)))
            pixels = context.image(ImageRole.SELFIE).pixels
        except MediaError:
            return self._result(_Verdict(Outcome.INCONCLUSIVE, (Reason.MEDIA_UNDECODABLE,)))
        return self._scored(self.network.predict(pixels, subject.face.five_points))

    def _scored(self, logits: Logits) -> CheckResult:
        score = self.calibration.llr(context=logits.context, detail=logits.detail, native=logits.native)
        if not math.isfinite(score):
            return self._result(_Verdict(Outcome.INCONCLUSIVE, (Reason.SCORE_NOT_FINITE,)))
        signals = (
            Signal("presentation_context", logits.context),
            Signal("presentation_detail", logits.detail),
            Signal("presentation_native", logits.native),
        )
        return self._result(self._verdict(score), score=score, signals=signals)

    def _verdict(self, score: float) -> _Verdict:
        point = self.point
        if point is None:
            return _Verdict(Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,))
        if point.check_digest != self.digest:
            return _Verdict(Outcome.INCONCLUSIVE, (Reason.OPERATING_POINT_MISMATCH,))
        if score >= point.threshold:
            return _Verdict(Outcome.PASS, ())
        if point.reject_below is None or score < point.reject_below:
            return _Verdict(Outcome.FAIL, (Reason.PRESENTATION_ATTACK,))
        return _Verdict(Outcome.INCONCLUSIVE, (Reason.PRESENTATION_UNCERTAIN,))

    def _result(
        self, verdict: _Verdict, *, score: float | None = None, signals: tuple[Signal, ...] = ()
    ) -> CheckResult:
        point = self.point if score is not None else None
        return CheckResult(
            name=self.name,
            outcome=verdict.outcome,
            provider=self.provider,
            check_digest=self.digest,
            produced_at=self.clock.now(),
            score=score,
            threshold=None if point is None else point.threshold,
            operating_point=None if point is None else point.run_id,
            reasons=verdict.reasons,
            signals=signals,
        )

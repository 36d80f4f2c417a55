"""The judgement whether two pictures show the same person."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from idv.checks.face_match.calibration import Calibration
from idv.checks.face_match.comparison import ComparableFaces, compare
from idv.domain.errors import DeadlineExceeded, MediaError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.faces import COHORT_SIMILARITY, Acquired, FaceQuality, FaceTemplate, side_signal
from idv.domain.operating_points import OperatingPoint
from idv.domain.ports import Clock, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Signal, check_digest

_ONBOARDING = (ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE)
_COMPARISON = (ImageRole.REFERENCE, ImageRole.PROBE)
_SIDES = {ImageRole.DOCUMENT_FRONT: "portrait"}
"""What a side is called in the names of signals, where its role does not say it."""


def face_match_digest(
    analysis: Mapping[str, str], templates: Mapping[str, str], calibration: Calibration
) -> str:
    """The check digest: parts of the face analyser and of the template maker, and the calibration file."""
    return check_digest({**analysis, **templates, "calibration": calibration.sha256})


@dataclass(frozen=True)
class FaceMatch:
    """Compares the portrait on the document with the selfie, or a reference with a probe.

    The score is a log-likelihood ratio (natural logarithm): 0 says nothing, 7 is a thousand to one for the
    same person. Of a pack that nobody calibrated it is the mean cosine instead, to which only an operating
    point made for exactly that can give a meaning. Implements ports.TemplateCheck.

    Signals: of a calibration with a population `portrait_cohort_similarity` and `selfie_cohort_similarity`
    (or `reference_…`, `probe_…`), as `domain.faces.COHORT_SIMILARITY` has it; of each picture that was sent
    `…_sharpness`, `…_inter_eye_px` and `…_dynamic_range`, as `domain.faces.FaceQuality` has them. Nothing is
    decided on them: they tell monitoring of faces and captures unlike those before.
    """

    point: OperatingPoint | None
    calibration: Calibration
    clock: Clock
    provider: str
    digest: str
    name: CheckName = field(default=CheckName.FACE_MATCH, init=False)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Same person, different persons, or why that cannot be said. Raises DeadlineExceeded, ModelError."""
        roles = _pair(evidence)
        sides = [self.acquire(role, evidence, context, deadline=deadline) for role in roles]
        reasons = dict.fromkeys(r for side in sides for r in side.reasons)
        if Reason.EVIDENCE_MISSING in reasons:
            return self._result(Outcome.NOT_RUN, Reason.EVIDENCE_MISSING)
        signals = tuple(_signals(roles, sides))
        one, other = (side.template for side in sides)
        if one is None or other is None:
            result = self._result(Outcome.INCONCLUSIVE, *reasons)
        else:
            score = compare(one, other, self.calibration)
            # Too poor to judge, but the reviewer may know the score.
            poor = self._result(Outcome.INCONCLUSIVE, *reasons, score=score)
            result = poor if reasons else self._judged(score)
        return dataclasses.replace(result, signals=signals)

    def acquire(
        self, role: ImageRole, evidence: Evidence, context: Perception, *, deadline: float
    ) -> Acquired:
        """The template of one side, from its picture or as remembered from an earlier one."""
        if self.clock.monotonic() >= deadline:
            raise DeadlineExceeded("deadline_exceeded", "no time left to compare faces")
        try:
            if role in evidence.images:
                subject = context.subject(role)
                if subject.face is None:
                    return Acquired(None, subject.reasons or (Reason.NO_FACE,))
                quality = _quality(subject.face.quality)
                return self._acquired(context.template(role), subject.reasons, noted=quality)
            return self._acquired(context.template(role))
        except MediaError:
            return Acquired(None, (Reason.MEDIA_UNDECODABLE,))
        except KeyError:
            return Acquired(None, (Reason.EVIDENCE_MISSING,))

    def prepare(self, templates: Sequence[FaceTemplate]) -> ComparableFaces:
        """Templates ready to be compared with each other."""
        return ComparableFaces.of(templates, self.calibration)

    def _acquired(
        self, template: FaceTemplate, reasons: tuple[Reason, ...] = (), *, noted: tuple[Signal, ...] = ()
    ) -> Acquired:
        similarity = self.calibration.cohort_similarity(template)
        cohort = () if similarity is None else (Signal(COHORT_SIMILARITY, similarity),)
        return Acquired(template, reasons, (*cohort, *noted))

    def _judged(self, score: float) -> CheckResult:
        point = self.point
        if point is None:
            return self._result(Outcome.INCONCLUSIVE, Reason.NO_OPERATING_POINT, score=score)
        if point.check_digest != self.digest or point.check is not self.name:
            return self._result(Outcome.INCONCLUSIVE, Reason.OPERATING_POINT_MISMATCH, score=score)
        if score >= point.threshold:
            return self._result(Outcome.PASS, score=score, point=point)
        lowest = point.threshold if point.reject_below is None else point.reject_below
        if score < lowest:
            return self._result(Outcome.FAIL, Reason.FACE_MISMATCH, score=score, point=point)
        return self._result(Outcome.INCONCLUSIVE, Reason.MATCH_UNCERTAIN, score=score, point=point)

    def _result(
        self,
        outcome: Outcome,
        *reasons: Reason,
        score: float | None = None,
        point: OperatingPoint | None = None,
    ) -> CheckResult:
        return CheckResult(
            name=self.name,
            outcome=outcome,
            provider=self.provider,
            check_digest=self.digest,
            produced_at=self.clock.now(),
            score=score,
            threshold=point.threshold if point else None,
            operating_point=point.run_id if point else None,
            reasons=reasons,
        )


def _pair(evidence: Evidence) -> tuple[ImageRole, ImageRole]:
    """Two faces to compare as they are when one of them was sent, otherwise document and selfie."""
    return _COMPARISON if evidence.images.keys() & set(_COMPARISON) else _ONBOARDING


def _quality(quality: FaceQuality) -> tuple[Signal, ...]:
    """The measures of which more is better and none is a verdict of another check."""
    return (
        Signal("sharpness", quality.sharpness),
        Signal("inter_eye_px", quality.inter_eye_px),
        Signal("dynamic_range", quality.dynamic_range),
    )


def _signals(roles: Sequence[ImageRole], sides: Sequence[Acquired]) -> Iterator[Signal]:
    for role, side in zip(roles, sides, strict=True):
        for signal in side.signals:
            yield dataclasses.replace(signal, name=side_signal(_SIDES.get(role, role.value), signal.name))

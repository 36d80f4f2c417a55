"""The document authenticity check: several signals, each with its reasons, fused into one score."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from idv.checks.document_authenticity.calibration import AuthenticityCalibration, fused
from idv.checks.document_authenticity.parts import Parts
from idv.checks.document_authenticity.side_findings import JudgedSide, SeenSide, judge_side
from idv.checks.document_authenticity.signals import MEANING, Finding, SignalName, shown, worst
from idv.checks.document_authenticity.zones import CONTRADICTED, zone_findings, zone_regions
from idv.documents.contradictions import contradictions
from idv.documents.document_types import DocumentType, DocumentTypes, SideName
from idv.documents.sides import Sides, read_sides
from idv.domain.errors import DeadlineExceeded, MediaError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.operating_points import OperatingPoint
from idv.domain.ports import Clock, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, check_digest

RULES_VERSION = "document-authenticity-1"
"""Changes whenever a rule below changes what the check answers."""
_ROLES = (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK)
# A signal that takes at least this share of all that speaks against a document is named as a reason.
_NAMED_SHARE = 0.2


class _Verdict(NamedTuple):
    outcome: Outcome
    reasons: tuple[Reason, ...]
    scored: bool = False


class _Seen(NamedTuple):
    """The sides that were sent and found, and what stands in the way of the others."""

    sides: tuple[SeenSide, ...]
    obstacles: tuple[Reason, ...]


@dataclass(frozen=True)
class _Judged:
    """Everything known about the document before it is cut at a threshold.

    `obstacles`: why it cannot be judged; `incomplete`: why it cannot pass although it can be judged.
    """

    findings: Mapping[SignalName, Finding]
    obstacles: tuple[Reason, ...]
    incomplete: tuple[Reason, ...]
    doubts: Mapping[SignalName, float]
    looks: float | None

    @property
    def score(self) -> float | None:
        """The log-odds by the signals that are weighed, and by what contradicts."""
        if not self.contradictions:
            return self.looks
        usable = self.looks is not None and math.isfinite(self.looks)
        return min(self.looks or 0.0, CONTRADICTED) if usable else CONTRADICTED

    @property
    def contradictions(self) -> tuple[Reason, ...]:
        """What holds against the document whatever its score is."""
        return tuple(dict.fromkeys(chain.from_iterable(f.reasons for f in self.findings.values())))

    @property
    def against(self) -> dict[SignalName, Reason]:
        """The weighed signals that pulled the score down, worst first."""
        total = sum(self.doubts.values())
        ordered = sorted(self.doubts, key=lambda name: -self.doubts[name])
        return {name: MEANING[name] for name in ordered if self.doubts[name] >= _NAMED_SHARE * total > 0}


@dataclass(frozen=True)
class DocumentAuthenticity:
    """Passes a document of which no signal says that it is forged, recaptured or composed.

    The score is the log-odds of the calibrated noisy-OR of all signals, the worse side of each. Zones or
    dates that contradict fail the document whatever its score. A capture that shows too little, and a type
    that is unknown and has no valid machine-readable zone, are inconclusive and have no score. `looks`:
    digest parts of everything the signals are made with. Without a point made for exactly the check's digest
    the score is given but nothing passes. Implements ports.Check.
    """

    parts: Parts
    types: DocumentTypes
    calibration: AuthenticityCalibration
    point: OperatingPoint | None
    clock: Clock
    provider: str
    looks: Mapping[str, str]
    name: CheckName = field(default=CheckName.DOCUMENT_AUTHENTICITY, init=False)

    @property
    def digest(self) -> str:
        """Over models, preprocessing, types, rules and calibration."""
        parts = {"calibration": self.calibration.sha256, "rules": RULES_VERSION}
        return check_digest({**self.looks, **parts})

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Judge what was sent of the document. Raises DeadlineExceeded, ModelError."""
        if not any(role in evidence.images for role in _ROLES):
            return self._result(_Verdict(Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,)))
        seen = _seen(evidence, context)
        if not seen.sides:
            return self._result(_Verdict(Outcome.INCONCLUSIVE, seen.obstacles))
        judged: list[JudgedSide] = []
        for side in seen.sides:
            if self.clock.monotonic() >= deadline:
                raise DeadlineExceeded("deadline_exceeded", "no time left to judge the document")
            judged.append(judge_side(side, self.parts, self.types))
        return self._concluded(self._joined(seen, judged, read_sides(context)))

    def _joined(self, seen: _Seen, judged: Sequence[JudgedSide], sides: Sides) -> _Judged:
        """The sides taken together with what was read from them."""
        identifier = next((side.document_type for side in judged if side.document_type), None)
        known = self.types.get(identifier) if identifier else None
        found = contradictions(sides, today=self.clock.now().date(), types=self.types)
        views = {side.role: (side.image, side.view) for side in seen.sides}
        gate = tuple(chain.from_iterable(side.gate for side in judged))
        unknown = known is None and not (sides.mrz is not None and sides.mrz.valid)
        findings = worst(
            (
                *chain.from_iterable(side.findings for side in judged),
                *zone_findings(found, sides.readings.values(), zone_regions(found, known, views)),
                Finding(SignalName.CAPTURE_QUALITY, float(not gate)),
                Finding(SignalName.DOCUMENT_TYPE, float(known is not None)),
            )
        )
        unread = self.parts.obstacles(sides) if self.parts.obstacles else ()
        obstacles = (*seen.obstacles, *gate, *((Reason.DOCUMENT_TYPE_UNKNOWN,) if unknown else ()))
        return self._weighed(
            findings, obstacles=obstacles, incomplete=(*_unjudged_side(known, seen, sides), *unread)
        )

    def _weighed(
        self,
        findings: Mapping[SignalName, Finding],
        *,
        obstacles: Iterable[Reason],
        incomplete: tuple[Reason, ...],
    ) -> _Judged:
        doubts = self.calibration.doubts({name: found.score for name, found in findings.items()})
        # Metadata alone is no look at the document.
        looks = fused(doubts) if doubts.keys() - {SignalName.PROVENANCE} else None
        if not all(math.isfinite(found.score) for found in findings.values()):
            looks = math.nan
        return _Judged(findings, tuple(dict.fromkeys(obstacles)), incomplete, doubts, looks)

    def _concluded(self, judged: _Judged) -> CheckResult:
        return self._result(self._verdict(judged), judged)

    def _verdict(self, judged: _Judged) -> _Verdict:
        """Contradictions, then what cannot be judged, then the score at the operating point."""
        if judged.contradictions:
            looks = judged.against.values() if self._looks_forged(judged) else ()
            reasons = tuple(dict.fromkeys((*judged.contradictions, *looks)))
            return _Verdict(Outcome.FAIL, reasons, scored=True)
        unjudged = judged.obstacles or (() if judged.looks is not None else (Reason.AUTHENTICITY_UNCERTAIN,))
        if unjudged or judged.looks is None:
            return _Verdict(Outcome.INCONCLUSIVE, unjudged)
        if not math.isfinite(judged.looks):
            return _Verdict(Outcome.INCONCLUSIVE, (Reason.SCORE_NOT_FINITE,))
        if self.point is None:
            return _Verdict(Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,), scored=True)
        if self.point.check_digest != self.digest:
            return _Verdict(Outcome.INCONCLUSIVE, (Reason.OPERATING_POINT_MISMATCH,), scored=True)
        outcome = self.point.outcome_of(judged.looks)
        if outcome is not Outcome.PASS and self._only_metadata(judged, self.point):
            outcome = Outcome.INCONCLUSIVE
        return _cut(judged, outcome)

    def _looks_forged(self, judged: _Judged) -> bool:
        """Whether a document that contradicts itself would fail by its looks too, where they can be told."""
        point, looks = self.point, judged.looks
        if point is None or point.check_digest != self.digest or judged.obstacles:
            return False
        return looks is not None and math.isfinite(looks) and point.outcome_of(looks) is Outcome.FAIL

    def _only_metadata(self, judged: _Judged, point: OperatingPoint) -> bool:
        """Whether the picture itself would pass: traces in a file's metadata fail nobody alone."""
        rest = dict(judged.doubts)
        told = rest.pop(SignalName.PROVENANCE, None)
        return told is not None and point.outcome_of(fused(rest)) is Outcome.PASS

    def _result(self, verdict: _Verdict, judged: _Judged | None = None) -> CheckResult:
        score = judged.score if judged is not None and verdict.scored else None
        point = self.point if score is not None else None
        findings = judged.findings if judged is not None else {}
        against = {} if judged is None else _named(judged.against, verdict)
        blamed = [f for f in findings.values() if f.reasons or f.name in against]
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
            signals=shown(findings, against),
            regions=tuple(chain.from_iterable(found.regions for found in blamed)),
        )


def _cut(judged: _Judged, outcome: Outcome) -> _Verdict:
    """The verdict on a document whose score comes to `outcome` at the operating point."""
    if outcome is Outcome.FAIL:
        return _Verdict(outcome, tuple(dict.fromkeys(judged.against.values())), scored=True)
    if outcome is Outcome.INCONCLUSIVE:
        return _Verdict(outcome, (Reason.AUTHENTICITY_UNCERTAIN,), scored=True)
    if judged.incomplete:
        return _Verdict(Outcome.INCONCLUSIVE, judged.incomplete, scored=True)
    return _Verdict(Outcome.PASS, (), scored=True)


def _named(against: Mapping[SignalName, Reason], verdict: _Verdict) -> dict[SignalName, Reason]:
    """The signals behind a fail's reasons."""
    failed = verdict.outcome is Outcome.FAIL
    return {name: reason for name, reason in against.items() if failed and reason in verdict.reasons}


def _seen(evidence: Evidence, context: Perception) -> _Seen:
    """Every side that was sent; bytes that are no picture and pictures of no document are obstacles."""
    sides: list[SeenSide] = []
    obstacles: list[Reason] = []
    for role in (role for role in _ROLES if role in evidence.images):
        try:
            view = context.document(role)
            if view is None:
                obstacles.append(Reason.NO_DOCUMENT)
            else:
                sides.append(
                    SeenSide(role, evidence.images[role], context.image(role), view, context.reading(role))
                )
        except MediaError:
            obstacles.append(Reason.MEDIA_UNDECODABLE)
    return _Seen(tuple(sides), tuple(dict.fromkeys(obstacles)))


def _unjudged_side(known: DocumentType | None, seen: _Seen, sides: Sides) -> tuple[Reason, ...]:
    """Why a document that looks genuine cannot pass yet: a side that belongs to it was not judged.

    That is one whose zone or barcode the type has on the other side, and one judged only on an earlier
    picture that was not sent again: what was wrong with that picture would be forgotten.
    """
    judged = {side.role for side in seen.sides}
    earlier = set(sides.readings) - judged
    back = known.sides.get(SideName.BACK) if known is not None else None
    wanted = back is not None and (back.mrz is not None or back.barcode is not None)
    unseen = wanted and ImageRole.DOCUMENT_BACK not in judged
    lacking = earlier or unseen or ImageRole.DOCUMENT_FRONT not in judged
    return (Reason.EVIDENCE_MISSING,) if lacking else ()

"""The signals of one side as a picture: what each part says of it, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

from idv.checks.document_authenticity.parts import Fit, Parts
from idv.checks.document_authenticity.signals import Finding, SignalName
from idv.documents.document_types import DocumentTypes, RelativeBox, Side
from idv.documents.sides import known_side
from idv.domain.documents import DocumentReading, DocumentView, TamperingMap
from idv.domain.evidence import EncodedImage, ImageRole
from idv.domain.images import DecodedImage
from idv.domain.reasons import Reason
from idv.domain.results import Region
from idv.vision.imaging.containers.provenance import CLAIMS, Trace, traces
from idv.vision.perception.outlines import WHOLE, Outline, in_picture, outline_of_box, outlines_of_heat

HOT = 0.5
"""Heat from which a place is outlined as altered."""
CLAIMED = -12.0
"""Score of a picture that says itself that it was generated or altered."""
# What a trace of software takes from the signal's score, whose factor in the calibration is set, not fitted:
# metadata is weak evidence, and drawn sets have none. An editor alone leaves a document three to one genuine.
_WEIGHTS = {
    Trace.GENERATOR: 3.0,
    Trace.EDITOR: 2.0,
    Trace.THUMBNAIL_CONTRADICTS: 1.0,
    Trace.EDIT_HISTORY: 1.0,
    Trace.SIZE_CONTRADICTS: 0.5,
    Trace.CAMERA_CONTRADICTS: 0.5,
}


@dataclass(frozen=True)
class SeenSide:
    """One side that was sent and found."""

    role: ImageRole
    encoded: EncodedImage
    image: DecodedImage
    view: DocumentView
    reading: DocumentReading

    def regions(self, signal: str, *outlines: Outline) -> tuple[Region, ...]:
        """Outlines on the flat side as regions of the picture."""
        shape = self.image.pixels.shape
        return tuple(Region(self.role, signal, in_picture(o, self.view.corners, shape)) for o in outlines)


@dataclass(frozen=True)
class JudgedSide:
    """What the parts say of a side; `document_type` None: unknown. `gate`: what is wrong with the capture."""

    findings: tuple[Finding, ...]
    gate: tuple[Reason, ...]
    document_type: str | None


def judge_side(seen: SeenSide, parts: Parts, types: DocumentTypes) -> JudgedSide:
    """Ask every part that is there. Raises ModelError."""
    fit = parts.templates.fit(seen.view, seen.reading, side=None) if parts.templates else None
    which = fit or known_side(seen.reading, types)
    known = types.get(which.document_type) if which else None
    side = known.sides.get(which.side) if which and known else None
    gate = parts.gate(seen.image, seen.view, side, seen.reading) if parts.gate else seen.view.reasons
    findings = (
        *_recapture(seen, parts),
        *_tampering(seen, parts),
        *(_template(seen, fit) if fit else ()),
        *(_ghost(seen, parts, side) if side else ()),
        *_provenance(seen),
    )
    return JudgedSide(findings, gate, known.id if known else seen.reading.document_type)


def _recapture(seen: SeenSide, parts: Parts) -> Iterator[Finding]:
    if parts.recapture:
        score = parts.recapture.predict(seen.image.pixels, seen.view.corners)
        name = SignalName.RECAPTURE
        yield Finding(name, score, regions=seen.regions(name, WHOLE))


def _tampering(seen: SeenSide, parts: Parts) -> Iterator[Finding]:
    if parts.tampering:
        found = parts.tampering.predict(seen.image.pixels, seen.view.corners)
        name = SignalName.TAMPERING
        yield Finding(name, found.logit, regions=seen.regions(name, *_hot(found)))


def _hot(found: TamperingMap) -> tuple[Outline, ...]:
    """Where the heat is; the hottest place when the document as a whole looks altered but no place does."""
    level = min(HOT, float(found.heat.max(initial=0.0)))
    return outlines_of_heat(found.heat, level=level) if level > 0 else ()


def _template(seen: SeenSide, fit: Fit) -> Iterator[Finding]:
    for name in (SignalName(key) for key in fit.signals):
        boxes = fit.regions.get(name, ())
        yield Finding(
            name, fit.signals[name], regions=seen.regions(name, *(outline_of_box(box) for box in boxes))
        )


def _ghost(seen: SeenSide, parts: Parts, side: Side) -> Iterator[Finding]:
    likeness = parts.ghost(seen.view.rectified, side) if parts.ghost else None
    if likeness is not None:
        name = SignalName.GHOST_PORTRAIT
        boxes: list[RelativeBox] = [box for box in (side.portrait, side.ghost) if box]
        yield Finding(name, likeness, regions=seen.regions(name, *(outline_of_box(box) for box in boxes)))


def _provenance(seen: SeenSide) -> Iterator[Finding]:
    """Nothing for a file without traces: metadata is easily stripped and never speaks for a picture."""
    found = traces(seen.encoded.data, width=seen.image.full_width, height=seen.image.full_height)
    if CLAIMS.intersection(found):
        yield Finding(SignalName.PROVENANCE, CLAIMED, reasons=(Reason.SOFTWARE_TRACE,))
    elif found:
        yield Finding(SignalName.PROVENANCE, -sum(_WEIGHTS[trace] for trace in found))

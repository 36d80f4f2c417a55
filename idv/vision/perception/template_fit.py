"""How a side that was laid flat fits the type it claims to be of: lines, layout, print, ghost, colour."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, DocumentTypes, RelativeBox, SideName
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.reasons import Reason
from idv.vision.perception.template_ground import GroundFit, colour_fit, ghost_presence, ground_fit
from idv.vision.perception.template_pieces import PixelBox
from idv.vision.perception.template_print import ITALIC_SHEAR, ink_fit, label_places, value_shear
from idv.vision.perception.template_references import Reference, TemplateReferences
from idv.vision.perception.template_registration import Homography, Registered, register, words_found

VERSION = "template-3"
"""Changes whenever the same flat picture may fit differently; part of the check digest."""

# Labels of genuine sides stand within 0.3 % of the width of their places, moved ones from 0.8 % on.
_MOVED = 0.0045
_WORST = -4.0
_SHEAR_STEP = ITALIC_SHEAR / 2
_NOTHING_ALIKE = -0.05
_ASPECT_TOLERANCE = 0.12
_CANDIDATES = 3
_MISSED = 0.3
_LEAST_WORDS = 0.5
_SURE_LINES, _SURE_PRINT, _SURE_PIECES = 0.5, 0.75, 6
_UNFIT = frozenset({Reason.DOCUMENT_BLURRED, Reason.DOCUMENT_CUT_OFF, Reason.DOCUMENT_TOO_SMALL})


@dataclass(frozen=True)
class TemplateFit:
    """A side against its type. `signals`: name -> number, higher = more genuine; absent what cannot be told.

    `template_ground`: correlation of the security lines, about 0.8 for the type's own, 0 for others.
    `template_layout`: 1 with every label in place, 0 with one 0.45 % of the width away. `template_print`:
    1 for values in slant and ink of the type, -1 for the other slant or the heading's ink. `template_ghost`:
    about 1.5 with a ghost portrait, -1.5 without. `template_colour`: 1 for the type's hues, 0 for grey.
    `regions`: by signal, boxes relative to the rectified side in which it saw what speaks against the side.
    """

    document_type: str
    side: SideName
    signals: Mapping[str, float]
    regions: Mapping[str, tuple[RelativeBox, ...]]


class _Signal(NamedTuple):
    """`boxes`: px of the reference."""

    name: str
    score: float
    boxes: tuple[PixelBox, ...]


class TemplateFitter:
    """Compares sides with the references of their types."""

    def __init__(self, types: DocumentTypes, references: TemplateReferences) -> None:
        self._types = types
        self._references = references

    def fit(
        self, view: DocumentView, reading: DocumentReading, *, side: SideName | None = None
    ) -> TemplateFit | None:
        """How a side fits; None for an unknown type or one without a reference. `side`: where it is known."""
        known = self._types.get(reading.document_type) if reading.document_type else None
        if known is None:
            return self._unclaimed(view)
        candidates = self._sides(known, view, reading, side)
        for reference in candidates:
            seen = register(view.rectified, reference)
            if seen is not None:
                return _fit(seen, reference, view)
        return _unlike(candidates[0], view) if candidates else None

    def classify(self, view: DocumentView, reading: DocumentReading) -> tuple[str, SideName] | None:
        """The type and side that the reading states or else the picture shows, or None when unknown."""
        known = self._types.get(reading.document_type) if reading.document_type else None
        if known is None:
            found = self._recognised(view)
            return (found[1].type.id, found[1].name) if found else None
        candidates = self._sides(known, view, reading, None)
        if len(candidates) > 1:
            fitting = (c for c in candidates if register(view.rectified, c) is not None)
            return known.id, next(fitting, candidates[0]).name
        return known.id, candidates[0].name if candidates else next(iter(known.sides))

    def digest_parts(self) -> dict[str, str]:
        """What a fit depends on: the references, the types, and the version of this code."""
        return {
            "template": VERSION,
            "template_references": self._references.digest(),
            **self._types.digest_parts(),
        }

    def _unclaimed(self, view: DocumentView) -> TemplateFit | None:
        found = self._recognised(view)
        return _fit(*found, view) if found else None

    def _sides(
        self, known: DocumentType, view: DocumentView, reading: DocumentReading, side: SideName | None
    ) -> tuple[Reference, ...]:
        """The references of the sides it may be, the likeliest first."""
        if side is None and reading.mrz is not None and known.mrz_side is not None:
            side = known.mrz_side
        if side is not None:
            only = self._references.get(known.id, side)
            return (only,) if only else ()
        # The sides of many types have one ground: lines alone do not tell which this is.
        return tuple(
            sorted(self._references.of(known.id), key=lambda reference: _doubt(reference, view, reading))
        )

    def _recognised(self, view: DocumentView) -> tuple[Registered, Reference] | None:
        """The reference that the picture shows beyond doubt."""
        aspect = view.rectified.shape[1] / view.rectified.shape[0]
        alike = [r for r in self._references if abs(r.type.aspect_ratio / aspect - 1) <= _ASPECT_TOLERANCE]
        for reference in _by_words(view, alike)[:_CANDIDATES]:
            seen = register(view.rectified, reference, anywhere=False)
            if seen is not None and _is_sure(seen):
                return seen, reference
        return None


def _is_sure(seen: Registered) -> bool:
    return seen.pieces >= _SURE_PIECES and seen.matched >= (_SURE_LINES if seen.by_lines else _SURE_PRINT)


def _doubt(reference: Reference, view: DocumentView, reading: DocumentReading) -> float:
    """What speaks against a side: something seen that it has not, or missed that it has, or few of its words.

    A code or portrait that is seen is there; one that is missed may only be illegible.
    """
    side = reference.side
    found = (
        (reading.mrz is not None, side.mrz is not None),
        (bool(reading.barcodes), side.barcode is not None),
        (view.portrait_box is not None, side.portrait is not None),
    )
    strange = sum(seen and not expected for seen, expected in found)
    missed = sum(expected and not seen for seen, expected in found)
    return strange + _MISSED * missed - words_found(view.rectified, reference)


def _by_words(view: DocumentView, references: Iterable[Reference]) -> tuple[Reference, ...]:
    """The references whose words stand on the picture, most first; then those that have none."""
    found = [(words_found(view.rectified, reference), reference) for reference in references]
    kept = [(share, known) for share, known in found if share >= _LEAST_WORDS or not known.has_words]
    return tuple(known for _, known in sorted(kept, key=lambda pair: -pair[0]))


# --- signals --------------------------------------------------------------------------------------------


def _fit(seen: Registered, reference: Reference, view: DocumentView) -> TemplateFit:
    found = tuple(_signals(seen, reference))
    boxes = {
        signal.name: tuple(_relative(box, seen.to_picture, view.rectified.shape) for box in signal.boxes)
        for signal in found
    }
    return TemplateFit(
        reference.type.id,
        reference.name,
        MappingProxyType({signal.name: signal.score for signal in found}),
        MappingProxyType(boxes),
    )


def _unlike(reference: Reference, view: DocumentView) -> TemplateFit:
    """A side that neither lines nor print of the type are on; in a poor capture that tells nothing.

    Nor does it of a side without words, which little but its lines could have placed.
    """
    untold = _UNFIT.intersection(view.reasons) or not reference.has_words
    signals = {} if untold else {"template_ground": _NOTHING_ALIKE}
    whole = {name: (RelativeBox(0.0, 0.0, 1.0, 1.0),) for name in signals}
    return TemplateFit(reference.type.id, reference.name, MappingProxyType(signals), MappingProxyType(whole))


def _signals(seen: Registered, reference: Reference) -> Iterator[_Signal]:
    everything = ((0, 0, *reference.size),)
    ground = ground_fit(seen, reference)
    if ground is not None:
        yield _Signal("template_ground", ground.likeness, ground.strange)
    colour = colour_fit(seen, reference)
    if colour is not None:
        yield _Signal("template_colour", min(colour, 1.0), everything)
    yield from _layout(seen, reference, ground)
    yield from _print(seen, reference)
    if reference.side.ghost is not None:
        presence = ghost_presence(seen, reference, reference.side.ghost)
        if presence is not None:
            yield _Signal("template_ghost", presence, (reference.side.ghost.pixels(*reference.size),))


def _layout(seen: Registered, reference: Reference, ground: GroundFit | None) -> Iterator[_Signal]:
    def clear(box: PixelBox) -> bool:
        return ground is not None and ground.is_clear(box, reference.size)

    places = label_places(seen, reference, clear=clear)
    if not places:
        return
    moved = tuple(
        _shifted(box.pixels(*reference.size), place.off or (0.0, 0.0), reference.size[0])
        for place in places
        if place.distance > _MOVED
        for box in (place.zone.label_box, place.zone.box)
    )
    worst = max(place.distance for place in places)
    yield _Signal("template_layout", max(_WORST, 1 - worst / _MOVED), moved)


def _shifted(box: PixelBox, off: tuple[float, float], width: int) -> PixelBox:
    return round(box[0] + off[0] * width), round(box[1] + off[1] * width), box[2], box[3]


def _print(seen: Registered, reference: Reference) -> Iterator[_Signal]:
    scores = []
    shear = value_shear(seen, reference)
    if shear is not None:
        expected = ITALIC_SHEAR if reference.type.look.slanted else 0.0
        scores.append(max(-1.0, 1 - abs(shear - expected) / _SHEAR_STEP))
    ink = ink_fit(seen, reference)
    if ink is not None:
        scores.append(max(-1.0, ink))
    if scores:
        boxes = tuple(zone.box.pixels(*reference.size) for zone in reference.side.fields)
        yield _Signal("template_print", min(scores), boxes)


def _relative(box: PixelBox, to_picture: Homography, shape: tuple[int, ...]) -> RelativeBox:
    """The upright box around a box of the reference, relative to the picture it was registered in."""
    left, top, wide, tall = box
    corners = np.array(
        [[left, top], [left + wide, top], [left + wide, top + tall], [left, top + tall]], np.float32
    )
    there = cv2.perspectiveTransform(corners[None], to_picture)[0] / [shape[1], shape[0]]
    low, high = np.clip(there.min(axis=0), 0, 1), np.clip(there.max(axis=0), 0, 1)
    return RelativeBox(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))

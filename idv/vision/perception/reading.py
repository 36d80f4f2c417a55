"""Reads a document that was laid flat: machine-readable zone, printed fields, barcodes.

Rows of a machine-readable zone and zones of known types are cut out and recognised one by one; only what
cannot be placed that way costs a full-page pass of the text detector.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from idv.documents.barcodes import read_payload
from idv.documents.document_types import DocumentType, DocumentTypes, FieldZone, Side
from idv.documents.mrz_layouts import LAYOUTS, Span
from idv.documents.viz import field_from_text, fields_from_lines
from idv.domain.arrays import RgbImage
from idv.domain.documents import (
    DigitState,
    DocumentReading,
    DocumentView,
    FieldName,
    FieldReading,
    TextLine,
    Zone,
)
from idv.domain.ports import Clock, Inference
from idv.domain.reasons import Reason
from idv.vision.models.ppocr_det import TextBox, TextDetector
from idv.vision.models.ppocr_rec import TextRecogniser
from idv.vision.perception.barcodes import read_barcodes
from idv.vision.perception.effort import Effort
from idv.vision.perception.flat_document import strips_of
from idv.vision.perception.mrz_reader import MrzFound, MrzReader, better
from idv.vision.perception.printed_zones import Registration, cut_print, registered, whole
from idv.vision.perception.second_script import after_stroke
from idv.vision.perception.text_lines import cut

VERSION = "reading-4"
"""Changes whenever the same flat picture may be read differently; part of the check digest."""
_PAGE_SIDE_PX = 960
_MAX_LINES = 40
# A document takes half a second, one that hardly can be read up to 3; beyond, the machine is too busy.
_PATIENCE_S = 8.0
_MIN_LINE_CONFIDENCE = 0.5
_MIN_FIELD_CONFIDENCE = 0.6
# A side on which fewer of the type's zones can be read is printed otherwise: then the page is read by labels.
_LEAST_SHARE = 0.5
_PROVEN = 0.99
_DOUBTFUL = 0.6
_BLURRED_AT_MOST = 0.7
# A digit is right by chance once in ten: it proves no character that left no trace in the picture.
_TRACE = 0.05
_ASPECT_TOLERANCE = 0.12
_LABELS_COMPARED = 3
_LABELS_NEEDED = 2
_LABELS_SHARE = 0.5
_LABEL_LIKENESS = 72.0
_LATIN = "latin"
_NAMES = frozenset({FieldName.SURNAME, FieldName.GIVEN_NAMES})


class _Known(NamedTuple):
    """A side of a known type and where it lies on the picture."""

    type: DocumentType
    side: Side
    registration: Registration


class DocumentReader:
    """Reads documents; `types` are those whose zones are known, `clock` tells the day to judge dates by.

    `patience_s`: after so many seconds on one document no further stage is begun.
    """

    def __init__(
        self,
        inference: Inference,
        alphabet: Sequence[str],
        *,
        types: DocumentTypes,
        clock: Clock,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.recogniser = TextRecogniser(inference, alphabet)
        self.detector = TextDetector(inference)
        self.mrz = MrzReader(self.recogniser, types=types)
        self._types = types
        self._clock = clock
        self._patience_s = patience_s

    def read(self, view: DocumentView) -> DocumentReading:
        """Everything that can be read from one side, and what stands in the way of the rest."""
        pixels, today = view.rectified, self._clock.now().date()
        effort = Effort(self._clock, seconds=self._patience_s)
        found = self.mrz.read(pixels, today=today, effort=effort, strips=strips_of(view))
        known = self._known_by_zone(pixels, found) if found else None
        if found is None and not effort.late:
            known = self._known_by_labels(pixels)
        lines: tuple[TextBox, ...] | None = None
        if known is None and not effort.late:
            lines = self._lines(pixels)
            if found is None or not found.settled:
                found = better(found, self.mrz.read_among(pixels, lines, today=today, effort=effort))
            known = self._known_by_zone(pixels, found) if found else None
        printed = self._fields(pixels, known) if known and not effort.late else ()
        side = known.side if known and len(printed) >= len(known.side.fields) * _LEAST_SHARE else None
        if side is None:
            printed = self._page(pixels, lines, found, effort=effort)
        blurred = Reason.DOCUMENT_BLURRED in view.reasons
        barcodes = _barcodes(pixels, side)
        coded = tuple(reading for payload in barcodes for reading in read_payload(payload))
        return DocumentReading(
            document_type=known.type.id if known else None,
            mrz=found.reading if found else None,
            fields=(*(_mrz_fields(found, blurred=blurred) if found else ()), *printed, *coded),
            barcodes=barcodes,
            reasons=(*view.reasons, *_reasons(found, known, blurred=blurred, late=effort.late)),
            read_on=today,
        )

    def digest_parts(self) -> dict[str, str]:
        """What a reading depends on: model name -> digest, and the version of this code."""
        return {
            "ppocr_rec": self.recogniser.digest(),
            "ppocr_det": self.detector.digest(),
            "reading": VERSION,
        }

    def _lines(self, pixels: RgbImage) -> tuple[TextBox, ...]:
        return self.detector.lines(pixels, max_side_px=_PAGE_SIDE_PX)

    def _known_by_zone(self, pixels: RgbImage, found: MrzFound) -> _Known | None:
        """The type that the machine-readable zone states, placed by the rows it was read from."""
        known = self._types.by_mrz(found.reading)
        if known is None or known.mrz is None or known.mrz_side is None:
            return None
        place = registered(pixels.shape, known.mrz, found.rows, aspect=known.aspect_ratio)
        return _Known(known, known.sides[known.mrz_side], place)

    def _known_by_labels(self, pixels: RgbImage) -> _Known | None:
        """The type whose side without a zone has its labels where this picture has them."""
        aspect = pixels.shape[1] / pixels.shape[0]
        place = whole(pixels.shape)
        for known in self._types:
            for side in known.sides.values():
                alike = abs(known.aspect_ratio / aspect - 1) <= _ASPECT_TOLERANCE
                if alike and side.mrz is None and self._has_labels(pixels, side, place):
                    return _Known(known, side, place)
        return None

    def _has_labels(self, pixels: RgbImage, side: Side, place: Registration) -> bool:
        """Whether two of the first labels stand in their places, and then half of all labels.

        Some types have the same words in nearly the same places at the top: the rest tells them apart.
        """
        first, rest = side.fields[:_LABELS_COMPARED], side.fields[_LABELS_COMPARED:]
        right = self._labels(pixels, first, place)
        if right < _LABELS_NEEDED:
            return False
        return right + self._labels(pixels, rest, place) >= _LABELS_SHARE * len(side.fields)

    def _labels(self, pixels: RgbImage, zones: Sequence[FieldZone], place: Registration) -> int:
        """How many labels are read where the type has them."""
        right = 0
        for zone in zones:
            crop = cut_print(pixels, place, zone.label_box)
            text = self.recogniser.read(crop).text if crop is not None else ""
            right += fuzz.ratio(_characters(text), _characters(zone.label)) >= _LABEL_LIKENESS
        return right

    def _fields(self, pixels: RgbImage, known: _Known) -> tuple[FieldReading, ...]:
        """The printed fields of a known side, each cut out of its own zone."""
        return tuple(self._zone_readings(pixels, known))

    def _zone_readings(self, pixels: RgbImage, known: _Known) -> Iterator[FieldReading]:
        for zone in known.side.fields:
            crop = cut_print(pixels, known.registration, zone.box)
            if crop is not None and known.type.script != _LATIN and zone.name in _NAMES:
                crop = after_stroke(crop)
            if crop is None:
                continue
            text, confidence = self.recogniser.read(crop)
            if confidence < _MIN_FIELD_CONFIDENCE:
                continue
            reading = field_from_text(zone.name, text, confidence=confidence, document_type=known.type)
            if reading is not None:
                yield reading

    def _page(
        self,
        pixels: RgbImage,
        lines: Sequence[TextBox] | None,
        found: MrzFound | None,
        *,
        effort: Effort,
    ) -> tuple[FieldReading, ...]:
        """Printed fields of an unknown type, by their labels among all lines of the page, surest first."""
        if effort.late:
            return ()
        if lines is None:
            lines = self._lines(pixels)
        rows = found.rows if found else ()
        free = [line for line in lines if not any(_covers(row.y_at, line) for row in rows)]
        free.sort(key=lambda line: -line.score)
        read = [self._text_line(pixels, line) for line in free[:_MAX_LINES] if not effort.late]
        return fields_from_lines([line for line in read if line.confidence >= _MIN_LINE_CONFIDENCE])

    def _text_line(self, pixels: RgbImage, line: TextBox) -> TextLine:
        text, confidence = self.recogniser.read(cut(pixels, line.corners, height=48))
        return TextLine(text, confidence, line.corners)


def _barcodes(pixels: RgbImage, side: Side | None) -> tuple[bytes, ...]:
    """Payloads of all codes; `side`: what the picture is printed like, None where that is unknown.

    No code is looked for where the type has none, and none of a known type stands on its side.
    """
    if side is not None and side.barcode is None:
        return ()
    return read_barcodes(pixels, across=side is None)


def _characters(text: str) -> str:
    """Letters and digits: of a label like `4a.` the recogniser may lose the point."""
    return "".join(character for character in text.lower() if character.isalnum())


def _covers(y_at: Callable[[float], float], line: TextBox) -> bool:
    """Whether a row of the machine-readable zone runs through the line's box."""
    x = float(line.corners[:, 0].mean())
    return bool(line.corners[:, 1].min() <= y_at(x) <= line.corners[:, 1].max())


def _reasons(
    found: MrzFound | None, known: _Known | None, *, blurred: bool, late: bool
) -> tuple[Reason, ...]:
    """Why the machine-readable zone is missing or in doubt; nothing for a side that has none."""
    if late:
        return (Reason.DEADLINE_EXCEEDED,)
    if found is None:
        return () if known is not None else (Reason.MRZ_NOT_FOUND,)
    weak = not found.reading.valid and (blurred or not found.settled)
    return (Reason.MRZ_UNREADABLE,) if weak or found.weakest < _DOUBTFUL else ()


def _mrz_fields(found: MrzFound, *, blurred: bool) -> Iterator[FieldReading]:
    """The zone's fields; one whose own digit holds is proven, another as sure as its weakest character.

    In a blurred picture a recogniser can be sure and wrong: there a refuted zone is doubtful in all fields.
    """
    layout = LAYOUTS[found.reading.format]
    spans = {element.name: element.span for element in layout.elements}
    spans |= {FieldName.SURNAME: layout.names, FieldName.GIVEN_NAMES: layout.names}
    for name, value in found.reading.fields.items():
        weakest = _weakest(found, spans[name])
        proven = found.reading.digits.get(name.value) is DigitState.VERIFIED and weakest >= _TRACE
        confidence = _PROVEN if proven else weakest
        if blurred and not found.reading.valid:
            confidence = min(confidence, _BLURRED_AT_MOST)
        yield FieldReading(name=name, value=value, zone=Zone.MRZ, confidence=confidence)


def _weakest(found: MrzFound, span: Span) -> float:
    return float(np.min(found.confidences[span.row][span.start : span.stop]))

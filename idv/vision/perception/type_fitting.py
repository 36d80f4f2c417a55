"""Fits the zones of a new document type's side from a few photos of different holders' documents."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import zxingcpp

from idv.documents.document_types import (
    BarcodeContent,
    BarcodeFormat,
    BarcodeZone,
    Color,
    FieldZone,
    MrzZone,
    RelativeBox,
    Side,
)
from idv.domain.arrays import Array, RgbImage
from idv.domain.documents import DocumentView, FieldName
from idv.domain.errors import RequestError
from idv.domain.faces import Box, Face
from idv.domain.images import DecodedImage
from idv.domain.ports import Clock
from idv.vision.models.ppocr_det import TextDetector
from idv.vision.models.ppocr_rec import TextRecogniser
from idv.vision.perception.effort import Effort
from idv.vision.perception.mrz_reader import MrzFound, MrzReader
from idv.vision.perception.text_lines import cut
from idv.vision.perception.type_blank import blank_side
from idv.vision.perception.type_portraits import ghost_frame, portrait_frame
from idv.vision.perception.type_samples import SampleMismatch, TypeSamples, lay_together
from idv.vision.perception.type_zones import (
    Line,
    find_fields,
    find_heading,
    find_labels,
    ink_of,
    line_of,
)

LEAST_SAMPLES, MOST_SAMPLES = 2, 5
_PAGE_SIDE_PX = 1200
_PATIENCE_S = 30.0
_INK_QUANTILE = 0.15
_AAMVA = b"ANSI "


@dataclass(frozen=True)
class FittingParts:
    """What finds and reads, as the checks use it."""

    find: Callable[[DecodedImage], DocumentView | None]
    faces: Callable[[RgbImage], tuple[Face, ...]]
    detector: TextDetector
    recogniser: TextRecogniser
    mrz: MrzReader
    clock: Clock


class FittedSide(NamedTuple):
    """A side as fitted: `look`, inks by their names in a type's look; `reference`, the blank side (H, W, 3).

    `missing`: fields whose label or value was not found.
    """

    side: Side
    look: Mapping[str, Color]
    reference: RgbImage
    missing: tuple[FieldName, ...]


class SideFitter:
    """Fits sides."""

    def __init__(self, parts: FittingParts) -> None:
        self._parts = parts

    def fit(
        self,
        photos: Sequence[DecodedImage],
        labels: Mapping[FieldName, str],
        *,
        aspect: float,
        state_name: str,
    ) -> FittedSide:
        """The side that 2 to 5 photos of different holders' documents show.

        `labels`: the words printed above or before each field; `aspect`: width over height of the document;
        `state_name`: what its heading begins with. Raises RequestError `samples_too_few`,
        `samples_too_many`, `sample_without_document`, `sample_mismatch`.
        """
        samples = self._samples(photos, aspect)
        pictures = samples.pictures
        portrait, ghost = self._portraits(pictures)
        mrz, barcode = self._mrz(pictures), _barcode(samples)
        lines = [self._lines(picture) for picture in pictures]
        read = self._read(samples.median)
        found = self._labels(labels, read, pictures)
        inks = [ink_of(picture) for picture in pictures]
        zones = (portrait, ghost, mrz and mrz.box, barcode and barcode.box)
        taken = tuple(zone for zone in zones if zone)
        fields = find_fields(labels, found, lines, inks, taken)
        side = Side(
            fields=fields.zones,
            portrait=portrait,
            mrz=mrz,
            ghost=ghost,
            barcode=barcode,
            heading=find_heading(state_name, read, samples.size) or ((0.0, 0.0) if portrait else None),
        )
        reference = blank_side(pictures, side)
        return FittedSide(side, _inks(samples, found, fields.zones, inks), reference, fields.missing)

    def _samples(self, photos: Sequence[DecodedImage], aspect: float) -> TypeSamples:
        if len(photos) < LEAST_SAMPLES:
            raise RequestError(
                "samples_too_few", "one holder's document does not tell what varies: give two or more"
            )
        if len(photos) > MOST_SAMPLES:
            raise RequestError("samples_too_many", f"at most {MOST_SAMPLES} samples are laid on each other")
        views = [self._parts.find(photo) for photo in photos]
        for number, view in enumerate(views, 1):
            if view is None:
                raise RequestError("sample_without_document", f"sample {number} shows no document")
        try:
            return lay_together([view.rectified for view in views if view], aspect=aspect)
        except SampleMismatch as fault:
            number = fault.number + 1
            raise RequestError(
                "sample_mismatch", f"sample {number} does not show the same side as the first"
            ) from fault

    def _portraits(self, pictures: Sequence[RgbImage]) -> tuple[RelativeBox | None, RelativeBox | None]:
        """Portrait and ghost, where most samples have a face."""
        seen = [faces[0].box for faces in map(self._parts.faces, pictures) if faces]
        if len(seen) * 2 <= len(pictures):
            return None, None
        face = Box(*(float(number) for number in np.median(seen, axis=0)))
        portrait = portrait_frame(pictures, face)
        return portrait, ghost_frame(pictures, portrait) if portrait else None

    def _lines(self, picture: RgbImage) -> list[Line]:
        """Where lines of print stand; nothing is read."""
        return [line_of("", box) for box in self._parts.detector.lines(picture, max_side_px=_PAGE_SIDE_PX)]

    def _labels(
        self, labels: Mapping[FieldName, str], read: Sequence[Line], pictures: Sequence[RgbImage]
    ) -> dict[FieldName, Line]:
        """The labels, by what was `read` off all samples together, and what is missing there off each."""
        found = find_labels(labels, read)
        for picture in pictures:
            missing = {name: label for name, label in labels.items() if name not in found}
            if not missing:
                break
            found |= find_labels(missing, self._read(picture))
        return found

    def _read(self, picture: RgbImage) -> list[Line]:
        boxes = self._parts.detector.lines(picture, max_side_px=_PAGE_SIDE_PX)
        return [
            line_of(self._parts.recogniser.read(cut(picture, box.corners, height=48)).text, box)
            for box in boxes
        ]

    def _mrz(self, pictures: Sequence[RgbImage]) -> MrzZone | None:
        """The machine-readable zone: the format most samples have, its rows where their print stands."""
        today = self._parts.clock.now().date()
        found = [self._mrz_on(picture, today) for picture in pictures]
        valid = [(zone, picture) for zone, picture in zip(found, pictures, strict=True) if zone]
        if len(valid) * 2 <= len(pictures):
            return None
        formats = [zone.reading.format for zone, _ in valid]
        usual = max(formats, key=formats.count)
        boxes = [_rows_box(zone, ink_of(picture)) for zone, picture in valid if zone.reading.format is usual]
        left, top, right, bottom = np.median(boxes, axis=0).tolist()
        height, width = pictures[0].shape[:2]
        return MrzZone(usual, _rounded(left / width, top / height, right / width, bottom / height))

    def _mrz_on(self, picture: RgbImage, today: dt.date) -> MrzFound | None:
        effort = Effort(self._parts.clock, seconds=_PATIENCE_S)
        found = self._parts.mrz.read(picture, today=today, effort=effort)
        return found if found is not None and found.reading.valid else None


def _rows_box(found: MrzFound, ink: Array) -> tuple[float, float, float, float]:
    """Left, top, right, bottom px of the rows' characters, by their print."""
    tall = float(np.median([row.height for row in found.rows]))
    left = min(row.left[0] for row in found.rows) - tall
    right = max(row.right[0] for row in found.rows) + tall
    top, bottom = found.rows[0].left[1] - tall, found.rows[-1].left[1] + tall
    x, y = max(0, round(left)), max(0, round(top))
    part = ink[y : round(bottom), x : round(right)]
    if not part.any():
        return left, top, right, bottom
    columns, rows = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.sum(axis=1) > tall / 2)
    return x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1


def _barcode(samples: TypeSamples) -> BarcodeZone | None:
    """The code that most samples have and that a type can describe."""
    found = [zone for zone in map(_barcode_on, samples.pictures) if zone]
    if len(found) * 2 <= len(samples.pictures):
        return None
    box = np.median([(b.left, b.top, b.left + b.width, b.top + b.height) for _, _, b in found], axis=0)
    return BarcodeZone(found[0].format, found[0].content, _rounded(*box.tolist()))


def _barcode_on(picture: RgbImage) -> BarcodeZone | None:
    height, width = picture.shape[:2]
    formats = zxingcpp.barcode_formats_from_str(",".join(BarcodeFormat))
    for code in zxingcpp.read_barcodes(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), formats=formats):
        at = code.position
        corners = [(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]
        x, y = zip(*corners, strict=True)
        content = BarcodeContent.AAMVA if _AAMVA in bytes(code.bytes)[:32] else BarcodeContent.MRZ
        box = _rounded(min(x) / width, min(y) / height, max(x) / width, max(y) / height)
        return BarcodeZone(_format_of(str(code.format)), content, box)
    return None


def _format_of(name: str) -> BarcodeFormat:
    return BarcodeFormat.PDF417 if "417" in name else BarcodeFormat.QR_CODE


def _rounded(left: float, top: float, right: float, bottom: float) -> RelativeBox:
    """A box from its edges, four decimals, inside the side."""
    edges = [round(min(1.0, max(0.0, edge)), 4) for edge in (left, top, right, bottom)]
    return RelativeBox(edges[0], edges[1], round(edges[2] - edges[0], 4), round(edges[3] - edges[1], 4))


def _inks(
    samples: TypeSamples,
    labels: Mapping[FieldName, Line],
    zones: Sequence[FieldZone],
    inks: Sequence[Array],
) -> dict[str, Color]:
    """The inks of labels and values: the darker part of their print, of all samples."""
    height, width = inks[0].shape
    words = [tuple(round(edge) for edge in (at.left, at.top, at.right, at.bottom)) for at in labels.values()]
    values = []
    for zone in zones:
        left, top, wide, tall = zone.box.pixels(width, height)
        values.append((left, top, left + wide, top + tall))
    found = {"label": _ink(samples, words, inks), "value": _ink(samples, values, inks)}
    return {name: color for name, color in found.items() if color is not None}


def _ink(samples: TypeSamples, boxes: Sequence[tuple[int, ...]], inks: Sequence[Array]) -> Color | None:
    pixels = [
        picture[top:bottom, left:right][ink[top:bottom, left:right]]
        for picture, ink in zip(samples.pictures, inks, strict=True)
        for left, top, right, bottom in boxes
    ]
    together = np.concatenate(pixels) if pixels else np.empty((0, 3), np.uint8)
    if not len(together):
        return None
    light = together.sum(axis=1)
    red, green, blue = np.median(together[light <= np.quantile(light, _INK_QUANTILE)], axis=0)
    return int(red), int(green), int(blue)

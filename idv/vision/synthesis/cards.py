"""Draws documents of fictitious states from their type's data, so that types and drawings never disagree.

What is drawn: the ground with its security print, state name and title, labels and values where the type
has them, portrait and ghost portrait, barcode, and a machine-readable zone in the stroke font of `glyphs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.documents.document_types import (
    BarcodeZone,
    Color,
    DocumentType,
    FieldZone,
    Look,
    MrzZone,
    RelativeBox,
    Side,
    SideName,
)
from idv.documents.mrz_writer import write
from idv.domain.arrays import RgbImage
from idv.domain.documents import FieldName
from idv.vision.synthesis.codes import draw_barcode, payload
from idv.vision.synthesis.glyphs import RowGeometry, row_coverage
from idv.vision.synthesis.grounds import draw_ground, draw_microprint
from idv.vision.synthesis.holders import Holder, mrz_record, printed_fields

_MM_PER_INCH = 25.4
_INK = (28, 28, 36)
_MRZ_INK = (18, 18, 20)
_LABEL_WEIGHT = 400
_VALUE_WEIGHT = 600
_TITLE_WEIGHT = 700
_GHOST_INK = 0.6
_GHOST_COLOR = (60, 60, 90)

PixelBox = tuple[int, int, int, int]


@dataclass(frozen=True)
class Contradictions:
    """Zones that state something else than the printed fields and the portrait do.

    `mrz_holder`, `barcode_holder`: whose data stand there. `mrz_lines`: rows to print as they are, whatever
    their check digits. `ghost_portrait`: (H, W, 3) uint8 RGB.
    """

    mrz_holder: Holder | None = None
    mrz_lines: tuple[str, ...] = field(default=(), repr=False)
    barcode_holder: Holder | None = None
    ghost_portrait: RgbImage | None = field(default=None, repr=False)


NONE = Contradictions()
"""Every zone states the same."""


@dataclass(frozen=True)
class DrawnSide:
    """One side: (H, W, 3) uint8 RGB and where things stand on it, boxes as left, top, width, height px."""

    image: RgbImage
    field_boxes: Mapping[FieldName, PixelBox]
    portrait_box: PixelBox | None
    mrz_box: PixelBox | None
    ghost_box: PixelBox | None = None
    barcode_box: PixelBox | None = None


@dataclass(frozen=True)
class DrawnCard:
    """A document with everything true about it."""

    document_type: DocumentType
    holder: Holder
    front: DrawnSide
    back: DrawnSide | None
    mrz_lines: tuple[str, ...]

    @property
    def mrz_side(self) -> DrawnSide:
        """The side with the machine-readable zone; the front for a type without one."""
        return self.back if self.back is not None and self.back.mrz_box is not None else self.front


def draw_card(
    document_type: DocumentType,
    holder: Holder,
    portrait: RgbImage,
    rng: np.random.Generator,
    *,
    dpi: float = 300.0,
    contradictions: Contradictions = NONE,
) -> DrawnCard:
    """Draw the document of `holder`; `portrait` (H, W, 3) is cropped to its frame's shape.

    `rng` gives the small differences between two prints of one design.
    """
    record = mrz_record(document_type, contradictions.mrz_holder or holder)
    lines = contradictions.mrz_lines or (write(document_type.mrz.format, record) if document_type.mrz else ())
    drawing = _Drawing(document_type, holder, portrait, lines, dpi, contradictions)
    sides = {name: drawing.side(side, rng) for name, side in document_type.sides.items()}
    return DrawnCard(document_type, holder, sides[SideName.FRONT], sides.get(SideName.BACK), lines)


def draw_blank(document_type: DocumentType, side: Side, *, dpi: float = 400.0) -> RgbImage:
    """A side as it comes from the printer before it is given to anybody: no value, portrait, rows or code."""
    width_mm, height_mm = document_type.size_mm
    width, height = round(width_mm / _MM_PER_INCH * dpi), round(height_mm / _MM_PER_INCH * dpi)
    image = _preprinted(document_type, side, width=width, height=height)
    if side.mrz is not None:
        _draw_mrz(image, side.mrz, (), px_per_mm=dpi / _MM_PER_INCH)
    return image


def _preprinted(document_type: DocumentType, side: Side, *, width: int, height: int) -> RgbImage:
    """Ground, microprint, heading and labels: what is alike on every copy."""
    image = draw_ground(document_type.look, width=width, height=height)
    for line in side.microprint:
        draw_microprint(image, line, document_type.look.title)
    if side.heading is not None:
        _draw_heading(image, document_type, side.heading)
    for zone in side.fields:
        box = zone.label_box.pixels(width, height)
        _draw_text(image, zone.label, box, color=document_type.look.label, weight=_LABEL_WEIGHT)
    return image


@dataclass(frozen=True)
class _Drawing:
    """What all sides of one document share."""

    document_type: DocumentType
    holder: Holder
    portrait: RgbImage
    lines: tuple[str, ...]
    dpi: float
    contradictions: Contradictions

    def side(self, side: Side, rng: np.random.Generator) -> DrawnSide:
        known, look = self.document_type, self.document_type.look
        width_mm, height_mm = known.size_mm
        width, height = round(width_mm / _MM_PER_INCH * self.dpi), round(height_mm / _MM_PER_INCH * self.dpi)
        image = draw_ground(look, width=width, height=height)
        for line in side.microprint:
            draw_microprint(image, line, look.title)
        self._place_portraits(image, side)
        if side.heading is not None:
            _draw_heading(image, known, side.heading)
        values = printed_fields(known, self.holder)
        for zone in side.fields:
            _draw_field(image, zone, values[zone.name], look)
        if side.mrz is not None:
            _draw_mrz(image, side.mrz, self.lines, px_per_mm=self.dpi / _MM_PER_INCH)
        if side.barcode is not None:
            draw_barcode(image, side.barcode, self._payload(side.barcode))
        return DrawnSide(
            image=_with_grain(image, rng),
            field_boxes={zone.name: zone.box.pixels(width, height) for zone in side.fields},
            portrait_box=side.portrait.pixels(width, height) if side.portrait else None,
            mrz_box=side.mrz.box.pixels(width, height) if side.mrz else None,
            ghost_box=side.ghost.pixels(width, height) if side.ghost else None,
            barcode_box=side.barcode.box.pixels(width, height) if side.barcode else None,
        )

    def _payload(self, zone: BarcodeZone) -> bytes:
        """What the barcode states: the same as the other zones, or all about somebody else."""
        known, other = self.document_type, self.contradictions.barcode_holder
        if other is None or known.mrz is None:
            return payload(zone, other or self.holder, self.lines)
        return payload(zone, other, write(known.mrz.format, mrz_record(known, other)))

    def _place_portraits(self, image: RgbImage, side: Side) -> None:
        height, width = image.shape[:2]
        if side.portrait is not None:
            _place_portrait(image, self.portrait, side.portrait.pixels(width, height))
        if side.ghost is not None:
            ghost = self.contradictions.ghost_portrait
            shown = self.portrait if ghost is None else ghost
            _place_ghost(image, shown, side.ghost.pixels(width, height))


def _with_grain(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Fine print noise, different on each card."""
    grain = rng.normal(0, 1.5, image.shape[:2]).astype(np.float32)[..., None]
    return np.asarray(np.clip(image.astype(np.float32) + grain, 0, 255), np.uint8)


# --- text and portrait ----------------------------------------------------------------------------------


def _draw_heading(image: RgbImage, known: DocumentType, heading: tuple[float, float]) -> None:
    """State name, title and emblem."""
    height, width = image.shape[:2]
    x, y = heading
    color = known.look.title
    state = RelativeBox(x + 0.13, y + 0.025, 0.60, 0.062).pixels(width, height)
    title = RelativeBox(x + 0.13, y + 0.088, 0.60, 0.050).pixels(width, height)
    _draw_text(image, known.state_name, state, color=color, weight=_TITLE_WEIGHT)
    _draw_text(image, known.title.upper(), title, color=color, weight=_LABEL_WEIGHT)
    centre = (round((x + 0.08) * width), round((y + 0.085) * height))
    radius = round(0.05 * height)
    cv2.circle(image, centre, radius, color, max(1, radius // 8), cv2.LINE_AA)
    turns = np.pi * (np.arange(10) / 5 - 0.5)
    reach = radius * np.where(np.arange(10) % 2 == 0, 0.8, 0.35)
    star = np.stack([centre[0] + reach * np.cos(turns), centre[1] + reach * np.sin(turns)], axis=1)
    cv2.fillPoly(image, [np.rint(star * 16).astype(np.int32)], color, cv2.LINE_AA, 4)


def _draw_field(image: RgbImage, zone: FieldZone, value: str, look: Look) -> None:
    height, width = image.shape[:2]
    label_box = zone.label_box.pixels(width, height)
    _draw_text(image, zone.label, label_box, color=look.label, weight=_LABEL_WEIGHT)
    box = zone.box.pixels(width, height)
    font = "italic" if look.slanted else "sans"
    _draw_text(image, value, box, color=look.value, weight=_VALUE_WEIGHT, font=font)


def _draw_text(
    image: RgbImage, text: str, box: PixelBox, *, color: Color, weight: int, font: str = "sans"
) -> None:
    """Text at the left of a box, as high as the box allows and narrow enough to stay inside."""
    left, top, width, height = box
    face = cv2.FontFace(font)
    size = max(6, round(height * 0.86))
    needed = cv2.getTextSize((0, 0), text, (0, 0), face, size, weight)[2]
    if needed > width:
        size = max(6, int(size * width / needed))
    cv2.putText(image, text, (left, top + round(height * 0.80)), color, face, size, weight)


def _draw_mrz(image: RgbImage, zone: MrzZone, lines: tuple[str, ...], *, px_per_mm: float) -> None:
    """The rows in the zone; the ground behind them is lightened as on real documents."""
    height, width = image.shape[:2]
    left, top, _, tall = zone.box.pixels(width, height)
    band = image[max(0, top - round(0.02 * height)) :]
    band[:] = (band.astype(np.uint16) * 3 // 10 + 255 * 7 // 10).astype(np.uint8)
    geometry = RowGeometry.at(px_per_mm)
    step = (tall - geometry.cap_height) / max(1, len(lines) - 1)
    for index, line in enumerate(lines):
        coverage = row_coverage(line, geometry)
        _blend(image, coverage, left - round(geometry.pen), round(top + index * step - geometry.pen))


def _blend(image: RgbImage, coverage: NDArray[np.float32], left: int, top: int) -> None:
    window = image[top : top + coverage.shape[0], left : left + coverage.shape[1]]
    alpha = coverage[: window.shape[0], : window.shape[1], None]
    window[:] = (window * (1 - alpha) + np.array(_MRZ_INK, np.float32) * alpha).astype(np.uint8)


def _place_portrait(image: RgbImage, portrait: RgbImage, box: PixelBox) -> None:
    """The portrait cut to the frame's shape around its upper middle, where faces are, and framed."""
    left, top, width, height = box
    image[top : top + height, left : left + width] = _cropped_to(portrait, width, height)
    cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), (120, 120, 130), 1)


def _place_ghost(image: RgbImage, portrait: RgbImage, box: PixelBox) -> None:
    """The portrait once more, grey and pale, the ground showing through."""
    left, top, width, height = box
    grey = cv2.cvtColor(_cropped_to(portrait, width, height), cv2.COLOR_RGB2GRAY).astype(np.float32)
    ink = (_GHOST_INK * (1 - grey / 255) * _oval(width, height))[..., None]
    window = image[top : top + height, left : left + width]
    window[:] = (window * (1 - ink) + np.array(_GHOST_COLOR, np.float32) * ink).astype(np.uint8)


def _oval(width: int, height: int) -> NDArray[np.float32]:
    """1 in the middle, fading to 0 at an ellipse that touches the edges."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1)
    return np.asarray(np.clip((1 - away) * 4, 0, 1), np.float32)


def _cropped_to(portrait: RgbImage, width: int, height: int) -> RgbImage:
    tall, wide = portrait.shape[:2]
    keep_wide = min(wide, round(tall * width / height))
    keep_tall = min(tall, round(wide * height / width))
    x, y = (wide - keep_wide) // 2, (tall - keep_tall) // 3
    cut = portrait[y : y + keep_tall, x : x + keep_wide]
    shrinks = keep_wide > width
    return np.asarray(
        cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC),
        np.uint8,
    )

"""Draws documents of fictitious states from their type's data, so that types and drawings never disagree.

What is drawn: a tinted ground with guilloches, state name and title, labels and values where the type has
them, the portrait, and a machine-readable zone in the stroke font of `glyphs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.documents.document_types import (
    DocumentType,
    DocumentTypes,
    FieldZone,
    MrzZone,
    RelativeBox,
    Side,
    SideName,
    load_document_types,
)
from idv.documents.mrz_writer import write
from idv.domain.arrays import RgbImage
from idv.domain.documents import FieldName
from idv.vision.synthesis.glyphs import RowGeometry, row_coverage
from idv.vision.synthesis.holders import Holder, mrz_record, printed_fields

_MM_PER_INCH = 25.4
_INK = (28, 28, 36)
_MRZ_INK = (18, 18, 20)
_LABEL_WEIGHT = 400
_VALUE_WEIGHT = 600
_TITLE_WEIGHT = 700
_CURVE_POINTS = 700
_GUILLOCHE_INK = 0.55

Color = tuple[int, int, int]
PixelBox = tuple[int, int, int, int]


class Palette(NamedTuple):
    """RGB colours of a design: the ground's two ends, two guilloche inks, titles and labels."""

    ground_from: Color
    ground_to: Color
    line: Color
    rosette: Color
    title: Color
    label: Color


@dataclass(frozen=True)
class CardDesign:
    """How a document type looks; `seed` fixes its guilloches, which are the same on every card."""

    document_type: DocumentType
    palette: Palette
    seed: int


@dataclass(frozen=True)
class DrawnSide:
    """One side: (H, W, 3) uint8 RGB and where things stand on it, boxes as left, top, width, height px."""

    image: RgbImage
    field_boxes: Mapping[FieldName, PixelBox]
    portrait_box: PixelBox | None
    mrz_box: PixelBox | None


@dataclass(frozen=True)
class DrawnCard:
    """A document with everything true about it."""

    design: CardDesign
    holder: Holder
    front: DrawnSide
    back: DrawnSide | None
    mrz_lines: tuple[str, ...]

    @property
    def mrz_side(self) -> DrawnSide:
        """The side with the machine-readable zone; the front for a type without one."""
        return self.back if self.back is not None and self.back.mrz_box is not None else self.front


_PALETTES = {
    "uto_passport": Palette(
        (236, 228, 238), (214, 230, 240), (150, 165, 205), (205, 150, 165), (70, 45, 95), (95, 85, 120)
    ),
    "uto_identity_card": Palette(
        (222, 236, 228), (240, 236, 214), (140, 185, 160), (210, 175, 110), (20, 80, 60), (70, 100, 85)
    ),
    "xar_identity_card": Palette(
        (240, 230, 216), (218, 228, 236), (200, 160, 130), (130, 160, 190), (120, 50, 30), (110, 85, 70)
    ),
}
_DEFAULT_PALETTE = Palette(
    (230, 232, 238), (240, 236, 230), (160, 170, 190), (190, 170, 160), (40, 50, 90), (85, 90, 110)
)


def card_designs(types: DocumentTypes | None = None) -> tuple[CardDesign, ...]:
    """One design for each document type, in the order of their identifiers."""
    known = load_document_types() if types is None else types
    return tuple(
        CardDesign(document_type, _PALETTES.get(document_type.id, _DEFAULT_PALETTE), seed=index)
        for index, document_type in enumerate(known)
    )


def draw_card(
    design: CardDesign,
    holder: Holder,
    portrait: RgbImage,
    rng: np.random.Generator,
    *,
    dpi: float = 300.0,
    mrz_holder: Holder | None = None,
    mrz_lines: tuple[str, ...] | None = None,
) -> DrawnCard:
    """Draw the document of `holder`; `portrait` (H, W, 3) is cropped to its frame's shape.

    `mrz_holder`: state another person's data in the machine-readable zone, for a zone that contradicts the
    printed fields. `mrz_lines`: print these rows instead, whatever they say. `rng` gives the small
    differences between two prints of one design.
    """
    document_type = design.document_type
    record = mrz_record(document_type, mrz_holder or holder)
    written = write(document_type.mrz.format, record) if document_type.mrz else ()
    lines = written if mrz_lines is None else mrz_lines
    values = printed_fields(document_type, holder)
    sides = {
        name: _draw_side(design, side, values=values, portrait=portrait, lines=lines, dpi=dpi, rng=rng)
        for name, side in document_type.sides.items()
    }
    return DrawnCard(design, holder, sides[SideName.FRONT], sides.get(SideName.BACK), lines)


def _draw_side(
    design: CardDesign,
    side: Side,
    *,
    values: Mapping[FieldName, str],
    portrait: RgbImage,
    lines: tuple[str, ...],
    dpi: float,
    rng: np.random.Generator,
) -> DrawnSide:
    width_mm, height_mm = design.document_type.size_mm
    width, height = round(width_mm / _MM_PER_INCH * dpi), round(height_mm / _MM_PER_INCH * dpi)
    image = _ground(design, width, height)
    if side.portrait is not None:
        _place_portrait(image, portrait, side.portrait.pixels(width, height))
        _draw_titles(image, design)
    for zone in side.fields:
        _draw_field(image, zone, values[zone.name], design.palette)
    if side.mrz is not None:
        _draw_mrz(image, side.mrz, lines, px_per_mm=dpi / _MM_PER_INCH)
    return DrawnSide(
        image=_with_grain(image, rng),
        field_boxes={zone.name: zone.box.pixels(width, height) for zone in side.fields},
        portrait_box=side.portrait.pixels(width, height) if side.portrait else None,
        mrz_box=side.mrz.box.pixels(width, height) if side.mrz else None,
    )


# --- ground ---------------------------------------------------------------------------------------------


def _ground(design: CardDesign, width: int, height: int) -> RgbImage:
    palette = design.palette
    ramp = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    ends = np.array([palette.ground_from, palette.ground_to], np.float32)
    image = np.repeat(ends[0] + (ends[1] - ends[0]) * ramp, height, axis=0).astype(np.uint8)
    rng = np.random.default_rng(design.seed)
    inked = image.copy()
    _draw_waves(inked, palette.line, rng)
    for _ in range(2):
        _draw_rosette(inked, palette.rosette, rng)
    # Security print is pale: at full strength its lines would cut through the text above them.
    return np.asarray(cv2.addWeighted(image, 1 - _GUILLOCHE_INK, inked, _GUILLOCHE_INK, 0), np.uint8)


def _draw_waves(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """A family of interfering waves from edge to edge."""
    height, width = image.shape[:2]
    x = np.linspace(0, width, _CURVE_POINTS)
    slow, fast = rng.uniform(1.0, 2.5), rng.uniform(7.0, 12.0)
    lines = 46
    for index in range(lines):
        phase = 2 * np.pi * index / lines
        swing = np.sin(2 * np.pi * slow * x / width + phase) + 0.4 * np.sin(
            2 * np.pi * fast * x / width - phase
        )
        _polyline(image, x, height * (index + 0.5) / lines + swing * height * 0.02, color)


def _draw_rosette(image: RgbImage, color: Color, rng: np.random.Generator) -> None:
    """A hypotrochoid, the classic guilloche figure."""
    height, width = image.shape[:2]
    centre = rng.uniform([0.45 * width, 0.3 * height], [0.9 * width, 0.7 * height])
    lobes = int(rng.integers(9, 17))
    radius = height * rng.uniform(0.20, 0.32)
    angle = np.linspace(0, 2 * np.pi, _CURVE_POINTS * 4)
    for depth in np.linspace(0.25, 0.9, 7):
        reach = radius * (1 - 0.35 * depth + 0.35 * depth * np.cos(lobes * angle))
        twist = angle + 0.12 * depth * np.sin(lobes * angle)
        _polyline(image, centre[0] + reach * np.cos(twist), centre[1] + reach * np.sin(twist), color)


def _polyline(image: RgbImage, x: NDArray[np.float64], y: NDArray[np.float64], color: Color) -> None:
    points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.polylines(image, [points], False, color, 1, cv2.LINE_AA, 4)


def _with_grain(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Fine print noise, different on each card."""
    grain = rng.normal(0, 1.5, image.shape[:2]).astype(np.float32)[..., None]
    return np.asarray(np.clip(image.astype(np.float32) + grain, 0, 255), np.uint8)


# --- text and portrait ----------------------------------------------------------------------------------


def _draw_titles(image: RgbImage, design: CardDesign) -> None:
    height, width = image.shape[:2]
    known, color = design.document_type, design.palette.title
    state = RelativeBox(0.13, 0.025, 0.60, 0.062).pixels(width, height)
    title = RelativeBox(0.13, 0.088, 0.60, 0.050).pixels(width, height)
    _draw_text(image, known.state_name, state, color=color, weight=_TITLE_WEIGHT)
    _draw_text(image, known.title.upper(), title, color=color, weight=_LABEL_WEIGHT)
    centre, radius = (round(0.08 * width), round(0.085 * height)), round(0.05 * height)
    cv2.circle(image, centre, radius, color, max(1, radius // 8), cv2.LINE_AA)
    turns = np.pi * (np.arange(10) / 5 - 0.5)
    reach = radius * np.where(np.arange(10) % 2 == 0, 0.8, 0.35)
    star = np.stack([centre[0] + reach * np.cos(turns), centre[1] + reach * np.sin(turns)], axis=1)
    cv2.fillPoly(image, [np.rint(star * 16).astype(np.int32)], color, cv2.LINE_AA, 4)


def _draw_field(image: RgbImage, zone: FieldZone, value: str, palette: Palette) -> None:
    height, width = image.shape[:2]
    label_box = zone.label_box.pixels(width, height)
    _draw_text(image, zone.label, label_box, color=palette.label, weight=_LABEL_WEIGHT)
    _draw_text(image, value, zone.box.pixels(width, height), color=_INK, weight=_VALUE_WEIGHT)


def _draw_text(image: RgbImage, text: str, box: PixelBox, *, color: Color, weight: int) -> None:
    """Text at the left of a box, as high as the box allows and narrow enough to stay inside."""
    left, top, width, height = box
    font = cv2.FontFace("sans")
    size = max(6, round(height * 0.86))
    needed = cv2.getTextSize((0, 0), text, (0, 0), font, size, weight)[2]
    if needed > width:
        size = max(6, int(size * width / needed))
    cv2.putText(image, text, (left, top + round(height * 0.80)), color, font, size, weight)


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

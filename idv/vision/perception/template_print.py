"""Whether the print of a registered side is its type's: where labels stand, how values slant, which ink."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import FieldZone, Look, RelativeBox
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.perception.template_pieces import PixelBox
from idv.vision.perception.template_references import WIDTH_PX, Reference
from idv.vision.perception.template_registration import Registered, likeness, peak
from idv.vision.perception.template_relief import PALE

_REACH = (32, 24)
_LEAST_LIKENESS = 0.5
_MISSING = 0.3
_LEAST_PRINT = 20
_BEGINNING_PX = 80
_SATURATED, _DAZZLED = 250, 0.1

ITALIC_SHEAR = 0.208
"""Shear of slanted values, 12 degrees."""
_SHEARS = np.arange(-0.15, 0.46, 0.05)
_SHEAR_ZOOM = 2.0
_LEAST_INK_PX = 60

_GAMMA = 2.2
_PAPER_KERNEL = (25, 25)
_DARKEST = 0.75
_LEAST_SHARE = 0.15
_LEAST_INK_CHROMA = 0.3
# Log chromaticities of black print scatter by about as much from haze and blur.
_INK_NOISE = 0.12


class LabelPlace(NamedTuple):
    """A label: how far from its place, in shares of the side's width; None where it is not on the side."""

    zone: FieldZone
    off: tuple[float, float] | None

    @property
    def distance(self) -> float:
        """Length of the way; for one that is missing, as far as was looked."""
        return float(np.hypot(*self.off)) if self.off else _REACH[0] / WIDTH_PX


def label_places(
    seen: Registered, reference: Reference, *, clear: Callable[[PixelBox], bool]
) -> tuple[LabelPlace, ...]:
    """Where the labels stand that can be recognised; the side was registered without regard to any one.

    `clear`: whether the ground in a box of px can be seen; where it can and a label cannot, that is missing.
    """
    return tuple(_label_places(seen, reference, clear))


def _label_places(
    seen: Registered, reference: Reference, clear: Callable[[PixelBox], bool]
) -> Iterator[LabelPlace]:
    width = reference.size[0]
    for zone in reference.side.fields:
        box = _tight(reference.relief.print, zone.label_box.pixels(*reference.size))
        if box is None:
            continue
        left, top, wide, tall = box
        # The beginning is enough, and stays in place when the rest is a little wider or narrower.
        wide = min(wide, _BEGINNING_PX)
        x, y = max(0, left - _REACH[0]), max(0, top - _REACH[1])
        window = seen.relief.print[y : top + tall + _REACH[1], x : left + wide + _REACH[0]]
        scores = likeness(window, reference.relief.print[top : top + tall, left : left + wide])
        best, dx, dy = peak(scores)
        if best >= _LEAST_LIKENESS:
            yield LabelPlace(zone, ((x + dx - left) / width, (y + dy - top) / width))
        elif best < _MISSING and not _is_dazzled(seen, box) and clear(box):
            yield LabelPlace(zone, None)


def _is_dazzled(seen: Registered, box: PixelBox) -> bool:
    """Whether a lamp mirrored in a box may have drowned its print."""
    return float((_cut(seen.picture, box, margin=4).max(axis=2) >= _SATURATED).mean()) > _DAZZLED


def _tight(own: FloatArray, box: PixelBox) -> PixelBox | None:
    """The box around the print in a box, a little wider; None for no print."""
    left, top, wide, tall = box
    top = max(0, top - 2)
    rows, columns = np.nonzero(own[top : top + tall, left : left + wide] > PALE)
    if rows.size < _LEAST_PRINT:
        return None
    # Nothing below: the value's capitals stand close under the label.
    x, y = max(0, left + int(columns.min()) - 2), max(0, top + int(rows.min()) - 1)
    right, bottom = left + int(columns.max()) + 3, top + int(rows.max()) + 1
    return x, y, min(own.shape[1], right) - x, min(own.shape[0], bottom) - y


def value_shear(seen: Registered, reference: Reference) -> float | None:
    """By how much upright strokes of the values lean to the right, px a px; None where there are too few.

    Undoing the right shear piles strokes up in single columns: their profile is steepest there.
    """
    steepness = np.zeros(len(_SHEARS))
    inked = 0
    for zone in reference.side.fields:
        crop = _cut(seen.relief.print, zone.box.pixels(*reference.size), margin=4)
        inked += int((crop > 0).sum())
        steepness += _profiles(crop)
    if inked < _LEAST_INK_PX:
        return None
    best = int(np.argmax(steepness))
    part = 0.0
    if 0 < best < len(_SHEARS) - 1:
        before, middle, after = steepness[best - 1 : best + 2]
        part = 0.5 * (before - after) / min(before - 2 * middle + after, -1e-9)
    return float(_SHEARS[best] + part * (_SHEARS[1] - _SHEARS[0]))


def _profiles(crop: FloatArray) -> FloatArray:
    """How steep the profile of columns is after each shear is undone."""
    if not crop.any():
        return np.zeros(len(_SHEARS), np.float32)
    large = cv2.resize(crop, None, fx=_SHEAR_ZOOM, fy=_SHEAR_ZOOM, interpolation=cv2.INTER_LINEAR)
    height, width = large.shape
    steep = []
    for shear in _SHEARS:
        matrix = np.array([[1, shear, -shear * height / 2], [0, 1, 0]], np.float32)
        columns = cv2.warpAffine(large, matrix, (width, height)).sum(axis=0)
        steep.append(float((np.diff(columns) ** 2).sum()))
    return np.array(steep, np.float32)


def ink_fit(seen: Registered, reference: Reference) -> float | None:
    """Whether values are in their ink rather than the heading's: 1 in theirs, below 0 in the heading's.

    Inks are told by log chromaticity against the paper beside them. Blur and haze mix paper into both; how
    much is told by how dark the values are. None where there is no heading or both inks are alike.
    """
    heading = _heading_box(reference)
    if heading is None:
        return None
    values = [zone.box.pixels(*reference.size) for zone in reference.side.fields]
    title, value = (_ink(seen.picture, seen.relief.print, boxes) for boxes in ([heading], values))
    if title is None or value is None:
        return None
    printed = _printed(reference.type.look)
    paper = float(np.clip((value[1] - printed[1]) / (1 - printed[1]), 0, 1))
    expected = _chroma(printed * (1 - paper) + paper)
    apart = float(np.linalg.norm(_chroma(title) - expected))
    if apart < _LEAST_INK_CHROMA:
        return None
    return 1 - 2 * max(0.0, float(np.linalg.norm(_chroma(value) - expected)) - _INK_NOISE) / apart


def _heading_box(reference: Reference) -> PixelBox | None:
    heading = reference.side.heading
    if heading is None:
        return None
    left, top = heading
    room = RelativeBox(left + 0.02, top + 0.02, min(0.75, 0.98 - left), 0.13)
    return room.pixels(*reference.size)


def _ink(picture: RgbImage, printed: FloatArray, boxes: list[PixelBox]) -> FloatArray | None:
    """Light of the darkest print in the boxes over that of the paper beside, (3,); None for no print."""
    ink, paper, count = np.zeros(3), np.zeros(3), 0
    for box in boxes:
        strength = _cut(printed, box)
        if not strength.any():
            continue
        window = np.power(_cut(picture, box).astype(np.float32) / 255, _GAMMA)
        dark = strength > max(_LEAST_SHARE, _DARKEST * float(np.quantile(strength, 0.99)))
        around = cv2.dilate(cv2.GaussianBlur(window, (0, 0), 1.0), np.ones(_PAPER_KERNEL, np.uint8))
        ink += window[dark].sum(axis=0)
        paper += around[dark].sum(axis=0)
        count += int(dark.sum())
    if count < _LEAST_PRINT:
        return None
    return np.asarray(ink / np.maximum(paper, 1e-4), np.float32)


def _printed(look: Look) -> FloatArray:
    """What `_ink` gives of the values' ink, undisturbed."""
    paper = np.mean([np.power(np.array(tint) / 255, _GAMMA) for tint in look.ground], axis=0)
    return np.asarray(np.power(np.array(look.value) / 255, _GAMMA) / paper, np.float32)


def _chroma(light: FloatArray) -> FloatArray:
    """Log R/G and B/G of light (3,)."""
    logs = np.log(np.maximum(light, 1e-4))
    return np.asarray(logs[[0, 2]] - logs[1], np.float32)


def _cut(image: Array, box: PixelBox, *, margin: int = 0) -> Array:
    left, top, wide, tall = box
    y, x = max(0, top - margin), max(0, left - margin)
    return image[y : top + tall + margin, x : left + wide + margin]

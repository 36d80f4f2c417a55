"""Finds where labels and values stand on a side of a new document type, from samples laid on each other.

A label is the line whose words the draft states; it is the same on every sample. Its value stands below it,
or else right of it on the same line, and differs. A type's file has the label directly above its value: the
two baselines fix how high the value's box is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from rapidfuzz import fuzz

from idv.documents.document_types import FieldZone, RelativeBox
from idv.domain.arrays import Array, RgbImage
from idv.domain.documents import FieldName
from idv.vision.imaging.geometry import Size
from idv.vision.models.ppocr_det import TextBox

# Print takes more than this share of the light of its surroundings; security lines take less.
INK_SHARE = 0.22
_INK_KERNEL = (25, 25)
_LIKE, _LIKE_IN_PART = 78.0, 88.0
_LEAST_IN_PART = 5
_PROFILE = 0.35
_BASELINES = 0.924
"""Distance of the baselines of label and value over the height of the value's box, as types have it."""
_BASELINE, _CAP = 0.80, 0.62
"""Place of the baseline in a box and height of its capitals, as shares of the box's height."""
_CAPS_A_BOX = (1.45, 2.4)
_BELOW, _BESIDE = 3.2, 12.0
"""How far off a value may begin, in heights of its label."""
_GAP = 0.012
_MARGIN = 0.97
_ROOM = 1.0
"""What a value of fixed length gets right of the longest one seen, in heights of its box."""
_LEAST_BOX = 0.01
_STATE_AT = (0.13, 0.025)
"""Where the state's name begins in a heading, as shares of the side."""
_NAMES = frozenset({FieldName.SURNAME, FieldName.GIVEN_NAMES, FieldName.ADDRESS})


class Line(NamedTuple):
    """A line of print and its text, and its hull in px."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Of the hull, px."""
        return self.bottom - self.top


class Ink(NamedTuple):
    """Where print really stands, px: its edges, the tops of its capitals and its baseline."""

    left: float
    right: float
    cap_top: float
    baseline: float

    @property
    def cap_height(self) -> float:
        """Height of the capitals."""
        return self.baseline - self.cap_top


class Fields(NamedTuple):
    """The zones that were found, and the fields whose label or value was not."""

    zones: tuple[FieldZone, ...]
    missing: tuple[FieldName, ...]


def line_of(text: str, box: TextBox) -> Line:
    """A detected line with what was read in it."""
    (left, top), (right, bottom) = box.corners.min(axis=0).tolist(), box.corners.max(axis=0).tolist()
    return Line(text, left, top, right, bottom)


def ink_of(picture: RgbImage) -> Array:
    """Where print stands, (H, W) bool."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, _INK_KERNEL)
    hat = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel).astype(np.float32)
    return np.asarray(hat > INK_SHARE * (grey + hat), bool)


def find_labels(words: Mapping[FieldName, str], lines: Sequence[Line]) -> dict[FieldName, Line]:
    """The line that says each label, cut to the label where a line says more."""
    found: dict[FieldName, Line] = {}
    for name, label in words.items():
        line = _whole_line(label, lines) or _part_of_a_line(label, lines)
        if line is not None:
            found[name] = line
    return found


def find_heading(state_name: str, lines: Sequence[Line], size: Size) -> tuple[float, float] | None:
    """Left and top of the heading whose first line names the state, as shares of the side, or None."""
    line = _whole_line(state_name, lines)
    if line is None:
        return None
    left, top = line.left / size.width - _STATE_AT[0], line.top / size.height - _STATE_AT[1]
    return round(max(0.0, left), 4), round(max(0.0, top), 4)


def find_fields(
    words: Mapping[FieldName, str],
    labels: Mapping[FieldName, Line],
    lines: Sequence[Sequence[Line]],
    inks: Sequence[Array],
    taken: Iterable[RelativeBox],
) -> Fields:
    """The box of every value. `lines`, `inks`: of each sample; `taken`: zones that no value reaches into."""
    height, width = inks[0].shape
    size = Size(width, height)
    zones, missing = [], []
    for name, label in words.items():
        at = labels.get(name)
        others = [line for other, line in labels.items() if other != name]
        box = None if at is None else _value_box(name, at, _Around(others, tuple(taken), size), lines, inks)
        if box is None:
            missing.append(name)
        else:
            zones.append(FieldZone(name, label, box))
    return Fields(tuple(zones), tuple(missing))


# --- labels ---------------------------------------------------------------------------------------------


def _whole_line(label: str, lines: Sequence[Line]) -> Line | None:
    likeness = [fuzz.ratio(_plain(line.text), _plain(label)) for line in lines]
    best = int(np.argmax(likeness)) if likeness else -1
    return lines[best] if best >= 0 and likeness[best] >= _LIKE else None


def _part_of_a_line(label: str, lines: Sequence[Line]) -> Line | None:
    """Labels beside each other are read as one line: the part is cut out by its share of the characters."""
    plain, best, found = _plain(label), _LIKE_IN_PART, None
    for line in lines:
        text = _plain(line.text)
        if len(plain) < _LEAST_IN_PART or len(text) <= len(plain):
            continue
        part = fuzz.partial_ratio_alignment(plain, text)
        if part is not None and part.score >= best:
            scale = (line.right - line.left) / len(text)
            start, end = line.left + part.dest_start * scale, line.left + part.dest_end * scale
            best, found = part.score, line._replace(text=label, left=start, right=end)
    return found


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


# --- values ---------------------------------------------------------------------------------------------


class _Around(NamedTuple):
    """What limits a value: other labels, zones of other things, the side's size in px."""

    labels: Sequence[Line]
    taken: tuple[RelativeBox, ...]
    size: Size


def _value_box(
    name: FieldName, label: Line, around: _Around, lines: Sequence[Sequence[Line]], inks: Sequence[Array]
) -> RelativeBox | None:
    limit = _limit(label, around)
    seen = [_value(label, own, ink, limit, around.labels) for own, ink in zip(lines, inks, strict=True)]
    values = [value for value in seen if value is not None]
    if len(values) * 2 < len(inks):
        return None
    ink = Ink(
        float(np.median([value.left for value in values])),
        max(value.right for value in values),
        float(np.median([value.cap_top for value in values])),
        float(np.median([value.baseline for value in values])),
    )
    marks = [found for found in (_tight(own, _grown(label)) for own in inks) if found is not None]
    height = _box_height(ink, [mark.baseline for mark in marks])
    left, least = ink.left, ink.right
    if marks and ink.baseline > label.bottom:
        left = min(left, float(np.median([mark.left for mark in marks])))
        least = max(least, float(np.median([mark.right for mark in marks])) + _GAP * around.size.width)
    right = limit if name in _NAMES else min(limit, ink.right + _ROOM * height)
    return _relative((left, ink.baseline - _BASELINE * height, max(right, least), height), around.size)


def _limit(label: Line, around: _Around) -> float:
    """How far right the label's value may reach, px."""
    width, height = around.size
    rows = (label.top, label.bottom + label.height)
    edges = [_MARGIN * width]
    edges += [other.left for other in around.labels if _overlap(rows, (other.top, other.bottom))]
    for box in around.taken:
        span = (box.top * height, (box.top + box.height) * height)
        edges += [box.left * width] if _overlap((label.bottom, label.bottom + label.height), span) else []
    return min(edge for edge in edges if edge > label.left + label.height) - _GAP * width


def _overlap(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return min(first[1], second[1]) > max(first[0], second[0])


def _value(
    label: Line, lines: Sequence[Line], ink: Array, limit: float, labels: Sequence[Line]
) -> Ink | None:
    """The value of a label on one sample: the nearest line below, or else beside it."""
    free = [line for line in lines if not any(_covers(other, line) for other in (label, *labels))]
    below = [line for line in free if _stands_below(label, line, limit)]
    if below:
        nearest = min(below, key=lambda line: line.top)
        window = nearest._replace(left=max(nearest.left, label.left - label.height))
        return _tight(ink, window._replace(right=min(nearest.right, limit)))
    beside = [line for line in free if _stands_beside(label, line)]
    return _tight(ink, min(beside, key=lambda line: line.left)) if beside else None


def _covers(label: Line, line: Line) -> bool:
    """Whether a line is the label itself, as another sample shows it."""
    across = min(label.right, line.right) - max(label.left, line.left)
    down = min(label.bottom, line.bottom) - max(label.top, line.top)
    return across > 0.5 * (line.right - line.left) and down > 0.5 * line.height


def _stands_below(label: Line, line: Line, limit: float) -> bool:
    middle = (line.top + line.bottom) / 2
    near = 0 < middle - label.bottom < _BELOW * label.height
    return near and line.left < min(limit, label.right) and line.right > label.left


def _stands_beside(label: Line, line: Line) -> bool:
    level = abs(line.top + line.bottom - label.top - label.bottom) < label.height
    return level and -0.5 * label.height < line.left - label.right < _BESIDE * label.height


def _grown(label: Line) -> Line:
    """A label cut out of a longer line may be off by a character."""
    return label._replace(left=label.left - 0.3 * label.height)


def _tight(ink: Array, window: Line) -> Ink | None:
    """The print in a window; the rows in which much of it stands lie between capitals' tops and baseline."""
    top, left = max(0, round(window.top)), max(0, round(window.left))
    part = ink[top : round(window.bottom), left : round(window.right)]
    if part.size == 0 or not part.any():
        return None
    profile = part.sum(axis=1)
    rows = np.flatnonzero(profile >= _PROFILE * profile.max())
    columns = np.flatnonzero(part[rows[0] : rows[-1] + 1].any(axis=0))
    return Ink(left + columns[0], left + columns[-1] + 1, top + rows[0], top + rows[-1] + 1)


def _box_height(value: Ink, label_baselines: Sequence[float]) -> float:
    """By the two baselines where the label stands above as the file's convention has it, else by capitals."""
    low, high = (caps * value.cap_height for caps in _CAPS_A_BOX)
    if label_baselines:
        height = (value.baseline - float(np.median(label_baselines))) / _BASELINES
        if low <= height <= high:
            return height
    return value.cap_height / _CAP


def _relative(box: tuple[float, float, float, float], size: Size) -> RelativeBox | None:
    """Left, top, right, height px as shares of the side; None for one that is hardly there."""
    left, top, right, height = box
    x, y = max(0.0, left / size.width), max(0.0, top / size.height)
    wide, tall = min(1.0, right / size.width) - x, min(1.0, (top + height) / size.height) - y
    if min(wide, tall) < _LEAST_BOX:
        return None
    return RelativeBox(*(round(float(number), 4) for number in (x, y, wide, tall)))

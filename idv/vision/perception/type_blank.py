"""The blank side of a new document type: what is printed alike on every copy, with nothing of any holder.

Print that only some samples have is a holder's and is left out, wherever it stands; inside the zones that a
holder fills, all print is. What lay under it comes from samples that are bare there, or from around it.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from idv.documents.document_types import RelativeBox, Side
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.perception.type_zones import ink_of

_HALO_PX = 7
"""Around print its light is mixed with the ground's."""
_SPECK_PX = 3
"""Samples that are off by a px or two differ along every stroke; a holder's strokes differ in whole."""
_SOLID = (25, 51)
"""What is filled must not have the shape of the letters that stood there: such gaps are closed, px."""
_MARGIN = 0.008
_FILL_SPREADS = (0.01, 0.04, 0.16, 0.64)
_LEAST_WEIGHT = 0.02


def blank_side(pictures: Sequence[RgbImage], side: Side) -> RgbImage:
    """The blank side, (H, W, 3) uint8 RGB, from samples laid on each other."""
    height, width = pictures[0].shape[:2]
    inks = np.stack([ink_of(picture) for picture in pictures])
    values = _boxes((zone.box for zone in side.fields), (height, width), above=0.0)
    whose = values | _held_by_some(inks)
    bare = ~(_grown(inks) & whose)
    stack = np.stack(pictures).astype(np.float32)
    stack[~bare] = np.nan
    blank, seen = _median_of_bare(stack)
    filled = _boxes(_filled_zones(side), (height, width))
    hidden = cv2.morphologyEx((~seen).astype(np.uint8), cv2.MORPH_CLOSE, np.ones(_SOLID, np.uint8))
    return _completed(blank, (hidden == 0) & ~filled)


def _filled_zones(side: Side) -> Iterable[RelativeBox]:
    """Zones that are filled from edge to edge with something of the holder's."""
    boxes = [side.portrait, side.ghost]
    boxes += [zone.box for zone in (side.mrz, side.barcode) if zone is not None]
    return (box for box in boxes if box is not None)


def _boxes(boxes: Iterable[RelativeBox], shape: tuple[int, int], *, above: float = _MARGIN) -> Array:
    """The boxes with a margin, (H, W) bool. `above`: that at their tops, where a value has its label."""
    height, width = shape
    covered = np.zeros(shape, bool)
    margin, rise = round(_MARGIN * width), round(above * width)
    for box in boxes:
        left, top, wide, tall = box.pixels(width, height)
        rows = slice(max(0, top - rise), top + tall + margin)
        covered[rows, max(0, left - margin) : left + wide + margin] = True
    return covered


def _held_by_some(inks: Array) -> Array:
    """Where some samples have print and others have none, strokes apart that differ by a px: (H, W) bool."""
    share = inks.mean(axis=0)
    differing = ((share > 0) & (share < 1)).astype(np.uint8)
    whole = cv2.morphologyEx(differing, cv2.MORPH_OPEN, np.ones((_SPECK_PX, _SPECK_PX), np.uint8))
    reach = 4 * _SPECK_PX + _HALO_PX
    return np.asarray(cv2.dilate(whole, np.ones((reach, reach), np.uint8)) > 0, bool)


def _grown(inks: Array) -> Array:
    kernel = np.ones((_HALO_PX, _HALO_PX), np.uint8)
    return np.stack([cv2.dilate(ink.astype(np.uint8), kernel) > 0 for ink in inks])


def _median_of_bare(stack: FloatArray) -> tuple[FloatArray, Array]:
    """The median of what is not NaN, 0 where all is, and where something was: (H, W, 3), (H, W) bool."""
    ordered = np.sort(stack, axis=0)  # NaN last
    count = np.isfinite(ordered).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    middle = (_at(ordered, low) + _at(ordered, high)) / 2
    seen = count[..., 0] > 0
    return np.asarray(np.where(seen[..., None], middle, 0), np.float32), np.asarray(seen, bool)


def _at(ordered: FloatArray, index: Array) -> FloatArray:
    return np.asarray(np.take_along_axis(ordered, index[None], axis=0)[0], np.float32)


def _completed(blank: FloatArray, known: Array) -> RgbImage:
    """Gaps filled with the mean of what is known around, from ever farther away."""
    result = np.where(known[..., None], blank, 0).astype(np.float32)
    missing = ~known
    for share in _FILL_SPREADS:
        spread = share * blank.shape[1]
        weight = _smeared(known.astype(np.float32), spread)
        level = _smeared(np.where(known[..., None], blank, 0).astype(np.float32), spread)
        near = missing & (weight > _LEAST_WEIGHT)
        result[near] = level[near] / weight[near, None]
        missing &= ~near
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def _smeared(values: FloatArray, spread: float) -> FloatArray:
    """A Gaussian mean, of a reduced picture where the spread is wide."""
    factor = min(1.0, 4 / spread)
    size = (max(2, round(values.shape[1] * factor)), max(2, round(values.shape[0] * factor)))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    smeared = cv2.GaussianBlur(small, (0, 0), max(0.5, spread * factor))
    return np.asarray(cv2.resize(smeared, values.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)

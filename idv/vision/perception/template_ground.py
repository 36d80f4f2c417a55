"""Whether a registered side has its type's security lines, its colours and its second portrait."""

from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import RelativeBox
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.perception.template_pieces import PixelBox
from idv.vision.perception.template_references import Reference
from idv.vision.perception.template_registration import Registered

_CELLS_ACROSS = 16
_CELL_FREE = 0.35
# Mean square of a cell's lines on the reference below which there is nothing to compare.
_CELL_LINES = 2e-5
_LEAST_CELLS = 6
_STRANGE = 0.25
_CLEAR = 0.45
_SQUARE_PX = 8
_LEAST_SQUARES = 300
_SATURATED = 250
# Spread of the reference's log chromaticities below which a grey copy could not be told.
_LEAST_CHROMA = 0.008
_RING_PX = 8
_RING_LIMIT = 0.25
_OVAL = 0.75
# Spread of log light in the ghost's oval: 0.07 to 0.12 with one, up to 0.004 without.
_GHOST_MIDDLE = 0.016


class GroundFit(NamedTuple):
    """`likeness`: median correlation of the lines over cells, near 0 for other lines; `strange`: px boxes.

    `alike`: (rows, columns), each cell's own correlation, NaN where it cannot be told.
    """

    likeness: float
    strange: tuple[PixelBox, ...]
    alike: FloatArray

    def is_clear(self, box: PixelBox, size: tuple[int, int]) -> bool:
        """Whether the type's lines are seen all over a box of px in a picture of that size."""
        rows, columns = self.alike.shape
        x, y = columns / size[0], rows / size[1]
        left, top, right, bottom = box[0] * x, box[1] * y, (box[0] + box[2]) * x, (box[1] + box[3]) * y
        under = self.alike[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        told = under[~np.isnan(under)]
        return told.size > 0 and float(told.min()) > _CLEAR


def ground_fit(seen: Registered, reference: Reference) -> GroundFit | None:
    """How like the reference's the security lines are; None where too little of the ground is free."""
    free = (reference.steady & ~reference.relief.ink & ~seen.relief.ink).astype(np.float32)
    own, other = reference.relief.lines * free, seen.relief.lines * free
    share = np.maximum(_cells(free), 1e-3)
    mean_own, mean_other = _cells(own) / share, _cells(other) / share
    power_own = _cells(own * own) / share - mean_own**2
    power_other = _cells(other * other) / share - mean_other**2
    common = _cells(own * other) / share - mean_own * mean_other
    alike = common / np.sqrt(np.maximum(power_own * power_other, 1e-12))
    told = (share > _CELL_FREE) & (power_own > _CELL_LINES)
    if int(told.sum()) < _LEAST_CELLS:
        return None
    strange = _boxes(told & (alike < _STRANGE), reference.size)
    return GroundFit(float(np.median(alike[told])), strange, np.where(told, alike, np.float32(np.nan)))


def _cells(image: FloatArray) -> FloatArray:
    """Means over square cells."""
    height, width = image.shape
    down = max(1, round(height * _CELLS_ACROSS / width))
    return np.asarray(cv2.resize(image, (_CELLS_ACROSS, down), interpolation=cv2.INTER_AREA), np.float32)


def _boxes(cells: Array, size: tuple[int, int]) -> tuple[PixelBox, ...]:
    """Boxes around groups of cells, in px of a picture of that size."""
    x, y = size[0] / cells.shape[1], size[1] / cells.shape[0]
    _, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=4)
    return tuple(
        (round(left * x), round(top * y), round(wide * x), round(tall * y))
        for left, top, wide, tall, _ in stats[1:].tolist()
    )


def colour_fit(seen: Registered, reference: Reference) -> float | None:
    """How much of the reference's differences in hue the ground has: near 1 as printed, 0 for a grey copy.

    The slope of log chromaticities on the reference's, so that the colour of the light cancels; None for a
    ground without colour.
    """
    # Where the sensor was saturated, hues are lost.
    dim = seen.picture.max(axis=2) < _SATURATED
    free = (reference.steady & dim & ~reference.relief.ink & ~seen.relief.ink).astype(np.float32)
    share = _coarse(free)
    told = share > _CELL_FREE
    if int(told.sum()) < _LEAST_SQUARES:
        return None
    own, other = (_chroma(picture, free, share)[told] for picture in (reference.picture, seen.picture))
    own, other = own - own.mean(axis=0), other - other.mean(axis=0)
    if float(own.std()) < _LEAST_CHROMA:
        return None
    return float((own * other).sum() / (own * own).sum())


def _chroma(picture: RgbImage, free: FloatArray, share: FloatArray) -> FloatArray:
    """Log R/G and B/G of what is free, over small squares, (h, w, 2)."""
    mean = _coarse(picture * free[..., None]) / np.maximum(share, 1e-3)[..., None]
    logs = np.log(mean + 8)
    return np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], axis=-1)


def _coarse(image: FloatArray) -> FloatArray:
    size = (image.shape[1] // _SQUARE_PX, image.shape[0] // _SQUARE_PX)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def ghost_presence(seen: Registered, reference: Reference, box: RelativeBox) -> float | None:
    """Log of how much stands in the ghost's oval beside the ground: about 1.5 with a portrait, -1.5 without.

    None where the surroundings cannot be told from light and print.
    """
    width, height = reference.size
    left, top, wide, tall = box.pixels(width, height)
    change = np.log((_grey(seen.picture) + 4) / (_grey(reference.picture) + 4))
    change = np.asarray(cv2.GaussianBlur(change, (0, 0), 2.0), np.float32)
    ring = np.zeros(change.shape, bool)
    ring[max(0, top - _RING_PX) : top + tall + _RING_PX, max(0, left - _RING_PX) : left + wide + _RING_PX] = (
        True
    )
    ring[top : top + tall, left : left + wide] = False
    light = _plane(change, ring)
    if light is None:
        return None
    y, x = np.mgrid[0:tall, 0:wide]
    oval = np.hypot((x + 0.5) / wide * 2 - 1, (y + 0.5) / tall * 2 - 1) < _OVAL
    # A lamp mirrored there is lighter than the ground; a portrait is darker.
    rest = np.minimum((change - light)[top : top + tall, left : left + wide][oval], 0)
    return float(np.log(max(float(rest.std()), 1e-4) / _GHOST_MIDDLE))


def _plane(change: FloatArray, ring: Array) -> FloatArray | None:
    """The plane through most of a ring's values, over the whole picture."""
    y, x = np.nonzero(ring)
    values = change[ring]
    kept = np.abs(values - np.median(values)) < _RING_LIMIT
    if int(kept.sum()) < values.size // 2:
        return None
    ones = np.ones(int(kept.sum()))
    (a, b, c), *_ = np.linalg.lstsq(np.stack([x[kept], y[kept], ones], axis=1), values[kept], rcond=None)
    rows, columns = np.mgrid[0 : change.shape[0], 0 : change.shape[1]]
    return np.asarray(a * columns + b * rows + c, np.float32)


def _grey(picture: RgbImage) -> FloatArray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)

"""Whether a picture shows enough of a document to judge it: what is wrong with the capture, by name.

Blur, size and cut corners are what the finder noticed; here come reflections over what matters, rows of the
machine-readable zone too fine to be read, and another document beside this one.
"""

import itertools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from idv.documents.document_types import MrzZone, RelativeBox, Side
from idv.documents.mrz_layouts import LAYOUTS
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView, Zone
from idv.domain.images import DecodedImage
from idv.domain.reasons import Reason
from idv.vision.perception.document_quad import Quad, find_quads
from idv.vision.perception.text_lines import find_strips

VERSION = "capture-gate-2"
"""Changes whenever the same capture may be judged differently; part of the check digest."""
_GLARE_LEVEL = 250
# Share of a zone without any detail left in it. Bright paper loses single px, a reflection whole words.
_GLARE_SHARE = 0.35
_GLARE_PX = 9
_LEAST_PX_A_CHARACTER = 5.0
# A second document: as clear as the finder takes for sure, of comparable size, elsewhere, with print on it.
_OTHER_SCORE, _OTHER_SUPPORT = 0.62, 0.3
_OTHER_SIZE = 0.3
_OTHER_OVERLAP = 0.1
_OTHER_ROWS = 4
_OTHER_WIDTH_PX = 480
_OTHER_SIDE_PX = 480
_OTHERS_TRIED = 3


def capture_faults(
    image: DecodedImage, view: DocumentView, side: Side | None, reading: DocumentReading
) -> tuple[Reason, ...]:
    """What keeps this picture of a document from being judged, each reason once; `side` where it is known."""
    return tuple(dict.fromkeys(_faults(image, view, side, reading)))


def _faults(
    image: DecodedImage, view: DocumentView, side: Side | None, reading: DocumentReading
) -> Iterator[Reason]:
    yield from view.reasons
    if has_glare(view.rectified, _zones(view, side, reading)):
        yield Reason.DOCUMENT_GLARE
    unread = reading.mrz is None or not reading.mrz.valid
    if side is not None and side.mrz is not None and unread and _too_fine(image, view, side.mrz):
        yield Reason.DOCUMENT_TOO_SMALL
    if another_document(image.pixels, view.corners):
        yield Reason.SEVERAL_DOCUMENTS


def has_glare(rectified: RgbImage, zones: Sequence[RelativeBox]) -> bool:
    """Whether a reflection hides at least a third of one of the zones of a flat side."""
    height, width = rectified.shape[:2]
    blown = _blown_out(rectified)
    for zone in zones:
        left, top, wide, high = zone.pixels(width, height)
        part = blown[top : top + high, left : left + wide]
        if part.size and float(part.mean()) >= _GLARE_SHARE:
            return True
    return False


def another_document(pixels: RgbImage, corners: FloatArray) -> bool:
    """Whether another printed quadrilateral of a document's shape lies beside the one at `corners`."""
    own = abs(float(cv2.contourArea(corners.astype(np.float32))))
    if pixels.shape[0] * pixels.shape[1] - own < _OTHER_SIZE * own:
        return False
    for quad in _coarse_quads(pixels):
        clear = quad.score >= _OTHER_SCORE and min(quad.support) >= _OTHER_SUPPORT and not any(quad.borders)
        if clear and _is_apart(quad, corners, own) and _is_printed(pixels, quad):
            return True
    return False


def _zones(view: DocumentView, side: Side | None, reading: DocumentReading) -> tuple[RelativeBox, ...]:
    """What a reflection must not cover: the portrait, and everything on the side that was not read.

    White paper in strong light is as bright as a reflection; what was read through it is not hidden.
    """
    if side is None:
        return () if view.portrait_box is None else (_relative(view.portrait_box, view.rectified.shape),)
    printed = {field.name for field in reading.fields if field.zone is Zone.VIZ}
    read = reading.mrz is not None and reading.mrz.valid
    others = (
        side.portrait,
        side.mrz.box if side.mrz and not read else None,
        side.barcode.box if side.barcode and not reading.barcodes else None,
    )
    unread = (zone.box for zone in side.fields if zone.name not in printed)
    return (*unread, *(box for box in others if box is not None))


def _coarse_quads(pixels: RgbImage) -> Iterator[Quad]:
    """The clearest quadrilaterals, looked for at reduced scale: half the cost, and a document is large."""
    factor = min(1.0, _OTHER_SIDE_PX / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    for quad in itertools.islice(find_quads(np.asarray(small, np.uint8)), _OTHERS_TRIED):
        yield quad._replace(corners=(quad.corners / factor).astype(np.float32))


def _relative(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> RelativeBox:
    left, top, width, height = box
    return RelativeBox(left / shape[1], top / shape[0], width / shape[1], height / shape[0])


def _blown_out(rectified: RgbImage) -> Array:
    """(H, W) 0 or 1: px at the end of the scale in all channels, in patches rather than single ones."""
    bright = cv2.inRange(rectified, (_GLARE_LEVEL,) * 3, (255,) * 3) // 255
    return np.asarray(cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((_GLARE_PX, _GLARE_PX), np.uint8)))


def _too_fine(image: DecodedImage, view: DocumentView, zone: MrzZone) -> bool:
    across = float(np.linalg.norm(view.corners[1] - view.corners[0]))
    return across * zone.box.width / LAYOUTS[zone.format].columns / image.scale < _LEAST_PX_A_CHARACTER


def _is_apart(quad: Quad, corners: FloatArray, own: float) -> bool:
    """Whether a quadrilateral is large enough to be a document and not a part or a frame of the known one."""
    area = abs(float(cv2.contourArea(quad.corners)))
    if not own or area < _OTHER_SIZE * own:
        return False
    shared, _ = cv2.intersectConvexConvex(quad.corners.astype(np.float32), corners.astype(np.float32))
    return float(shared) <= _OTHER_OVERLAP * min(area, own)


def _is_printed(pixels: RgbImage, quad: Quad) -> bool:
    """Whether several rows of print stand on it."""
    height = round(_OTHER_WIDTH_PX / max(quad.aspect, 0.1))
    target = np.array([[0, 0], [_OTHER_WIDTH_PX, 0], [_OTHER_WIDTH_PX, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.corners.astype(np.float32), target)
    flat = cv2.warpPerspective(pixels, matrix, (_OTHER_WIDTH_PX, height), flags=cv2.INTER_AREA)
    return len(find_strips(np.asarray(flat, np.uint8))) >= _OTHER_ROWS

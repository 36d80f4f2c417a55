"""Finds an identity document in a picture and lays it flat, the right way up."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentView
from idv.domain.faces import Face
from idv.domain.images import DecodedImage
from idv.domain.ports import Inference
from idv.domain.reasons import Reason
from idv.vision.imaging.geometry import Size, laid_flat
from idv.vision.models.ppocr_cls import LineAngle
from idv.vision.models.ppocr_det import TextBox, TextDetector
from idv.vision.models.ppocr_rec import TextRecogniser
from idv.vision.perception.document_quad import ASPECTS, Quad, encloses, find_quads, frame_quad
from idv.vision.perception.document_region import region_quads
from idv.vision.perception.flat_document import FlatDocument
from idv.vision.perception.mrz_band import Band, find_bands
from idv.vision.perception.sharpness import stroke_edge_share
from idv.vision.perception.text_lines import Strip, cut, find_strips

VERSION = "document-4"
"""Changes whenever the same picture may be laid flat differently; part of the check digest."""
_MAX_WIDTH_PX = 1400
_ASPECT_SNAP = 0.07
_STRONG_SCORE = 0.62
_STRONG_SUPPORT = 0.3
_CLEARLY_LESS, _SAME_PLACE = 0.1, 0.35
_SMALL_PX = 250
_EDGE_SHARE = 0.02
# Measured on captures blurred further and further: zones stop being read between 0.28 and 0.36.
_BLUR = 0.28
_LINES_JUDGED = 6
_LINES_READ = 5
# A glance at the first characters of a line tells print from texture; a whole line costs five times as much.
_LOOKED_AT_PX = 256
_READABLE = 0.75
_READABLE_LETTERS = 5
_TEXTS_IF_SURE, _TEXTS_IF_UNSURE = 1, 3
_LARGE_SHARE = 0.5
_TEXT_SIDE_PX = 640
_TILTED_LINES = 4
# A portrait shows the head from crown to shoulders; the face box reaches from the brows to the chin.
_PORTRAIT_WIDTH, _PORTRAIT_HEIGHT, _PORTRAIT_RISE = 1.7, 2.1, 0.62


class _Signs(NamedTuple):
    """What stands on a flat picture that could be a document's side."""

    strips: list[Strip]
    bands: list[Band]
    upside_down: float
    readable: int
    faces: tuple[Face, ...] | None = None


class _Found(NamedTuple):
    view: DocumentView
    quad: Quad
    has_zone: bool


class DocumentFinder:
    """Finds the document. `faces`: finds faces, largest first; without it no portrait is looked for."""

    def __init__(
        self,
        inference: Inference,
        alphabet: Sequence[str],
        *,
        faces: Callable[[RgbImage], tuple[Face, ...]] | None = None,
    ) -> None:
        self._angle = LineAngle(inference)
        self._recogniser = TextRecogniser(inference, alphabet)
        self._detector = TextDetector(inference)
        self._faces = faces

    def find(self, image: DecodedImage) -> DocumentView | None:
        """The document in the picture, or None when it shows none."""
        plain: _Found | None = None
        for quad in filter(_is_strong, find_quads(image.pixels)):
            if plain is not None and (encloses(plain.quad, quad) or _rivals(plain.quad, quad)):
                continue  # a part of a document is no other document, nor is a worse outline of it
            found = self._laid_flat(image, quad, sure=True)
            if found is not None and found.has_zone:
                return found.view
            plain = plain or found
        plain = plain or self._region(image)
        if plain is not None and not self._zone_elsewhere(image, plain):
            return plain.view
        whole = self._laid_flat(image, frame_quad(image.pixels), sure=False)
        if plain is None:
            return whole.view if whole is not None else self._tilted(image)
        return whole.view if whole is not None and whole.has_zone else plain.view

    def _region(self, image: DecodedImage) -> "_Found | None":
        """What is unlike its ground and carries print: for grounds whose own lines are the stronger ones."""
        found = (self._laid_flat(image, quad, sure=True) for quad in region_quads(image.pixels))
        return next((one for one in found if one is not None), None)

    def digest_parts(self) -> dict[str, str]:
        """What the flat picture depends on: model name -> digest, and the version of this code."""
        return {
            "ppocr_cls": self._angle.digest(),
            "ppocr_rec": self._recogniser.digest(),
            "ppocr_det": self._detector.digest(),
            "document": VERSION,
        }

    def _laid_flat(self, image: DecodedImage, quad: Quad, *, sure: bool) -> "_Found | None":
        flat = _flattened(image.pixels, quad)
        signs = self._signs(flat, sure=sure)
        if not _is_document(signs, sure=sure):
            return None
        corners = quad.corners
        if signs.upside_down > 0.5:  # noqa: PLR2004
            flat, corners = np.ascontiguousarray(flat[::-1, ::-1]), np.roll(corners, 2, axis=0)
            signs = self._turned(flat, signs)
        faces = self._faces_on(flat) if signs.faces is None else signs.faces
        view = FlatDocument(
            corners=corners.astype(np.float32),
            rectified=flat,
            confidence=_confidence(quad, signs, portrait=bool(faces), sure=sure),
            portrait_box=_portrait_box(faces[0], flat.shape) if faces else None,
            reasons=_reasons(image, quad, flat, signs),
            strips=tuple(signs.strips),
            faces=faces if self._faces else None,
        )
        return _Found(view, quad, has_zone=bool(signs.bands))

    def _signs(self, flat: RgbImage, *, sure: bool) -> _Signs:
        strips = find_strips(flat)
        bands = find_bands(strips, width=flat.shape[1])[:1]
        longest = sorted(strips, key=lambda s: -s.length)[:_LINES_JUDGED]
        starts = [_start(flat, strip) for strip in longest]
        upside_down = _upside_down(self._angle.upside_down(starts), bands, flat.shape[0])
        turned = upside_down > 0.5  # noqa: PLR2004
        rows = [row for band in bands for row in band.rows]
        zone = self._readable(flat, rows, turned=turned, enough=1) > 0
        enough = _TEXTS_IF_SURE if sure else _TEXTS_IF_UNSURE
        some = longest[:_LINES_READ]
        readable = enough if zone else self._readable(flat, some, turned=turned, enough=enough)
        faces = None if sure or zone or readable < enough else self._faces_on(flat)
        return _Signs(strips, bands if zone else [], upside_down, readable, faces)

    def _turned(self, flat: RgbImage, signs: _Signs) -> _Signs:
        """The signs of the picture turned by half a turn."""
        height, width = flat.shape[:2]
        strips = [
            Strip(
                (width - s.right[0], height - s.right[1]), (width - s.left[0], height - s.left[1]), s.height
            )
            for s in signs.strips
        ]
        return signs._replace(strips=strips, bands=find_bands(strips, width=width), faces=None)

    def _zone_elsewhere(self, image: DecodedImage, plain: _Found) -> bool:
        """Whether the whole picture may hold a machine-readable zone that lies outside what was found."""
        if _share_of(plain.quad, image.pixels.shape) > _LARGE_SHARE:
            return False
        bands = find_bands(find_strips(image.pixels), width=image.pixels.shape[1])
        middles = [(_middle(row), row.height) for band in bands[:2] for row in band.rows]
        return any(
            cv2.pointPolygonTest(plain.quad.corners, point, True) < -height for point, height in middles
        )

    def _readable(self, flat: RgbImage, rows: Sequence[Strip], *, turned: bool, enough: int) -> int:
        """How many of the rows begin with text, by the recogniser; it stops at `enough`."""
        count = 0
        for row in rows:
            text, confidence = self._recogniser.read(_start(flat, row, turned=turned))
            letters = sum(c.isalnum() or c == "<" for c in text)
            count += confidence >= _READABLE and letters >= _READABLE_LETTERS
            if count >= enough:
                break
        return count

    def _faces_on(self, flat: RgbImage) -> tuple[Face, ...]:
        return self._faces(flat) if self._faces else ()

    def _tilted(self, image: DecodedImage) -> DocumentView | None:
        """The last resort: lines of text that all run one slanting way, and the picture turned level."""
        lines = self._detector.lines(image.pixels, max_side_px=_TEXT_SIDE_PX)
        slant = _common_slant(lines)
        if slant is None:
            return None
        found = self._laid_flat(image, _around(lines, slant), sure=False)
        return found.view if found else None


def _is_strong(quad: Quad) -> bool:
    return quad.score >= _STRONG_SCORE and min(quad.support) >= _STRONG_SUPPORT and sum(quad.borders) <= 1


def _rivals(better: Quad, worse: Quad) -> bool:
    """Whether the worse one outlines much the same place, clearly less well: a zone in it is no reason."""
    if worse.score > better.score - _CLEARLY_LESS:
        return False
    both = float(cv2.intersectConvexConvex(better.corners, worse.corners)[0])
    areas = [abs(float(cv2.contourArea(quad.corners))) for quad in (better, worse)]
    return both >= _SAME_PLACE * (sum(areas) - both)


def _is_document(signs: _Signs, *, sure: bool) -> bool:
    """Four clear sides need a sign of print; without them the print itself must be a document's."""
    if sure or signs.bands:
        return bool(signs.bands) or signs.readable >= _TEXTS_IF_SURE
    return bool(signs.faces) and signs.readable >= _TEXTS_IF_UNSURE


def _start(flat: RgbImage, strip: Strip, *, turned: bool = False) -> RgbImage:
    """The first characters of a row, by the reader's view of a picture that stands on its head if `turned`.

    (48, at most 256, 3) uint8.
    """
    corners = strip.corners(along=strip.height / 2, across=1.6)
    return cut(flat, np.roll(corners, 2, axis=0) if turned else corners, height=48, most_px=_LOOKED_AT_PX)


def _middle(row: Strip) -> tuple[float, float]:
    return ((row.left[0] + row.right[0]) / 2, (row.left[1] + row.right[1]) / 2)


def _share_of(quad: Quad, shape: tuple[int, ...]) -> float:
    return float(cv2.contourArea(quad.corners)) / (shape[0] * shape[1])


def _portrait_box(face: Face, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """The frame around the largest face; the smaller one of a ghost portrait is left out."""
    box = face.box
    middle = box.left + box.width / 2
    width, height = box.width * _PORTRAIT_WIDTH, box.height * _PORTRAIT_HEIGHT
    left, top = middle - width / 2, box.top - height * (_PORTRAIT_RISE - 0.3)
    right, bottom = min(left + width, shape[1]), min(top + height, shape[0])
    left, top = max(left, 0.0), max(top, 0.0)
    return (left, top, right - left, bottom - top)


def _confidence(quad: Quad, signs: _Signs, *, portrait: bool, sure: bool) -> float:
    """Plain scale: sides count most, then a machine-readable zone, then a portrait."""
    evidence = (0.2 if signs.bands else 0.0) + (0.1 if portrait else 0.0)
    return min(1.0, (quad.score if sure else 0.5) + evidence)


def _reasons(image: DecodedImage, quad: Quad, flat: RgbImage, signs: _Signs) -> tuple[Reason, ...]:
    reasons = []
    if _cut_off(image.pixels.shape, quad, flat, signs):
        reasons.append(Reason.DOCUMENT_CUT_OFF)
    if _native_width(quad.corners) / image.scale < _SMALL_PX:
        reasons.append(Reason.DOCUMENT_TOO_SMALL)
    if signs.strips and stroke_edge_share(flat, signs.strips) > _BLUR:
        reasons.append(Reason.DOCUMENT_BLURRED)
    return tuple(reasons)


def _cut_off(shape: tuple[int, ...], quad: Quad, flat: RgbImage, signs: _Signs) -> bool:
    """A side on the picture's border, a corner outside it, or for a whole picture print that runs into it."""
    height, width = shape[:2]
    if all(quad.borders):
        margin = 0.004 * flat.shape[1]
        rows = signs.bands[0].rows if signs.bands else ()
        return any(r.left[0] < margin or r.right[0] > flat.shape[1] - margin for r in rows)
    overshoot = max(
        float(-quad.corners.min()),
        float((quad.corners[:, 0] - width).max()),
        float((quad.corners[:, 1] - height).max()),
    )
    return any(quad.borders) or overshoot > _EDGE_SHARE * max(width, height)


def _native_width(corners: FloatArray) -> float:
    return float(max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3])))


def _flattened(pixels: RgbImage, quad: Quad) -> RgbImage:
    """The quadrilateral as a level picture at about its own resolution, its proportions a known format's."""
    nearest = min(ASPECTS, key=lambda aspect: abs(aspect / quad.aspect - 1))
    aspect = (
        nearest if abs(nearest / quad.aspect - 1) <= _ASPECT_SNAP and not all(quad.borders) else quad.aspect
    )
    width = min(_MAX_WIDTH_PX, max(64, round(_native_width(quad.corners))))
    height = max(32, round(width / aspect))
    return laid_flat(pixels, quad.corners, Size(width, height))


def _upside_down(judgements: FloatArray, bands: Sequence[Band], height: int) -> float:
    """Probability that a flat picture stands on its head: the line classifier, and where the zone is."""
    odds = np.log((judgements + 0.02) / (1.02 - judgements)).sum() if judgements.size else 0.0
    if bands:
        rows = bands[0].rows
        middle = float(np.mean([(r.left[1] + r.right[1]) / 2 for r in rows])) / height
        odds += 8.0 * (0.5 - middle)
    return float(1 / (1 + np.exp(-odds)))


def _common_slant(lines: Sequence[TextBox]) -> float | None:
    """The angle in radians that most long lines share, or None."""
    long = [line.corners for line in lines if _length(line) > 3 * _thickness(line)]
    if len(long) < _TILTED_LINES:
        return None
    angles = np.array([np.arctan2(c[1][1] - c[0][1], c[1][0] - c[0][0]) for c in long])
    middle = float(np.median(angles))
    agreeing = int((np.abs(angles - middle) < np.radians(5)).sum())
    return middle if agreeing >= max(_TILTED_LINES, 0.6 * len(long)) else None


def _length(line: TextBox) -> float:
    return float(np.linalg.norm(line.corners[1] - line.corners[0]))


def _thickness(line: TextBox) -> float:
    return float(np.linalg.norm(line.corners[3] - line.corners[0]))


def _around(lines: Sequence[TextBox], slant: float) -> Quad:
    """A level rectangle around the lines of that slant, wide enough for what has no text."""
    axes = np.array([[np.cos(slant), np.sin(slant)], [-np.sin(slant), np.cos(slant)]])
    points = np.concatenate([line.corners for line in lines if _length(line) > 2 * _thickness(line)]) @ axes.T
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.06 * float((high - low).max())
    low, high = low - margin, high + margin
    box = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    corners = (box @ axes).astype(np.float32)
    aspect = float((high[0] - low[0]) / max(high[1] - low[1], 1.0))
    return Quad(corners, 0.0, (0.0,) * 4, (True,) * 4, aspect)

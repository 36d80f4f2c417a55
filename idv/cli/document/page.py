"""The page of one judged document: its pictures with everything that was seen on them, and why."""

import base64
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.documents.document_types import DocumentType, RelativeBox, Side, SideName
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentView, TamperingMap
from idv.domain.evidence import ImageRole
from idv.domain.ports import Check, Perception
from idv.domain.results import CheckResult, Region
from idv.evaluation.reports.page import filled

_SIDE_PX = 1000
_HEAT_SHARE = 0.6
_SIDES = {ImageRole.DOCUMENT_FRONT: SideName.FRONT, ImageRole.DOCUMENT_BACK: SideName.BACK}


@dataclass(frozen=True)
class Seen:
    """Who judged, and what was perceived of the pictures of these roles."""

    check: Check
    perception: Perception
    roles: Sequence[ImageRole]


@dataclass(frozen=True)
class Outline:
    """A polygon on a picture: `points` for SVG in px, `kind` one of document, field, mrz, region."""

    kind: str
    label: str
    points: str


@dataclass(frozen=True)
class Picture:
    """One picture of `width` × `height` px with its outlines."""

    caption: str
    base64: str
    width: int
    height: int
    outlines: tuple[Outline, ...] = ()


@dataclass(frozen=True)
class ShownSide:
    """One side: its name, type and pictures."""

    name: str
    document_type: str | None
    pictures: tuple[Picture, ...]


def render(result: CheckResult, seen: Seen, *, made_at: dt.datetime) -> str:
    """The page as HTML, with nothing to fetch and nothing to run."""
    values = {
        "result": result,
        "sides": [_side(role, result, seen) for role in seen.roles],
        "made_at": f"{made_at:%Y-%m-%d %H:%M} UTC",
    }
    return filled("document.html", values, package="idv.cli.document")


def _side(role: ImageRole, result: CheckResult, seen: Seen) -> ShownSide:
    image, view = seen.perception.image(role), seen.perception.document(role)
    name = role.replace("_", " ")
    if view is None:
        return ShownSide(name, None, (_picture("no document was found", image.pixels),))
    known = _known(seen, role)
    photo = _picture("as photographed", image.pixels, _on_photo(view, image.pixels, known, role, result))
    pictures = [photo]
    heat = _heat(seen, image.pixels, view)
    if heat is not None:
        pictures.append(
            _picture("laid flat, with the map of likely alterations", heated(view.rectified, heat))
        )
    return ShownSide(name, known.title if known else None, tuple(pictures))


def _known(seen: Seen, role: ImageRole) -> DocumentType | None:
    identifier = seen.perception.reading(role).document_type
    if identifier is None or not isinstance(seen.check, DocumentAuthenticity):
        return None
    return seen.check.types.get(identifier)


def _heat(seen: Seen, pixels: RgbImage, view: DocumentView) -> TamperingMap | None:
    if not isinstance(seen.check, DocumentAuthenticity) or seen.check.parts.tampering is None:
        return None
    return seen.check.parts.tampering.predict(pixels, view.corners)


# --- outlines -------------------------------------------------------------------------------------------


def _on_photo(
    view: DocumentView, pixels: RgbImage, known: DocumentType | None, role: ImageRole, result: CheckResult
) -> tuple[Outline, ...]:
    """What lies where in the photo, in px of the photo as it is shown."""
    scale = _scale(pixels)
    corners = np.asarray(view.corners * scale, np.float32)
    outlines = [Outline("document", "document", _points(corners))]
    side = known.sides.get(_SIDES[role]) if known else None
    outlines += [Outline(kind, label, _points(_placed(box, corners))) for kind, label, box in _zones(side)]
    size = np.array([pixels.shape[1], pixels.shape[0]], np.float32) * scale
    outlines += [_region(region, size) for region in result.regions if region.role is role]
    return tuple(outlines)


def _zones(side: Side | None) -> Iterator[tuple[str, str, RelativeBox]]:
    if side is None:
        return
    for zone in side.fields:
        yield "field", zone.name.replace("_", " "), zone.box
    if side.mrz is not None:
        yield "mrz", f"machine-readable zone, {side.mrz.format}", side.mrz.box
    if side.barcode is not None:
        yield "mrz", f"barcode, {side.barcode.format}", side.barcode.box
    if side.portrait is not None:
        yield "field", "portrait", side.portrait
    if side.ghost is not None:
        yield "field", "ghost portrait", side.ghost


def _placed(box: RelativeBox, corners: FloatArray) -> FloatArray:
    """The corners of a box of the flat side in the picture whose document has these corners."""
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, corners)
    right, foot = box.left + box.width, box.top + box.height
    flat = np.array([[box.left, box.top], [right, box.top], [right, foot], [box.left, foot]], np.float32)
    return np.asarray(cv2.perspectiveTransform(flat[None], matrix)[0], np.float32)


def _region(region: Region, size: FloatArray) -> Outline:
    points = np.array(region.outline, np.float32) * size
    return Outline("region", region.signal.replace("_", " "), _points(points))


def _points(corners: FloatArray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners.tolist())


# --- pictures -------------------------------------------------------------------------------------------


def heated(flat: RgbImage, found: TamperingMap) -> RgbImage:
    """The flat side in grey, likely alterations in the colours of heat."""
    size = (flat.shape[1], flat.shape[0])
    heat = np.clip(cv2.resize(found.heat, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = cv2.cvtColor(cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = (_HEAT_SHARE * np.sqrt(heat))[..., None]
    return np.clip(grey * (1 - share) + colours * share, 0, 255).astype(np.uint8)


def _scale(pixels: RgbImage) -> float:
    return min(1.0, _SIDE_PX / int(max(pixels.shape[:2])))


def _picture(caption: str, pixels: RgbImage, outlines: tuple[Outline, ...] = ()) -> Picture:
    scale = _scale(pixels)
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    height, width = small.shape[:2]
    return Picture(caption, base64.b64encode(data.tobytes()).decode(), width, height, outlines)

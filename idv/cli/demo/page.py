"""The demo's one self-contained page: each onboarding with annotated images, decision and checks."""

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from idv.domain.arrays import RgbImage
from idv.domain.evidence import ImageRole
from idv.domain.faces import Face
from idv.domain.ports import Perception

_SIDE_PX = 900
_DOCUMENT_COLOUR = (255, 159, 10)
_FACE_COLOUR = (48, 209, 88)


@dataclass(frozen=True)
class Image:
    """One annotated picture."""

    caption: str
    base64: str


@dataclass(frozen=True)
class ShownCase:
    """One onboarding as the page shows it; `reasons` and `checks` as the API answered them."""

    title: str
    expected: str
    decision: str
    latency_ms: float
    reasons: Sequence[dict[str, Any]]
    checks: Sequence[dict[str, Any]]
    images: Sequence[Image]


def render(cases: Sequence[ShownCase], *, pack: str, made_at: dt.datetime) -> str:
    """The page as HTML, with nothing to fetch."""
    environment = Environment(
        loader=PackageLoader("idv.cli.demo", ""), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("page.html")
    return template.render(cases=cases, pack=pack, made_at=f"{made_at:%Y-%m-%d %H:%M} UTC")


def annotated(perception: Perception) -> list[Image]:
    """The document as photographed, the document laid flat, and the selfie, each with what was seen."""
    return [*_document(perception), _selfie(perception)]


def _document(perception: Perception) -> list[Image]:
    photo = perception.image(ImageRole.DOCUMENT_FRONT).pixels.copy()
    view = perception.document(ImageRole.DOCUMENT_FRONT)
    if view is None:
        return [_image("document: none found", photo)]
    cv2.polylines(photo, [view.corners.astype(np.int32)], True, _DOCUMENT_COLOUR, _line_width(photo))
    flat = view.rectified.copy()
    portrait = perception.subject(ImageRole.DOCUMENT_FRONT).face
    if portrait is not None:
        _mark(flat, portrait)
    return [_image("document as photographed", photo), _image("document laid flat, portrait found", flat)]


def _selfie(perception: Perception) -> Image:
    photo = perception.image(ImageRole.SELFIE).pixels.copy()
    face = perception.subject(ImageRole.SELFIE).face
    if face is not None:
        _mark(photo, face)
    return _image("selfie", photo)


def _mark(image: RgbImage, face: Face) -> None:
    """Draw the face's box and its five points."""
    left, top = round(face.box.left), round(face.box.top)
    right, bottom = round(face.box.left + face.box.width), round(face.box.top + face.box.height)
    width = _line_width(image)
    cv2.rectangle(image, (left, top), (right, bottom), _FACE_COLOUR, width)
    for x, y in face.five_points:
        cv2.circle(image, (round(float(x)), round(float(y))), 2 * width, _FACE_COLOUR, -1)


def _line_width(image: RgbImage) -> int:
    return max(2, int(max(image.shape[:2])) // 400)


def _image(caption: str, pixels: RgbImage) -> Image:
    scale = min(1.0, _SIDE_PX / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
    return Image(caption, base64.b64encode(encoded.tobytes()).decode())

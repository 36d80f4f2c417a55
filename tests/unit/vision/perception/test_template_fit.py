"""How sides fit the types they claim to be of."""

import dataclasses
import datetime as dt
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idv.documents.document_types import (
    DocumentType,
    Look,
    RelativeBox,
    Side,
    SideName,
    load_document_types,
)
from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.reasons import Reason
from idv.vision.perception.template_fit import TemplateFit, TemplateFitter
from idv.vision.perception.template_references import load_references
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait

TYPES = load_document_types()
KNOWN = next(known for known in TYPES if known.id == "xbo_identity_card")
FRONT = SideName.FRONT


@pytest.fixture(scope="module")
def fitter() -> TemplateFitter:
    """Over the project's own types and references."""
    return TemplateFitter(TYPES, load_references(TYPES))


def drawn(known: DocumentType, seed: int = 1) -> RgbImage:
    """The front of a card as a photo laid flat shows it: a little off, softer, in warm light."""
    rng = np.random.default_rng(seed)
    holder = make_holder(known, rng, today=dt.date(2026, 6, 1))
    image = draw_card(known, holder, draw_portrait(rng), rng, dpi=400).front.image
    height, width = image.shape[:2]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    off = np.array([[9, -6], [-7, 5], [8, 7], [-5, -9]], np.float32)
    moved = cv2.warpPerspective(
        image,
        cv2.getPerspectiveTransform(frame, frame + off),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
    )
    soft = cv2.GaussianBlur(moved, (0, 0), 0.8).astype(np.float32) * [0.95, 0.9, 0.8]
    return np.asarray(np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255), np.uint8)


def seen(pixels: RgbImage, *, reasons: tuple[Reason, ...] = ()) -> DocumentView:
    """A view that is nothing but the document."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return DocumentView(corners, pixels, 1.0, reasons=reasons)


def fitted(fitter: TemplateFitter, pixels: RgbImage) -> TemplateFit:
    """How a picture fits the known type's front."""
    fit = fitter.fit(seen(pixels), DocumentReading(document_type=KNOWN.id), side=FRONT)
    assert fit is not None
    return fit


def with_front(change: Callable[[Side], Side]) -> DocumentType:
    """The known type with another front."""
    return dataclasses.replace(KNOWN, sides={**KNOWN.sides, FRONT: change(KNOWN.sides[FRONT])})


def test_a_genuine_side_fits_in_every_signal(fitter: TemplateFitter) -> None:
    """The type's own print is right in lines, places, ink and slant, ghost and hues."""
    signals = fitted(fitter, drawn(KNOWN)).signals
    assert signals["template_ground"] > 0.5
    assert signals["template_layout"] > 0.7
    assert signals["template_print"] > 0.6
    assert signals["template_ghost"] > 0.5
    assert signals["template_colour"] > 0.3


def test_a_ground_with_other_lines_does_not_fit(fitter: TemplateFitter) -> None:
    """Lines drawn from another seed correlate with the type's as little as chance."""
    look = dataclasses.replace(KNOWN.look, seed=999)
    fit = fitted(fitter, drawn(dataclasses.replace(KNOWN, look=look)))
    assert fit.signals["template_ground"] < 0.2
    assert fit.regions["template_ground"]


def test_one_field_out_of_place_shows_with_its_box(fitter: TemplateFitter) -> None:
    """A field moved by 2 % of the side is the one that is pointed at."""
    zone = KNOWN.sides[FRONT].fields[1]
    box = RelativeBox(zone.box.left - 0.02, zone.box.top + 0.02, zone.box.width, zone.box.height)
    moved = with_front(
        lambda front: dataclasses.replace(
            front, fields=tuple(z._replace(box=box) if z is zone else z for z in front.fields)
        )
    )
    fit = fitted(fitter, drawn(moved))
    assert fit.signals["template_layout"] < 0
    label, value = fit.regions["template_layout"]
    assert abs(value.left - box.left) < 0.02
    assert abs(value.top - box.top) < 0.03
    assert label.top < value.top


@pytest.mark.parametrize(
    "look",
    [dataclasses.replace(KNOWN.look, slanted=True), dataclasses.replace(KNOWN.look, value=KNOWN.look.title)],
)
def test_values_in_another_slant_or_ink_do_not_fit(fitter: TemplateFitter, look: Look) -> None:
    """Italics where the type is upright, and values in the heading's ink, are both told."""
    assert fitted(fitter, drawn(dataclasses.replace(KNOWN, look=look))).signals["template_print"] < 0.3


def test_a_missing_ghost_shows(fitter: TemplateFitter) -> None:
    """Bare ground where the second portrait belongs is told."""
    without = with_front(lambda front: dataclasses.replace(front, ghost=None))
    assert fitted(fitter, drawn(without)).signals["template_ghost"] < 0


def test_a_grey_copy_has_no_hues(fitter: TemplateFitter) -> None:
    """Neither ground nor lines of a grey copy differ in hue, whatever the light."""
    grey = cv2.cvtColor(drawn(KNOWN), cv2.COLOR_RGB2GRAY)
    copy = np.repeat(grey[..., None], 3, axis=2) * np.array([1.0, 0.95, 0.8])
    assert abs(fitted(fitter, np.asarray(copy, np.uint8)).signals["template_colour"]) < 0.15


def test_another_document_under_a_claimed_type_is_nothing_like_it(fitter: TemplateFitter) -> None:
    """A side with neither lines nor print of its type has a low ground signal; a blurred one has none."""
    noise = np.asarray(np.random.default_rng(0).integers(90, 255, (540, 856, 3)), np.uint8)
    reading = DocumentReading(document_type=KNOWN.id)
    fit = fitter.fit(seen(noise), reading, side=FRONT)
    assert fit is not None
    assert fit.signals["template_ground"] < 0.1
    blurred = fitter.fit(seen(noise, reasons=(Reason.DOCUMENT_BLURRED,)), reading, side=FRONT)
    assert blurred is not None
    assert not blurred.signals


def test_a_side_is_recognised_by_its_looks_alone(fitter: TemplateFitter) -> None:
    """Without a reading the picture itself tells type and side."""
    assert fitter.classify(seen(drawn(KNOWN)), DocumentReading()) == (KNOWN.id, FRONT)


def test_a_receipt_is_of_no_type(fitter: TemplateFitter) -> None:
    """Rows of print on white paper are like no reference."""
    paper = np.full((540, 856, 3), 245, np.uint8)
    for row in range(12):
        cv2.putText(
            paper,
            f"item {row * 7919} .... {row}.99",
            (40, 60 + row * 38),
            (30, 30, 30),
            cv2.FontFace("sans"),
            24,
        )
    assert fitter.classify(seen(paper), DocumentReading()) is None
    assert fitter.fit(seen(paper), DocumentReading()) is None


def test_a_blank_page_is_of_no_type(fitter: TemplateFitter) -> None:
    """A picture without anything on it is like no reference."""
    assert fitter.classify(seen(np.full((540, 856, 3), 200, np.uint8)), DocumentReading()) is None


def test_the_digest_tells_the_references_apart(fitter: TemplateFitter) -> None:
    """A fit with other references has another digest."""
    parts = fitter.digest_parts()
    fewer = TemplateFitter(TYPES, load_references(type(TYPES)([KNOWN])))
    assert fewer.digest_parts()["template_references"] != parts["template_references"]

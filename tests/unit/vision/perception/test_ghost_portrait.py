import dataclasses
import datetime as dt

import cv2
import numpy as np
import pytest

from idv.documents.document_types import Side, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.vision.perception.ghost_portrait import ghost_likeness
from idv.vision.synthesis.cards import NONE, Contradictions, draw_card
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait

TYPES = {known.id: known for known in load_document_types()}
WITH_GHOST = sorted(
    known.id
    for known in TYPES.values()
    if known.sides[SideName.FRONT].ghost and known.id not in HELD_OUT_DESIGNS
)
HOLDER, STRANGER = (draw_portrait(np.random.default_rng(seed)) for seed in (1, 2))


def _front(identifier: str, portrait: RgbImage = HOLDER, contradictions: Contradictions = NONE) -> RgbImage:
    known = TYPES[identifier]
    holder = make_holder(known, np.random.default_rng(3), today=dt.date(2026, 11, 22))
    rng = np.random.default_rng(4)
    return draw_card(known, holder, portrait, rng, contradictions=contradictions).front.image


def _side(identifier: str) -> Side:
    return TYPES[identifier].sides[SideName.FRONT]


def _likeness(pixels: RgbImage, identifier: str) -> float:
    found = ghost_likeness(pixels, _side(identifier))
    assert found is not None
    return found


@pytest.mark.parametrize("identifier", WITH_GHOST)
def test_a_ghost_is_told_from_a_strangers(identifier: str) -> None:
    """On every known design with a ghost the holder's own is near 1, and somebody else's is far below."""
    own = _likeness(_front(identifier), identifier)
    other = _likeness(_front(identifier, contradictions=Contradictions(ghost_portrait=STRANGER)), identifier)
    assert own > 0.95
    assert other < own - 0.15


def test_light_and_tone_do_not_matter() -> None:
    """A gradient across the picture, another contrast and a blur leave the likeness near 1."""
    pixels = _front("xbo_identity_card")
    fall = np.linspace(0.6, 1.0, pixels.shape[1], dtype=np.float32)[None, :, None]
    dim = np.clip(cv2.GaussianBlur(pixels, (0, 0), 1.2) * fall * 0.8 + 20, 0, 255).astype(np.uint8)
    assert _likeness(dim, "xbo_identity_card") > 0.95


def test_a_side_laid_flat_a_little_off_is_registered() -> None:
    """A shift of both frames by 1 % of the side changes nothing that matters."""
    pixels = _front("xdu_identity_card")
    height, width = pixels.shape[:2]
    move = np.array([[1.01, 0, 0.008 * width], [0, 0.995, -0.008 * height]], np.float32)
    moved = np.asarray(cv2.warpAffine(pixels, move, (width, height)), np.uint8)
    assert _likeness(moved, "xdu_identity_card") > 0.9


def test_a_ghost_that_is_missing_is_unlike() -> None:
    """Where the ghost should be there is ground: nothing like the portrait, and not nothing to say."""
    known = TYPES["xca_driving_licence"]
    holder = make_holder(known, np.random.default_rng(3), today=dt.date(2026, 11, 22))
    front = dataclasses.replace(known.sides[SideName.FRONT], ghost=None)
    without = dataclasses.replace(known, sides={**known.sides, SideName.FRONT: front})
    pixels = draw_card(without, holder, HOLDER, np.random.default_rng(4)).front.image
    assert _likeness(pixels, "xca_driving_licence") < 0.5


def test_nothing_is_said_without_two_portraits_to_see() -> None:
    """No ghost on the side, a picture too small, too blurred or too bright to compare: None."""
    assert ghost_likeness(_front("uto_passport"), _side("uto_passport")) is None
    pixels, side = _front("xbo_identity_card"), _side("xbo_identity_card")
    small = np.asarray(cv2.resize(pixels, (160, 101), interpolation=cv2.INTER_AREA), np.uint8)
    assert ghost_likeness(small, side) is None
    assert ghost_likeness(np.full_like(pixels, 128), side) is None
    bright = pixels.copy()
    bright[:, round(0.8 * pixels.shape[1]) :] = 255
    assert ghost_likeness(bright, side) is None
    assert ghost_likeness(np.asarray(cv2.GaussianBlur(pixels, (0, 0), 25), np.uint8), side) is None


def test_a_side_laid_flat_too_far_off_says_nothing() -> None:
    """With the portrait out of its place, the place of the ghost shows something else: None, not unlike."""
    pixels, side = _front("xbo_identity_card"), _side("xbo_identity_card")
    height, width = pixels.shape[:2]
    move = np.array([[0.92, 0, 0], [0, 0.92, 0]], np.float32)
    moved = cv2.warpAffine(pixels, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    assert ghost_likeness(np.asarray(moved, np.uint8), side) is None

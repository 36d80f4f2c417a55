"""Samples of one drawn side for the tests of type fitting: three holders' cards and the blank one."""

import datetime as dt
from functools import cache

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.vision.synthesis.cards import draw_blank, draw_card
from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.holders import make_holder

WIDTH_PX = 1200
TODAY = dt.date(2026, 5, 4)


def a_type(identifier: str) -> DocumentType:
    """A known type."""
    found = load_document_types().get(identifier)
    assert found is not None
    return found


@cache
def fronts(identifier: str, count: int = 3) -> tuple[RgbImage, ...]:
    """Fronts of that many holders, flat, WIDTH_PX wide."""
    return tuple(_wide(_front(a_type(identifier), number)) for number in range(count))


@cache
def blank_front(identifier: str) -> RgbImage:
    """The front before it is given to anybody."""
    known = a_type(identifier)
    return _wide(draw_blank(known, known.sides[SideName.FRONT], dpi=360))


def _front(known: DocumentType, number: int) -> RgbImage:
    rng = np.random.default_rng([5, number])
    return draw_card(known, make_holder(known, rng, today=TODAY), draw_head(rng), rng, dpi=360).front.image


def _wide(picture: RgbImage) -> RgbImage:
    height = round(WIDTH_PX * picture.shape[0] / picture.shape[1])
    return np.asarray(cv2.resize(picture, (WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)

"""Facts about finding the frames of portrait and ghost on samples."""

import numpy as np

from idv.documents.document_types import RelativeBox, SideName
from idv.domain.faces import Box
from idv.vision.perception.type_portraits import ghost_frame, portrait_frame
from tests.unit.vision.perception.drawn_samples import a_type, fronts

WITH_GHOST, WITHOUT = "xel_residence_permit", "uto_identity_card"


def frame_of(identifier: str) -> RelativeBox:
    """Where the type has its portrait."""
    box = a_type(identifier).sides[SideName.FRONT].portrait
    assert box is not None
    return box


def face_in(box: RelativeBox, height_px: int) -> Box:
    """About where a detector sees the face in a portrait."""
    left, top, wide, tall = box.pixels(1200, height_px)
    return Box(left + 0.26 * wide, top + 0.3 * tall, 0.48 * wide, 0.4 * tall)


def test_the_portraits_frame_is_found_around_the_face() -> None:
    """Each edge within half a per cent of where the type has it."""
    for identifier in (WITH_GHOST, WITHOUT):
        pictures, truth = fronts(identifier), frame_of(identifier)
        found = portrait_frame(pictures, face_in(truth, pictures[0].shape[0]))
        assert found is not None
        assert np.abs(np.array(found) - truth).max() < 0.005


def test_no_frame_is_made_up_where_nothing_stands_out() -> None:
    """A face on a plain ground without edges has no frame."""
    plain = [np.full((756, 1200, 3), 200 + number, np.uint8) for number in range(3)]
    assert portrait_frame(plain, Box(300, 300, 100, 120)) is None


def test_the_ghost_is_found_where_each_sample_shows_its_portrait_again() -> None:
    """Its middle within a per cent of the type's, its size within a tenth."""
    found = ghost_frame(fronts(WITH_GHOST), frame_of(WITH_GHOST))
    truth = a_type(WITH_GHOST).sides[SideName.FRONT].ghost
    assert found is not None
    assert truth is not None
    assert abs(found.left + found.width / 2 - truth.left - truth.width / 2) < 0.01
    assert abs(found.top + found.height / 2 - truth.top - truth.height / 2) < 0.015
    assert abs(found.height / truth.height - 1) < 0.12


def test_a_side_without_a_ghost_has_none() -> None:
    """Ground and print are not alike any portrait."""
    assert ghost_frame(fronts(WITHOUT), frame_of(WITHOUT)) is None

"""Laying a picture of a side exactly over its type's reference."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.documents.document_types import SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.vision.perception.template_references import load_references
from idv.vision.perception.template_registration import (
    Homography,
    likeness,
    peak,
    register,
    words_found,
)

REFERENCES = load_references(load_document_types())
REFERENCE, OTHER = (
    next(known for known in REFERENCES.of(identifier) if known.name is SideName.FRONT)
    for identifier in ("uto_identity_card", "xca_driving_licence")
)
WIDTH, HEIGHT = REFERENCE.size
FRAME = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)


def shown(corners: NDArray[np.float32], size: tuple[int, int]) -> tuple[RgbImage, Homography]:
    """The reference with its corners at these px of a grey picture, and the map there."""
    matrix = cv2.getPerspectiveTransform(FRAME, corners.astype(np.float32))
    picture = cv2.warpPerspective(
        REFERENCE.picture, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=(120, 120, 120)
    )
    return np.asarray(picture, np.uint8), np.asarray(matrix, np.float64)


def furthest_px(one: Homography, other: Homography) -> float:
    """Greatest distance of the frame's corners under two maps."""
    ends = [cv2.perspectiveTransform(FRAME[None], matrix)[0] for matrix in (one, other)]
    return float(np.linalg.norm(ends[0] - ends[1], axis=1).max())


def test_a_picture_flat_to_a_few_per_cent_is_laid_on_exactly() -> None:
    """Corners off by up to 3 % of the width come out within a px of 640."""
    off = np.array([[15, -9], [-12, 8], [18, 14], [-8, -16]], np.float32)
    picture, truth = shown(FRAME + off, (WIDTH, HEIGHT))
    found = register(picture, REFERENCE, anywhere=False)
    assert found is not None
    assert found.by_lines
    assert furthest_px(found.to_picture, truth) < 1.5


def test_a_side_somewhere_in_the_picture_is_found_when_asked_for() -> None:
    """Turned and small in its picture, a side is found by keypoints and not without them."""
    corners = np.array([[250, 90], [1050, 200], [985, 700], [180, 590]], np.float32)
    picture, truth = shown(corners, (1280, 860))
    assert register(picture, REFERENCE, anywhere=False) is None
    found = register(picture, REFERENCE)
    assert found is not None
    assert furthest_px(found.to_picture, truth) < 3


def test_print_serves_where_the_lines_are_others() -> None:
    """With the ground wiped off, labels and heading still lay the side on its reference."""
    light = cv2.medianBlur(REFERENCE.picture, 21)
    inked = cv2.cvtColor(REFERENCE.picture, cv2.COLOR_RGB2GRAY) < 150
    picture = np.where(inked[..., None], REFERENCE.picture, light).astype(np.uint8)
    found = register(picture, REFERENCE, anywhere=False)
    assert found is not None
    assert not found.by_lines
    assert furthest_px(found.to_picture, np.eye(3)) < 2


def test_noise_is_no_side() -> None:
    """Neither lines nor print are found in noise."""
    noise = np.asarray(np.random.default_rng(3).integers(0, 255, (404, 640, 3)), np.uint8)
    assert register(noise, REFERENCE) is None


def test_words_of_a_type_are_found_on_its_own_side_rather_than_on_another() -> None:
    """The labels tell which references are worth a registration."""
    assert words_found(REFERENCE.picture, REFERENCE) > 0.9
    assert words_found(OTHER.picture, REFERENCE) < 0.6


def test_a_bare_window_is_like_nothing() -> None:
    """Where nothing varies the correlation is 0, not the 1 that OpenCV answers."""
    piece = np.asarray(np.random.default_rng(1).random((8, 8)), np.float32)
    assert float(likeness(np.zeros((20, 20), np.float32), piece).max()) == 0


def test_a_peak_is_placed_between_px() -> None:
    """Three scores of a parabola with its top at 2.25 give 2.25."""
    row = 1 - (np.arange(5, dtype=np.float32) - 2.25) ** 2
    scores = np.stack([row - 1, row, row - 1])
    _, x, y = peak(scores)
    assert (round(x, 3), y) == (2.25, 1.0)

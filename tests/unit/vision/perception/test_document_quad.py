import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.arrays import Array, RgbImage
from idv.vision.perception.document_quad import encloses, find_quads, flat_aspect, frame_quad

FLAT = np.array([[0, 0], [856, 0], [856, 540], [0, 540]], np.float32)


def photographed(corners: Array, *, ground: int = 60, card: int = 215) -> RgbImage:
    """A pale card with a few lines of print on a darker, slightly noisy ground."""
    rng = np.random.default_rng(1)
    drawn = np.full((540, 856, 3), card, np.uint8)
    for y in range(150, 500, 60):
        cv2.putText(drawn, "PRINT ON THE CARD", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (40, 40, 40), 2)
    matrix = cv2.getPerspectiveTransform(FLAT, corners.astype(np.float32))
    image = np.full((900, 1200, 3), ground, np.uint8)
    warped = cv2.warpPerspective(drawn, matrix, (1200, 900))
    mask = cv2.warpPerspective(np.ones((540, 856), np.uint8), matrix, (1200, 900)) > 0
    image[mask] = warped[mask]
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "corners",
    [
        [[200, 180], [1000, 190], [990, 690], [210, 680]],
        [[260, 150], [1040, 260], [930, 760], [180, 620]],
        [[300, 300], [900, 260], [960, 690], [250, 640]],
    ],
)
def test_a_card_is_found_to_a_few_px(corners: list[list[int]]) -> None:
    """Frontal, turned and tilted: all four corners, clockwise from the top left."""
    quad = next(find_quads(photographed(np.array(corners))))
    assert np.abs(quad.corners - np.array(corners)).max() < 4
    assert quad.score > 0.7
    assert not any(quad.borders)


def test_a_card_lying_across_gets_its_long_side_first() -> None:
    """Turned by a quarter, the first two corners still span a long side."""
    corners = np.array([[800, 60], [820, 850], [330, 840], [310, 50]])
    quad = next(find_quads(photographed(corners)))
    first, second = (np.linalg.norm(quad.corners[k + 1] - quad.corners[k]) for k in (0, 1))
    assert first > 1.3 * second


def test_a_card_that_leaves_the_picture_has_a_border_for_a_side() -> None:
    """The side outside the picture is the picture's own border, and is named."""
    corners = np.array([[420, 180], [1420, 190], [1410, 810], [430, 800]])
    quads = list(find_quads(photographed(corners)))
    assert all(any(quad.borders) for quad in quads)


def test_an_empty_picture_has_no_strong_quadrilateral() -> None:
    """Noise alone carries no four sides."""
    noise = np.random.default_rng(2).normal(128, 6, (600, 800, 3)).clip(0, 255).astype(np.uint8)
    assert all(quad.score < 0.6 for quad in find_quads(noise))


def test_a_tall_picture_lies_down_as_a_frame() -> None:
    """The frame's long side comes first, whatever way the picture stands."""
    quad = frame_quad(np.zeros((800, 500, 3), np.uint8))
    assert np.linalg.norm(quad.corners[1] - quad.corners[0]) == 800
    assert quad.aspect == pytest.approx(1.6)


def test_the_outer_of_two_encloses_the_inner() -> None:
    """And not the other way round."""
    outer = frame_quad(np.zeros((500, 800, 3), np.uint8))
    inner = outer._replace(corners=outer.corners * np.float32(0.5) + np.float32(100))
    assert encloses(outer, inner)
    assert not encloses(inner, outer)


@given(tilt=st.floats(-0.45, 0.45), swing=st.floats(-0.45, 0.45))
def test_the_aspect_is_that_of_the_card_before_it_was_tilted(tilt: float, swing: float) -> None:
    """Perspective does not change what the corners say about the proportions, given the focal length."""
    half = np.array([[-1.586, -1, 0], [1.586, -1, 0], [1.586, 1, 0], [-1.586, 1, 0]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    turn_y = np.array([[np.cos(swing), 0, np.sin(swing)], [0, 1, 0], [-np.sin(swing), 0, np.cos(swing)]])
    points = half @ (turn_y @ turn_x).T + [0, 0, 6]
    focal = 0.8 * 1200
    corners = points[:, :2] / points[:, 2:] * focal + [600, 450]
    assert flat_aspect(corners.astype(np.float32), (900, 1200)) == pytest.approx(1.586, rel=0.01)

import cv2
import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.vision.perception.document_region import region_quads

CORNERS = np.array([[180, 150], [700, 190], [680, 500], [160, 450]], np.float32)


def _table(rng: np.random.Generator) -> RgbImage:
    """Stripes stronger than any edge of a card, 900 x 660 px."""
    stripes = rng.integers(60, 150, (660, 1)).astype(np.uint8)
    tint = np.array([0.9, 0.7, 0.5])
    return np.asarray(np.repeat(stripes[..., None], 900, axis=1) * tint, np.uint8)


def _with_card(table: RgbImage, color: tuple[int, int, int]) -> RgbImage:
    picture = table.copy()
    cv2.fillConvexPoly(picture, CORNERS.astype(np.int32), color, cv2.LINE_AA)
    return picture


def test_a_card_on_a_striped_table_is_found_by_its_colour() -> None:
    """Each corner within a hundredth of the picture's width, the first one at the top left."""
    picture = _with_card(_table(np.random.default_rng(1)), (235, 240, 255))
    found = next(iter(region_quads(picture)))
    assert found.corners == pytest.approx(CORNERS, abs=9)
    assert found.score > 0.9


def test_a_finger_over_an_edge_leaves_the_sides_where_they_are() -> None:
    """A notch in one side is bridged by the other three quarters of it."""
    picture = _with_card(_table(np.random.default_rng(1)), (235, 240, 255))
    cv2.circle(picture, (170, 300), 35, (120, 80, 60), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (0, 265), (170, 335), (120, 80, 60), -1)
    assert next(iter(region_quads(picture))).corners == pytest.approx(CORNERS, abs=9)


@pytest.mark.parametrize(
    "shape",
    [
        np.array([[200, 150], [700, 150], [450, 560]]),
        np.array([[100, 250], [800, 250], [800, 330], [100, 330]]),
    ],
)
def test_what_no_document_is_shaped_like_is_not_proposed(shape: np.ndarray) -> None:
    """A triangle, and a ruler nine times as long as it is high."""
    picture = _table(np.random.default_rng(3))
    cv2.fillConvexPoly(picture, shape.astype(np.int32), (235, 240, 255), cv2.LINE_AA)
    assert not list(region_quads(picture))


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (40, 30), (120, 400)])
def test_tiny_and_thin_pictures_hold_no_region(size: tuple[int, int]) -> None:
    """Nothing is proposed, and nothing breaks."""
    assert not list(region_quads(np.full((*size, 3), 128, np.uint8)))

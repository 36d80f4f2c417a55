"""Facts about outlines carried back into the picture."""

import numpy as np
import pytest

from idv.documents.document_types import RelativeBox
from idv.vision.perception.outlines import WHOLE, in_picture, outline_of_box, outlines_of_heat

CORNERS = np.array([[100, 50], [300, 50], [300, 150], [100, 150]], np.float32)
SHAPE = (200, 400, 3)


def bounds(outline: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    """Left, top, right, bottom."""
    across, down = zip(*outline, strict=True)
    return min(across), min(down), max(across), max(down)


def test_a_hot_block_is_outlined_where_it_is() -> None:
    """Rows 2 to 4 and columns 5 to 9 of a map of 10 × 20 cells."""
    heat = np.zeros((10, 20), np.float32)
    heat[2:5, 5:10] = 0.8
    (outline,) = outlines_of_heat(heat, level=0.5)
    assert bounds(outline) == pytest.approx((0.25, 0.2, 0.5, 0.5), abs=0.02)
    assert outlines_of_heat(heat, level=0.9) == ()


def test_the_larger_outline_comes_first_and_a_dot_at_the_border_is_whole() -> None:
    """Two places, one of them a single cell in the corner."""
    heat = np.zeros((10, 20), np.float32)
    heat[0, 0] = heat[5:9, 5:15] = 1.0
    large, dot = outlines_of_heat(heat, level=0.5)
    assert bounds(large)[0] == pytest.approx(0.25, abs=0.02)
    assert bounds(dot) == pytest.approx((0, 0, 0.05, 0.1), abs=0.02)


def test_an_outline_stands_where_the_side_stands() -> None:
    """The whole side is the quadrilateral; a box is its part of it, in shares of the picture."""
    assert bounds(in_picture(WHOLE, CORNERS, SHAPE)) == pytest.approx((0.25, 0.25, 0.75, 0.75))
    half = outline_of_box(RelativeBox(0.5, 0.0, 0.5, 1.0))
    assert bounds(in_picture(half, CORNERS, SHAPE)) == pytest.approx((0.5, 0.25, 0.75, 0.75))


def test_what_lies_outside_the_picture_is_cut() -> None:
    """A side that reaches over the edge."""
    over = CORNERS + np.array([250, 0], np.float32)
    assert bounds(in_picture(WHOLE, over, SHAPE))[2] == 1.0


def test_a_side_lying_on_its_head_is_turned_back() -> None:
    """The first corner is the side's own top left, wherever it lies in the picture."""
    first, *_ = in_picture(WHOLE, np.roll(CORNERS, 2, axis=0), SHAPE)
    assert first == pytest.approx((0.75, 0.75))

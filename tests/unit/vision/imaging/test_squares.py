"""Squares of a picture as networks take them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from idv.vision.imaging.squares import planes, resized, square


def test_a_square_inside_is_a_slice() -> None:
    """Nothing is resampled where the picture holds the whole square."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    assert np.array_equal(square(pixels, np.array([40.0, 30.0]), side=20), pixels[20:40, 30:50])


def test_a_square_at_the_edge_is_moved_inside() -> None:
    """Real pixels beside it are better than invented ones."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    assert np.array_equal(square(pixels, np.array([2.0, 100.0]), side=20), pixels[40:60, 0:20])


def test_a_square_larger_than_the_picture_is_mirrored() -> None:
    """The picture lies in the middle, its mirror image around it."""
    pixels = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 4, 3), np.uint8)
    assert square(pixels, np.array([2.0, 2.0]), side=6)[:, 0, 0].tolist() == [1, 0, 1, 2, 3, 2]


@given(
    height=st.integers(2, 90),
    width=st.integers(2, 90),
    x=st.floats(-200, 200),
    y=st.floats(-200, 200),
    side=st.integers(1, 300),
)
def test_a_square_is_square(height: int, width: int, x: float, y: float, side: int) -> None:
    """Whatever is asked of whatever picture, both sides are equal."""
    part = square(np.zeros((height, width, 3), np.uint8), np.array([x, y]), side=side)
    assert part.shape[0] == part.shape[1] > 0


def test_a_checkerboard_is_reduced_to_its_mean() -> None:
    """Reduction averages instead of picking pixels."""
    board = np.indices((8, 8)).sum(axis=0) % 2 * 200
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert (resized(pixels, 4) == 100).all()
    assert np.array_equal(resized(pixels, 8), pixels)


def test_planes_lie_one_behind_another_in_shares_of_white() -> None:
    """(N, H, W, 3) bytes become (N, 3, H, W) in [0, 1]."""
    images = np.zeros((2, 4, 5, 3), np.uint8)
    images[1, 2, 3] = (255, 51, 0)
    made = planes(images)
    assert made.shape == (2, 3, 4, 5)
    assert np.allclose(made[1, :, 2, 3], (1, 0.2, 0))

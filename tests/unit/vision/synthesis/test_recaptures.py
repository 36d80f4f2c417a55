import numpy as np
import pytest
from numpy.typing import NDArray

from idv.vision.synthesis.recaptures import printed_out, shown_on_screen


def _flat(value: int) -> NDArray[np.uint8]:
    return np.full((120, 160, 3), value, np.uint8)


@pytest.mark.parametrize("copy", [printed_out, shown_on_screen])
def test_a_copy_keeps_size_and_comes_from_its_randomness_alone(copy: object) -> None:
    """The same seed gives the same pixels, another one others."""
    assert callable(copy)
    first, again, other = (copy(_flat(120), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (120, 160, 3)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first != other).any()


def test_a_print_has_neither_black_nor_full_colour() -> None:
    """Ink is dark grey, and red loses saturation."""
    black = printed_out(_flat(0), np.random.default_rng(3))
    assert black.mean() > 20
    red = _flat(0)
    red[..., 0] = 230
    copy = printed_out(red, np.random.default_rng(3)).reshape(-1, 3).mean(axis=0)
    assert copy[0] - copy[1] < 200


def test_a_print_of_a_middle_tone_shows_dots_and_bare_paper_none() -> None:
    """Halftone is strongest between paper and full ink."""
    middle, paper = (printed_out(_flat(value), np.random.default_rng(4)) for value in (128, 255))
    assert middle.std() > 2 * paper.std()


def test_a_screen_shows_its_grid_and_leaks_light() -> None:
    """A flat white picture gets a pattern, and black is not black any more."""
    white, black = (shown_on_screen(_flat(value), np.random.default_rng(5)) for value in (200, 0))
    inside = white[40:80, 50:110].astype(float)
    assert np.ptp(inside[..., 1]) > 10
    assert black[40:80, 50:110].mean() > 10

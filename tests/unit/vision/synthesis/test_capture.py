import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.domain.arrays import RgbImage
from idv.vision.synthesis.capture import Capture, capture


def _card() -> RgbImage:
    """Blue, with a red top-left, green top-right, and white bottom-right quarter."""
    card = np.full((320, 500, 3), (30, 30, 200), np.uint8)
    card[:160, :250] = (200, 30, 30)
    card[:160, 250:] = (30, 200, 30)
    card[160:, 250:] = 230
    return card


CARD = _card()
SMALL = (400, 500)


def _flattened(photo: Capture) -> RgbImage:
    corners = np.array([[0, 0], [500, 0], [500, 320], [0, 320]], np.float32)
    matrix = cv2.getPerspectiveTransform(photo.corners, corners)
    return np.asarray(cv2.warpPerspective(photo.pixels, matrix, (500, 320)), np.uint8)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.integers(0, 3))
def test_the_corners_are_those_of_the_document(seed: int, severity: float, turns: int) -> None:
    """Laying the photo flat by its stated corners brings every quarter back to its place."""
    photo = capture(
        CARD, severity=severity, rng=np.random.default_rng(seed), quarter_turns=turns, widths=SMALL
    )
    height, width = photo.pixels.shape[:2]
    assert photo.pixels.dtype == np.uint8
    assert (photo.corners >= 0).all()
    assert (photo.corners < (width, height)).all()
    flat = _flattened(photo).astype(int)
    red, green, blue = flat[80, 125], flat[80, 375], flat[240, 125]
    # The light may tint and glare whiten, but the quarter's own channel keeps the lead.
    assert red[0] >= red.max() - 25
    assert green[1] >= green.max() - 25
    assert blue[2] >= blue.max() - 25


@pytest.mark.parametrize("seed", range(2))
def test_the_document_lies_wholly_in_a_picture_of_the_stated_size(seed: int) -> None:
    """Pictures are 1,600 to 2,000 px wide; the document fills at most nine tenths of that."""
    photo = capture(CARD, severity=1.0, rng=np.random.default_rng(seed))
    height, width = photo.pixels.shape[:2]
    assert 1600 <= width <= 2000
    assert height == round(width * 0.75)
    spread = np.ptp(photo.corners[:, 0]) / width
    assert 0.3 < spread < 0.95
    area = cv2.contourArea(photo.corners, oriented=True)
    assert area > 0, "corners run clockwise on the screen"


def test_the_same_seed_gives_the_same_photo() -> None:
    """Randomness is an argument."""
    one, other, third = (
        capture(CARD, severity=0.5, rng=np.random.default_rng(s), widths=SMALL) for s in (7, 7, 8)
    )
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.corners, other.corners)
    assert one.pixels.shape != third.pixels.shape or not np.array_equal(one.pixels, third.pixels)


def test_severity_costs_detail() -> None:
    """A careful photo keeps the card's colours nearer than the photos at full severity do, on average."""

    def error(severity: float) -> float:
        photos = [
            capture(CARD, severity=severity, rng=np.random.default_rng(seed), widths=SMALL)
            for seed in range(4)
        ]
        return float(np.mean([np.abs(_flattened(p).astype(int) - CARD).mean() for p in photos]))

    assert error(0.0) < 8 < error(1.0)


def test_a_quarter_turn_moves_the_first_corner() -> None:
    """Turning the finished photo counter-clockwise takes the document's top left down."""
    upright = capture(CARD, severity=0.0, rng=np.random.default_rng(3), widths=SMALL)
    turned = capture(CARD, severity=0.0, rng=np.random.default_rng(3), widths=SMALL, quarter_turns=1)
    assert turned.pixels.shape == (upright.pixels.shape[1], upright.pixels.shape[0], 3)
    assert upright.corners[0, 1] < upright.corners[3, 1]
    assert turned.corners[0, 1] > turned.corners[1, 1]

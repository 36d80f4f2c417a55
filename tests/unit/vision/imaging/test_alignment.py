"""Geometry of faces: similarities, crops, letterboxes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.vision.imaging.alignment import (
    ARCFACE_LAYOUT,
    LevelSquare,
    apply,
    blob,
    invert,
    letterbox,
    scale_of,
    similarity,
    warp,
)

TURNS = st.floats(-3.1, 3.1)
SCALES = st.floats(0.05, 20)
SHIFTS = st.floats(-500, 500)
POINTS = np.array(ARCFACE_LAYOUT.points)


def _given_similarity(turn: float, scale: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


@given(TURNS, SCALES, SHIFTS, SHIFTS)
def test_a_similarity_is_recovered_from_where_it_moved_points(
    turn: float, scale: float, x: float, y: float
) -> None:
    """Turn, scale and shift applied to five points come back out of the fit."""
    made = _given_similarity(turn, scale, x, y)
    assert similarity(POINTS, apply(made, POINTS)) == pytest.approx(made, abs=1e-6 * max(1, scale))


@given(TURNS, SCALES, SHIFTS, SHIFTS)
def test_there_and_back_is_where_it_was(turn: float, scale: float, x: float, y: float) -> None:
    """The inverse undoes the transform."""
    made = _given_similarity(turn, scale, x, y)
    assert apply(invert(made), apply(made, POINTS)) == pytest.approx(POINTS, abs=1e-5)
    assert scale_of(made) == pytest.approx(scale)


def test_noise_on_one_point_is_shared_out() -> None:
    """With one point displaced the fit is the least-squares one: the residuals' mean is zero."""
    moved = POINTS.copy()
    moved[2] += (6, -4)
    residual = apply(similarity(POINTS, moved), POINTS) - moved
    assert residual.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.abs(residual).max() < 6


def test_a_mirrored_face_is_not_reflected() -> None:
    """Mirrored points get the best turn, never a reflection: the determinant stays positive."""
    assert np.linalg.det(similarity(POINTS, POINTS * (-1, 1))[:, :2]) > 0


@pytest.mark.parametrize("source", [[(1.0, 1.0)], [(1.0, 1.0), (1.0, 1.0)], [(np.nan, 1.0), (2.0, 2.0)]])
def test_too_few_or_bad_points_are_refused(source: list[tuple[float, float]]) -> None:
    """One point, two equal ones and NaN raise."""
    with pytest.raises(ValueError, match="similarity"):
        similarity(source, [(0.0, 0.0), (1.0, 1.0)][: len(source)])


def test_a_flat_transform_has_no_inverse() -> None:
    """Scaling to nothing cannot be undone."""
    with pytest.raises(ValueError, match="way back"):
        invert(np.zeros((2, 3)))


def test_a_level_square_puts_its_centre_in_the_middle_and_undoes_its_turn() -> None:
    """A point to the right along the turned axis ends level, to the right of the middle."""
    transform = LevelSquare((50, 40), 20, turn_deg=90).transform(100)
    assert apply(transform, [(50, 40), (50, 44)]) == pytest.approx(np.array([(50, 50), (70, 50)]))


def test_a_crop_outside_the_image_is_black() -> None:
    """What the image does not have is filled with zeros."""
    chip = warp(np.full((10, 10, 3), 255, np.uint8), LevelSquare((100, 100), 10).transform(8), 8)
    assert chip.shape == (8, 8, 3)
    assert not chip.any()


def test_an_unchanged_crop_is_the_image() -> None:
    """The identity copies pixels."""
    image = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert (warp(image, np.eye(2, 3), 16) == image).all()


@given(TURNS, st.floats(0.6, 3), st.floats(-20, 80), st.floats(-20, 80))
def test_a_crop_that_does_not_shrink_is_a_plain_linear_warp(
    turn: float, scale: float, x: float, y: float
) -> None:
    """Bit for bit, inside the image and beyond it: calibrations made with the plain warp hold."""
    image = np.random.default_rng(2).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    transform = LevelSquare((x, y), 24 / scale, turn_deg=float(np.degrees(turn))).transform(24)
    plain = cv2.warpAffine(image, transform, (24, 24), flags=cv2.INTER_LINEAR)
    assert np.array_equal(warp(image, transform, 24), plain)


def test_shrinking_a_fine_pattern_gives_its_mean_not_an_alias() -> None:
    """A one-pixel checkerboard shrunk eightfold becomes even grey."""
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    chip = warp(image, LevelSquare((127.5, 127.5), 200).transform(25), 25)
    assert np.abs(chip.astype(int) - 127).max() <= 3


@given(st.floats(1.5, 12), st.floats(60, 140), st.floats(60, 140))
def test_shrinking_keeps_places(shrink: float, x: float, y: float) -> None:
    """A bright disc lands where the transform says, to half a pixel, at any reduction."""
    rows, columns = np.indices((200, 200))
    disc = ((rows - y) ** 2 + (columns - x) ** 2 < 20**2).astype(np.uint8) * 255
    transform = LevelSquare((100, 100), 200).transform(int(200 / shrink))
    side = int(200 / shrink)
    chip = warp(np.repeat(disc[..., None], 3, axis=2), transform, side)[..., 0].astype(float)
    found = (np.indices(chip.shape) * chip).sum(axis=(1, 2)) / chip.sum()
    expected = apply(transform, [(x, y)])[0]
    assert (found[1], found[0]) == pytest.approx(tuple(expected), abs=0.5)


def test_a_letterbox_keeps_proportions_and_centres() -> None:
    """A wide image lies across the middle of the square, black above and below."""
    square, transform = letterbox(np.full((50, 100, 3), 200, np.uint8), 64)
    assert square[32, 2:62].min() == 200
    assert not square[:14].any()
    assert scale_of(transform) == pytest.approx(0.64)


def test_a_blob_is_planes_of_scaled_values_in_the_order_asked_for() -> None:
    """Red 255 stays in the first plane for RGB and goes to the last for BGR."""
    chips = np.zeros((1, 2, 2, 3), np.uint8)
    chips[..., 0] = 255
    rgb = blob(chips, mean=(127.5, 127.5, 127.5), divisor=127.5)
    bgr = blob(chips, mean=(0, 0, 5), divisor=1, bgr=True)
    assert rgb.shape == (1, 3, 2, 2)
    assert rgb.dtype == np.float32
    assert (rgb[0, 0] == 1).all()
    assert (rgb[0, 1:] == -1).all()
    assert (bgr[0, 2] == 250).all()

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.arrays import Array
from idv.vision.models.ppocr_det import TextDetector, boxes, clockwise, page_tensor


class OneMap:
    """Answers with a probability map of the input's size that marks one rectangle."""

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answer, and keep the input where a test asks for it."""
        height, width = inputs["x"].shape[2:]
        marked = np.zeros((1, 1, height, width), np.float32)
        marked[:, :, height // 2 : height // 2 + 8, width // 4 : width // 2] = 0.9
        return {"fetch_name_0": marked}

    def digest(self, model: str) -> str:
        """Any digest."""
        return "0" * 64


def _marked(*, angle_deg: float) -> Array:
    probability = np.zeros((200, 200), np.float32)
    corners = cv2.boxPoints(((100.0, 100.0), (120.0, 12.0), angle_deg))
    cv2.fillPoly(probability, [np.rint(corners).astype(np.int32)], 0.9)
    return probability


def test_a_marked_core_becomes_a_larger_line() -> None:
    """The network marks the core of a line; the box grows by 1.6 × area over perimeter on every side."""
    (box,) = boxes(_marked(angle_deg=0))
    width = np.linalg.norm(box.corners[1] - box.corners[0])
    height = np.linalg.norm(box.corners[3] - box.corners[0])
    assert width == pytest.approx(120 + 17.5, abs=5)
    assert height == pytest.approx(12 + 17.5, abs=5)
    assert 0.75 < box.score <= 0.9


def test_a_slanting_line_keeps_its_slant() -> None:
    """Twenty degrees down to the right stay twenty degrees."""
    (box,) = boxes(_marked(angle_deg=20))
    run = box.corners[1] - box.corners[0]
    assert np.degrees(np.arctan2(run[1], run[0])) == pytest.approx(20, abs=2)


def test_faint_marks_are_no_lines() -> None:
    """Above the pixel threshold but below the line threshold on average."""
    assert boxes(_marked(angle_deg=0) * np.float32(0.45)) == []


def test_specks_are_no_lines() -> None:
    """A mark of two px is noise."""
    probability = np.zeros((64, 64), np.float32)
    probability[10:12, 10:12] = 0.9
    assert boxes(probability) == []


def test_lines_come_back_in_px_of_the_page() -> None:
    """A page shrunk to a quarter gives corners four times as large as the map's."""
    page = np.zeros((1024, 2048, 3), np.uint8)
    (line,) = TextDetector(OneMap()).lines(page, max_side_px=512)
    assert line.corners[:, 0].mean() == pytest.approx(2048 * 3 / 8, rel=0.02)
    assert line.corners[:, 1].mean() == pytest.approx(512 + 16, rel=0.02)


@given(height=st.integers(20, 900), width=st.integers(20, 900))
def test_pages_are_multiples_of_32_and_never_enlarged_beyond_rounding(height: int, width: int) -> None:
    """The network halves its input five times."""
    tensor = page_tensor(np.zeros((height, width, 3), np.uint8), max_side_px=320)
    assert tensor.shape[2] % 32 == 0
    assert tensor.shape[3] % 32 == 0
    assert max(tensor.shape[2:]) <= 336


@given(turn=st.integers(0, 3), flip=st.booleans(), angle=st.floats(-80, 80))
def test_corners_start_at_the_top_left_of_a_line_read_upright(turn: int, flip: bool, angle: float) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Whatever order the corners come in, the first side is the long one and runs left to right."""
    corners = cv2.boxPoints(((0.0, 0.0), (50.0, 10.0), angle))
    given_order = np.roll(corners[::-1] if flip else corners, turn, axis=0)
    ordered = clockwise(given_order)
    assert np.linalg.norm(ordered[1] - ordered[0]) == pytest.approx(50, rel=1e-3)
    assert ordered[1][0] > ordered[0][0]
    assert ordered[3][1] >= ordered[0][1] or abs(angle) > 79

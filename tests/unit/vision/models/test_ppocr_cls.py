from collections.abc import Mapping

import numpy as np
import pytest

from idv.domain.arrays import Array
from idv.vision.models.ppocr_cls import LineAngle


class Angles:
    """Says that brighter crops are upside down, and keeps the batch."""

    def __init__(self) -> None:
        self.batch: Array | None = None

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answer, and keep the input where a test asks for it."""
        self.batch = inputs["x"]
        bright = (inputs["x"][:, :, :, :8].mean(axis=(1, 2, 3)) > 0).astype(np.float32)
        return {"scores": np.stack([1 - bright, bright], axis=1)}

    def digest(self, model: str) -> str:
        """Any digest."""
        return "0" * 64


def test_each_crop_gets_its_own_probability() -> None:
    """The second class is a half turn."""
    dark, bright = np.zeros((10, 60, 3), np.uint8), np.full((10, 60, 3), 255, np.uint8)
    assert LineAngle(Angles()).upside_down([dark, bright]) == pytest.approx([0.0, 1.0])


def test_a_long_line_is_judged_by_its_left_part_unsqueezed() -> None:
    """A row 40 times longer than high fills the input with its first four heights."""
    line = np.zeros((10, 400, 3), np.uint8)
    line[:, :40] = 255
    inference = Angles()
    LineAngle(inference).upside_down([line])
    assert inference.batch is not None
    assert inference.batch.shape == (1, 3, 48, 192)
    assert inference.batch.min() == pytest.approx(1.0)


def test_no_crops_are_no_call() -> None:
    """An empty list never reaches the network."""
    inference = Angles()
    assert LineAngle(inference).upside_down([]).shape == (0,)
    assert inference.batch is None

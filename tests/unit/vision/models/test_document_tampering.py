"""The framing of the tampering network, its heat map, and the committed network itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.models import ModelFile
from idv.infra.inference.local import LocalInference
from idv.vision.models.document_tampering import CELL_PX, LONGEST_PX, DocumentTamperingNet, by_cell, framed

MODEL = Path(__file__).parents[4] / "model_repository" / "document_tampering" / "1" / "model.onnx"


def _quad(left: float, top: float, right: float, bottom: float) -> FloatArray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _noise(height: int, width: int, seed: int = 0) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@dataclass
class Recording:
    """Answers with a set logit and one hot cell, and keeps what it was asked."""

    hot: tuple[int, int] = (0, 0)
    asked: list[dict[str, Array]] = field(default_factory=list)

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """A logit of 1.5; all cells cold but one."""
        self.asked.append(dict(inputs))
        cells = np.full((1, 1, *inputs["inside"].shape[2:]), -20, np.float32)
        cells[0, 0, self.hot[0], self.hot[1]] = 20
        return {"logit": np.array([[1.5]], np.float32), "cells": cells}

    def digest(self, model: str) -> str:
        """The model's name."""
        return f"digest of {model}"


def test_a_frame_begins_where_a_cell_of_the_picture_begins() -> None:
    """Pixels are those of the picture, from a multiple of 16 on: JPEG's blocks keep their phase."""
    pixels = _noise(400, 600)
    frame = framed(pixels, _quad(101, 50, 500, 300))
    assert frame.pixels.shape == (256, 416, 3)
    assert np.array_equal(frame.pixels[:252, :404], pixels[48:300, 96:500])
    assert frame.corners[0].tolist() == [5, 2]


def test_only_cells_within_the_document_count() -> None:
    """Cells that the document's edge crosses are left out."""
    frame = framed(_noise(400, 600), _quad(104, 48, 504, 304))
    assert frame.inside.shape == (16, 26)
    assert not frame.inside[:, 0].any()
    assert frame.inside[1:-1, 1:25].all()


@pytest.mark.parametrize("level", [0, 3, 252, 255])
def test_clipped_cells_do_not_count(level: int) -> None:
    """Pure black and white carry no noise, so their cells are not compared; grey ones are."""
    pixels = np.clip(_noise(400, 600), 20, 235).astype(np.uint8)
    pixels[112:176, 160:224] = level
    frame = framed(pixels, _quad(96, 48, 496, 304))
    assert not frame.inside[4:8, 4:8].any()
    assert frame.inside.sum() == frame.inside.size - 16
    pixels[112:176, 160:224] = 128
    assert framed(pixels, _quad(96, 48, 496, 304)).inside.all()


def test_a_larger_document_is_reduced() -> None:
    """No side is longer than 1,600 px to the network, whatever the camera delivers."""
    frame = framed(np.zeros((2000, 3000, 3), np.uint8), _quad(100, 100, 2900, 1900))
    assert np.ptp(frame.corners[:, 0]) == pytest.approx(LONGEST_PX, abs=1)
    assert frame.pixels.shape[1] <= LONGEST_PX + 2 * CELL_PX


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    numbers=st.lists(st.floats(-400, 700, width=32), min_size=8, max_size=8),
)
def test_every_frame_is_made_of_whole_cells(height: int, width: int, numbers: list[float]) -> None:
    """Whatever the picture and the corners, sides are multiples of 16 and each cell has its flag."""
    frame = framed(np.zeros((height, width, 3), np.uint8), np.array(numbers, np.float32).reshape(4, 2))
    assert frame.pixels.shape[0] % CELL_PX == frame.pixels.shape[1] % CELL_PX == 0
    assert frame.inside.shape == (frame.pixels.shape[0] // CELL_PX, frame.pixels.shape[1] // CELL_PX)
    assert set(np.unique(frame.inside)) <= {0, 1}


def test_masks_become_shares_of_cells() -> None:
    """A cell that is half covered has 0.5."""
    mask = np.zeros((32, 32), np.uint8)
    mask[:16, :8] = 255
    assert np.allclose(by_cell(mask), np.array([[0.5, 0], [0, 0]]), atol=0.003)


def test_the_network_sees_the_picture_and_what_is_inside() -> None:
    """One row in [0, 1], and the flags of its cells."""
    inference = Recording()
    found = DocumentTamperingNet(inference).predict(_noise(400, 600), _quad(100, 50, 500, 300))
    (asked,) = inference.asked
    assert found.logit == 1.5
    assert asked["image"].dtype == np.float32
    assert 0 <= asked["image"].min() <= asked["image"].max() <= 1
    assert asked["image"].shape[2] == CELL_PX * asked["inside"].shape[2]


def test_heat_lies_where_the_document_lies_flat() -> None:
    """A hot cell at the document's right in the picture is hot at the right of the map, and only there."""
    inference = Recording(hot=(8, 22))
    heat = DocumentTamperingNet(inference).predict(_noise(400, 600), _quad(96, 48, 496, 304)).heat
    assert heat.shape == (61, 96)
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    assert abs(x / 96 - 22.5 / 25) < 0.03
    assert abs(y / 61 - 8.5 / 16) < 0.03
    assert heat[:, :60].max() < 0.01


def test_a_turned_document_has_its_heat_upright() -> None:
    """Corners begin at the document's top left: upside down in the picture, its right is the map's left."""
    inference = Recording(hot=(8, 22))
    turned = np.roll(_quad(96, 48, 496, 304), 2, axis=0)
    heat = DocumentTamperingNet(inference).predict(_noise(400, 600), turned).heat
    assert np.unravel_index(int(heat.argmax()), heat.shape)[1] < 20


@pytest.mark.parametrize("quad", [_quad(0, 0, 1, 1), _quad(5, 5, 5, 5), _quad(-90, -90, -20, -20)])
def test_a_document_too_small_to_compare_scores_zero(quad: FloatArray) -> None:
    """Nothing is asked of the network, and nothing is hot."""
    inference = Recording()
    found = DocumentTamperingNet(inference).predict(_noise(40, 40), quad)
    assert found.logit == 0
    assert not found.heat.any()
    assert not inference.asked


def test_the_digest_names_model_and_framing() -> None:
    """Both the weights and the way documents are framed go into the check digest."""
    parts = DocumentTamperingNet(Recording()).digest_parts()
    assert parts["document_tampering"] == "digest of document_tampering"
    assert "document_tampering_frame" in parts


@pytest.fixture(scope="module")
def committed() -> DocumentTamperingNet:
    """The network that is committed with the project."""
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    return DocumentTamperingNet(
        LocalInference({"document_tampering": ModelFile("document_tampering", MODEL, digest)})
    )


def test_the_committed_network_is_small() -> None:
    """At most 1 MB, as promised."""
    assert MODEL.stat().st_size <= 1_000_000


@pytest.mark.parametrize("fill", [0, 127, 255, None])
def test_the_committed_network_answers_anything_with_finite_numbers(
    committed: DocumentTamperingNet, fill: int | None
) -> None:
    """Black, grey, white and noise give a finite logit and probabilities."""
    pixels = _noise(300, 500) if fill is None else np.full((300, 500, 3), fill, np.uint8)
    found = committed.predict(pixels, _quad(10, 10, 490, 290))
    assert np.isfinite(found.logit)
    assert np.isfinite(found.heat).all()
    assert 0 <= found.heat.min() <= found.heat.max() <= 1


def test_the_committed_network_sees_a_region_without_noise(committed: DocumentTamperingNet) -> None:
    """In an evenly noisy document, the one smooth box is the hottest place and lowers the score."""
    rng = np.random.default_rng(3)
    pixels = np.clip(150 + rng.normal(0, 6, (480, 720, 3)), 0, 255).astype(np.uint8)
    quad = _quad(16, 16, 704, 464)
    before = committed.predict(pixels, quad)
    pixels[160:320, 96:240] = 150
    after = committed.predict(pixels, quad)
    assert after.logit < before.logit
    y, x = np.unravel_index(int(after.heat.argmax()), after.heat.shape)
    height, width = after.heat.shape
    assert 80 / 688 < x / width < 224 / 688
    assert 144 / 448 < y / height < 304 / 448

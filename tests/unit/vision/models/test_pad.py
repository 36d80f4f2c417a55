"""The cuts of the PAD network, and the committed network itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.arrays import Array, FloatArray
from idv.domain.models import ModelFile
from idv.infra.inference.local import LocalInference
from idv.vision.models.pad import CONTEXT_PX, DETAIL_PX, NATIVE_PX, PadLogits, PadNet, cut

MODEL = Path(__file__).parents[4] / "model_repository" / "pad" / "1" / "model.onnx"


def _face(centre: tuple[float, float], unit: float) -> FloatArray:
    """Five points of a level face whose eyes are `unit` px apart and above the mouth."""
    shape = np.array([[-0.5, -0.5], [0.5, -0.5], [0, 0], [-0.3, 0.5], [0.3, 0.5]], np.float32)
    return shape * np.float32(unit) + np.array(centre, np.float32)


@dataclass
class Recording:
    """Answers with set logits and keeps what it was asked."""

    asked: list[dict[str, Array]] = field(default_factory=list)

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Two rows of logits: of the cuts and one patch, of their mirror images and the other patch."""
        self.asked.append(dict(inputs))
        return {"logits": np.array([[1.0, -2.0, 0.5], [3.0, -4.0, 1.5]], np.float32)}

    def digest(self, model: str) -> str:
        """The model's name."""
        return f"digest of {model}"


def test_a_small_face_keeps_its_own_pixels() -> None:
    """Where the unit is at most 64 px, the detail cut is a slice of the picture: nothing is resampled."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    detail = cut(pixels, _face((150, 150), 50)).detail
    assert np.array_equal(detail, pixels[94:206, 94:206])


def test_a_large_face_is_reduced_to_the_same_unit() -> None:
    """Twice the unit is cut twice as wide and halved, so that the face keeps its size in the cut."""
    pixels = np.zeros((600, 600, 3), np.uint8)
    pixels[:, 300:] = 200
    detail = cut(pixels, _face((300, 300), 128)).detail
    assert (detail[:, :55] == 0).all()
    assert (detail[:, 57:] == 200).all()


def test_a_cut_is_moved_inside_where_it_fits() -> None:
    """A face at the edge gets real surroundings, not invented ones."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    assert np.array_equal(cut(pixels, _face((10, 10), 30)).detail, pixels[:112, :112])


@pytest.mark.parametrize("unit", [20, 200])
def test_native_patches_are_slices_of_the_picture(unit: float) -> None:
    """However large the face, the patches beside its middle line are not resampled."""
    pixels = np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8)
    left, right = cut(pixels, _face((300, 300), unit)).native
    away = round(0.35 * unit)
    for patch, x in ((left, 300 - away), (right, 300 + away)):
        assert np.array_equal(patch, pixels[300 - 64 : 300 + 64, x - 64 : x + 64])


@given(
    height=st.integers(8, 200),
    width=st.integers(8, 200),
    unit=st.floats(0, 400),
    x=st.floats(-50, 250),
    y=st.floats(-50, 250),
)
def test_every_face_is_cut_to_the_same_shapes(
    height: int, width: int, unit: float, x: float, y: float
) -> None:
    """Whatever the picture and wherever the face, all cuts have their sizes."""
    pixels = np.zeros((height, width, 3), np.uint8)
    cuts = cut(pixels, _face((x, y), unit))
    assert cuts.context.shape == (CONTEXT_PX, CONTEXT_PX, 3)
    assert cuts.detail.shape == (DETAIL_PX, DETAIL_PX, 3)
    assert cuts.native.shape == (2, NATIVE_PX, NATIVE_PX, 3)
    assert cuts.context.dtype == cuts.detail.dtype == cuts.native.dtype == np.uint8


def test_logits_are_averaged_over_mirror_images_and_patches() -> None:
    """Two rows are asked for, in [0, 1], the second of mirrored cuts; the answer is their mean."""
    inference = Recording()
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    assert PadNet(inference).predict(pixels, _face((150, 150), 50)) == PadLogits(2.0, -3.0, 1.0)
    (asked,) = inference.asked
    for name, side in (("context", CONTEXT_PX), ("detail", DETAIL_PX)):
        assert asked[name].shape == (2, 3, side, side)
        assert asked[name].dtype == np.float32
        assert asked[name].max() <= 1
        assert np.array_equal(asked[name][0, :, :, ::-1], asked[name][1])
    patches = cut(pixels, _face((150, 150), 50)).native
    assert np.allclose(asked["native"] * 255, patches.transpose(0, 3, 1, 2), atol=1e-3)


def test_the_digest_names_model_and_cuts() -> None:
    """Both the weights and the way faces are cut go into the check digest."""
    parts = PadNet(Recording()).digest_parts()
    assert parts["pad"] == "digest of pad"
    assert "pad_cuts" in parts


@pytest.fixture(scope="module")
def committed() -> LocalInference:
    """The network that is committed with the project."""
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    return LocalInference({"pad": ModelFile("pad", MODEL, digest)})


def test_the_committed_network_is_small() -> None:
    """At most 2 MB, as promised."""
    assert MODEL.stat().st_size <= 2_000_000


@pytest.mark.parametrize("batch", [1, 3])
def test_the_committed_network_answers_noise_with_finite_logits(
    committed: LocalInference, batch: int
) -> None:
    """Any batch size is taken; noise, black and white give finite numbers."""
    rng = np.random.default_rng(0)
    for fill in (rng.random, np.zeros, np.ones):
        inputs = {
            "context": fill((batch, 3, CONTEXT_PX, CONTEXT_PX)).astype(np.float32),
            "detail": fill((batch, 3, DETAIL_PX, DETAIL_PX)).astype(np.float32),
            "native": fill((batch, 3, NATIVE_PX, NATIVE_PX)).astype(np.float32),
        }
        logits = committed.infer("pad", inputs)["logits"]
        assert logits.shape == (batch, 3)
        assert np.isfinite(logits).all()


def test_rows_of_a_batch_do_not_influence_each_other(committed: LocalInference) -> None:
    """A row's logits are the same alone and among others."""
    rng = np.random.default_rng(1)
    inputs = {
        "context": rng.random((3, 3, CONTEXT_PX, CONTEXT_PX), np.float32),
        "detail": rng.random((3, 3, DETAIL_PX, DETAIL_PX), np.float32),
        "native": rng.random((3, 3, NATIVE_PX, NATIVE_PX), np.float32),
    }
    together = committed.infer("pad", inputs)["logits"]
    alone = committed.infer("pad", {name: rows[1:2] for name, rows in inputs.items()})["logits"]
    assert np.allclose(together[1:2], alone, atol=1e-4)

"""The patches of the recapture network, and the committed network itself."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.document_types import SideName, load_document_types
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.models import ModelFile
from idv.infra.inference.local import LocalInference
from idv.vision.models.document_recapture import (
    LONGEST_PX,
    PATCH_PX,
    PLACES,
    DocumentRecaptureNet,
    cut,
    outline_of,
)
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import Shot, draw_scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.make import forge
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait

MODEL = Path(__file__).parents[4] / "model_repository" / "document_recapture" / "1" / "model.onnx"


def _upright(left: float, top: float, width: float, height: float) -> FloatArray:
    frame = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return np.array(frame, np.float32)


@dataclass
class Recording:
    """Answers with a set logit and keeps what it was asked."""

    asked: list[dict[str, Array]] = field(default_factory=list)

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """One row, one logit."""
        assert model == "document_recapture"
        self.asked.append(dict(inputs))
        return {"logit": np.array([[-1.5]], np.float32)}

    def digest(self, model: str) -> str:
        """The model's name."""
        return f"digest of {model}"


def test_patches_are_slices_of_the_picture() -> None:
    """The grid of a screen is in the decoded pixels: none of them is resampled."""
    pixels = np.random.default_rng(0).integers(0, 256, (700, 1000, 3)).astype(np.uint8)
    patches = cut(pixels, _upright(100, 100, 800, 500))
    assert np.array_equal(patches[4], pixels[350 - 64 : 350 + 64, 500 - 64 : 500 + 64])
    assert np.array_equal(patches[0], pixels[200 - 64 : 200 + 64, 220 - 64 : 220 + 64])


def test_patches_follow_a_turned_document() -> None:
    """Places are the document's, not the picture's: upside down, the first patch is the last one."""
    pixels = np.random.default_rng(0).integers(0, 256, (700, 1000, 3)).astype(np.uint8)
    upright = _upright(100, 100, 800, 500)
    turned = cut(pixels, np.roll(upright, 2, axis=0))
    assert np.array_equal(turned[::-1], cut(pixels, upright))


def test_a_document_larger_than_any_of_training_is_reduced() -> None:
    """Twice the longest edge is cut twice as wide and halved."""
    pixels = np.zeros((2600, 4000, 3), np.uint8)
    pixels[:, ::2] = 200
    patches = cut(pixels, _upright(50, 50, 2 * LONGEST_PX, 2400))
    assert (patches == 100).all()


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    corners=st.lists(st.tuples(st.floats(-50, 350), st.floats(-50, 350)), min_size=4, max_size=4),
)
def test_every_document_is_cut_to_the_same_shape(
    height: int, width: int, corners: list[tuple[float, float]]
) -> None:
    """Whatever the picture and the corners, even crossed or all in one point."""
    patches = cut(np.zeros((height, width, 3), np.uint8), np.array(corners, np.float32))
    assert patches.shape == (len(PLACES), PATCH_PX, PATCH_PX, 3)


def test_a_scan_has_a_rectangle_s_outline_however_it_is_turned() -> None:
    """Turning changes neither edges nor corners; perspective changes both."""
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]], np.float32)
    assert outline_of(_upright(0, 0, 800, 500) @ turn) == pytest.approx([0, 0], abs=1e-5)
    leaning = np.array([[0, 0], [800, 0], [700, 500], [100, 500]], np.float32)
    foreshortened, skew = outline_of(leaning)
    assert foreshortened == pytest.approx(np.log(800 / 600), abs=1e-6)
    assert skew == pytest.approx(100 / np.hypot(100, 500), abs=1e-6)


@given(
    corners=st.lists(st.tuples(st.floats(-50, 350), st.floats(-50, 350)), min_size=4, max_size=4),
)
def test_every_outline_is_two_shares(corners: list[tuple[float, float]]) -> None:
    """Crossed corners or all in one point give numbers in [0, 1] as well."""
    outline = outline_of(np.array(corners, np.float32))
    assert outline.shape == (2,)
    assert ((outline >= 0) & (outline <= 1)).all()


def test_all_patches_are_asked_about_at_once() -> None:
    """One row with every patch in [0, 1] and the outline; the answer is the logit as it is."""
    inference = Recording()
    pixels = np.full((400, 600, 3), 255, np.uint8)
    assert DocumentRecaptureNet(inference).predict(pixels, _upright(50, 50, 500, 300)) == -1.5
    (asked,) = inference.asked
    assert asked["patches"].shape == (1, len(PLACES), 3, PATCH_PX, PATCH_PX)
    assert asked["patches"].dtype == np.float32
    assert (asked["patches"] == 1).all()
    assert asked["outline"].tolist() == [[0, 0]]


def test_the_digest_names_model_and_patches() -> None:
    """Both the weights and the way patches are cut go into the check digest."""
    parts = DocumentRecaptureNet(Recording()).digest_parts()
    assert parts["document_recapture"] == "digest of document_recapture"
    assert "document_recapture_patches" in parts


@pytest.fixture(scope="module")
def committed() -> LocalInference:
    """The network that is committed with the project."""
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    return LocalInference({"document_recapture": ModelFile("document_recapture", MODEL, digest)})


def test_the_committed_network_is_small() -> None:
    """About a megabyte, a third of it the tables of the transform."""
    assert MODEL.stat().st_size <= 1_150_000


@pytest.mark.parametrize("fill", [0, 127, 255])
def test_the_committed_network_answers_an_empty_picture(committed: LocalInference, fill: int) -> None:
    """Black, grey and white pictures give finite logits."""
    pixels = np.full((300, 400, 3), fill, np.uint8)
    assert np.isfinite(DocumentRecaptureNet(committed).predict(pixels, _upright(20, 20, 350, 250)))


def test_rows_of_a_batch_do_not_influence_each_other(committed: LocalInference) -> None:
    """A document's logit is the same alone and among others, as dynamic batching needs."""
    patches = np.random.default_rng(1).random((3, len(PLACES), 3, PATCH_PX, PATCH_PX), np.float32)
    outline = np.array([[0, 0], [0.1, 0.05], [0, 0.2]], np.float32)
    asked = {"patches": patches, "outline": outline}
    together = committed.infer("document_recapture", asked)["logit"]
    alone = committed.infer("document_recapture", {name: rows[1:2] for name, rows in asked.items()})["logit"]
    assert np.allclose(together[1:2], alone, atol=1e-4)


def test_the_committed_network_tells_a_document_from_its_picture_on_a_screen(
    committed: LocalInference,
) -> None:
    """Above zero for a drawn document before a camera, below for the same document on a display."""
    rng = np.random.default_rng(5)
    design = next(iter(load_document_types()))
    holder, portrait = make_holder(design, rng, today=dt.date(2026, 6, 1)), draw_portrait(rng)

    def photograph(side: RgbImage) -> Shot:
        return photographed(side, draw_scene(rng), draw_camera(rng), rng)

    case = Case(design, holder, holder, portrait, portrait, photograph)
    genuine = photograph(case.genuine(rng).front.image)
    forged = forge(case, ForgeryType.SCREEN_RECAPTURE, Forger.FIRST, rng, sides=(SideName.FRONT,))
    shown = forged.shots[SideName.FRONT]
    net = DocumentRecaptureNet(committed)
    assert net.predict(genuine.pixels, genuine.corners) > 0 > net.predict(shown.pixels, shown.corners)

"""Templates from faces, with embedders that answer by hand."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.errors import ModelError
from idv.domain.faces import Box, Face, FaceQuality, Pose
from idv.domain.ports import Inference
from idv.vision.perception.templates import FaceEmbedder, TemplateMaker

FACE = Face(
    Box(0, 0, 4, 4),
    0.9,
    np.zeros((0, 3), np.float32),
    np.zeros((5, 2), np.float32),
    Pose(0, 0, 0),
    FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1),
)


class _Digests:
    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        raise NotImplementedError

    def digest(self, model: str) -> str:
        return f"digest of {model}"


class _Halves:
    """Embeds a chip as the brightness of its left and right half, times ten."""

    name = "halves"
    preprocessing = "3"
    size = 2

    def __init__(self, inference: Inference) -> None:
        pass

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        return pixels

    def embed(self, chips: Array) -> FloatArray:
        middle = chips.shape[2] // 2
        sides = [chips[:, :, :middle], chips[:, :, middle:]]
        return np.stack([s.mean(axis=(1, 2, 3)) for s in sides], axis=1).astype(np.float32) * 10


def _maker(*embedders: Callable[[Inference], FaceEmbedder]) -> TemplateMaker:
    return TemplateMaker(_Digests(), embedders=embedders)


def _half_lit() -> RgbImage:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, :2] = 200
    return image


def test_image_and_mirror_are_averaged_to_a_unit_vector() -> None:
    """Lit on the left, (1, 0), and mirrored, (0, 1), average to the diagonal."""
    ((name, vector),) = _maker(_Halves).template(_half_lit(), FACE).vectors
    assert name == "halves"
    assert vector == pytest.approx((np.sqrt(0.5), np.sqrt(0.5)))
    assert vector.dtype == np.float32


def test_a_picture_and_its_mirror_give_the_same_template() -> None:
    """Which way round a selfie is stored does not matter."""
    image = np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    ((_, one),) = _maker(_Halves).template(image, FACE).vectors
    ((_, other),) = _maker(_Halves).template(image[:, ::-1], FACE).vectors
    assert one == pytest.approx(other)


class _Broken(_Halves):
    """Gives NaN."""

    def embed(self, chips: Array) -> FloatArray:
        return np.full((2, 2), np.nan, np.float32)


class _Longer(_Halves):
    """Gives more values than it says."""

    def embed(self, chips: Array) -> FloatArray:
        return np.ones((2, 3), np.float32)


@pytest.mark.parametrize("embedder", [_Broken, _Longer])
def test_no_template_is_made_of_nonsense(embedder: Callable[[Inference], FaceEmbedder]) -> None:
    """NaN and a vector of another size are model errors."""
    with pytest.raises(ModelError, match="no finite vector"):
        _maker(embedder).template(_half_lit(), FACE)


def test_a_black_picture_still_gives_a_finite_template() -> None:
    """A zero vector has no direction; it stays zero instead of becoming NaN."""
    ((_, vector),) = _maker(_Halves).template(np.zeros((4, 4, 3), np.uint8), FACE).vectors
    assert np.isfinite(vector).all()


def test_the_digest_parts_name_every_embedder_and_version() -> None:
    """Model digests, preprocessing versions and that of averaging."""
    parts = _maker(_Halves).digest_parts()
    assert parts["halves"] == "digest of halves"
    assert parts["preprocessing/halves"] == "3"
    assert "face_templates" in parts

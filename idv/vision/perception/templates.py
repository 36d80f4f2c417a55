"""Makes templates: each embedder sees the face and its mirror image, and the two views are averaged."""

from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.errors import ModelError
from idv.domain.faces import Face, FaceTemplate
from idv.domain.ports import Inference
from idv.vision.models.dlib_resnet import DlibResnet
from idv.vision.models.faceres import FaceRes

_VERSION = "2"


class FaceEmbedder(Protocol):
    """Cuts out a face as it needs it and embeds it."""

    name: str
    preprocessing: str
    size: int

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        """The square crop of a face."""
        ...

    def embed(self, chips: Array) -> FloatArray:
        """Embeddings (N, size) of chips (N, H, W, 3) uint8 RGB."""
        ...


OPEN_EMBEDDERS: tuple[Callable[[Inference], FaceEmbedder], ...] = (DlibResnet, FaceRes)
"""The embedders of the `open` pack."""


class TemplateMaker:
    """Turns faces into templates. Thread-safe."""

    def __init__(
        self,
        inference: Inference,
        *,
        embedders: Sequence[Callable[[Inference], FaceEmbedder]] = OPEN_EMBEDDERS,
    ) -> None:
        self._inference = inference
        self._embedders = tuple(make(inference) for make in embedders)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the embedders, in the order of a template's vectors."""
        return tuple(e.name for e in self._embedders)

    def digest_parts(self) -> dict[str, str]:
        """Everything a template depends on besides the face: model digests and preprocessing versions."""
        parts = {e.name: self._inference.digest(e.name) for e in self._embedders}
        versions = {f"preprocessing/{e.name}": e.preprocessing for e in self._embedders}
        return {**parts, **versions, "face_templates": _VERSION}

    def template(self, pixels: RgbImage, face: Face) -> FaceTemplate:
        """The template of a face in (H, W, 3) uint8 RGB. Raises ModelError."""
        return FaceTemplate(tuple((e.name, _averaged(e, pixels, face)) for e in self._embedders))


def _averaged(embedder: FaceEmbedder, pixels: RgbImage, face: Face) -> FloatArray:
    """One unit vector (size,): the mean of the unit vectors of the chip and of its mirror image."""
    chip = embedder.chip(pixels, face)
    vectors = embedder.embed(np.stack([chip, cv2.flip(chip, 1)]))
    vector = _unit(_unit(vectors).sum(axis=0))
    if vector.shape != (embedder.size,) or not np.isfinite(vector).all():
        raise ModelError("model_outputs_unexpected", f"{embedder.name} gave no finite vector of its size")
    return vector


def _unit(vectors: Array) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

"""The project's own passive PAD network: square cuts of one frame at three scales in, three logits out."""

from typing import NamedTuple

import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.ports import Inference
from idv.vision.imaging.squares import planes, resized, square

PREPROCESSING = "2"
"""Raised whenever the cuts below change: scores of different versions are not comparable."""
CONTEXT_PX = 96
"""Side of the context cut: the head and what is around it."""
DETAIL_PX = 112
"""Side of the detail cut: the middle of the face in the picture's own pixels."""
NATIVE_PX = 128
"""Side of a native patch: the picture's own pixels, never resized."""
_CONTEXT_LENGTHS = 4.0
_PATCH_LENGTHS = 0.35
_DETAIL_LENGTH_PX = 64.0
_LEAST_UNIT_PX = 2.0


class PadLogits(NamedTuple):
    """Log-odds of a bona fide presentation as each branch sees them, uncalibrated; higher = more genuine."""

    context: float
    detail: float
    native: float


class Cuts(NamedTuple):
    """Network inputs of one face, uint8 RGB: (96, 96, 3), (112, 112, 3) and two patches (2, 128, 128, 3)."""

    context: RgbImage
    detail: RgbImage
    native: RgbImage


class PadNet:
    """Runs the network on one face; thread-safe as far as `inference` is."""

    def __init__(self, inference: Inference, *, model: str = "pad") -> None:
        self._inference = inference
        self._model = model

    def predict(self, pixels: RgbImage, five_points: FloatArray) -> PadLogits:
        """Logits of the face at `five_points` (5, 2) px, means over mirror images and patches.

        `pixels`: (H, W, 3) uint8 RGB, in the resolution that the camera delivered: what tells a screen is in
        its own pixels and is lost when the picture is made smaller.
        """
        cuts = cut(pixels, five_points)
        logits = self._inference.infer(
            self._model,
            {
                "context": _mirrored(cuts.context),
                "detail": _mirrored(cuts.detail),
                "native": planes(cuts.native),
            },
        )["logits"]
        return PadLogits(*(float(logit) for logit in logits.mean(axis=0)))

    def digest_parts(self) -> dict[str, str]:
        """What the logits depend on: the model's digest and the version of the cuts."""
        return {self._model: self._inference.digest(self._model), f"{self._model}_cuts": PREPROCESSING}


def cut(pixels: RgbImage, five_points: FloatArray) -> Cuts:
    """Cut a face out at three scales.

    The unit is the larger of the distance between the eyes and from the eyes to the mouth, so that a turned
    or nodding head keeps its size. Context: 4 units wide. Detail: at most 64 px a unit, never enlarged,
    because enlarging invents the fine structure that is looked for. Native: one patch a cheek, as they are.
    """
    eyes, mouth = five_points[:2].mean(axis=0), five_points[3:].mean(axis=0)
    apart, down = (float(np.linalg.norm(line)) for line in (five_points[1] - five_points[0], mouth - eyes))
    unit = max(apart, down, _LEAST_UNIT_PX)
    centre = (eyes + mouth) / 2
    context = square(pixels, centre, side=round(_CONTEXT_LENGTHS * unit))
    detail = square(pixels, centre, side=round(DETAIL_PX * max(1.0, unit / _DETAIL_LENGTH_PX)))
    beside = (five_points[1] - five_points[0]) * (_PATCH_LENGTHS * unit / max(apart, _LEAST_UNIT_PX))
    native = [square(pixels, centre + at, side=NATIVE_PX) for at in (-beside, beside)]
    return Cuts(
        resized(context, CONTEXT_PX),
        resized(detail, DETAIL_PX),
        np.stack([resized(patch, NATIVE_PX) for patch in native]),
    )


def _mirrored(part: RgbImage) -> Array:
    return planes(np.stack([part, part[:, ::-1]]))

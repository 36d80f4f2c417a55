"""ArcFace: 512 values from a 112 px chip.

Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR 2019. Input as the
InsightFace project exports it: RGB, (value - 127.5) / 127.5; one input and one output without telling names.
"""

import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.errors import ModelError
from idv.domain.faces import Face
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import ARCFACE_LAYOUT, blob, similarity, warp


class ArcFace:
    """Embeds faces; compare by cosine."""

    name = "arcface"
    preprocessing = "1"
    size = 512

    def __init__(self, inference: Inference, *, input_name: str = "input.1") -> None:
        self._inference = inference
        self._input = input_name

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        """The (112, 112, 3) uint8 RGB chip of a face in `pixels` (H, W, 3)."""
        transform = similarity(face.five_points, ARCFACE_LAYOUT.points)
        return warp(pixels, transform, ARCFACE_LAYOUT.side_px)

    def embed(self, chips: Array) -> FloatArray:
        """Embeddings (N, 512) of chips (N, 112, 112, 3) uint8 RGB, not normalised. Raises ModelError."""
        image = blob(chips, mean=(127.5, 127.5, 127.5), divisor=127.5)
        outputs = self._inference.infer(self.name, {self._input: image})
        if len(outputs) != 1:
            raise ModelError("model_outputs_unexpected", f"{self.name} gave {len(outputs)} outputs, not one")
        return np.asarray(next(iter(outputs.values())), dtype=np.float32)

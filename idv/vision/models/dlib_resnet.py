"""dlib's ResNet-29 face embedder: 128 values from a 150 px chip.

King, "High quality face recognition with deep metric learning", dlib blog, 2017. The chip stands where dlib's
five landmarks (eye corners and nose base) put it, with a margin of a quarter on each side.
"""

import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.faces import Face
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import ChipLayout, Transform, blob, similarity, warp

_MARGIN = 0.25
# Where dlib's training chips have the eye corners (from the image's left to its right) and the nose base, as
# shares of the face square without its margin.
_SQUARE = ((0.12058, 0.21373), (0.33409, 0.22906), (0.64606, 0.22897), (0.85957, 0.21350), (0.49011, 0.62780))
_SURFACE = (33, 133, 362, 263, 2)
"""The same five among FaceMesh's points."""


def _layout(side_px: int) -> ChipLayout:
    whole = 1 + 2 * _MARGIN
    return ChipLayout(
        side_px, tuple(((x + _MARGIN) / whole * side_px, (y + _MARGIN) / whole * side_px) for x, y in _SQUARE)
    )


class DlibResnet:
    """Embeds faces; compare by cosine."""

    name = "dlib_resnet"
    preprocessing = "1"
    size = 128
    layout = _layout(150)

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        """The (150, 150, 3) uint8 RGB chip of a face in `pixels` (H, W, 3)."""
        return warp(pixels, self._transform(face), self.layout.side_px)

    def embed(self, chips: Array) -> FloatArray:
        """Embeddings (N, 128) of chips (N, 150, 150, 3) uint8 RGB, not normalised. Raises ModelError."""
        image = blob(chips, mean=(122.782, 117.001, 104.298), divisor=256.0)
        return np.asarray(self._inference.infer(self.name, {"image": image})["embedding"], dtype=np.float32)

    def _transform(self, face: Face) -> Transform:
        places = np.array(self.layout.points)
        if len(face.landmarks):
            return similarity(face.landmarks[list(_SURFACE), :2], places)
        # A detector's five points know no corners: the eye centres are midway between them.
        eyes = [places[:2].mean(axis=0), places[2:4].mean(axis=0)]
        return similarity(face.five_points[:2], eyes)

"""SFace: 128 values from a 112 px chip.

Zhong et al., "SFace: sigmoid-constrained hypersphere loss for robust face recognition", IEEE Trans. Image
Processing 30 (2021). As OpenCV Zoo publishes `face_recognition_sface_2021dec.onnx`: RGB in 0..255.
"""

import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.faces import Face
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import ARCFACE_LAYOUT, blob, similarity, warp


class SFace:
    """Embeds faces; compare by cosine."""

    name = "sface"
    preprocessing = "1"
    size = 128

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        """The (112, 112, 3) uint8 RGB chip of a face in `pixels` (H, W, 3)."""
        transform = similarity(face.five_points, ARCFACE_LAYOUT.points)
        return warp(pixels, transform, ARCFACE_LAYOUT.side_px)

    def embed(self, chips: Array) -> FloatArray:
        """Embeddings (N, 128) of chips (N, 112, 112, 3) uint8 RGB, not normalised. Raises ModelError."""
        image = blob(chips, mean=(0.0, 0.0, 0.0), divisor=1.0)
        # The published file takes one image at a time.
        rows = [self._inference.infer(self.name, {"data": one[None]})["fc1"][0] for one in image]
        return np.asarray(rows, dtype=np.float32)

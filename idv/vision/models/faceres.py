"""FaceRes: 1,024 values from a 224 px crop of a level face.

Savchenko, "Efficient facial representations for age, gender and identity recognition in organizing photo
albums", PeerJ Computer Science 5 (2019); the output `global_pooling/Mean` of that network.
"""

import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.faces import Face
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import ChipLayout, blob, similarity, warp


class FaceRes:
    """Embeds faces; compare by cosine."""

    name = "faceres"
    preprocessing = "1"
    size = 1024
    # The mean places of eyes, nose tip and mouth corners in level crops 1.3 times the face's bounds, over
    # photographs that are not in any test set; 1.1 and 1.5 times were worse.
    layout = ChipLayout(224, ((79.4, 82.0), (144.6, 82.0), (112.0, 123.5), (81.9, 148.3), (142.1, 148.3)))

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def chip(self, pixels: RgbImage, face: Face) -> RgbImage:
        """The (224, 224, 3) uint8 RGB crop of a face in `pixels` (H, W, 3)."""
        return warp(pixels, similarity(face.five_points, self.layout.points), self.layout.side_px)

    def embed(self, chips: Array) -> FloatArray:
        """Embeddings (N, 1024), none negative, of chips (N, 224, 224, 3) uint8 RGB. Raises ModelError.

        The square roots of what the network gives: it averages activations, so a few strong ones would drown
        the others; the cosine of roots is Hellinger's kernel (Arandjelović and Zisserman, CVPR 2012).
        """
        image = blob(chips, mean=(103.939, 116.779, 123.68), divisor=1.0, bgr=True)
        values = self._inference.infer(self.name, {"image": image})["embedding"]
        return np.sqrt(np.maximum(values, 0, dtype=np.float32))

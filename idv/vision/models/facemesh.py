"""FaceMesh: 468 points of a face surface in a 192 px crop.

Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019.
"""

from typing import NamedTuple

import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import blob


class FaceSurface(NamedTuple):
    """`points` (468, 3) float32: x, y px in the crop, z in the same unit, smaller is nearer.

    `presence` in [0, 1]: the network's certainty that the crop shows a face.
    """

    points: FloatArray
    presence: float


class FaceMesh:
    """Fits the face surface in a level crop 1.5 times the face box."""

    name = "facemesh"
    preprocessing = "1"
    side_px = 192

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def fit(self, crop: RgbImage) -> FaceSurface:
        """The surface in a (192, 192, 3) uint8 RGB crop. Raises ModelError."""
        image = blob(crop[None], mean=(0.0, 0.0, 0.0), divisor=255.0)
        outputs = self._inference.infer(self.name, {"image": image})
        presence = float(np.clip(outputs["face_flag"].reshape(-1)[0], 0.0, 1.0))
        return FaceSurface(np.asarray(outputs["mesh"][0], dtype=np.float32), presence)

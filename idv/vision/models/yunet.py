"""YuNet: face boxes and five points in a square whose side is a multiple of 32 px.

Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 20 (2023).
Inputs and outputs as OpenCV Zoo publishes `face_detection_yunet_2023mar.onnx`: BGR in 0..255; at strides 8,
16 and 32 a class score, an objectness, a box (shift of the centre and logarithm of the size, in strides)
and five shifts.
"""

from collections.abc import Mapping

import numpy as np

from idv.domain.arrays import Array, RgbImage
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import blob
from idv.vision.imaging.detections import FaceDetection, RawDetections, merged

_STRIDES = (8, 16, 32)


class YuNet:
    """Finds faces; five points: both eyes, nose tip, both mouth corners, the image's left first."""

    name = "yunet"
    preprocessing = "1"
    side_px = 640

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def detect(self, square: RgbImage, *, least_confidence: float = 0.6) -> tuple[FaceDetection, ...]:
        """Faces in a (640, 640, 3) uint8 RGB square, most confident first, in its px. Raises ModelError."""
        image = blob(square[None], mean=(0.0, 0.0, 0.0), divisor=1.0, bgr=True)
        outputs = self._inference.infer(self.name, {"input": image})
        levels = [self._decoded(outputs, stride) for stride in _STRIDES]
        raw = RawDetections(*(np.concatenate(parts) for parts in zip(*levels, strict=True)))
        return merged(raw, least_score=least_confidence)

    def _decoded(self, outputs: Mapping[str, Array], stride: int) -> RawDetections:
        """One stride's cells: everything is relative to the cell's top left corner, in strides."""
        cells = self.side_px // stride
        x, y = np.meshgrid(np.arange(cells), np.arange(cells))
        corners = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
        box = outputs[f"bbox_{stride}"].reshape(-1, 4)
        centres = (corners + box[:, :2]) * stride
        sizes = np.exp(np.clip(box[:, 2:], -20, 20)) * stride
        points = (outputs[f"kps_{stride}"].reshape(-1, 5, 2) + corners[:, None]) * stride
        face, whole = (np.clip(outputs[f"{n}_{stride}"].reshape(-1), 0, 1) for n in ("cls", "obj"))
        return RawDetections(np.hstack([centres - sizes / 2, sizes]), np.sqrt(face * whole), points)

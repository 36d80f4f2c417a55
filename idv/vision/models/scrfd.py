"""SCRFD with key points: face boxes and five points in a 640 px square.

Guo et al., "Sample and computation redistribution for efficient face detection", ICLR 2022. Outputs as the
InsightFace project exports them, nine without telling names: scores, distances to the four sides, five
shifts, each at strides 8, 16 and 32 with two anchors a cell, in strides, from the cell's top left corner.
Which is which follows from their shapes; that the network is this one follows from its card.
"""

from collections.abc import Mapping

import numpy as np

from idv.domain.arrays import Array, RgbImage
from idv.domain.errors import ModelError
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import blob
from idv.vision.imaging.detections import FaceDetection, RawDetections, merged

_STRIDES = (8, 16, 32)
_ANCHORS = 2


class Scrfd:
    """Finds faces; five points: both eyes, nose tip, both mouth corners, the image's left first."""

    name = "scrfd"
    preprocessing = "1"
    side_px = 640

    def __init__(self, inference: Inference, *, input_name: str = "input.1") -> None:
        self._inference = inference
        self._input = input_name

    def detect(self, square: RgbImage, *, least_confidence: float = 0.5) -> tuple[FaceDetection, ...]:
        """Faces in a (640, 640, 3) uint8 RGB square, most confident first, in its px. Raises ModelError."""
        image = blob(square[None], mean=(127.5, 127.5, 127.5), divisor=128.0)
        outputs = self._inference.infer(self.name, {self._input: image})
        levels = [self._decoded(outputs, stride) for stride in _STRIDES]
        raw = RawDetections(*(np.concatenate(parts) for parts in zip(*levels, strict=True)))
        return merged(raw, least_score=least_confidence)

    def _decoded(self, outputs: Mapping[str, Array], stride: int) -> RawDetections:
        cells = self.side_px // stride
        x, y = np.meshgrid(np.arange(cells), np.arange(cells))
        corners = np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2) * stride, _ANCHORS, axis=0)
        scores = self._of_shape(outputs, len(corners), 1)[:, 0]
        sides = self._of_shape(outputs, len(corners), 4) * stride
        shifts = self._of_shape(outputs, len(corners), 10).reshape(-1, 5, 2) * stride
        boxes = np.hstack([corners - sides[:, :2], sides[:, :2] + sides[:, 2:]])
        return RawDetections(boxes, scores, corners[:, None] + shifts)

    def _of_shape(self, outputs: Mapping[str, Array], rows: int, columns: int) -> Array:
        """The one output with so many rows and columns, whatever its batch axis and name."""
        found = [v for v in outputs.values() if v.shape[-1] == columns and v.size == rows * columns]
        if len(found) != 1:
            raise ModelError("model_outputs_unexpected", f"{self.name} gave no output of {rows} × {columns}")
        return found[0].reshape(rows, columns)

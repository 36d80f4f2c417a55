"""BlazeFace, back-camera variant: face boxes and six key points in a 256 px square.

Bazarevsky et al., "BlazeFace: Sub-millisecond neural face detection on mobile GPUs", 2019.
"""

import numpy as np

from idv.domain.arrays import Array, RgbImage
from idv.domain.ports import Inference
from idv.vision.imaging.alignment import blob
from idv.vision.imaging.detections import FaceDetection, RawDetections, merged

_GRIDS = ((16, 2), (8, 6))  # cells a side, anchors a cell


class BlazeFace:
    """Finds faces; key points: both eyes, nose tip, mouth centre, both ears, the image's left first."""

    name = "blazeface"
    preprocessing = "1"
    side_px = 256

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._anchors = _anchor_centres(self.side_px)

    def detect(self, square: RgbImage, *, least_confidence: float = 0.5) -> tuple[FaceDetection, ...]:
        """Faces in a (256, 256, 3) uint8 RGB square, most confident first, in its px. Raises ModelError."""
        image = blob(square[None], mean=(127.5, 127.5, 127.5), divisor=127.5)
        outputs = self._inference.infer(self.name, {"image": image})
        raw = self._decoded(outputs["boxes"][0], outputs["scores"][0], least_confidence)
        return merged(raw, least_score=least_confidence)

    def _decoded(self, boxes: Array, logits: Array, least_confidence: float) -> RawDetections:
        """The anchors that are sure enough; what the network gives is relative to an anchor's centre, px."""
        scores = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        sure = np.flatnonzero(scores >= least_confidence)
        boxes, scores, anchors = boxes[sure], scores[sure], self._anchors[sure]
        centres = anchors + boxes[:, :2]
        sizes = boxes[:, 2:4]
        points = boxes[:, 4:].reshape(-1, 6, 2) + anchors[:, None]
        return RawDetections(np.hstack([centres - sizes / 2, sizes]), scores, points)


def _anchor_centres(side_px: int) -> Array:
    """(896, 2) px: a 16×16 grid with two anchors a cell, then 8×8 with six, row by row."""
    grids = []
    for cells, anchors in _GRIDS:
        centres = (np.arange(cells) + 0.5) * side_px / cells
        x, y = np.meshgrid(centres, centres)
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), anchors, axis=0))
    return np.concatenate(grids)

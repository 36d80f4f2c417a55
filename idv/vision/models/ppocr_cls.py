"""PP-OCR's line angle classifier: whether a cropped text line stands upright or on its head."""

from collections.abc import Sequence

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.ports import Inference

_HEIGHT = 48
_WIDTH = 192


class LineAngle:
    """Judges crops of single text lines; thread-safe as its inference is."""

    def __init__(self, inference: Inference, *, model: str = "ppocr_cls") -> None:
        self._inference = inference
        self._model = model

    def upside_down(self, crops: Sequence[RgbImage]) -> FloatArray:
        """Probability that each crop (H, W, 3) uint8 RGB, wider than high, is on its head: (N,) float32."""
        if not crops:
            return np.empty(0, np.float32)
        batch = np.stack([_tensor(crop) for crop in crops])
        (scores,) = self._inference.infer(self._model, {"x": batch}).values()
        return np.asarray(scores[:, 1], np.float32)

    def digest(self) -> str:
        """SHA-256 of the network. Raises ModelError."""
        return self._inference.digest(self._model)


def _tensor(crop: RgbImage) -> FloatArray:
    """(3, 48, 192) float32 BGR in -1..1; the left part of a long line, a short one followed by mid grey."""
    width = min(_WIDTH, max(1, round(crop.shape[1] * _HEIGHT / crop.shape[0])))
    kept = crop[:, : max(1, round(crop.shape[0] * _WIDTH / _HEIGHT))]
    resized = cv2.resize(kept, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    tensor = np.zeros((3, _HEIGHT, _WIDTH), np.float32)
    tensor[:, :, :width] = resized[:, :, ::-1].transpose(2, 0, 1) / np.float32(127.5) - np.float32(1.0)
    return tensor

"""PP-OCR's recogniser: the text of one cropped line, or the posteriors it comes from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.ports import Inference

BLANK = 0
"""Index of the blank of connectionist temporal classification (CTC)."""
_HEIGHT = 48
# One column of posteriors covers eight pixels; the network wants a few columns even for one character.
_STRIDE = 8
_MIN_WIDTH = 96
_MAX_WIDTH = 2400


class LineText(NamedTuple):
    """Greedy reading of a line; `confidence` in [0, 1] is the mean over its characters, 0 for no text."""

    text: str
    confidence: float

    def __repr__(self) -> str:
        """Length only: the text is personal data."""
        return f"LineText(<{len(self.text)} characters>, confidence={self.confidence:.2f})"


class TextRecogniser:
    """Reads crops of single text lines; `alphabet[k]` is the character of class k, class 0 the blank."""

    def __init__(self, inference: Inference, alphabet: Sequence[str], *, model: str = "ppocr_rec") -> None:
        self._inference = inference
        self._model = model
        self.alphabet = tuple(alphabet)

    def posteriors(self, crop: RgbImage) -> FloatArray:
        """Class probabilities by column, (T, K) float32, of a crop (H, W, 3) uint8 RGB; T = width / 8."""
        outputs = self._inference.infer(self._model, {"x": line_tensor(crop)[np.newaxis]})
        (scores,) = outputs.values()
        return np.asarray(scores[0], np.float32)

    def read(self, crop: RgbImage) -> LineText:
        """The most probable text, character by character."""
        return greedy(self.posteriors(crop), self.alphabet)

    def digest(self) -> str:
        """SHA-256 of the network. Raises ModelError."""
        return self._inference.digest(self._model)


def alphabet_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The alphabet from the ONNX file's metadata `character`: one character a line, a space at the end.

    Raises KeyError when the file has none.
    """
    return ("", *metadata["character"].split("\n"), " ")


def line_tensor(crop: RgbImage) -> FloatArray:
    """(3, 48, W) float32 BGR in -1..1, W a multiple of 8; what is added on the right is mid grey."""
    height, width = crop.shape[:2]
    scaled = min(_MAX_WIDTH, max(1, round(width * _HEIGHT / height)))
    padded = max(_MIN_WIDTH, -(-scaled // _STRIDE) * _STRIDE)
    shrinks = height > _HEIGHT
    resized = cv2.resize(
        crop, (scaled, _HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    tensor = np.zeros((3, _HEIGHT, padded), np.float32)
    for plane, target in zip(cv2.split(resized)[::-1], tensor, strict=True):
        np.divide(plane, np.float32(127.5), out=target[:, :scaled], dtype=np.float32)
    tensor[:, :, :scaled] -= np.float32(1.0)
    return tensor


def greedy(posteriors: FloatArray, alphabet: Sequence[str]) -> LineText:
    """Best class of each column, repeats and blanks dropped. `posteriors`: (T, K)."""
    best = posteriors.argmax(axis=1)
    starts = np.flatnonzero((best != BLANK) & (best != np.concatenate([[BLANK], best[:-1]])))
    if starts.size == 0:
        return LineText("", 0.0)
    text = "".join(alphabet[k] for k in best[starts])
    return LineText(text, float(posteriors[starts, best[starts]].mean()))

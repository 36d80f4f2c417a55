"""The project's own recapture network: patches of a document and its outline in, one logit out."""

from itertools import product

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.ports import Inference
from idv.vision.imaging.squares import planes, resized, square

PREPROCESSING = "2"
"""Raised whenever the patches below change: scores of different versions are not comparable."""
PATCH_PX = 128
"""Side of a patch, in the picture's own pixels."""
PLACES = tuple((x, y) for y, x in product((0.2, 0.5, 0.8), (0.15, 0.5, 0.85)))
"""Middles of the patches in shares of the document's width and height, row by row from its top left."""
LONGEST_PX = 1900.0
"""Longest edge of a document whose pixels are taken as they are; a larger one is reduced to it."""


class DocumentRecaptureNet:
    """Runs the network on one side of a document; thread-safe as far as `inference` is."""

    def __init__(self, inference: Inference, *, model: str = "document_recapture") -> None:
        self._inference = inference
        self._model = model

    def predict(self, pixels: RgbImage, corners: FloatArray) -> float:
        """Log-odds that the document itself was before the camera or on the scanner, uncalibrated.

        Low for a screen, a print, a copy, and what was never photographed. `pixels`: (H, W, 3) uint8 RGB in
        the resolution that the camera delivered. `corners`: (4, 2) px, clockwise from the top left.
        """
        inputs = {"patches": planes(cut(pixels, corners))[None], "outline": outline_of(corners)[None]}
        return float(self._inference.infer(self._model, inputs)["logit"][0, 0])

    def digest_parts(self) -> dict[str, str]:
        """What the logit depends on: the model's digest and the version of the patches."""
        return {self._model: self._inference.digest(self._model), f"{self._model}_patches": PREPROCESSING}


def outline_of(corners: FloatArray) -> FloatArray:
    """How the outline differs from a rectangle, (2,) float32 in [0, 1]: foreshortening and skew.

    The larger log ratio of opposite edges, and the largest cosine of a corner; a flatbed scan has neither,
    so that a picture without a camera's haze and noise but with perspective was composed.
    """
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.maximum(np.linalg.norm(edges, axis=1), 1.0)
    ratios = np.abs(np.log(lengths[:2] / lengths[2:]))
    directions = edges / lengths[:, None]
    cosines = np.abs((directions * np.roll(directions, -1, axis=0)).sum(axis=1))
    return np.asarray(np.clip([ratios.max(), cosines.max()], 0, 1), np.float32)


def cut(pixels: RgbImage, corners: FloatArray, *, side: int = PATCH_PX) -> RgbImage:
    """Squares of `side` px at all `PLACES` of the document: (9, side, side, 3) uint8 RGB.

    They are slices of the picture: what tells a recapture is in its own pixels. Only a document whose longest
    edge exceeds `LONGEST_PX` is reduced, since no larger one was seen in training. In a small document they
    overlap, and reach beyond it in a very small one.
    """
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    reduced = max(1.0, float(edges.max()) / LONGEST_PX)
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, np.asarray(corners, np.float32))
    middles = cv2.perspectiveTransform(np.array([PLACES], np.float32), matrix)[0]
    # Corners in one line or point have no inside; whatever lies there is judged then.
    middles = np.clip(np.nan_to_num(middles), 0, pixels.shape[1::-1]).astype(np.float32)
    squares = [square(pixels, middle, side=round(side * reduced)) for middle in middles]
    return np.stack([resized(part, side) for part in squares])

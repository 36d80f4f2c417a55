"""The project's own tampering network: one photographed side in, traces of digital edits by cell out."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import TamperingMap
from idv.domain.ports import Inference
from idv.vision.imaging.squares import planes

PREPROCESSING = "2"
"""Raised whenever the framing below changes: scores of different versions are not comparable."""
CELL_PX = 16
"""Side of a cell: two blocks of JPEG, so that the blocks of a picture that was never cut stay aligned."""
LONGEST_PX = 1600
"""The longer side of a document as the network sees it; larger ones are reduced, and lose traces by it."""
_HEAT_CELLS = 96
_LEAST_CELLS = 12
_INNER = 0.99
_CLIPPED_LEVELS = 4
_MOST_CLIPPED = 0.5


class Frame(NamedTuple):
    """The part of a picture that a document takes up.

    `pixels` (H, W, 3) uint8 RGB, sides multiples of 16, its own pixels at the phase of the picture's JPEG
    blocks unless the document is larger than 1,600 px. `inside` (H / 16, W / 16) float32: 1 where a cell lies
    within the document and most of it is neither black nor white. `corners` (4, 2) float32 px in `pixels`.
    """

    pixels: RgbImage
    inside: FloatArray
    corners: FloatArray


class DocumentTamperingNet:
    """Runs the network on one side; thread-safe as far as `inference` is."""

    def __init__(self, inference: Inference, *, model: str = "document_tampering") -> None:
        self._inference = inference
        self._model = model

    def predict(self, pixels: RgbImage, corners: FloatArray) -> TamperingMap:
        """Traces of edits in the document at `corners` (4, 2) px of `pixels` (H, W, 3) uint8 RGB.

        Pixels as decoded, never resampled before: resampling wipes out what is looked for. A document of
        fewer than twelve cells has nothing to compare, and scores zero.
        """
        frame = framed(pixels, corners)
        if frame.inside.sum() < _LEAST_CELLS:
            return TamperingMap(0.0, np.zeros(_heat_size(frame.corners)[::-1], np.float32))
        found = self._inference.infer(
            self._model, {"image": planes(frame.pixels[None]), "inside": frame.inside[None, None]}
        )
        return TamperingMap(float(found["logit"][0, 0]), _laid_flat(found["cells"][0, 0], frame))

    def digest_parts(self) -> dict[str, str]:
        """What the scores depend on: the model's digest and the version of the framing."""
        return {self._model: self._inference.digest(self._model), f"{self._model}_frame": PREPROCESSING}


def framed(pixels: RgbImage, corners: FloatArray) -> Frame:
    """Cut the document's bounding box out, widened to whole cells."""
    quad = np.asarray(corners, np.float32)
    sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
    if sides.max() > LONGEST_PX:
        pixels, quad = _reduced(pixels, quad, factor=LONGEST_PX / float(sides.max()))
    height, width = pixels.shape[:2]
    left, top = (int(np.clip(low, 0, size - 1)) // CELL_PX * CELL_PX
                 for low, size in zip(quad.min(axis=0), (width, height), strict=True))  # fmt: skip
    right, bottom = (int(np.clip(np.ceil(high), 1, size))
                     for high, size in zip(quad.max(axis=0), (width, height), strict=True))  # fmt: skip
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    below, beside = (-part.shape[0]) % CELL_PX, (-part.shape[1]) % CELL_PX
    whole = cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    at = quad - np.array([left, top], np.float32)
    inside = _inside(at, part.shape[:2], whole.shape[:2]) * (by_cell(_clipped(whole)) < _MOST_CLIPPED)
    return Frame(np.asarray(whole, np.uint8), inside.astype(np.float32), at)


def by_cell(mask: NDArray[np.uint8]) -> FloatArray:
    """Share of each cell that a mask (H, W) of 0 and 255 covers, (H / 16, W / 16) float32."""
    size = mask.shape[1] // CELL_PX, mask.shape[0] // CELL_PX
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def _reduced(pixels: RgbImage, quad: FloatArray, *, factor: float) -> tuple[RgbImage, FloatArray]:
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    smaller = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), quad * np.float32(factor)


def _inside(quad: FloatArray, part: tuple[int, ...], whole: tuple[int, ...]) -> FloatArray:
    mask = np.zeros(whole[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.rint(np.clip(quad, -30_000, 30_000)).astype(np.int32), 255)
    mask[part[0] :], mask[:, part[1] :] = 0, 0
    return (by_cell(mask) > _INNER).astype(np.float32)


def _clipped(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """255 where all channels are near black or all near white: a clipped place has no noise to compare."""
    low, high = _CLIPPED_LEVELS, 255 - _CLIPPED_LEVELS
    black = cv2.inRange(pixels, (0, 0, 0), (low, low, low))
    white = cv2.inRange(pixels, (high, high, high), (255, 255, 255))
    return np.asarray(cv2.bitwise_or(black, white), np.uint8)


def _laid_flat(cells: FloatArray, frame: Frame) -> FloatArray:
    """Probabilities by cell, from the picture's perspective to that of the rectified side."""
    chance = 1 / (1 + np.exp(-np.clip(cells, -30, 30)))
    wide, tall = _heat_size(frame.corners)
    target = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - np.float32(0.5)
    source = frame.corners / np.float32(CELL_PX) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(source, target)
    inside = np.asarray(chance * frame.inside, np.float32)
    heat = cv2.warpPerspective(inside, matrix, (wide, tall), flags=cv2.INTER_LINEAR)
    return np.clip(np.asarray(heat, np.float32), 0, 1)


def _heat_size(corners: FloatArray) -> tuple[int, int]:
    """Width and height of the heat map: 96 cells wide, in the document's proportions."""
    across = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3]))
    down = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1]))
    return _HEAT_CELLS, int(np.clip(round(_HEAT_CELLS * down / max(across, 1.0)), 1, 4 * _HEAT_CELLS))

"""Lays pictures of one side of a document type exactly on each other, so that they can be compared px by px.

Several holders' copies of one design share their print and differ in what is personal. The pictures are laid
on the first by keypoints, brought to one light, and framed where most of them were found to end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.imaging.geometry import Homography, Size, homography, rectangle

WIDTH_PX = 1200
"""Width of a laid picture: 14 px a millimetre on a card, twice what the reference keeps."""
_KEYPOINTS = 2500
_DISTINCT = 0.8
"""A match must be this much nearer than the next best (Lowe 2004)."""
_WITHIN_PX = 3.0
_LEAST_MATCHES = 30
# Samples of one side agree over half of it; other designs, whose emblems may be alike, over a tenth.
_LEAST_COVERED = 0.25
_LIGHT_PX = 96
_LIGHT_ROUNDS = 4
_LIGHT_KEPT = 0.6
_BLACK = 4.0


class SampleMismatch(Exception):
    """The sample of that number (from 0) does not show the same side of the same design as the first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class TypeSamples(NamedTuple):
    """Pictures (H, WIDTH_PX, 3) uint8 RGB of one side, everything printed alike in the same place in all."""

    pictures: tuple[RgbImage, ...]

    @property
    def size(self) -> Size:
        """Width and height in px."""
        height, width = self.pictures[0].shape[:2]
        return Size(width, height)

    @property
    def median(self) -> RgbImage:
        """What most of them show, px by px."""
        return np.asarray(np.median(np.stack(self.pictures), axis=0), np.uint8)


def lay_together(flat: Sequence[RgbImage], *, aspect: float) -> TypeSamples:
    """Lay flat pictures of a side, each rectified on its own, on each other. Raises SampleMismatch.

    `aspect`: the side's width over height.
    """
    size = Size(WIDTH_PX, round(WIDTH_PX / aspect))
    frames = [_stretch(picture, size) for picture in flat]
    rough = [_warped(picture, frame, size) for picture, frame in zip(flat, frames, strict=True)]
    moves = [np.eye(3), *(_move(rough[0], other, number) for number, other in enumerate(rough[1:], 1))]
    shared = _shared_frame(moves, size)
    places = [frame @ move @ shared for frame, move in zip(frames, moves, strict=True)]
    laid = [_warped(picture, place, size) for picture, place in zip(flat, places, strict=True)]
    return TypeSamples(_in_one_light(laid))


def _stretch(picture: RgbImage, size: Size) -> Homography:
    """From the laid picture's frame to the flat picture's."""
    height, width = picture.shape[:2]
    return homography(rectangle(size), rectangle(Size(width, height)))


def _move(first: RgbImage, other: RgbImage, number: int) -> Homography:
    """From places on the first to the same print on the other. Raises SampleMismatch."""
    finder = cv2.SIFT_create(nfeatures=_KEYPOINTS)  # type: ignore[attr-defined] # absent from its stubs
    here, wanted = finder.detectAndCompute(cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), None)
    there, offered = finder.detectAndCompute(cv2.cvtColor(other, cv2.COLOR_RGB2GRAY), None)
    if min(len(here), len(there)) < _LEAST_MATCHES:
        raise SampleMismatch(number)
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(wanted, offered, k=2)
    kept = [pair[0] for pair in pairs if len(pair) > 1 and pair[0].distance < _DISTINCT * pair[1].distance]
    if len(kept) < _LEAST_MATCHES:
        raise SampleMismatch(number)
    source = np.array([here[match.queryIdx].pt for match in kept], np.float32)
    target = np.array([there[match.trainIdx].pt for match in kept], np.float32)
    move, agreeing = cv2.findHomography(source, target, cv2.USAC_MAGSAC, _WITHIN_PX, None, 5000, 0.999)
    same = agreeing.ravel() > 0
    if move is None or not _is_whole(source[same], first.shape):
        raise SampleMismatch(number)
    return np.asarray(move, np.float64)


def _is_whole(agreeing: FloatArray, shape: tuple[int, ...]) -> bool:
    """Whether enough agrees, over enough of the side, and not only what other designs have as well."""
    if len(agreeing) < _LEAST_MATCHES:
        return False
    covered = cv2.contourArea(cv2.convexHull(agreeing))
    return bool(covered >= _LEAST_COVERED * shape[0] * shape[1])


def _shared_frame(moves: Sequence[Homography], size: Size) -> Homography:
    """From the frame that is kept to the first picture's: the median of where all of them end."""
    edges = rectangle(size)[None].astype(np.float64)
    ends = [cv2.perspectiveTransform(edges, np.linalg.inv(move))[0] for move in moves]
    return homography(rectangle(size), np.median(ends, axis=0))


def _warped(picture: RgbImage, place: Homography, size: Size) -> RgbImage:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    flat = cv2.warpPerspective(picture, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(flat, np.uint8)


# --- light ----------------------------------------------------------------------------------------------


def _in_one_light(pictures: Sequence[RgbImage]) -> tuple[RgbImage, ...]:
    """All pictures in the mean of their lights: gains that change slowly across the side are divided out."""
    height, width = pictures[0].shape[:2]
    small = Size(_LIGHT_PX, max(2, round(_LIGHT_PX * height / width)))
    logs = [_log(cv2.resize(picture, small, interpolation=cv2.INTER_AREA)) for picture in pictures]
    gains = np.stack([np.zeros_like(logs[0]), *(_slow(log - logs[0]) for log in logs[1:])])
    gains -= gains.mean(axis=0)
    return tuple(_dimmed(picture, gain) for picture, gain in zip(pictures, gains, strict=True))


def _log(picture: Array) -> FloatArray:
    return np.log(np.maximum(picture.astype(np.float32), _BLACK))


def _slow(difference: FloatArray) -> FloatArray:
    """A parabola over the plane through most of a difference (h, w, 3); what is personal lies off it."""
    height, width = difference.shape[:2]
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    channels = [_trimmed_fit(terms, difference[..., channel].ravel()) for channel in range(3)]
    return np.stack(channels, axis=1).reshape(difference.shape).astype(np.float32)


def _trimmed_fit(terms: NDArray[np.float64], values: FloatArray) -> NDArray[np.float64]:
    """Least squares over the share of points that fit best, found in rounds."""
    kept = np.ones(len(values), bool)
    for _ in range(_LIGHT_ROUNDS):
        weights, *_ = np.linalg.lstsq(terms[kept], values[kept], rcond=None)
        off = np.abs(terms @ weights - values)
        kept = off <= np.quantile(off, _LIGHT_KEPT)
    return np.asarray(terms @ weights, np.float64)


def _dimmed(picture: RgbImage, gain: FloatArray) -> RgbImage:
    whole = cv2.resize(gain, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture * np.exp(-whole), 0, 255).astype(np.uint8)

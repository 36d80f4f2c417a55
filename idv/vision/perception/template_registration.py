"""Lays a picture of a side exactly over its type's reference, by the security lines or else by the print.

A document found in a photo is laid flat to a few per cent only. Small pieces of the reference are looked for
in the picture, first coarsely, then finely, and one homography is fitted to where most of them were found.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.perception.template_pieces import Look, PixelBox, scaled
from idv.vision.perception.template_references import Reference, keypoints_of
from idv.vision.perception.template_relief import Relief, relief_of

_LEAST_LIKENESS = 0.35
_BARE = 0.05
_FEWEST, _LEAST_MATCHES = 4, 6
_LEAST_SHARE = 0.4
_MOST_REACHES = 4.0
_MARGINS = (0.035, 0.07)
_HARDLY = 0.8
_KEYPOINTS_WIDTH_PX = 900
_DISTINCT = 0.8
_LEAST_KEYPOINTS = 14

Homography = NDArray[np.float64]


class Registered(NamedTuple):
    """A picture laid over a reference.

    `picture`: (H, W, 3) uint8 RGB of the reference's size, `relief` its relief. `to_picture`: (3, 3), maps px
    of the reference to px of the picture as it was given. `matched`: share of the pieces looked for that were
    found in place, `pieces` how many those are. `by_lines`: whether they show security lines, else print.
    """

    picture: RgbImage
    relief: Relief
    to_picture: Homography
    matched: float
    pieces: int
    by_lines: bool


_COARSE = Look(side=40, step=32, reach=16, within=2.0, scale=0.5)
_FINE = Look(side=48, step=40, reach=7, within=1.5, scale=1.0)


def register(picture: RgbImage, reference: Reference, *, anywhere: bool = True) -> Registered | None:
    """Lay a picture of a side over the reference; None when neither its lines nor its print fit.

    Mostly the picture is flat to a few per cent already. `anywhere`: else look for the side anywhere in it.
    """
    found = _refined(picture, _stretch(picture, reference.size), reference, (_COARSE, _FINE, _FINE))
    if found is not None or not anywhere:
        return found
    start = _placed(picture, reference)
    found = _refined(picture, start, reference, (_FINE, _FINE)) if start is not None else None
    # A side with little on it has too few keypoints; a scanner leaves an even margin around it.
    for margin in _MARGINS if found is None else ():
        inset = _stretch(picture, reference.size) @ _shrunk(reference.size, margin)
        found = found or _refined(picture, inset, reference, (_COARSE, _FINE, _FINE))
    return found


def words_found(picture: RgbImage, reference: Reference) -> float:
    """Mean likeness in [0, 1] of the reference's words to what stands about where they belong; 0 for no word.

    A tenth of the cost of a registration: tells which references are worth one.
    """
    pieces = reference.words(_COARSE)
    if not pieces:
        return 0.0
    size = (round(reference.size[0] * _COARSE.scale), round(reference.size[1] * _COARSE.scale))
    whole = np.asarray(cv2.resize(picture, reference.size, interpolation=cv2.INTER_AREA), np.uint8)
    window = np.asarray(cv2.resize(relief_of(whole).print, size, interpolation=cv2.INTER_AREA), np.float32)
    target = scaled(reference.relief.print, _COARSE.scale)
    found = [place.likeness for place in _best_places(target, window, pieces, reach=_COARSE.reach)]
    return float(np.clip(found, 0, 1).mean())


def likeness(window: FloatArray, piece: FloatArray) -> FloatArray:
    """Normalised correlation of a piece with every place of a window, [-1, 1]; 0 where the window is bare.

    OpenCV answers 1 for a place without any variation, which is like nothing.
    """
    scores = cv2.matchTemplate(window, piece, cv2.TM_CCOEFF_NORMED)
    height, width = piece.shape
    rows, columns = scores.shape
    mean, power = (
        cv2.boxFilter(values, cv2.CV_32F, (width, height), anchor=(0, 0))[:rows, :columns]
        for values in (window, window * window)
    )
    scores[power - mean * mean < _BARE * float(piece.var())] = 0
    return np.asarray(scores, np.float32)


def peak(scores: FloatArray) -> tuple[float, float, float]:
    """The highest score and its x and y to parts of a px, by parabolas through its neighbours."""
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    across = _vertex(scores[y, x - 1 : x + 2]) if 0 < x < scores.shape[1] - 1 else 0.0
    down = _vertex(scores[y - 1 : y + 2, x]) if 0 < y < scores.shape[0] - 1 else 0.0
    return float(best), x + across, y + down


def _vertex(three: Array) -> float:
    before, middle, after = (float(value) for value in three)
    bend = before - 2 * middle + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


# --- from a first place to the exact one ----------------------------------------------------------------


def _refined(
    picture: RgbImage, start: Homography, reference: Reference, passes: tuple[Look, ...]
) -> Registered | None:
    picture, reduction = _reduced(picture, start)
    for by_lines in (True, False):
        to_picture, fitted = reduction @ start, None
        for look in passes:
            fitted = _fitted(_laid(picture, to_picture, reference), reference, look, by_lines=by_lines)
            if fitted is None:
                break
            to_picture = to_picture @ fitted.move
        if fitted is not None:
            laid = _laid(picture, to_picture, reference)
            back = np.linalg.inv(reduction) @ to_picture
            return Registered(laid, relief_of(laid), back, fitted.share, fitted.pieces, by_lines)
    return None


class _Fitted(NamedTuple):
    """`move`: from px of the reference to px of the picture laid on it; how much of it agrees."""

    move: Homography
    share: float
    pieces: int


def _fitted(laid: RgbImage, reference: Reference, look: Look, *, by_lines: bool) -> _Fitted | None:
    seen = relief_of(laid)
    own = reference.relief
    target, window = (own.lines, seen.lines) if by_lines else (own.print, seen.print)
    target, window = scaled(target, look.scale), scaled(window, look.scale)
    pieces = reference.squares(look) if by_lines else reference.words(look)
    here, there = _matches(target, window, pieces, reach=look.reach)
    least = max(_FEWEST, min(_LEAST_MATCHES, len(pieces)), _LEAST_SHARE * len(pieces))
    if len(here) < least:
        return None
    move, count = _homography(here, there, within=look.within)
    if move is None or not _is_slight(move, target.shape, most=_MOST_REACHES * look.reach):
        # A few places close together say nothing of the far corners.
        move, count = _affine(here, there, within=look.within)
    if move is None or count < least:
        return None
    zoom = np.diag([look.scale, look.scale, 1.0])
    return _Fitted(np.linalg.inv(zoom) @ move @ zoom, count / len(pieces), len(pieces))


def _homography(here: FloatArray, there: FloatArray, *, within: float) -> tuple[Homography | None, int]:
    """The homography that most places agree with, and how many do."""
    move, agreeing = cv2.findHomography(here, there, cv2.RANSAC, ransacReprojThreshold=within, maxIters=500)
    if move is None:
        return None, 0  # type: ignore[unreachable] # OpenCV gives None where no fit exists; its stubs deny it
    return np.asarray(move, np.float64), int(agreeing.sum())


def _affine(here: FloatArray, there: FloatArray, *, within: float) -> tuple[Homography | None, int]:
    """The affine map that most places agree with, and how many do."""
    move, agreeing = cv2.estimateAffine2D(here, there, ransacReprojThreshold=within, maxIters=500)
    if move is None:
        return None, 0  # type: ignore[unreachable] # OpenCV gives None where no fit exists; its stubs deny it
    return np.vstack([move, [0.0, 0.0, 1.0]]), int(agreeing.sum())


def _is_slight(move: Homography, shape: tuple[int, ...], *, most: float) -> bool:
    """Whether no corner of a picture of that shape moves by more than `most` px."""
    height, width = shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    return float(np.abs(cv2.perspectiveTransform(corners, move) - corners).max()) <= most


def _matches(
    target: FloatArray, window: FloatArray, pieces: tuple[PixelBox, ...], *, reach: int
) -> tuple[FloatArray, FloatArray]:
    """Middles of the pieces in the target and where they were found, (N, 2) px each."""
    kept = [p for p in _best_places(target, window, pieces, reach=reach) if p.likeness >= _LEAST_LIKENESS]
    here, there = [p.here for p in kept], [p.there for p in kept]
    return np.array(here, np.float32).reshape(-1, 2), np.array(there, np.float32).reshape(-1, 2)


class _Place(NamedTuple):
    """Middle of a piece in the target, where it was found best, and how like."""

    here: tuple[float, float]
    there: tuple[float, float]
    likeness: float


def _best_places(
    target: FloatArray, window: FloatArray, pieces: tuple[PixelBox, ...], *, reach: int
) -> Iterator[_Place]:
    for left, top, width, height in pieces:
        x, y = max(0, left - reach), max(0, top - reach)
        scores = likeness(
            window[y : top + height + reach, x : left + width + reach],
            target[top : top + height, left : left + width],
        )
        best, dx, dy = peak(scores)
        middle = (width / 2, height / 2)
        yield _Place((left + middle[0], top + middle[1]), (x + dx + middle[0], y + dy + middle[1]), best)


# --- first places ---------------------------------------------------------------------------------------


def _stretch(picture: RgbImage, size: tuple[int, int]) -> Homography:
    """The reference's frame onto the picture's, edges on edges."""
    x, y = picture.shape[1] / size[0], picture.shape[0] / size[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def _shrunk(size: tuple[int, int], margin: float) -> Homography:
    """The frame drawn in by a share of its width and of its height on every side."""
    keep = 1 - 2 * margin
    return np.array([[keep, 0, margin * size[0]], [0, keep, margin * size[1]], [0, 0, 1]], np.float64)


def _placed(picture: RgbImage, reference: Reference) -> Homography | None:
    """Where the side lies in a picture of it, by keypoints, or None."""
    scale = min(1.0, _KEYPOINTS_WIDTH_PX / picture.shape[1])
    small = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    own, seen = reference.keypoints, keypoints_of(small)
    if min(len(own.places), len(seen.places)) < _LEAST_MATCHES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(own.descriptors, seen.descriptors, k=2)
    kept = [first for first, second in pairs if first.distance < _DISTINCT * second.distance]
    if len(kept) < _LEAST_MATCHES:
        return None
    here = own.places[[match.queryIdx for match in kept]]
    there = seen.places[[match.trainIdx for match in kept]]
    move, agreeing = cv2.findHomography(here, there, cv2.RANSAC, ransacReprojThreshold=4.0, maxIters=2000)
    if move is None or int(agreeing.sum()) < _LEAST_KEYPOINTS:
        return None
    return np.asarray(np.diag([1 / scale, 1 / scale, 1.0]) @ move, np.float64)


def _reduced(picture: RgbImage, start: Homography) -> tuple[RgbImage, Homography]:
    """The picture at about the reference's resolution, averaged, and what maps its px there."""
    factor = 1 / max(1.0, float(np.sqrt(abs(np.linalg.det(start[:2, :2])))))
    if factor > _HARDLY:
        return picture, np.eye(3)
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    x, y = size[0] / picture.shape[1], size[1] / picture.shape[0]
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def _laid(picture: RgbImage, to_picture: Homography, reference: Reference) -> RgbImage:
    flat = cv2.warpPerspective(
        picture,
        to_picture,
        reference.size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(flat, np.uint8)

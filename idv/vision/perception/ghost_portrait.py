"""Whether a document's portrait and its ghost, the pale second print of it, show the same picture.

Both are reduced to one scale of detail, so that light and tone do not matter; the portrait is laid over the
ghost; and their correlation is divided by what the ground that shows through the ghost leaves possible.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import RelativeBox, Side
from idv.domain.arrays import FloatArray, RgbImage

VERSION = "ghost-2"
"""Changes whenever the same pictures may give another likeness; part of the check digest."""
_HEIGHT_PX = 96
_LEAST_HEIGHT_PX = 56
_LEAST_DETAIL, _LEAST_FINE_SHARE = 2.0, 0.30
"""Grey levels of a portrait's detail, and the finer half's share of it; 0.41 in the worst of 270 captures."""
_FINE_PX, _MIDDLE_PX, _COARSE_PX = 1.5, 3.0, 6.0
"""Between these spreads lies what is compared: features of a face at 96 px, neither grain nor shading."""
_PORTRAIT_MARGIN, _GHOST_MARGIN = 0.02, 0.01
"""Shares of the side by which its boxes may be off."""
_LEAST_EDGE, _LEAST_OTHER_EDGE = 3.0, 5.0
"""How far the weakest edge of the portrait, and the next, stand out. Less on 9 of 141 generated documents:
five were laid flat so far off that their own ghosts seemed to be strangers'."""
_INSET = 0.13
_OVAL = 0.95
_GROUND_BEYOND, _INK_WITHIN = 1.08, 0.70
"""Distances from the ghost's middle, 1 at the edge of its frame: outside is bare ground, inside is ink."""
_SCALE_SLACK, _SCALE_STEP = 0.08, 0.03
_SATURATED = 250
_MOST_SATURATED = 0.15
_MOST_GROUND = 0.8
_MEDIAN_OF_SQUARE = 0.455
"""Median over mean of a squared normal deviate."""
_ECC = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 25, 1e-4)


class _Cut(NamedTuple):
    """A frame with its margin: grey (H, W) float32; `frame`: left, top, right, bottom px of it in there."""

    grey: FloatArray
    frame: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[float, float]:
        return self.frame[2] - self.frame[0], self.frame[3] - self.frame[1]


class _Ghost(NamedTuple):
    """The ghost at the working scale: its cut, and the middle that is compared, with 1 where it is oval."""

    cut: _Cut
    core: FloatArray
    oval: FloatArray


def ghost_likeness(view_pixels: RgbImage, side: Side) -> float | None:
    """Correlation of portrait and ghost, 1 for the same picture, about 0 for pictures of different people.

    `view_pixels`: (H, W, 3) uint8 RGB, the side laid flat. The correlation is corrected for attenuation
    (Spearman 1904) by the ground in the ghost, so that it may pass 1 a little. A ghost that is missing is
    unlike. None where the side has no two portraits, where they are too small, blurred or bright to compare,
    or where the side is not laid flat well enough for the portrait to be in its place.
    """
    if side.portrait is None or side.ghost is None:
        return None
    portrait = _cut(view_pixels, side.portrait, _PORTRAIT_MARGIN)
    small = _cut(view_pixels, side.ghost, _GHOST_MARGIN)
    if small.size[1] < _LEAST_HEIGHT_PX or _too_bright(portrait) or _too_bright(small):
        return None
    if not _in_place(portrait):
        return None
    ghost = _at_working_scale(small)
    laid = _laid_over(portrait, ghost)
    if laid is None or _too_blurred(laid, ghost.oval):
        return None
    raw = _correlation(_detail(laid), _detail(ghost.core), ghost.oval)
    return raw / _possible(ghost.cut)


def _cut(pixels: RgbImage, box: RelativeBox, margin: float) -> _Cut:
    height, width = pixels.shape[:2]
    left, top = max(0, int((box.left - margin) * width)), max(0, int((box.top - margin) * height))
    right = min(width, int((box.left + box.width + margin) * width))
    bottom = min(height, int((box.top + box.height + margin) * height))
    grey = cv2.cvtColor(pixels[top:bottom, left:right], cv2.COLOR_RGB2GRAY).astype(np.float32)
    x, y = box.left * width - left, box.top * height - top
    return _Cut(grey, (x, y, x + box.width * width, y + box.height * height))


def _too_bright(cut: _Cut) -> bool:
    left, top, right, bottom = (round(edge) for edge in cut.frame)
    return float((cut.grey[top:bottom, left:right] >= _SATURATED).mean()) > _MOST_SATURATED


def _in_place(portrait: _Cut) -> bool:
    """Whether the portrait has its edges where its frame should be, to the margin."""
    grey = cv2.GaussianBlur(portrait.grey, (0, 0), max(1.0, portrait.grey.shape[1] / 150))
    left, top, right, bottom = (round(edge) for edge in portrait.frame)
    across = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)[top:bottom].mean(axis=0))
    down = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1)[:, left:right].mean(axis=1))
    margins = (max(left, 1), max(top, 1))
    edges = sorted(
        float(profile[max(0, at - margin) : at + margin + 1].max() / (np.median(profile) + 0.5))
        for profile, margin, ends in ((across, margins[0], (left, right)), (down, margins[1], (top, bottom)))
        for at in ends
    )
    return edges[0] >= _LEAST_EDGE and edges[1] >= _LEAST_OTHER_EDGE


def _too_blurred(laid: FloatArray, oval: FloatArray) -> bool:
    """Whether a portrait at the working scale shows too little, or only the coarser part, of its detail."""
    finer = cv2.GaussianBlur(laid, (0, 0), _FINE_PX) - cv2.GaussianBlur(laid, (0, 0), _MIDDLE_PX)
    fine, all_of_it = float((finer * oval).std()), float((_detail(laid) * oval).std())
    return all_of_it < _LEAST_DETAIL or fine < _LEAST_FINE_SHARE * all_of_it


def _at_working_scale(small: _Cut) -> _Ghost:
    cut = _scaled(small, _HEIGHT_PX / small.size[1])
    left, top, right, bottom = cut.frame
    across, down = _INSET * (right - left), _INSET * (bottom - top)
    rows = slice(round(top + down), round(bottom - down))
    columns = slice(round(left + across), round(right - across))
    core = np.ascontiguousarray(cut.grey[rows, columns])
    tall, wide = core.shape
    frame = (0.0, 0.0, float(wide), float(tall))
    return _Ghost(cut, core, (_away(core.shape, frame) < _OVAL).astype(np.float32))


def _scaled(cut: _Cut, scale: float) -> _Cut:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(cut.grey, None, fx=scale, fy=scale, interpolation=how)
    left, top, right, bottom = (edge * scale for edge in cut.frame)
    return _Cut(np.asarray(grey, np.float32), (left, top, right, bottom))


def _away(shape: tuple[int, ...], frame: tuple[float, float, float, float]) -> FloatArray:
    """Distance of each pixel from a frame's middle, 1 on the ellipse that touches its edges."""
    left, top, right, bottom = frame
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    across, down = (x - left) / (right - left) * 2 - 1, (y - top) / (bottom - top) * 2 - 1
    return np.asarray(np.hypot(across, down), np.float32)


def _detail(grey: FloatArray) -> FloatArray:
    """What is neither finer nor coarser than features of a face."""
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), spread) for spread in (_FINE_PX, _COARSE_PX))
    return np.asarray(fine - coarse, np.float32)


def _laid_over(portrait: _Cut, ghost: _Ghost) -> FloatArray | None:
    """The part of the portrait that the ghost's middle shows, in its pixels; None when none is as large.

    Frames of other shapes are filled from the same picture cut otherwise, so the scale is searched for.
    """
    core = _detail(ghost.core)
    (wide, tall), (own_wide, own_tall) = ghost.cut.size, portrait.size
    scales = sorted((wide / own_wide, tall / own_tall))
    low, high = scales[0] * (1 - _SCALE_SLACK), scales[1] * (1 + _SCALE_SLACK)
    best, found = -1.0, None
    for scale in np.geomspace(low, high, int(np.log(high / low) / _SCALE_STEP) + 2):
        grey = _scaled(portrait, float(scale)).grey
        if grey.shape[0] < core.shape[0] or grey.shape[1] < core.shape[1]:
            continue
        match = cv2.matchTemplate(_detail(grey), core, cv2.TM_CCOEFF_NORMED, mask=ghost.oval)
        _, value, _, place = cv2.minMaxLoc(np.where(np.isfinite(match), match, -1))
        if value > best:
            best, found = value, (grey, place)
    return None if found is None else _refined(*found, ghost)


def _refined(grey: FloatArray, place: Sequence[int], ghost: _Ghost) -> FloatArray:
    """The portrait warped onto the ghost, the affine map improved by ECC (Evangelidis, Psarakis 2008)."""
    start = np.array([[1, 0, place[0]], [0, 1, place[1]]], np.float32)
    core = _detail(ghost.core)
    try:
        _, fitted = cv2.findTransformECC(
            core, _detail(grey), start.copy(), cv2.MOTION_AFFINE, _ECC, (ghost.oval * 255).astype(np.uint8), 3
        )
    except cv2.error:  # nothing to hold on to: the pictures differ, and the first place is as good
        fitted = start
    maps = (start, np.asarray(fitted, np.float32))
    laid = [_warped(grey, matrix, core.shape) for matrix in maps]
    return max(laid, key=lambda one: _correlation(_detail(one), core, ghost.oval))


def _warped(grey: FloatArray, matrix: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(grey, matrix, (shape[1], shape[0]), flags=how, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def _correlation(first: FloatArray, second: FloatArray, weight: FloatArray) -> float:
    """Pearson's, weighted, in [-1, 1]; 0 where one is constant."""
    total = float(weight.sum())
    one = first - float((first * weight).sum()) / total
    other = second - float((second * weight).sum()) / total
    spread = float((one**2 * weight).sum()) * float((other**2 * weight).sum())
    return float((one * other * weight).sum()) / spread**0.5 if spread > 0 else 0.0


def _possible(ghost: _Cut) -> float:
    """The highest correlation that the ground allows: the root of the ink's share of the ghost's detail."""
    detail, away = _detail(ghost.grey), _away(ghost.grey.shape, ghost.frame)
    ground = float(np.median(detail[away > _GROUND_BEYOND] ** 2)) / _MEDIAN_OF_SQUARE
    both = float((detail[away < _INK_WITHIN] ** 2).mean())
    return float((1 - min(ground / max(both, 1e-9), _MOST_GROUND)) ** 0.5)

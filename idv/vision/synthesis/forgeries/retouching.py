"""Edits a region of a photographed document: laid flat at the photograph's own scale, changed, put back."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.synthesis.cards import PixelBox
from idv.vision.synthesis.document_scenes import Shot

_DARK_SHARE = 0.12
_INPAINT_PX = 3
_BLEND_MARGIN = 3


class Edited(NamedTuple):
    """A shot with altered regions: `altered` (K, 4, 2) float32 px, clockwise quadrilaterals."""

    shot: Shot
    altered: FloatArray


Paint = Callable[[RgbImage], RgbImage]


class Region(NamedTuple):
    """A box of a card as it lies in a photograph: `quad` (4, 2) px; `size` (width, height) px laid flat."""

    quad: FloatArray
    size: tuple[int, int]


def region_of(shot: Shot, card_size: tuple[int, int], box: PixelBox) -> Region:
    """Where `box` of a card of `card_size` (width, height) px lies in the shot."""
    wide, tall = card_size
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, shot.corners)
    left, top, width, height = box
    corners = np.array(
        [[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32
    )
    quad = cv2.perspectiveTransform(corners[None], matrix)[0]
    across = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2
    down = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
    return Region(np.asarray(quad, np.float32), (max(8, round(across)), max(8, round(down))))


def flattened(pixels: RgbImage, region: Region, *, interpolation: int = cv2.INTER_CUBIC) -> RgbImage:
    """The region laid flat, (height, width, 3) uint8."""
    matrix = cv2.getPerspectiveTransform(region.quad, _square(region.size))
    return np.asarray(cv2.warpPerspective(pixels, matrix, region.size, flags=interpolation), np.uint8)


def put_back(
    pixels: RgbImage, region: Region, patch: RgbImage, *, feather_px: float = 0.0, interpolation: int = 1
) -> RgbImage:
    """The picture with the region replaced by `patch`; the seam is hard, or fades over `feather_px`."""
    size = pixels.shape[1], pixels.shape[0]
    matrix = cv2.getPerspectiveTransform(_square(region.size), region.quad)
    warped = cv2.warpPerspective(patch, matrix, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    mask = np.full(patch.shape[:2], 255, np.uint8)
    alpha = cv2.warpPerspective(mask, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32) / 255
    if feather_px > 0:
        inner = cv2.erode(alpha, np.ones((3, 3)), iterations=max(1, round(feather_px)))
        alpha = np.asarray(cv2.GaussianBlur(inner, (0, 0), feather_px / 2), np.float32)
    mixed = pixels * (1 - alpha[..., None]) + warped * alpha[..., None]
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def cloned(pixels: RgbImage, region: Region, patch: RgbImage) -> RgbImage:
    """The picture with `patch` joined by Poisson blending (Pérez, Gangnet, Blake 2003): no step in level."""
    size = pixels.shape[1], pixels.shape[0]
    matrix = cv2.getPerspectiveTransform(_square(region.size), region.quad)
    warped = cv2.warpPerspective(patch, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.rint(region.quad).astype(np.int32), 255)
    mask = inside.copy()  # the blending writes into the mask that it is given
    mask[:_BLEND_MARGIN], mask[-_BLEND_MARGIN:] = 0, 0
    mask[:, :_BLEND_MARGIN], mask[:, -_BLEND_MARGIN:] = 0, 0
    x, y, width, height = cv2.boundingRect(mask)
    centre = (x + width // 2, y + height // 2)
    joined = cv2.seamlessClone(warped, pixels, mask, centre, cv2.NORMAL_CLONE)
    return np.where(inside[..., None] > 0, joined, pixels)


def in_tone(patch: RgbImage, like: RgbImage) -> RgbImage:
    """`patch` with the mean and the spread of `like` in each channel of CIELAB (Reinhard et al. 2001)."""
    source = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float32)
    target = cv2.cvtColor(like, cv2.COLOR_RGB2LAB).astype(np.float32)
    spread = target.std((0, 1)) / np.maximum(source.std((0, 1)), 1)
    moved = (source - source.mean((0, 1))) * np.clip(spread, 0.5, 2) + target.mean((0, 1))
    return np.asarray(cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)


def with_grain_of(patch: RgbImage, like: RgbImage, rng: np.random.Generator) -> RgbImage:
    """`patch` with white noise as strong as the fine residue of `like`: a forger who knows of noise."""
    residue = like.astype(np.float32) - cv2.medianBlur(like, 3)
    sigma = float(np.median(np.abs(residue))) * 1.48
    noise = rng.normal(0, max(sigma, 0.3), patch.shape)
    return np.clip(patch + noise, 0, 255).astype(np.uint8)


def ink_mask(patch: RgbImage) -> NDArray[np.uint8]:
    """255 where print is darker than its ground."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ground = cv2.medianBlur(grey.astype(np.uint8), _odd(min(patch.shape[:2]) // 2)).astype(np.float32)
    depth = ground - grey
    limit = max(12.0, 0.35 * float(depth.max()))
    mask = (depth > limit).astype(np.uint8) * 255
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), np.uint8)


def without_print(patch: RgbImage, *, smooth: bool) -> RgbImage:
    """The ground under the print: rows mirrored over it (`smooth` False), or in-painted (Telea 2004)."""
    mask = ink_mask(patch)
    if smooth:
        return np.asarray(cv2.inpaint(patch, mask, _INPAINT_PX, cv2.INPAINT_TELEA), np.uint8)
    keep = mask == 0
    filled = patch.copy()
    for row in range(patch.shape[0]):
        known = np.flatnonzero(keep[row])
        if known.size < patch.shape[1] * _DARK_SHARE:
            continue
        nearest = known[np.clip(np.searchsorted(known, np.arange(patch.shape[1])), 0, known.size - 1)]
        filled[row] = patch[row, nearest]
    return filled


def ink_of(patch: RgbImage) -> tuple[int, int, int]:
    """The colour of the print in a patch: the mean of its darkest pixels."""
    grey = patch.sum(axis=2)
    dark = patch[grey <= np.quantile(grey, 0.03)]
    red, green, blue = dark.mean(axis=0)
    return int(red), int(green), int(blue)


def lettered(
    ground: RgbImage, text: str, ink: tuple[int, int, int], *, font: str | int, blur_px: float
) -> RgbImage:
    """`ground` with `text` at its left, as high as it allows; `font`: a face's name or a Hershey number."""
    height, width = ground.shape[:2]
    cover = np.zeros((height * 4, width * 4), np.uint8)
    if isinstance(font, str):
        face, size = cv2.FontFace(font), max(6, round(height * 4 * 0.86))
        needed = cv2.getTextSize((0, 0), text, (0, 0), face, size, 600)[2]
        size = size if needed <= width * 4 else max(6, int(size * width * 4 / needed))
        cv2.putText(cover, text, (0, round(height * 4 * 0.80)), 255, face, size, 600)
    else:
        (wide, tall), _ = cv2.getTextSize(text, font, 1.0, 2)
        scale = min(height * 4 * 0.62 / tall, width * 4 / max(wide, 1))
        at = (0, round(height * 4 * 0.80))
        cv2.putText(cover, text, at, font, scale, 255, max(2, round(height / 3)), cv2.LINE_AA)
    small = cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft: Array = cv2.GaussianBlur(small, (0, 0), blur_px) if blur_px > 0 else small
    alpha = np.asarray(soft, np.float32)[..., None]
    return np.clip(ground * (1 - alpha) + np.array(ink, np.float32) * alpha, 0, 255).astype(np.uint8)


def edited(shot: Shot, regions: list[Region], pixels: RgbImage) -> Edited:
    """The shot with new pixels and a note of what was altered."""
    return Edited(Shot(pixels, shot.corners), np.stack([region.quad for region in regions]))


def _square(size: tuple[int, int]) -> FloatArray:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _odd(number: int) -> int:
    return max(3, min(number, 31)) | 1

"""Forgeries made in the photograph of a genuine document's front: swaps, rewrites, copies, splices."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from idv.documents.document_types import FieldZone, SideName
from idv.domain.arrays import RgbImage
from idv.domain.documents import FieldName
from idv.vision.synthesis.cards import DrawnCard, PixelBox
from idv.vision.synthesis.document_scenes import Shot
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.retouching import (
    Edited,
    Region,
    cloned,
    edited,
    flattened,
    in_tone,
    ink_of,
    lettered,
    put_back,
    region_of,
    with_grain_of,
    without_print,
)
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import printed_fields

Edit = Callable[[Case, DrawnCard, Shot, Forger, np.random.Generator], Edited]

_REWRITTEN = (
    FieldName.SURNAME,
    FieldName.GIVEN_NAMES,
    FieldName.DATE_OF_BIRTH,
    FieldName.DOCUMENT_NUMBER,
    FieldName.DATE_OF_EXPIRY,
)


def _pasted(
    case: Case,
    card: DrawnCard,
    shot: Shot,
    forger: Forger,
    rng: np.random.Generator,  # noqa: ARG001 - the table's
) -> Edited:
    """A stranger's face over the portrait, seam hard; second: resampled otherwise, a little smaller."""
    region = _portrait_region(card, shot)
    patch = _fitted(case.strange_portrait, region.size)
    if forger is Forger.FIRST:
        return edited(shot, [region], put_back(shot.pixels, region, patch))
    inner = region._replace(quad=_shrunk(region, 0.97))
    return edited(
        shot, [inner], put_back(shot.pixels, inner, patch, feather_px=0.8, interpolation=cv2.INTER_LANCZOS4)
    )


def _blended(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """In the old portrait's tones, the seam faded; second: Poisson blending and added noise."""
    region = _portrait_region(card, shot)
    return _joined(case.strange_portrait, region, shot, forger, rng)


def _morphed(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """The mean of holder and stranger as portraits are aligned; second: coarse parts of one, fine of both."""
    region = _portrait_region(card, shot)
    size = (256, 320)
    one, other = _fitted(case.portrait, size), _fitted(case.strange_portrait, size)
    share = float(rng.uniform(0.4, 0.6))
    if forger is Forger.FIRST:
        morph = cv2.addWeighted(one, share, other, 1 - share, 0)
    else:
        soft_one, soft_other = (cv2.GaussianBlur(face, (0, 0), 6).astype(np.float32) for face in (one, other))
        fine = share * (one - soft_one) + (1 - share) * (other - soft_other)
        morph = np.clip(soft_other + fine, 0, 255).astype(np.uint8)
    return _joined(np.asarray(morph, np.uint8), region, shot, forger, rng)


def _joined(
    portrait: RgbImage, region: Region, shot: Shot, forger: Forger, rng: np.random.Generator
) -> Edited:
    old = flattened(shot.pixels, region)
    patch = in_tone(_fitted(portrait, region.size), old)
    if forger is Forger.FIRST:
        return edited(shot, [region], put_back(shot.pixels, region, patch, feather_px=4))
    return edited(shot, [region], cloned(shot.pixels, region, with_grain_of(patch, old, rng)))


def _same_font(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """A value replaced by the stranger's in the type's own font."""
    slanted = case.document_type.look.slanted
    return _rewritten(case, card, shot, forger, rng, font="italic" if slanted else "sans")


def _other_font(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """A value replaced by the stranger's in a font that the type does not have."""
    font: str | int = cv2.FONT_HERSHEY_DUPLEX if forger is Forger.FIRST else cv2.FONT_HERSHEY_TRIPLEX
    return _rewritten(case, card, shot, forger, rng, font=font)


def _rewritten(
    case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator, *, font: str | int
) -> Edited:
    zone = _chosen(case, rng)
    region = _field_region(card, shot, zone)
    old = flattened(shot.pixels, region)
    text = printed_fields(case.document_type, case.stranger)[zone.name]
    if isinstance(font, int):
        text = text.encode("ascii", "ignore").decode()
    ground = without_print(old, smooth=forger is Forger.FIRST)
    new = lettered(ground, text, ink_of(old), font=font, blur_px=float(rng.uniform(0.4, 0.8)))
    if forger is Forger.FIRST:
        return edited(shot, [region], put_back(shot.pixels, region, new))
    new = with_grain_of(new, old, rng)
    return edited(
        shot, [region], put_back(shot.pixels, region, new, feather_px=1, interpolation=cv2.INTER_CUBIC)
    )


def _inpainted(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """Part of a value taken away and in-painted; second: covered with ground from beside it."""
    zone = _chosen(case, rng)
    whole = _field_region(card, shot, zone)
    old = flattened(shot.pixels, whole)
    width = old.shape[1]
    left, right = sorted(rng.uniform(0.0, 0.45, 2) * width)
    right = max(right, left + 0.12 * width)
    new = old.copy()
    part = new[:, int(left) : int(right)]
    part[:] = without_print(np.ascontiguousarray(part), smooth=forger is Forger.FIRST)
    return edited(shot, [whole], put_back(shot.pixels, whole, new))


def _copied(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """Print from one field laid over another of the same photograph; second: Poisson blended."""
    zones = [zone for zone in case.document_type.sides[SideName.FRONT].fields if zone.name in _REWRITTEN]
    order = rng.permutation(len(zones))
    source, target = zones[order[0]], zones[order[1]]
    taken = flattened(shot.pixels, _field_region(card, shot, source))
    region = _field_region(card, shot, target)
    height = region.size[1]
    taken = np.asarray(
        cv2.resize(taken, (max(8, round(taken.shape[1] * height / taken.shape[0])), height)), np.uint8
    )
    patch = flattened(shot.pixels, region)
    wide = min(taken.shape[1], patch.shape[1])
    patch[:, :wide] = taken[:, :wide]
    if forger is Forger.FIRST:
        return edited(shot, [region], put_back(shot.pixels, region, patch))
    return edited(shot, [region], cloned(shot.pixels, region, patch))


def _spliced(case: Case, card: DrawnCard, shot: Shot, forger: Forger, rng: np.random.Generator) -> Edited:
    """Fields cut from another person's photographed document; second: in this one's tones, seam faded."""
    other = case.drawn(rng, holder=case.stranger, portrait=case.strange_portrait)
    elsewhere = case.photograph(other.front.image)
    zones = [_chosen(case, rng) for _ in range(int(rng.integers(1, 4)))]
    pixels, regions = shot.pixels, []
    for zone in dict.fromkeys(zones):
        region = _field_region(card, shot, zone)
        patch = flattened(elsewhere.pixels, _field_region(other, elsewhere, zone))
        patch = np.asarray(cv2.resize(patch, region.size, interpolation=cv2.INTER_CUBIC), np.uint8)
        if forger is Forger.SECOND:
            patch = in_tone(patch, flattened(pixels, region))
        pixels = put_back(pixels, region, patch, feather_px=0 if forger is Forger.FIRST else 2)
        regions.append(region)
    return edited(shot, regions, pixels)


def _chosen(case: Case, rng: np.random.Generator) -> FieldZone:
    """A field worth changing that is printed on the front."""
    own = printed_fields(case.document_type, case.holder)
    other = printed_fields(case.document_type, case.stranger)
    front = case.document_type.sides[SideName.FRONT].fields
    zones = [zone for zone in front if zone.name in _REWRITTEN and own[zone.name] != other[zone.name]]
    return zones[int(rng.integers(len(zones)))]


def _portrait_region(card: DrawnCard, shot: Shot) -> Region:
    if card.front.portrait_box is None:
        msg = f"{card.document_type.id} has no portrait"
        raise ValueError(msg)
    return region_of(shot, _size(card), card.front.portrait_box)


def _field_region(card: DrawnCard, shot: Shot, zone: FieldZone) -> Region:
    left, top, width, height = card.front.field_boxes[zone.name]
    grown: PixelBox = (left - height // 8, top - height // 12, width + height // 8, height + height // 6)
    return region_of(shot, _size(card), grown)


def _size(card: DrawnCard) -> tuple[int, int]:
    return card.front.image.shape[1], card.front.image.shape[0]


def _fitted(portrait: RgbImage, size: tuple[int, int]) -> RgbImage:
    """The upper middle of a portrait in the shape of a frame."""
    width, height = size
    tall, wide = portrait.shape[:2]
    keep_wide, keep_tall = min(wide, round(tall * width / height)), min(tall, round(wide * height / width))
    x, y = (wide - keep_wide) // 2, (tall - keep_tall) // 3
    cut = portrait[y : y + keep_tall, x : x + keep_wide]
    how = cv2.INTER_AREA if keep_wide > width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, size, interpolation=how), np.uint8)


def _shrunk(region: Region, share: float) -> np.ndarray:
    middle = region.quad.mean(axis=0)
    return np.asarray(middle + (region.quad - middle) * share, np.float32)


EDITED: Mapping[ForgeryType, Edit] = {
    ForgeryType.PORTRAIT_PASTED: _pasted,
    ForgeryType.PORTRAIT_BLENDED: _blended,
    ForgeryType.FACE_MORPH: _morphed,
    ForgeryType.TEXT_SAME_FONT: _same_font,
    ForgeryType.TEXT_OTHER_FONT: _other_font,
    ForgeryType.TEXT_INPAINTED: _inpainted,
    ForgeryType.COPY_MOVE: _copied,
    ForgeryType.SPLICE: _spliced,
}
"""How each type is made in a photograph of the genuine document's front."""

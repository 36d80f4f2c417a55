"""Forgeries made before the camera: documents printed with other data, in another template, or built upon.

Each function takes the case and the forger and returns a card to be photographed like any other.
"""

import dataclasses
import datetime as dt
import string
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from idv.documents.document_types import (
    DocumentType,
    FieldZone,
    GroundPattern,
    RelativeBox,
    Side,
    SideName,
)
from idv.domain.arrays import RgbImage
from idv.vision.synthesis.cards import Contradictions, DrawnCard, PixelBox
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType

Draw = Callable[[Case, Forger, np.random.Generator], DrawnCard]


def _mrz_edited(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """One digit of the zone is another; no check digit is put right. Second: two digits change places."""
    lines = list(case.genuine(np.random.default_rng(0)).mrz_lines)
    places = [(r, c) for r, line in enumerate(lines) for c, mark in enumerate(line) if mark in string.digits]
    row, column = places[int(rng.integers(len(places)))]
    characters = list(lines[row])
    if forger is Forger.FIRST:
        characters[column] = str((int(characters[column]) + int(rng.integers(1, 10))) % 10)
    else:
        swaps = [
            (r, c)
            for r, c in places
            if c and lines[r][c - 1] in string.digits and lines[r][c - 1] != lines[r][c]
        ]
        row, column = swaps[int(rng.integers(len(swaps)))]
        characters = list(lines[row])
        characters[column - 1], characters[column] = characters[column], characters[column - 1]
    lines[row] = "".join(characters)
    return case.drawn(rng, contradictions=Contradictions(mrz_lines=tuple(lines)))


def _mrz_repaired(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """The zone states another birth date (second: another number), with the check digits that go with it."""
    if forger is Forger.FIRST:
        edited = dataclasses.replace(case.holder, date_of_birth=_moved(case.holder.date_of_birth, rng))
    else:
        edited = dataclasses.replace(case.holder, document_number=case.stranger.document_number)
    return case.drawn(rng, contradictions=Contradictions(mrz_holder=edited))


def _viz_mismatch(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """The printed fields are another person's; second: only name and birth date are."""
    genuine = Contradictions(mrz_holder=case.holder, barcode_holder=case.holder)
    printed = case.stranger
    if forger is Forger.SECOND:
        printed = dataclasses.replace(
            case.holder,
            surname=case.stranger.surname,
            given_names=case.stranger.given_names,
            date_of_birth=case.stranger.date_of_birth,
        )
    return case.drawn(rng, holder=printed, contradictions=genuine)


def _barcode_mismatch(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """The barcode is another person's; second: only its birth date differs."""
    stated = case.stranger
    if forger is Forger.SECOND:
        stated = dataclasses.replace(case.holder, date_of_birth=_moved(case.holder.date_of_birth, rng))
    return case.drawn(rng, contradictions=Contradictions(barcode_holder=stated))


def _expired(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """A document past its date, by up to two months; second: by years."""
    late = int(rng.integers(2, 60) if forger is Forger.FIRST else rng.integers(400, 2000))
    shift = case.holder.date_of_expiry - case.holder.date_of_issue
    expiry = dt.date(2026, 11, 22) - dt.timedelta(days=late)
    return case.drawn(
        rng, holder=dataclasses.replace(case.holder, date_of_expiry=expiry, date_of_issue=expiry - shift)
    )


def _impossible(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """Issued after it expires; second: issued before its holder was born."""
    days = dt.timedelta(days=int(rng.integers(30, 900)))
    if forger is Forger.FIRST:
        holder = dataclasses.replace(case.holder, date_of_expiry=case.holder.date_of_issue - days)
    else:
        holder = dataclasses.replace(case.holder, date_of_birth=case.holder.date_of_issue + days)
    return case.drawn(rng, holder=holder)


def _other_font(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """Values in the wrong slant; second: in the wrong ink."""
    look = case.document_type.look
    if forger is Forger.FIRST:
        wrong = dataclasses.replace(look, slanted=not look.slanted)
    else:
        wrong = dataclasses.replace(look, value=look.title)
    return case.drawn(rng, document_type=dataclasses.replace(case.document_type, look=wrong))


def _moved_field(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """One field stands elsewhere; second: all of them are a little off."""
    move = rng.choice([-1, 1], 2) * rng.uniform(0.018, 0.04, 2)
    chosen = int(rng.integers(1 << 16))

    def moved(side: Side) -> Side:
        fields = tuple(
            _shifted(zone, move * (1.0 if forger is Forger.FIRST else 0.7))
            if forger is Forger.SECOND or index == chosen % max(1, len(side.fields))
            else zone
            for index, zone in enumerate(side.fields)
        )
        return dataclasses.replace(side, fields=fields)

    return case.drawn(rng, document_type=_with_front(case.document_type, moved))


def _no_ghost(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """The second portrait is missing; second: it shows somebody else."""
    if forger is Forger.SECOND:
        return case.drawn(rng, contradictions=Contradictions(ghost_portrait=case.strange_portrait))
    without = _with_front(case.document_type, lambda side: dataclasses.replace(side, ghost=None))
    return case.drawn(rng, document_type=without)


def _generated(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """A document drawn by somebody who only saw a picture: other lines, near colours, no microprint."""
    look = case.document_type.look
    patterns = [pattern for pattern in GroundPattern if pattern is not look.pattern]
    jitter = 10 if forger is Forger.FIRST else 22
    wrong = dataclasses.replace(
        look,
        pattern=patterns[int(rng.integers(len(patterns)))] if forger is Forger.FIRST else look.pattern,
        seed=look.seed + int(rng.integers(1000, 9000)),
        ground=(_near(look.ground[0], rng, jitter), _near(look.ground[1], rng, jitter)),
        line=_near(look.line, rng, jitter),
        rosette=_near(look.rosette, rng, jitter),
        title=_near(look.title, rng, jitter),
        rainbow=False,
    )
    plain = _with_front(case.document_type, lambda side: dataclasses.replace(side, microprint=()))
    return case.drawn(
        rng,
        document_type=dataclasses.replace(plain, look=wrong),
        holder=case.stranger,
        portrait=case.portrait,
    )


def _printed_over(case: Case, forger: Forger, rng: np.random.Generator) -> DrawnCard:
    """A genuine card with a stranger's face printed over the portrait; second: glued on as a paper photo."""
    card = case.genuine(rng)
    if card.front.portrait_box is None:
        msg = f"{case.document_type.id} has no portrait"
        raise ValueError(msg)
    left, top, width, height = card.front.portrait_box
    image = card.front.image.copy()
    if forger is Forger.FIRST:
        drop = rng.integers(-3, 4, 2)
        box = (left + int(drop[0]), top + int(drop[1]), width, height)
        _print_on(image, _cut(case.strange_portrait, width, height), box, rng)
    else:
        grown = 1 + rng.uniform(-0.02, 0.05)
        box = (left, top, round(width * grown), round(height * grown))
        _glue_on(image, _cut(case.strange_portrait, box[2], box[3]), box)
    return dataclasses.replace(card, front=dataclasses.replace(card.front, image=image))


def _print_on(image: RgbImage, portrait: RgbImage, box: PixelBox, rng: np.random.Generator) -> None:
    """Ink on plastic: the old portrait is first whitened, colours dull, scattered dots show."""
    left, top, width, height = box
    window = image[top : top + height, left : left + width]
    dots = rng.normal(0, 22, window.shape[:2])[..., None]
    fine = cv2.GaussianBlur(dots, (0, 0), 0.8).reshape(*window.shape[:2], 1)
    pale = 40 + portrait[: window.shape[0], : window.shape[1]] * 0.80
    window[:] = np.clip(pale + fine * 1.5, 0, 255).astype(np.uint8)


def _glue_on(image: RgbImage, portrait: RgbImage, box: PixelBox) -> None:
    """A paper photograph: a light rim, and a shadow along two of its edges."""
    left, top, width, height = box
    rim = max(2, width // 90)
    portrait = portrait.copy()
    cv2.rectangle(portrait, (0, 0), (width - 1, height - 1), (238, 236, 230), rim)
    shade = np.ones(image.shape[:2], np.float32)
    shade[top + rim : top + height + 2 * rim, left + rim : left + width + 2 * rim] = 0.55
    image[:] = (image * cv2.GaussianBlur(shade, (0, 0), rim)[..., None]).astype(np.uint8)
    window = image[top : top + height, left : left + width]
    window[:] = portrait[: window.shape[0], : window.shape[1]]


def _cut(portrait: RgbImage, width: int, height: int) -> RgbImage:
    tall, wide = portrait.shape[:2]
    keep = min(wide, round(tall * width / height))
    left = (wide - keep) // 2
    cut = portrait[: min(tall, round(keep * height / width)), left : left + keep]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _moved(date: dt.date, rng: np.random.Generator) -> dt.date:
    return date + dt.timedelta(days=int(rng.integers(200, 4000)) * int(rng.choice([-1, 1])))


def _shifted(zone: FieldZone, move: np.ndarray) -> FieldZone:
    box = zone.box
    left = float(np.clip(box.left + move[0], 0.01, 0.99 - box.width))
    top = float(np.clip(box.top + move[1], box.height, 0.99 - box.height))
    return zone._replace(box=RelativeBox(left, top, box.width, box.height))


def _with_front(document_type: DocumentType, change: Callable[[Side], Side]) -> DocumentType:
    front = change(document_type.sides[SideName.FRONT])
    return dataclasses.replace(document_type, sides={**document_type.sides, SideName.FRONT: front})


def _near(color: tuple[int, int, int], rng: np.random.Generator, jitter: int) -> tuple[int, int, int]:
    red, green, blue = np.clip(np.array(color) + rng.integers(-jitter, jitter + 1, 3), 0, 255)
    return int(red), int(green), int(blue)


DRAWN: Mapping[ForgeryType, Draw] = {
    ForgeryType.MRZ_EDITED: _mrz_edited,
    ForgeryType.MRZ_EDITED_REPAIRED: _mrz_repaired,
    ForgeryType.VIZ_MRZ_MISMATCH: _viz_mismatch,
    ForgeryType.BARCODE_MISMATCH: _barcode_mismatch,
    ForgeryType.EXPIRED: _expired,
    ForgeryType.IMPOSSIBLE_DATES: _impossible,
    ForgeryType.TEMPLATE_FONT: _other_font,
    ForgeryType.TEMPLATE_MOVED_FIELD: _moved_field,
    ForgeryType.TEMPLATE_NO_GHOST: _no_ghost,
    ForgeryType.GENERATED_DOCUMENT: _generated,
    ForgeryType.PORTRAIT_PRINTED_OVER: _printed_over,
}
"""How each type is drawn before it is photographed."""

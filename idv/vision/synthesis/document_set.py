"""Draws the items of the generated document set: genuine cards and six ways not to be one, as phone captures.

Item `number` depends on the seed and the number alone, so items can be drawn in any order and one by one.
Four items show one holder: two genuine captures and two of something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, load_document_types
from idv.documents.mrz_layouts import LAYOUTS
from idv.documents.mrz_writer import write
from idv.domain.arrays import RgbImage
from idv.domain.documents import FieldName
from idv.domain.evidence import ImageRole
from idv.vision.synthesis.capture import capture
from idv.vision.synthesis.cards import Contradictions, DrawnCard, draw_card
from idv.vision.synthesis.holders import (
    ISSUED_FROM,
    Holder,
    lately_issued,
    make_holder,
    mrz_record,
    years_later,
)
from idv.vision.synthesis.portraits import draw_portrait
from idv.vision.synthesis.recaptures import printed_out, shown_on_screen
from idv.vision.synthesis.reproducible import same_bytes

NAME = "documents"
VERSION = "2"
"""Changes whenever a change here, or in what this draws with, changes a byte of any item."""

_TYPES = frozenset({"uto_identity_card", "uto_passport", "xar_identity_card"})
_ITEMS_A_HOLDER = 4
_GENUINE_A_HOLDER = 2
_DPI = 400.0
_WIDTHS = (1280, 1600)
_JPEG_QUALITY = 90


class Species(StrEnum):
    """What is wrong with a document that is not genuine.

    `mrz_edit`: another birth date in print and zone, its check digits left as they were. `mrz_edit_repaired`:
    another birth date in the zone with the right check digits, the print left. `viz_edit`: one printed field
    rewritten, the zone left.
    """

    SCREEN_RECAPTURE = "screen_recapture"
    PRINT_RECAPTURE = "print_recapture"
    MRZ_EDIT = "mrz_edit"
    MRZ_EDIT_REPAIRED = "mrz_edit_repaired"
    VIZ_EDIT = "viz_edit"
    EXPIRED = "expired"


_SPECIES = tuple(Species)


class Severity(StrEnum):
    """How well the photo was taken."""

    CAREFUL = "careful"
    ORDINARY = "ordinary"
    HARD = "hard"


_SEVERITIES = {Severity.CAREFUL: 0.25, Severity.ORDINARY: 0.6, Severity.HARD: 1.0}


@dataclass(frozen=True)
class DrawnItem:
    """One item: JPEG bytes of its sides and everything that is true about it. `species` None: genuine."""

    media: Mapping[ImageRole, bytes] = field(repr=False)
    holder: int
    document_type: str
    severity: Severity
    species: Species | None
    mrz_lines: tuple[str, ...] = field(repr=False)


class Planned(NamedTuple):
    """What an item shows, before it is drawn."""

    holder: int
    document_type: DocumentType
    species: Species | None
    severity: Severity


@dataclass(frozen=True)
class DocumentSet:
    """The generator with its seed."""

    seed: int

    @cached_property
    def types(self) -> Sequence[DocumentType]:
        """The types that are drawn, in a fixed order."""
        return tuple(known for known in load_document_types() if known.id in _TYPES)

    def draw(self, number: int) -> DrawnItem:
        """Item `number`, from 0. Sets OpenCV to one thread and plain code while it draws."""
        with same_bytes():
            return self._drawn(number)

    def planned(self, number: int) -> Planned:
        """What item `number` shows; species, types and severities turn so that each meets each."""
        holder, slot = divmod(number, _ITEMS_A_HOLDER)
        species = None
        if slot >= _GENUINE_A_HOLDER:
            species = _SPECIES[(2 * holder + slot - _GENUINE_A_HOLDER) % len(_SPECIES)]
        severity = tuple(Severity)[(holder + slot + holder // 9) % len(Severity)]
        return Planned(holder, self.types[holder // 3 % len(self.types)], species, severity)

    def card(self, number: int) -> DrawnCard:
        """The document of item `number`, before it is photographed."""
        plan = self.planned(number)
        return _card(
            plan.document_type, plan.species, self._rng("card", plan.holder), self._rng("item", number)
        )

    def _drawn(self, number: int) -> DrawnItem:
        plan, card = self.planned(number), self.card(number)
        return DrawnItem(
            media=_photographed(card, plan.species, plan.severity, self._rng("capture", number)),
            holder=plan.holder,
            document_type=plan.document_type.id,
            severity=plan.severity,
            species=plan.species,
            mrz_lines=card.mrz_lines,
        )

    def _rng(self, purpose: str, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose.encode(), number])


# --- cards ----------------------------------------------------------------------------------------------


def _card(
    known: DocumentType, species: Species | None, person: np.random.Generator, rng: np.random.Generator
) -> DrawnCard:
    """The holder's card (`person` draws who it is) with what the species changes about it."""
    true = lately_issued(make_holder(known, person, today=ISSUED_FROM), known, person)
    portrait = draw_portrait(person)
    holder, mrz_holder = true, None
    lines: tuple[str, ...] = ()
    if species is Species.EXPIRED:
        holder = _expired(true, rng)
    elif species is Species.VIZ_EDIT:
        holder, mrz_holder = _printed_otherwise(true, known, rng), true
    elif species is Species.MRZ_EDIT_REPAIRED:
        mrz_holder = _born_otherwise(true, rng)
    elif species is Species.MRZ_EDIT:
        holder = _born_otherwise(true, rng)
        lines = _with_old_digits(known, true, holder)
    stated = Contradictions(mrz_holder=mrz_holder, mrz_lines=lines)
    return draw_card(known, holder, portrait, rng, dpi=_DPI, contradictions=stated)


def _expired(holder: Holder, rng: np.random.Generator) -> Holder:
    years = -int(rng.integers(11, 15))
    return replace(
        holder,
        date_of_issue=years_later(holder.date_of_issue, years),
        date_of_expiry=years_later(holder.date_of_expiry, years),
    )


def _born_otherwise(holder: Holder, rng: np.random.Generator) -> Holder:
    # Ten years would leave the check digit as it is: its weights add up to a multiple of ten.
    years = int(rng.choice([-7, -5, -4, -3, 3, 4, 5, 7]))
    return replace(holder, date_of_birth=years_later(holder.date_of_birth, years))


def _printed_otherwise(holder: Holder, known: DocumentType, rng: np.random.Generator) -> Holder:
    """One printed field of another person of the same state, or another date."""
    other = make_holder(known, rng, today=ISSUED_FROM)
    wanted = str(rng.choice(["surname", "document_number", "date_of_birth", "date_of_expiry"]))
    if wanted == "surname" and other.surname != holder.surname:
        return replace(holder, surname=other.surname)
    if wanted == "document_number":
        return replace(holder, document_number=other.document_number)
    if wanted == "date_of_expiry":
        return replace(holder, date_of_expiry=years_later(holder.date_of_expiry, 3))
    return _born_otherwise(holder, rng)


def _with_old_digits(document_type: DocumentType, true: Holder, forged: Holder) -> tuple[str, ...]:
    """The rows of the true holder, with the forged birth date and no check digit computed again."""
    if document_type.mrz is None:
        return ()
    layout = LAYOUTS[document_type.mrz.format]
    old, new = (write(layout.format, mrz_record(document_type, holder)) for holder in (true, forged))
    span = layout.element(FieldName.DATE_OF_BIRTH).span
    row = old[span.row]
    edited = row[: span.start] + span.of(new) + row[span.stop :]
    return (*old[: span.row], edited, *old[span.row + 1 :])


# --- captures -------------------------------------------------------------------------------------------


def _photographed(
    card: DrawnCard, species: Species | None, severity: Severity, rng: np.random.Generator
) -> dict[ImageRole, bytes]:
    sides = {ImageRole.DOCUMENT_FRONT: card.front, ImageRole.DOCUMENT_BACK: card.back}
    return {
        role: _jpeg(_photo(side.image, species, severity, rng))
        for role, side in sides.items()
        if side is not None
    }


def _photo(flat: RgbImage, species: Species | None, severity: Severity, rng: np.random.Generator) -> RgbImage:
    if species is Species.PRINT_RECAPTURE:
        flat = printed_out(flat, rng)
    photo = capture(flat, severity=_SEVERITIES[severity], rng=rng, widths=_WIDTHS).pixels
    return shown_on_screen(photo, rng) if species is Species.SCREEN_RECAPTURE else photo


def _jpeg(pixels: RgbImage) -> bytes:
    flags = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), flags)
    return bytes(encoded)

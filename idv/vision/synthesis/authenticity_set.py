"""Draws the items of the document authenticity set: genuine documents and 23 ways to forge them.

Item `number` depends on the seed and the number alone. Numbers run through a cycle in which the parts and
their species lie evenly, so any beginning of it is balanced. Part `tune` has the designs and the forger that
training may see; part `test` has the second forger, encoders kept for it, other holders, and two designs of
its own. A forgery made in a photograph is made in the very one that is the holder's genuine item.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.evidence import ImageRole
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import Shot, draw_scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.make import Presented, applies, forge, present
from idv.vision.synthesis.forgeries.recaptured import RECAPTURED
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.holders import ISSUED_FROM, Holder, lately_issued, make_holder
from idv.vision.synthesis.reproducible import same_bytes
from idv.vision.synthesis.scans import scanned
from idv.vision.synthesis.uploads import HELD_OUT_ENCODERS, QUALITIES, TRAINING_ENCODERS, Encoder, encoded

NAME = "document-forgeries"
VERSION = "1"
"""Changes whenever a change here, or in what this draws with, changes a byte of any item."""

_ROLES = {SideName.FRONT: ImageRole.DOCUMENT_FRONT, SideName.BACK: ImageRole.DOCUMENT_BACK}
_SCANNED_EVERY = 5


class Division(StrEnum):
    """Who may use an item, and whose designs it shows."""

    TUNE = "tune"
    KNOWN = "known"
    UNSEEN = "unseen"


class Method(StrEnum):
    """How a forgery came to be."""

    NONE = "none"
    IN_PHOTO = "in_photo"
    IN_PRINT = "in_print"
    RECAPTURE = "recapture"


class Capture(StrEnum):
    """How a document, or what stands for it, became a picture."""

    PHOTO = "photo"
    SCAN = "scan"


class _Share(NamedTuple):
    """How many items of a division a cycle has: genuine ones, and forged ones a species."""

    genuine: int
    a_species: int


_SHARES = {
    Division.TUNE: _Share(120, 4),
    Division.KNOWN: _Share(120, 6),
    Division.UNSEEN: _Share(80, 5),
}
"""Half of what a full set has; a cycle is 660 items."""


class Planned(NamedTuple):
    """What an item shows. `holder`: which of that division and type; `species` None: genuine."""

    division: Division
    document_type: DocumentType
    holder: int
    species: ForgeryType | None
    capture: Capture

    @property
    def method(self) -> Method:
        """How the forgery is made."""
        if self.species is None:
            return Method.NONE
        if self.species in EDITED:
            return Method.IN_PHOTO
        return Method.RECAPTURE if self.species in RECAPTURED else Method.IN_PRINT

    @property
    def forger(self) -> Forger:
        """Whose work the division shows."""
        return Forger.FIRST if self.division is Division.TUNE else Forger.SECOND

    @property
    def subject(self) -> str:
        """The holder, of whom all items lie in one part."""
        return f"{self.division}-{self.document_type.id}-{self.holder:03d}"


@dataclass(frozen=True)
class DrawnItem:
    """One item: the files of its sides and everything that is true about it."""

    plan: Planned
    media: Mapping[ImageRole, bytes] = field(repr=False)
    encoder: Encoder
    mrz_lines: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class AuthenticitySet:
    """The generator with its seed."""

    seed: int

    def draw(self, number: int) -> DrawnItem:
        """Item `number`, from 0. Sets OpenCV to one thread and plain code while it draws."""
        with same_bytes():
            return self._drawn(number)

    def _drawn(self, number: int) -> DrawnItem:
        plan = planned(number)
        presented = self._presented(plan, number)
        encoder = self._encoder(plan, number)
        qualities = self._qualities(plan, number)
        media = {
            _ROLES[name]: encoded(shot.pixels, encoder, quality=quality)
            for (name, shot), quality in zip(presented.shots.items(), qualities, strict=False)
        }
        return DrawnItem(plan, media, encoder, presented.card.mrz_lines)

    def _encoder(self, plan: Planned, number: int) -> Encoder:
        encoders = TRAINING_ENCODERS if plan.division is Division.TUNE else HELD_OUT_ENCODERS
        return encoders[int(self._rng("upload", str(number)).integers(len(encoders)))]

    def _qualities(self, plan: Planned, number: int) -> Sequence[int]:
        """The encoder's quality, a side each; edits in one photograph never share one with it or each other.

        Else the sides that are not edited would be one file in two items with contradicting labels.
        """
        if plan.species is None or plan.method is not Method.IN_PHOTO:
            rng = self._rng("upload", str(number))
            rng.integers(len(TRAINING_ENCODERS))  # the encoder's draw comes first
            return [int(rng.integers(*QUALITIES)) for _ in _ROLES]
        taken = self._qualities(plan._replace(species=None), _number_of_genuine(plan))
        free = [quality for quality in range(*QUALITIES) if quality not in taken]
        turned = self._rng("upload", plan.subject).permutation(free)
        return [int(turned[list(EDITED).index(plan.species)])] * len(_ROLES)

    def _presented(self, plan: Planned, number: int) -> Presented:
        """What was before the camera; a genuine item and the edits in its photograph begin alike."""
        shared = plan.method in (Method.NONE, Method.IN_PHOTO)
        rng = self._rng("capture", plan.subject if shared else str(number))
        case = self._case(plan, rng)
        if plan.species is None:
            return present(case, rng)
        presented = forge(case, plan.species, plan.forger, rng)
        return _resized(presented, rng) if plan.species is ForgeryType.DIGITAL_COMPOSITE else presented

    def _case(self, plan: Planned, rng: np.random.Generator) -> Case:
        """The holder and a stranger, and the camera or the scanner: `rng` is drawn from at each picture."""
        person = self._rng("person", plan.subject)

        def take(side: RgbImage) -> Shot:
            if plan.capture is Capture.SCAN:
                return scanned(side, rng)
            return photographed(side, draw_scene(rng), draw_camera(rng), rng)

        return Case(
            document_type=plan.document_type,
            holder=_holder(plan.document_type, person),
            stranger=_holder(plan.document_type, person),
            portrait=draw_head(person),
            strange_portrait=draw_head(person),
            photograph=take,
        )

    def _rng(self, purpose: str, what: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose.encode(), 0, *what.encode()])


def planned(number: int) -> Planned:
    """What item `number` shows."""
    cycle, place = divmod(number, len(_cycle()))
    division, forged, position = _cycle()[place]
    share = _SHARES[division]
    if not forged:
        return _genuine(division, cycle * share.genuine + position)
    return _forged(division, cycle * share.a_species * len(_species(division)) + position)


def _number_of_genuine(plan: Planned) -> int:
    """The number of the holder's genuine item."""
    designs = [known.id for known in _designs(plan.division)]
    ordinal = plan.holder * len(designs) + designs.index(plan.document_type.id)
    cycle, position = divmod(ordinal, _SHARES[plan.division].genuine)
    return cycle * len(_cycle()) + _cycle().index((plan.division, False, position))


def _genuine(division: Division, ordinal: int) -> Planned:
    designs = _designs(division)
    holder, design = divmod(ordinal, len(designs))
    return Planned(division, designs[design], holder, None, _taken(holder, design))


def _forged(division: Division, ordinal: int) -> Planned:
    """Species turn fastest; the designs that a species can be done to turn with each round of them."""
    designs, all_species = _designs(division), _species(division)
    round_, turn = divmod(ordinal, len(all_species))
    # 5 has no factor in common with 22 or 23, so every species has its turn, and neighbours differ in method.
    species = all_species[turn * 5 % len(all_species)]
    able = [index for index, known in enumerate(designs) if applies(species, known)]
    design = able[(round_ + turn) % len(able)]
    holder = ordinal // len(designs) % _holders(division)
    capture = Capture.PHOTO if species in RECAPTURED else _taken(holder, design)
    return Planned(division, designs[design], holder, species, capture)


def _taken(holder: int, design: int) -> Capture:
    return Capture.SCAN if (holder + design) % _SCANNED_EVERY == _SCANNED_EVERY - 1 else Capture.PHOTO


def _holders(division: Division) -> int:
    return 2 * _SHARES[division].genuine // len(_designs(division))


@cache
def _cycle() -> tuple[tuple[Division, bool, int], ...]:
    """Division, forged or not, and position among its like, for each place of a cycle."""
    return tuple((division, forged, position) for _, division, forged, position in sorted(_places()))


def _places() -> Iterator[tuple[float, Division, bool, int]]:
    """Every kind of item spread evenly over [0, 1)."""
    for division, share in _SHARES.items():
        for forged, count in ((False, share.genuine), (True, share.a_species * len(_species(division)))):
            for position in range(count):
                yield (position + 0.5) / count, division, forged, position


@cache
def _designs(division: Division) -> Sequence[DocumentType]:
    unseen = division is Division.UNSEEN
    return tuple(known for known in load_document_types() if (known.id in HELD_OUT_DESIGNS) is unseen)


@cache
def _species(division: Division) -> Sequence[ForgeryType]:
    """Those that can be done to one of the designs: neither unseen one has a barcode."""
    return tuple(kind for kind in ForgeryType if any(applies(kind, known) for known in _designs(division)))


def _holder(known: DocumentType, rng: np.random.Generator) -> Holder:
    return lately_issued(make_holder(known, rng, today=ISSUED_FROM), known, rng)


def _resized(presented: Presented, rng: np.random.Generator) -> Presented:
    """A composite in one of the sizes that photographs have: its own size would give it away."""
    return replace(presented, shots={name: _as_sent(shot, rng) for name, shot in presented.shots.items()})


def _as_sent(shot: Shot, rng: np.random.Generator) -> Shot:
    zoom = draw_camera(rng).resize
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    pixels = cv2.resize(shot.pixels, None, fx=zoom, fy=zoom, interpolation=how)
    return Shot(np.asarray(pixels, np.uint8), np.asarray(shot.corners * zoom, np.float32))

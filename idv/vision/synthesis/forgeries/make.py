"""Makes genuine and forged presentations of documents: both sides before the camera, and what was altered."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from idv.documents.document_types import DocumentType, SideName
from idv.domain.arrays import FloatArray
from idv.vision.synthesis.cards import DrawnCard
from idv.vision.synthesis.document_scenes import Shot
from idv.vision.synthesis.forgeries.case import Case, side_of
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.in_print import DRAWN
from idv.vision.synthesis.forgeries.recaptured import RECAPTURED
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType

_NONE_ALTERED = np.empty((0, 4, 2), np.float32)


@dataclass(frozen=True)
class Presented:
    """A document as it is sent in: a shot a side, and a side's regions altered in the photo, (K, 4, 2) px."""

    card: DrawnCard
    shots: Mapping[SideName, Shot]
    altered: Mapping[SideName, FloatArray]


def present(case: Case, rng: np.random.Generator) -> Presented:
    """The genuine document, photographed."""
    return _photographed(case, case.genuine(rng))


def forge(
    case: Case,
    species: ForgeryType,
    forger: Forger,
    rng: np.random.Generator,
    *,
    sides: Collection[SideName] | None = None,
) -> Presented:
    """A forged document, photographed or not. Raises ValueError where the type has nothing to forge so.

    `sides`: those to photograph; all by default.
    """
    if not applies(species, case.document_type):
        msg = f"{species} cannot be done to {case.document_type.id}"
        raise ValueError(msg)
    if species in DRAWN:
        return _photographed(case, DRAWN[species](case, forger, rng), sides)
    card = case.genuine(rng)
    if species in EDITED:
        presented = _photographed(case, card, sides)
        made = EDITED[species](case, card, presented.shots[SideName.FRONT], forger, rng)
        return Presented(
            card,
            {**presented.shots, SideName.FRONT: made.shot},
            {**presented.altered, SideName.FRONT: made.altered},
        )
    names = _wanted(case, sides)
    shots = {name: RECAPTURED[species](case, side_of(card, name).image, forger, rng) for name in names}
    return Presented(card, shots, dict.fromkeys(names, _NONE_ALTERED))


def applies(species: ForgeryType, document_type: DocumentType) -> bool:
    """Whether a type has what the forgery alters."""
    sides = document_type.sides.values()
    if species in (ForgeryType.MRZ_EDITED, ForgeryType.MRZ_EDITED_REPAIRED):
        return document_type.mrz is not None
    if species is ForgeryType.VIZ_MRZ_MISMATCH:
        return document_type.mrz is not None or any(side.barcode for side in sides)
    if species is ForgeryType.BARCODE_MISMATCH:
        return any(side.barcode for side in sides)
    if species is ForgeryType.TEMPLATE_NO_GHOST:
        return any(side.ghost for side in sides)
    return True


def _photographed(case: Case, card: DrawnCard, sides: Collection[SideName] | None = None) -> Presented:
    names = _wanted(case, sides)
    shots = {name: case.photograph(side_of(card, name).image) for name in names}
    return Presented(card, shots, dict.fromkeys(names, _NONE_ALTERED))


def _wanted(case: Case, sides: Collection[SideName] | None) -> tuple[SideName, ...]:
    return tuple(name for name in case.document_type.sides if sides is None or name in sides)

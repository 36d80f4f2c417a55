"""An eval set: frozen items with labels, by digest, on which every candidate is measured alike."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName


class Label(StrEnum):
    """What an item truly is: ISO/IEC 30107-3's words for captures of people, the project's for documents."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    GENUINE = "genuine"
    FORGED = "forged"

    @property
    def is_genuine(self) -> bool:
        """Whether a perfect check would pass it."""
        return self in (Label.BONA_FIDE, Label.GENUINE)


class Part(StrEnum):
    """What an item may be used for: choosing thresholds, reporting, or neither until it is unsealed."""

    TUNE = "tune"
    TEST = "test"
    SEALED = "sealed"


class Comparisons(StrEnum):
    """Which comparisons a set of single captures stands for; `none`: each item is judged by itself."""

    NONE = "none"
    LISTED = "listed"
    ALL_PAIRS = "all_pairs"


@dataclass(frozen=True)
class MediaRef:
    """A file outside the repository, found and verified by digest; `path` is a hint below the media root."""

    sha256: str
    path: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class EvalItem:
    """One thing to judge.

    `media`: the files of one item (front and back of a document are one item). `label` is None where the
    truth is who it is (face matching) or what it says (`truth`: name of a value -> what a perfect reader
    reads), or where it is sealed. `species`: attack species, forgery type, or injection method × instrument.
    `slices`: country, document type, device, demographic group, capture condition: what the source gives.
    """

    id: str
    media: Mapping[ImageRole, MediaRef]
    part: Part = Part.TEST
    subject: str | None = field(default=None, repr=False)
    session: str | None = None
    label: Label | None = None
    species: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class EvalSet:
    """A frozen set; `digest` covers the manifest, the items and the listed pairs, byte for byte.

    `pairs`: (P, 2) int32 positions in `items`, for `Comparisons.LISTED` only; whether a pair is mated follows
    from the subjects. `limits` says in sentences what the set cannot show.
    """

    name: str
    version: str
    check: CheckName
    digest: str
    description: str
    licence: str
    created_on: dt.date
    items: tuple[EvalItem, ...]
    comparisons: Comparisons = Comparisons.NONE
    pairs: NDArray[np.int32] | None = field(default=None, repr=False)
    limits: tuple[str, ...] = ()

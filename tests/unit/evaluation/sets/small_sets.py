"""A set of four items in memory and on disk, for the tests of this folder."""

import datetime as dt
import hashlib
from pathlib import Path

from idv.domain.eval_sets import Comparisons, EvalItem, Label, MediaRef, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.sets.folder import write_set
from idv.evaluation.sets.manifest import Manifest


def ref(content: str, path: str | None = None) -> MediaRef:
    """The reference to a file of this content."""
    return MediaRef(hashlib.sha256(content.encode()).hexdigest(), path)


def manifest(**changes: object) -> Manifest:
    """A liveness set with one slice; `changes` replace its fields."""
    content: dict[str, object] = {
        "name": "small",
        "version": "1",
        "check": CheckName.LIVENESS,
        "description": 'Four captures, "quoted" and ünusual.',
        "licence": "none",
        "created_on": dt.date(2026, 11, 22),
        "slices": ("device",),
        "limits": ("It is small.",),
    }
    return Manifest.model_validate(content | changes)


def captures(*, sealed: bool = False) -> list[EvalItem]:
    """Two bona fide captures and two attacks of four subjects; the last one sealed or tested on."""
    last = Part.SEALED if sealed else Part.TEST
    return [
        _capture("a", Part.TUNE, Label.BONA_FIDE, None, "phone"),
        _capture("b", Part.TUNE, Label.ATTACK, "print", "webcam"),
        _capture("c", Part.TEST, Label.BONA_FIDE, None, "phone"),
        _capture("d", last, Label.ATTACK, "screen", ""),
    ]


def faces() -> list[EvalItem]:
    """Three photographs of two people."""
    people = {"f1": "ann", "f2": "ann", "f3": "bob"}
    return [
        EvalItem(id=name, media={ImageRole.REFERENCE: ref(name)}, subject=person)
        for name, person in people.items()
    ]


def face_manifest(comparisons: Comparisons = Comparisons.LISTED) -> Manifest:
    """The head of a face set without slices."""
    return manifest(check=CheckName.FACE_MATCH, comparisons=comparisons, slices=())


def written(folder: Path) -> Path:
    """The captures, frozen in a folder."""
    write_set(folder, manifest(), captures())
    return folder


def _capture(name: str, part: Part, label: Label, species: str | None, device: str) -> EvalItem:
    return EvalItem(
        id=name,
        media={ImageRole.SELFIE: ref(name)},
        part=part,
        subject=f"subject of {name}",
        session="s1",
        label=label,
        species=species,
        slices={"device": device} if device else {},
        truth={"words": "one,\ntwo"},
    )

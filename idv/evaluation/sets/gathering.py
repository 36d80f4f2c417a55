"""From files and what a source says about them to items: digests, pseudonyms, parts. Where importers end.

Identifiers come from the files' digests, items stand in the order of their identifiers, subjects become
numbers: so a set names nobody, does not depend on the order of a listing, and gives no sealed label away.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import EvalItem, Label, MediaRef, Part
from idv.domain.results import CheckName
from idv.evaluation.sets.item_files import labels_of, roles_of
from idv.evaluation.sets.media import MediaRoot

_ID_LENGTH = 12


@dataclass(frozen=True)
class Described:
    """A file below the source's folder and what the source says about it; `where` names it in faults."""

    path: str = field(repr=False)
    where: str
    label: str = ""
    species: str = ""
    subject: str = field(default="", repr=False)
    session: str = ""
    part: str = ""
    back: str = field(default="", repr=False)
    slices: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Split:
    """Which part an item belongs to where the source does not say: whole subjects, by their digest.

    `tune_where`: (column, value) pairs that make an item one to tune on; with any, `tune` is not used.
    `tune`, `sealed`: shares of the subjects, [0, 1].
    """

    tune: float = 0.0
    sealed: float = 0.0
    tune_where: tuple[tuple[str, str], ...] = ()


class Gathered(NamedTuple):
    """Items in their order, the item that each path became, and how many files were met again."""

    items: tuple[EvalItem, ...]
    by_path: Mapping[str, str]
    repeated: int


def gathered(
    described: Sequence[Described],
    folder: Path,
    *,
    check: CheckName,
    split: Split,
    store: MediaRoot | None = None,
    on_file: Callable[[int], None] = lambda _: None,
) -> Gathered:
    """Read every file once. `store`: copy the media there; without it the items keep hints to their paths.

    The same bytes under several names are one item when all that is said of them agrees. Raises EvalSetError
    with every fault: `media_missing`, `path_outside_root`, `label_unknown`, `item_duplicate` (one file,
    contradicting statements), `source_empty`, `tune_part_empty` (nothing has what `tune_where` asks for).
    """
    faults: list[SetFault] = []
    digests: dict[str, str] = {}
    for number, entry in enumerate(described, start=1):
        for path in filter(None, (entry.path, entry.back)):
            _read_once(path, entry.where, folder=folder, store=store, digests=digests, faults=faults)
        on_file(number)
    subjects = _numbered({entry.subject for entry in described if entry.subject})
    items: dict[str, EvalItem] = {}
    repeated = 0
    for entry in described:
        if entry.path not in digests:
            continue
        item = _item(
            entry, digests, check=check, split=split, subjects=subjects, faults=faults, keep=store is None
        )
        other = items.setdefault(item.id, item)
        if other is not item:
            repeated += 1
            if _said(other) != _said(item):
                faults.append(
                    SetFault(
                        "item_duplicate", f"{entry.where}: the same file is described otherwise elsewhere"
                    )
                )
    if not described:
        faults.append(SetFault("source_empty", "the source holds no file"))
    elif split.tune_where and all(item.part is not Part.TUNE for item in items.values()):
        wanted = ", ".join(f"{name}={value}" for name, value in split.tune_where)
        faults.append(SetFault("tune_part_empty", f"no item has {wanted}: there would be nothing to tune on"))
    if faults:
        raise EvalSetError(faults, field="source")
    by_path = {path: _identifier(digest) for path, digest in digests.items()}
    return Gathered(tuple(items[name] for name in sorted(items)), by_path, repeated)


def _read_once(
    path: str,
    where: str,
    *,
    folder: Path,
    store: MediaRoot | None,
    digests: dict[str, str],
    faults: list[SetFault],
) -> None:
    if path in digests:
        return
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()):
        faults.append(SetFault("path_outside_root", f"{where}: the path leaves the source's folder"))
        return
    try:
        data = file.read_bytes()
    except OSError as error:
        faults.append(SetFault("media_missing", f"{where}: {error.strerror}"))
        return
    digests[path] = hashlib.sha256(data).hexdigest()
    if store is not None:
        store.store(data)


def _item(
    entry: Described,
    digests: Mapping[str, str],
    *,
    check: CheckName,
    split: Split,
    subjects: Mapping[str, str],
    faults: list[SetFault],
    keep: bool,
) -> EvalItem:
    label = entry.label if entry.label in labels_of(check) else ""
    if entry.label and not label:
        known = ", ".join(labels_of(check)) or "none: the truth is the subject"
        faults.append(SetFault("label_unknown", f"{entry.where}: the label is none of {known}"))
    if entry.part and entry.part not in tuple(Part):
        faults.append(SetFault("part_unknown", f"{entry.where}: part is none of {', '.join(Part)}"))
    files = (path for path in (entry.path, entry.back) if path in digests)
    digest = digests[entry.path]
    return EvalItem(
        id=_identifier(digest),
        media={
            role: MediaRef(digests[path], path if keep else None)
            for role, path in zip(roles_of(check), files, strict=False)
        },
        part=_part(entry, digest, split),
        subject=subjects.get(entry.subject),
        session=entry.session or None,
        label=Label(label) if label else None,
        species=entry.species or None,
        slices={name: value for name, value in entry.slices.items() if value},
        truth={name: value for name, value in entry.truth.items() if value},
    )


def _part(entry: Described, digest: str, split: Split) -> Part:
    if entry.part in tuple(Part):
        return Part(entry.part)
    # An item without a subject is a subject of its own.
    place = int.from_bytes(hashlib.sha256((entry.subject or digest).encode()).digest()[:8]) / 2**64
    if place >= 1 - split.sealed:
        return Part.SEALED
    if split.tune_where:
        said = {"subject": entry.subject, "session": entry.session, "species": entry.species, **entry.slices}
        return Part.TUNE if any(said.get(name) == value for name, value in split.tune_where) else Part.TEST
    return Part.TUNE if place < split.tune else Part.TEST


def _said(item: EvalItem) -> tuple[object, ...]:
    return (item.label, item.species, item.subject, item.part, dict(item.truth))


def _numbered(names: set[str]) -> dict[str, str]:
    """Subject -> pseudonym, in the order of the names' digests, which says nothing about the names."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    return {name: f"s{number:05d}" for number, name in enumerate(ordered, start=1)}


def _identifier(digest: str) -> str:
    return digest[:_ID_LENGTH]

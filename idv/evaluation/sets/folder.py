"""An eval set as a folder: loaded whole or refused with every fault; written once, then frozen."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from idv.domain.errors import EvalSetError, SetFault, StorageUnavailable
from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet, Part
from idv.evaluation.sets.item_files import (
    ITEMS,
    PAIRS,
    Pairs,
    items_bytes,
    pairs_bytes,
    read_items,
    read_pairs,
)
from idv.evaluation.sets.manifest import MANIFEST, Manifest, Sealed, manifest_text, read_manifest
from idv.evaluation.sets.sealing import read_sealed, seal, unsealed

CARD = "card.md"


class SetFiles(NamedTuple):
    """The bytes that a set's digest covers."""

    manifest: Manifest
    items: bytes
    pairs: bytes | None


def load_set(folder: Path, *, sealed_labels: Path | None = None) -> EvalSet:
    """Read and check a set before anything is done with it.

    `sealed_labels`: the file with the labels of the sealed part, for a report; never for tuning.
    Raises EvalSetError: `set_missing`, `manifest_invalid`, `set_bytes_changed`, or everything that is wrong
    with the items, all at once: `item_duplicate`, `subject_on_both_sides`, `label_unknown`, ….
    """
    files = read_files(folder)
    actual = files.manifest.digest_with(files.items, files.pairs)
    if actual != files.manifest.digest:
        raise EvalSetError(
            [SetFault("set_bytes_changed", f"{folder.name} is not the set that its digest was made for")]
        )
    return assembled(files, sealed_labels=sealed_labels)


def write_set(
    folder: Path,
    manifest: Manifest,
    items: Sequence[EvalItem],
    *,
    pairs: Pairs | None = None,
    card: str | None = None,
    sealed_labels: Path | None = None,
) -> EvalSet:
    """Freeze a set: check it, then write items, pairs, card and, last, the manifest with its digest.

    `sealed_labels`: where to put the labels of the sealed part, outside `folder`. A card that is there
    already is left alone. Raises EvalSetError `set_frozen` when the folder holds other content under
    the same version, `sealed_labels_needed`, `sealed_labels_inside`, and all that `load_set` raises.
    """
    if sealed_labels is not None and sealed_labels.resolve().is_relative_to(folder.resolve()):
        raise EvalSetError(
            [SetFault("sealed_labels_inside", "the labels of the sealed part must lie outside the set")]
        )
    manifest, shown, labels = _sealed_apart(manifest, items, sealed_labels)
    files = SetFiles(
        manifest, items_bytes(manifest, shown), None if pairs is None else pairs_bytes(shown, pairs)
    )
    checked = assembled(files)
    if divided := _divided_subjects(items):  # seen only while the sealed subjects are still there
        raise EvalSetError(divided)
    _refuse_other_content(folder, checked)
    try:
        if sealed_labels is not None and labels is not None:
            sealed_labels.parent.mkdir(parents=True, exist_ok=True)
            sealed_labels.write_bytes(labels)
        _write(folder, files, checked.digest, card)
    except OSError as error:
        raise StorageUnavailable("set_unwritable", f"{folder}: {error.strerror}") from error
    return checked


def read_files(folder: Path) -> SetFiles:
    """The bytes of a set, unchecked but for its manifest. Raises EvalSetError."""
    manifest = read_manifest(folder)
    listed = manifest.comparisons is Comparisons.LISTED
    try:
        items = (folder / ITEMS).read_bytes()
        pairs = (folder / PAIRS).read_bytes() if listed else None
    except OSError as error:
        raise EvalSetError([SetFault("set_missing", f"{folder}: {error.strerror}")]) from error
    return SetFiles(manifest, items, pairs)


def assembled(files: SetFiles, *, sealed_labels: Path | None = None) -> EvalSet:
    """The set that the bytes stand for. Raises EvalSetError with every fault."""
    manifest, faults = files.manifest, list[SetFault]()
    items = read_items(manifest, files.items, faults)
    if sealed_labels is not None:
        items = unsealed(items, read_sealed(sealed_labels, manifest, faults), faults)
    pairs = None if files.pairs is None else read_pairs(items, files.pairs, faults)
    faults += [*_duplicates(items), *_divided_subjects(items), *_shape(manifest, items)]
    if faults:
        raise EvalSetError(faults)
    return EvalSet(
        name=manifest.name,
        version=manifest.version,
        check=manifest.check,
        digest=manifest.digest_with(files.items, files.pairs),
        description=manifest.description,
        licence=manifest.licence,
        created_on=manifest.created_on,
        items=items,
        comparisons=manifest.comparisons,
        pairs=pairs,
        limits=manifest.limits,
    )


# --- faults across items --------------------------------------------------------------------------------


def _duplicates(items: Sequence[EvalItem]) -> list[SetFault]:
    ids: dict[str, int] = {}
    files: dict[str, int] = {}
    faults = []
    for number, item in enumerate(items, start=1):
        if item.id in ids:
            faults.append(
                SetFault("item_duplicate", f"items {ids[item.id]} and {number} have one identifier")
            )
        ids.setdefault(item.id, number)
        for ref in item.media.values():
            if ref.sha256 in files:
                other = items[files[ref.sha256] - 1]
                how = "" if other.label == item.label else ", with contradicting labels"
                faults.append(
                    SetFault("item_duplicate", f"items {files[ref.sha256]} and {number} are one file{how}")
                )
            else:
                files[ref.sha256] = number
    return faults


def _divided_subjects(items: Sequence[EvalItem]) -> list[SetFault]:
    parts: dict[str, dict[Part, int]] = defaultdict(dict)
    for number, item in enumerate(items, start=1):
        if item.subject is not None:
            parts[item.subject].setdefault(item.part, number)
    return [
        SetFault(
            "subject_on_both_sides",
            f"one subject is in {' and '.join(sorted(found))} (items {', '.join(map(str, found.values()))})",
        )
        for found in parts.values()
        if len(found) > 1
    ]


def _shape(manifest: Manifest, items: Sequence[EvalItem]) -> list[SetFault]:
    if not items:
        return [SetFault("set_empty", "there is no item")]
    faults = []
    if any(item.part is Part.SEALED for item in items) != (manifest.sealed is not None):
        faults.append(SetFault("manifest_invalid", "a sealed part and [sealed] stand together or not at all"))
    if manifest.recipe is not None and manifest.recipe.count != len(items):
        faults.append(SetFault("manifest_invalid", f"recipe.count is not the number of items, {len(items)}"))
    return faults


# --- writing --------------------------------------------------------------------------------------------


def _sealed_apart(
    manifest: Manifest, items: Sequence[EvalItem], sealed_labels: Path | None
) -> tuple[Manifest, Sequence[EvalItem], bytes | None]:
    """The manifest that names the sealed labels, the items without them, and the labels."""
    if not any(item.part is Part.SEALED for item in items):
        return manifest, items, None
    if sealed_labels is None:
        raise EvalSetError(
            [SetFault("sealed_labels_needed", "say where the labels of the sealed part are to be kept")]
        )
    shown, labels, digest = seal(items)
    return manifest.model_copy(update={"sealed": Sealed(labels_sha256=digest)}), shown, labels


def _refuse_other_content(folder: Path, new: EvalSet) -> None:
    if not (folder / MANIFEST).exists():
        return
    old = read_manifest(folder)
    if (old.name, old.version) == (new.name, new.version) and old.digest != new.digest:
        raise EvalSetError(
            [
                SetFault(
                    "set_frozen", f"{new.name} {new.version} exists with other content: give a new version"
                )
            ]
        )


def _write(folder: Path, files: SetFiles, digest: str, card: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ITEMS).write_bytes(files.items)
    if files.pairs is not None:
        (folder / PAIRS).write_bytes(files.pairs)
    if card is not None and not (folder / CARD).exists():
        (folder / CARD).write_text(card, encoding="utf-8")
    manifest = files.manifest.model_copy(update={"digest": digest})
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")

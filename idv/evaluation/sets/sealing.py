"""The sealed part: labels kept in a file of their own, so that nothing that tunes can have seen them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from idv.domain.errors import SetFault
from idv.domain.eval_sets import EvalItem, Label, MediaRef, Part
from idv.evaluation.sets.item_files import TRUTH, Row, label_faults, read_table, write_table
from idv.evaluation.sets.manifest import Manifest

SEALED = "sealed.csv"
_COLUMNS = ("item", "label", "species", "subject", "session")


def seal(items: Sequence[EvalItem]) -> tuple[list[EvalItem], bytes, str]:
    """The items with the sealed ones bare, the file with what was taken from them, and its SHA-256.

    A path may say what an item is, so it is taken away too and the media must lie at their addresses.
    """
    sealed = [item for item in items if item.part is Part.SEALED]
    truths = sorted({name for item in sealed for name in item.truth})
    rows = (
        [
            item.id,
            item.label or "",
            item.species or "",
            item.subject or "",
            item.session or "",
            *(item.truth.get(n, "") for n in truths),
        ]
        for item in sealed
    )
    data = write_table((*_COLUMNS, *(TRUTH + name for name in truths)), rows)
    return [_bare(item) for item in items], data, hashlib.sha256(data).hexdigest()


def read_sealed(path: Path, manifest: Manifest, faults: list[SetFault]) -> Mapping[str, Row]:
    """Item -> its row; faults `sealed_labels_missing`, `sealed_labels_changed`, `label_unknown`."""
    if manifest.sealed is None:
        faults.append(SetFault("sealed_labels_changed", "the set has no sealed part"))
        return {}
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(
            SetFault("sealed_labels_missing", f"the sealed labels cannot be read: {error.strerror}")
        )
        return {}
    if hashlib.sha256(data).hexdigest() != manifest.sealed.labels_sha256:
        faults.append(SetFault("sealed_labels_changed", "the sealed labels are not those that the set names"))
        return {}
    table = read_table(SEALED, data, faults)
    for line, row in table.rows:
        faults.extend(
            SetFault(code, f"{SEALED} line {line}: {why}") for code, why in label_faults(manifest.check, row)
        )
    return {row["item"]: row for _, row in table.rows}


def unsealed(
    items: Sequence[EvalItem], rows: Mapping[str, Row], faults: list[SetFault]
) -> tuple[EvalItem, ...]:
    """The items with their sealed labels, still of the sealed part; one without a row is a fault."""
    if not faults:
        missing = sum(item.part is Part.SEALED and item.id not in rows for item in items)
        if missing:
            faults.append(SetFault("sealed_labels_changed", f"{missing} sealed items have no label"))
    known = {label.value for label in Label}
    return tuple(
        replace(
            item,
            label=Label(row["label"]) if row["label"] in known else None,
            species=row["species"] or None,
            subject=row["subject"] or None,
            session=row["session"] or None,
            truth={k.removeprefix(TRUTH): v for k, v in row.items() if k.startswith(TRUTH) and v},
        )
        if (row := rows.get(item.id)) is not None and item.part is Part.SEALED
        else item
        for item in items
    )


def _bare(item: EvalItem) -> EvalItem:
    if item.part is not Part.SEALED:
        return item
    media = {role: MediaRef(ref.sha256) for role, ref in item.media.items()}
    return replace(item, media=media, label=None, species=None, subject=None, session=None, truth={})

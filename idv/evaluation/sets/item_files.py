"""`items.csv` and `pairs.csv` as bytes: read with every fault named by its line, written the same again.

Columns: item, sha256, path, sha256_back, path_back, subject, session, part, label, species, then one a slice,
then `truth.<name>`. `path` is a hint below the media root; a document's back is named by `sha256_back`.
Columns that no row fills are left out.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import SetFault
from idv.domain.eval_sets import EvalItem, Label, MediaRef, Part
from idv.domain.evidence import ImageRole
from idv.domain.results import CheckName
from idv.evaluation.sets.manifest import COLUMNS, Manifest

ITEMS = "items.csv"
PAIRS = "pairs.csv"
TRUTH = "truth."
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PAIR_COLUMNS = ("item_a", "item_b")

Row = Mapping[str, str]
Pairs = NDArray[np.int32]

_DOCUMENTS = frozenset(
    {CheckName.DOCUMENT_AUTHENTICITY, CheckName.DOCUMENT_READING, CheckName.IDENTITY_MATCH}
)
_FACES = frozenset({CheckName.FACE_MATCH, CheckName.FACE_SEARCH})


def roles_of(check: CheckName) -> tuple[ImageRole, ...]:
    """What the first and, where there is one, the second file of an item are to the check."""
    if check in _DOCUMENTS:
        return (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK)
    return (ImageRole.REFERENCE,) if check in _FACES else (ImageRole.SELFIE,)


def labels_of(check: CheckName) -> tuple[Label, ...]:
    """The labels that make sense for a check; none where the truth is who it is."""
    if check in _FACES:
        return ()
    return (Label.GENUINE, Label.FORGED) if check in _DOCUMENTS else (Label.BONA_FIDE, Label.ATTACK)


@dataclass(frozen=True)
class Table:
    """A CSV file: its columns, and its rows with the line each ends on."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Row], ...]


def read_table(name: str, data: bytes, faults: list[SetFault]) -> Table:
    """Parse; what is no table gives an empty one and a fault `table_invalid`."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        rows = tuple((reader.line_num, row) for row in reader)
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(SetFault("table_invalid", f"{name}: {error}"))
        return Table(name, (), ())
    columns = tuple(reader.fieldnames or ())
    ragged = [line for line, row in rows if None in row or None in row.values()]
    if len(set(columns)) != len(columns):
        faults.append(SetFault("table_invalid", f"{name}: a column is named twice"))
    faults.extend(
        SetFault("table_invalid", f"{name} line {line}: more or fewer cells than the header")
        for line in ragged
    )
    whole = tuple((line, row) for line, row in rows if not (None in row or None in row.values()))
    return Table(name, columns, whole)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file with line feeds, whatever the machine."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().encode()


# --- items ----------------------------------------------------------------------------------------------


def read_items(manifest: Manifest, data: bytes, faults: list[SetFault]) -> tuple[EvalItem, ...]:
    """The items in their order; rows that cannot be an item are left out and named in `faults`."""
    table = read_table(ITEMS, data, faults)
    _check_columns(table, manifest, faults)
    items = (_item(manifest, line, row, faults) for line, row in table.rows)
    return tuple(item for item in items if item is not None)


def items_bytes(manifest: Manifest, items: Sequence[EvalItem]) -> bytes:
    """The items as `read_items` reads them back."""
    rows = [_row(manifest, item) for item in items]
    truths = sorted({name for row in rows for name in row if name.startswith(TRUTH)})
    optional = {"item", "sha256", "part", *manifest.slices, *truths}
    used = {name for row in rows for name, value in row.items() if value}
    columns = [name for name in (*COLUMNS, *manifest.slices, *truths) if name in used | optional]
    return write_table(columns, ([row.get(name, "") for name in columns] for row in rows))


def _check_columns(table: Table, manifest: Manifest, faults: list[SetFault]) -> None:
    known = {*COLUMNS, *manifest.slices}
    missing = [name for name in ("item", "sha256", *manifest.slices) if name not in table.columns]
    unknown = [name for name in table.columns if name not in known and not name.startswith(TRUTH)]
    faults.extend(SetFault("table_invalid", f"{ITEMS}: no column {name}") for name in missing)
    faults.extend(
        SetFault("table_invalid", f"{ITEMS}: column {name} is neither known nor one of the slices")
        for name in unknown
    )


def _item(manifest: Manifest, line: int, row: Row, faults: list[SetFault]) -> EvalItem | None:
    """One item, or None and at least one fault."""
    found = [SetFault(code, f"{ITEMS} line {line}: {why}") for code, why in _faults_of(manifest, row)]
    faults.extend(found)
    if found:
        return None
    columns = (("sha256", "path"), ("sha256_back", "path_back"))
    media = {
        role: MediaRef(row[sha256], row.get(path) or None)
        for role, (sha256, path) in zip(roles_of(manifest.check), columns, strict=False)
        if row.get(sha256)
    }
    return EvalItem(
        id=row["item"],
        media=media,
        part=Part(row.get("part") or Part.TEST),
        subject=row.get("subject") or None,
        session=row.get("session") or None,
        label=Label(row["label"]) if row.get("label") else None,
        species=row.get("species") or None,
        slices={name: row[name] for name in manifest.slices if row.get(name)},
        truth={name.removeprefix(TRUTH): row[name] for name in row if name.startswith(TRUTH) and row[name]},
    )


def _faults_of(manifest: Manifest, row: Row) -> Iterable[tuple[str, str]]:
    digests = [row[name] for name in ("sha256", "sha256_back") if row.get(name)]
    if not row.get("item") or min(row["item"]) < " ":
        yield "table_invalid", "no item identifier, or one with a control character"
    if not digests or any(not _SHA256.fullmatch(digest) for digest in digests):
        yield "table_invalid", "an item needs the SHA-256 of its files, 64 lower-case hexadecimal digits"
    if row.get("sha256_back") and len(roles_of(manifest.check)) == 1:
        yield "table_invalid", f"an item of {manifest.check} has one file"
    if any(not _is_below(row[name]) for name in ("path", "path_back") if row.get(name)):
        yield "path_outside_root", "a path must be relative and stay below the media root"
    part = row.get("part") or Part.TEST
    if part not in tuple(Part):
        yield "part_unknown", f"part is none of {', '.join(Part)}"
    yield from label_faults(manifest.check, row)
    telling = ("label", "species", "subject", "session", "path", "path_back")
    told = any(row[name] for name in row if name in telling or name.startswith(TRUTH))
    if part == Part.SEALED and told:
        yield "sealed_label_shown", "a sealed item shows its label, species, subject, session, path or truth"


def label_faults(check: CheckName, row: Row) -> Iterable[tuple[str, str]]:
    """What is wrong with a row's label and species, as code and sentence."""
    label, wanted = row.get("label", ""), labels_of(check)
    if label and label not in wanted:
        yield "label_unknown", f"the label is none of {', '.join(wanted) or 'none: the truth is the subject'}"
    genuine = label in (Label.BONA_FIDE, Label.GENUINE)
    if row.get("species") and genuine:
        yield "label_contradiction", f"a {label} item has an attack species"


def _is_below(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and ":" not in path


def _row(manifest: Manifest, item: EvalItem) -> dict[str, str]:
    row = {
        "item": item.id,
        "subject": item.subject or "",
        "session": item.session or "",
        "part": item.part.value,
        "label": item.label.value if item.label else "",
        "species": item.species or "",
        **item.slices,
        **{TRUTH + name: value for name, value in item.truth.items()},
    }
    for suffix, role in zip(("", "_back"), roles_of(manifest.check), strict=False):
        ref = item.media.get(role)
        row[f"sha256{suffix}"] = ref.sha256 if ref else ""
        row[f"path{suffix}"] = (ref.path or "") if ref else ""
    return row


# --- pairs ----------------------------------------------------------------------------------------------


def read_pairs(items: Sequence[EvalItem], data: bytes, faults: list[SetFault]) -> Pairs:
    """(P, 2) int32 positions in `items`; a column `mated` (1 or 0), if any, must agree with the subjects."""
    table = read_table(PAIRS, data, faults)
    for name in _PAIR_COLUMNS:
        if name not in table.columns:
            faults.append(SetFault("table_invalid", f"{PAIRS}: no column {name}"))
            return np.empty((0, 2), np.int32)
    position = {item.id: index for index, item in enumerate(items)}
    pairs = [(position.get(row["item_a"], -1), position.get(row["item_b"], -1)) for _, row in table.rows]
    seen: set[tuple[int, int]] = set()
    for pair, (line, row) in zip(pairs, table.rows, strict=True):
        fault = _pair_fault(items, pair, row.get("mated"), seen)
        if fault is not None:
            faults.append(SetFault(fault[0], f"{PAIRS} line {line}: {fault[1]}"))
        seen.add(pair)
    return np.array(pairs, np.int32).reshape(-1, 2)


def pairs_bytes(items: Sequence[EvalItem], pairs: Pairs) -> bytes:
    """The pairs as `read_pairs` reads them back."""
    return write_table(_PAIR_COLUMNS, ((items[a].id, items[b].id) for a, b in pairs.tolist()))


def _pair_fault(
    items: Sequence[EvalItem], pair: tuple[int, int], mated: str | None, seen: set[tuple[int, int]]
) -> tuple[str, str] | None:
    a, b = pair
    if min(pair) < 0:
        return "pair_item_unknown", "names an item that is not in the set"
    if a == b:
        return "pair_of_itself", "compares an item with itself"
    if pair in seen or (b, a) in seen:
        return "pair_duplicate", "is listed twice"
    if mated and Part.SEALED in (items[a].part, items[b].part):
        return "sealed_label_shown", "says whether a sealed item is mated"
    first, second = items[a].subject, items[b].subject
    if mated and first and second and (mated == "1") != (first == second):
        return "pair_label_contradiction", "is labelled otherwise than its subjects say"
    return None

"""Sources that are tables: a CSV with a row a file, LFW-style lists of pairs, transcripts of documents."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from idv.domain.errors import EvalSetError, SetFault
from idv.evaluation.sets.gathering import Described
from idv.evaluation.sets.item_files import TRUTH, Row, Table, read_table

_TRUE = frozenset({"1", "true", "yes", "same"})
_FALSE = frozenset({"0", "false", "no", "different"})
_FIELDS = ("path", "back", "label", "species", "subject", "session", "part")


class Pairs(NamedTuple):
    """Files and the pairs of paths that are compared."""

    described: tuple[Described, ...]
    pairs: tuple[tuple[str, str], ...]


def item_rows(
    path: Path, *, columns: Mapping[str, str], slices: Sequence[str], values: Mapping[str, str]
) -> tuple[Described, ...]:
    """One file a row.

    `columns`: our name -> the table's, where they differ; ours are path, back, label, species, subject,
    session, part and truth.<name>. `values`: the table's label -> ours.
    Raises EvalSetError `source_missing` or `table_invalid` with every fault.
    """
    table = _table(path)
    named = {
        name: columns.get(name, name) for name in (*_FIELDS, *(n for n in columns if n.startswith(TRUTH)))
    }
    named |= {name: name for name in table.columns if name.startswith(TRUTH)}
    wanted = ["path", *columns]
    _require(table, [*(named.get(name, columns.get(name, name)) for name in wanted), *slices])
    return tuple(_described(row, line, named, slices, values) for line, row in table.rows)


def lfw_pairs(path: Path) -> Pairs:
    """One pair a row: columns path_a, path_b, mated, and subject_a, subject_b where known.

    A further column becomes a slice when no file has two values of it. Without subjects those follow from
    the mated pairs. Raises EvalSetError with every fault: `pair_label_contradiction` for a pair whose label
    its subjects, or the other pairs, refute, `subject_contradiction` for a file said to show two people.
    """
    table = _table(path)
    _require(table, ["path_a", "path_b", "mated"])
    faults: list[SetFault] = []
    mated = [_truth(row["mated"], line, faults) for line, row in table.rows]
    named = {"subject_a", "subject_b"} <= set(table.columns)
    subjects = _stated(table, faults) if named else _implied(table, mated)
    for (line, row), same in zip(table.rows, mated, strict=True):
        if same != (subjects[row["path_a"]] == subjects[row["path_b"]]):
            why = "the pair is labelled otherwise than its subjects are"
            faults.append(SetFault("pair_label_contradiction", f"{table.name} line {line}: {why}"))
    if faults:
        raise EvalSetError(faults, field="source")
    described = tuple(
        Described(path=file, where=f"{table.name} line {line}", subject=subjects[file], slices=slices)
        for file, (line, slices) in _files(table).items()
    )
    return Pairs(described, tuple((row["path_a"], row["path_b"]) for _, row in table.rows))


def transcripts(path: Path) -> tuple[Described, ...]:
    """Tables `[[specimen]]` with file, format and lines: what a perfect reader reads is `truth.mrz`.

    A letter Ñ, which is outside the alphabet of ICAO Doc 9303, is taken as the N that a reader can give.
    No label: a published specimen is no genuine document. Raises EvalSetError `table_invalid`.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["specimen"]
        return tuple(
            Described(
                path=entry["file"],
                where=f"{path.name} entry {number}",
                slices={"format": entry["format"]},
                truth={"mrz": "\n".join(entry["lines"]).replace("Ñ", "N")},
            )
            for number, entry in enumerate(entries, start=1)
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        fault = SetFault("table_invalid", f"{path.name}: {type(error).__name__}")
        raise EvalSetError([fault], field="source") from error


def _table(path: Path) -> Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        fault = SetFault("source_missing", f"{path.name}: {error.strerror}")
        raise EvalSetError([fault], field="source") from error
    faults: list[SetFault] = []
    table = read_table(path.name, data.removeprefix(b"\xef\xbb\xbf"), faults)
    if faults:
        raise EvalSetError(faults, field="source")
    return table


def _require(table: Table, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        fault = SetFault("table_invalid", f"{table.name}: no column {', '.join(missing)}")
        raise EvalSetError([fault], field="source")


def _described(
    row: Row, line: int, named: Mapping[str, str], slices: Sequence[str], values: Mapping[str, str]
) -> Described:
    said = {name: row.get(column, "") for name, column in named.items()}
    truth = {name.removeprefix(TRUTH): value for name, value in said.items() if name.startswith(TRUTH)}
    return Described(
        **{name: said[name] for name in _FIELDS if name != "label"},
        label=values.get(said["label"], said["label"]),
        where=f"line {line}",
        slices={name: row[name] for name in slices},
        truth=truth,
    )


def _truth(value: str, line: int, faults: list[SetFault]) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        faults.append(SetFault("label_unknown", f"line {line}: mated is neither 1 nor 0"))
    return value.lower() in _TRUE


def _stated(table: Table, faults: list[SetFault]) -> dict[str, str]:
    subjects: dict[str, str] = {}
    for line, row in table.rows:
        for side in ("a", "b"):
            known = subjects.setdefault(row[f"path_{side}"], row[f"subject_{side}"])
            if known != row[f"subject_{side}"]:
                why = "a file is said to show another subject than before"
                faults.append(SetFault("subject_contradiction", f"{table.name} line {line}: {why}"))
    return subjects


def _implied(table: Table, mated: Sequence[bool]) -> dict[str, str]:
    """Files that mated pairs join, directly or by way of others, are of one subject."""
    leader: dict[str, str] = {}

    def first(file: str) -> str:
        while leader.setdefault(file, file) != file:
            file = leader[file]
        return file

    for (_, row), same in zip(table.rows, mated, strict=True):
        a, b = first(row["path_a"]), first(row["path_b"])
        if same:
            leader[b] = a
    return {file: first(file) for file in leader}


def _files(table: Table) -> dict[str, tuple[int, dict[str, str]]]:
    """File -> the first line that names it, and the further columns that never change for it."""
    fixed = {"path_a", "path_b", "mated", "subject_a", "subject_b"}
    further = [name for name in table.columns if name not in fixed]
    seen: dict[str, tuple[int, dict[str, set[str]]]] = {}
    for line, row in table.rows:
        for file in (row["path_a"], row["path_b"]):
            values = seen.setdefault(file, (line, {name: set() for name in further}))[1]
            for name in further:
                values[name].add(row[name])
    constant = [name for name in further if all(len(values[name]) == 1 for _, values in seen.values())]
    return {
        file: (line, {name: next(iter(values[name])) for name in constant})
        for file, (line, values) in seen.items()
    }

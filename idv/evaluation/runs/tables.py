"""Runs on disk: `run.json`, `items.parquet` and, for comparisons, `pairs.parquet`, through DuckDB."""

import dataclasses
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import IntegrityError, RequestError, StorageUnavailable
from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Factor, ItemTable, PairTable, Run, RunRecord, ScoreTable
from idv.evaluation.runs.rows import factor

RECORD, ITEMS, PAIRS = "run.json", "items.parquet", "pairs.parquet"
FORMAT = 1
_SLICE, _SIGNAL = "slice.", "signal."
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": 1,
}
Columns = Mapping[str, NDArray[Any]]


def write_run(run: Run, folder: Path) -> None:
    """Write a run; its record comes last, so a folder with a record is whole.

    Raises StorageUnavailable when the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / ITEMS, _item_columns(run.table.items))
        written = [ITEMS]
        if run.table.pairs is not None:
            pairs = run.table.pairs
            _write(folder / PAIRS, {"a": pairs.a, "b": pairs.b, "score": pairs.score})
            written.append(PAIRS)
        body = {"format": FORMAT, "tables": {name: _sha256(folder / name) for name in written}}
        replace_whole(folder / RECORD, lambda path: path.write_text(_record_text(run.record, body), "utf-8"))
    except (OSError, duckdb.Error) as error:
        raise StorageUnavailable(
            "run_not_written", f"{folder} cannot be written ({type(error).__name__}); the journal is kept"
        ) from error


def read_run(folder: Path) -> Run:
    """A finished run.

    Raises RequestError `run_missing` or `run_unfinished`, IntegrityError `run_altered` when a table is not
    the one the record was written with, `run_unreadable`, or `scores_not_finite`: NaN is no score.
    """
    record, tables = _read_record(folder)
    for name, sha256 in tables.items():
        if not (folder / name).is_file() or _sha256(folder / name) != sha256:
            raise IntegrityError("run_altered", f"{folder / name} is not the table the run was written with")
    try:
        pairs = PairTable(**_read(folder / PAIRS)) if PAIRS in tables else None
        table = ScoreTable(_items(_read(folder / ITEMS)), pairs)
    except (duckdb.Error, KeyError, TypeError, ValueError) as error:
        raise IntegrityError("run_unreadable", f"{folder}: {type(error).__name__}: {error}") from error
    if not table.scores_are_sound:
        raise IntegrityError("scores_not_finite", f"{folder} holds a score that is no number")
    return Run(record, table)


def read_record(folder: Path) -> RunRecord:
    """The record of a finished run alone. Raises as `read_run`, its tables apart."""
    return _read_record(folder)[0]


def stream_pairs(folder: Path, *, rows: int = 1_000_000) -> Iterator[PairTable]:
    """The comparisons of a run in their order, at most `rows` at a time."""
    path = folder / PAIRS
    with _connected() as database:
        found = database.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
        for start in range(0, found[0] if found else 0, rows):
            read = database.execute(
                "SELECT a, b, score FROM read_parquet(?, file_row_number = true)"
                " WHERE file_row_number >= ? AND file_row_number < ?",
                [str(path), start, start + rows],
            ).fetchnumpy()
            yield PairTable(**{name: _whole(values) for name, values in read.items()})


def _item_columns(items: ItemTable) -> Columns:
    outcomes = np.array([outcome.value for outcome in OUTCOMES], object)
    return {
        "id": np.array(items.ids, object),
        "part": _texts(items.part),
        "subject": _texts(items.subject),
        "species": _texts(items.species),
        "genuine": items.genuine,
        "outcome": outcomes[items.outcome],
        "score": items.score,
        "correct": items.correct,
        "latency_ms": items.latency_ms,
        "cost": items.cost,
        "reasons": np.array(items.reasons, object),
        **{_SLICE + name: _texts(values) for name, values in items.slices.items()},
        **{_SIGNAL + name: values for name, values in items.signals.items()},
    }


def _items(columns: Columns) -> ItemTable:
    return ItemTable(
        ids=tuple(columns["id"]),
        part=factor(columns["part"]),
        subject=factor(columns["subject"]),
        species=factor(columns["species"]),
        genuine=columns["genuine"],
        outcome=np.array([OUTCOMES.index(Outcome(code)) for code in columns["outcome"]], np.int8),
        score=columns["score"],
        correct=columns["correct"],
        latency_ms=columns["latency_ms"],
        cost=columns["cost"],
        reasons=tuple(columns["reasons"]),
        slices={n.removeprefix(_SLICE): factor(v) for n, v in columns.items() if n.startswith(_SLICE)},
        signals={n.removeprefix(_SIGNAL): v for n, v in columns.items() if n.startswith(_SIGNAL)},
    )


def _texts(values: Factor) -> NDArray[np.object_]:
    """Names, empty where unknown."""
    names = np.array([*values.names, ""], object)
    texts: NDArray[np.object_] = names[values.codes]
    return texts


def _write(path: Path, columns: Columns) -> None:
    def copy(partial: Path) -> None:
        with _connected() as database:
            database.register("columns", dict(columns))
            target = str(partial).replace("'", "''")
            database.execute(f"COPY columns TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

    replace_whole(path, copy)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Every column, by name and with its type."""
    with _connected() as database:
        read = database.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchnumpy()
    return {name: _whole(values) for name, values in read.items()}


def _whole(column: NDArray[Any]) -> NDArray[Any]:
    """The column without its mask. DuckDB writes NaN as null, and under the mask of a null lies a zero."""
    if not np.ma.is_masked(column):
        return np.ma.getdata(column)
    if column.dtype.kind != "f":
        raise ValueError("a value is missing")
    return np.ma.filled(column, np.nan)


def _connected() -> duckdb.DuckDBPyConnection:
    """A database in memory that fetches nothing and leaves the other cores to others."""
    return duckdb.connect(config=_OFFLINE)


def replace_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the target and rename: a reader sees the old file or the whole new one. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record_text(record: RunRecord, head: Mapping[str, object]) -> str:
    body = {**head, **dataclasses.asdict(record)}
    return json.dumps(body, indent=1, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _read_record(folder: Path) -> tuple[RunRecord, Mapping[str, str]]:
    """The record, and the digests of its tables by file name."""
    try:
        body = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = folder.is_dir()
        code = "run_unfinished" if known else "run_missing"
        unfinished = f"has no {RECORD}: the run was not finished; the same `idv bench run` goes on with it"
        why = unfinished if known else "does not exist"
        raise RequestError(code, f"{folder} {why}", field="run") from None
    except (OSError, ValueError) as error:
        raise IntegrityError("run_unreadable", f"{folder / RECORD}: {type(error).__name__}") from error
    try:
        _require_format(body.pop("format"))
        tables = {str(name): str(digest) for name, digest in body.pop("tables").items()}
        return _record(body), tables
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            "run_unreadable", f"{folder / RECORD}: {type(error).__name__}: {error}"
        ) from error


def _require_format(found: object) -> None:
    if found != FORMAT:
        raise ValueError(f"format is {found}, not {FORMAT}")


def _record(body: dict[str, Any]) -> RunRecord:
    finished = body["finished_at"]
    return RunRecord(
        **{
            **body,
            "check": CheckName(body["check"]),
            "comparisons": Comparisons(body["comparisons"]),
            "limits": tuple(body["limits"]),
            "started_at": dt.datetime.fromisoformat(body["started_at"]),
            "finished_at": None if finished is None else dt.datetime.fromisoformat(finished),
        }
    )

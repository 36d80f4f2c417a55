"""Facts about runs on disk: whole or refused, and readable piece by piece."""

import dataclasses
from pathlib import Path

import duckdb
import numpy as np
import pytest

from idv.domain.errors import IntegrityError, RequestError
from idv.domain.score_tables import Run
from idv.evaluation.runs.tables import read_record, read_run, stream_pairs, write_run
from tests.unit.evaluation.runs.stand_ins import ByteMatch, candidate_of, measured
from tests.unit.evaluation.runs.test_run import faces_of


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of comparisons below `tmp_path`."""
    return measured(faces_of(tmp_path), candidate_of(ByteMatch(), compares=True), tmp_path)


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """Where it is."""
    return tmp_path / "runs" / run.record.run_id


@pytest.mark.parametrize("name", ["items.parquet", "pairs.parquet"])
def test_a_table_that_was_changed_is_refused(folder: Path, name: str) -> None:
    """One changed byte, or a table that is gone, is a named error."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    for _ in range(2):
        with pytest.raises(IntegrityError, match=name) as refused:
            read_run(folder)
        assert refused.value.code == "run_altered"
        (folder / name).unlink(missing_ok=True)


@pytest.mark.parametrize("score", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["items", "pairs"])
def test_a_run_with_a_score_that_is_no_number_is_refused(
    run: Run, tmp_path: Path, name: str, score: float
) -> None:
    """Whoever wrote it: before a report, a threshold or a gate is made of it."""
    table = getattr(run.table, name)
    table = dataclasses.replace(table, score=np.full(table.score.size, score))
    write_run(Run(run.record, dataclasses.replace(run.table, **{name: table})), tmp_path / "other")
    with pytest.raises(IntegrityError) as refused:
        read_run(tmp_path / "other")
    assert refused.value.code == "scores_not_finite"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}'])
def test_a_record_that_is_none_is_refused(folder: Path, text: str) -> None:
    """Another format or no JSON is a named error."""
    (folder / "run.json").write_text(text)
    with pytest.raises(IntegrityError) as refused:
        read_record(folder)
    assert refused.value.code == "run_unreadable"


def test_a_run_that_is_not_there_or_not_finished_is_named(folder: Path) -> None:
    """The two are told apart."""
    (folder / "run.json").unlink()
    for path, code in ((folder, "run_unfinished"), (folder / "x", "run_missing")):
        with pytest.raises(RequestError) as refused:
            read_run(path)
        assert refused.value.code == code


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_comparisons_can_be_read_in_pieces(run: Run, folder: Path, rows: int) -> None:
    """All pieces together are the table, in its order; none is larger than was asked for."""
    pieces = list(stream_pairs(folder, rows=rows))
    assert max(piece.score.size for piece in pieces) <= rows
    assert run.table.pairs is not None
    for name in ("a", "b", "score"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        np.testing.assert_array_equal(joined, getattr(run.table.pairs, name))


def test_the_tables_can_be_asked_in_sql(folder: Path) -> None:
    """Columns have names and texts that a person can query without this project."""
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT id, outcome, reasons, \"slice.light\" FROM read_parquet(?) WHERE outcome <> 'pass'",
            [str(folder / "items.parquet")],
        ).fetchall()
    assert rows == [("b", "inconclusive", "face_blurred", "high"), ("none", "inconclusive", "no_face", "low")]

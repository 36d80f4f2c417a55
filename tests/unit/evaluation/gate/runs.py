"""Runs made of literal columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Factor, ItemTable, PairTable, Run, ScoreTable
from idv.evaluation.runs.record import drawn_record

RECORD = replace(
    drawn_record(CheckName.LIVENESS),
    run_id="run-base",
    set_name="tiny",
    set_digest="5" * 64,
    candidate="open",
    provider="open",
    check_digest="d" * 64,
    commit="c" * 40,
)


@dataclass(frozen=True)
class Columns:
    """The columns of a run; every item its own subject, genuine, passed, unless said otherwise."""

    scores: Sequence[float]
    genuine: Sequence[int] = ()
    outcomes: Sequence[Outcome] = ()
    subjects: Sequence[int] = ()
    parts: Sequence[str] = ()
    species: Sequence[str | None] = ()
    correct: Sequence[int] = ()
    slices: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    signals: Mapping[str, Sequence[float]] = field(default_factory=dict)


def factor(values: Sequence[str | None]) -> Factor:
    """A categorical column."""
    names = sorted({value for value in values if value is not None})
    codes = [-1 if value is None else names.index(value) for value in values]
    return Factor(np.array(codes, np.int32), tuple(names))


def items(columns: Columns) -> ItemTable:
    """The item table of some columns."""
    size = len(columns.scores)
    outcomes = columns.outcomes or [Outcome.PASS] * size
    subjects = columns.subjects or range(size)
    return ItemTable(
        ids=tuple(f"i{number}" for number in range(size)),
        part=factor(columns.parts or ["test"] * size),
        subject=factor([f"s{number:05d}" for number in subjects]),
        species=factor(columns.species or [None] * size),
        genuine=np.array(columns.genuine or [1] * size, np.int8),
        outcome=np.array([OUTCOMES.index(outcome) for outcome in outcomes], np.int8),
        score=np.array(columns.scores, np.float64),
        correct=np.array(columns.correct or [-1] * size, np.int8),
        latency_ms=np.ones(size, np.float32),
        cost=np.zeros(size, np.float32),
        reasons=("",) * size,
        slices={name: factor(values) for name, values in columns.slices.items()},
        signals={name: np.array(values, np.float64) for name, values in columns.signals.items()},
    )


def run(columns: Columns, **record: Any) -> Run:
    """A run of single items."""
    return Run(replace(RECORD, **record), ScoreTable(items(columns)))


def pair_run(columns: Columns, a: ArrayLike, b: ArrayLike, scores: ArrayLike, **record: Any) -> Run:
    """A run of comparisons."""
    pairs = PairTable(np.asarray(a, np.int32), np.asarray(b, np.int32), np.asarray(scores, np.float64))
    faces = {"check": CheckName.FACE_MATCH, "comparisons": Comparisons.ALL_PAIRS}
    return Run(replace(RECORD, **(faces | record)), ScoreTable(items(columns), pairs))

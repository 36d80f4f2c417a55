"""One finished item: as the journal keeps it, and as a row of the score table."""

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import IntegrityError
from idv.domain.eval_sets import EvalItem, EvalSet
from idv.domain.faces import FaceTemplate
from idv.domain.results import Outcome
from idv.domain.score_tables import OUTCOMES, Factor, ItemTable

UNKNOWN = -1


@dataclass(frozen=True)
class Row:
    """What came of one task; the columns are those of `ItemTable`. `template`: of a face to be compared."""

    key: str
    outcome: Outcome
    score: float = -math.inf
    reasons: tuple[str, ...] = ()
    correct: int = UNKNOWN
    latency_ms: float = 0.0
    cost: float = 0.0
    template: FaceTemplate | None = field(default=None, repr=False)
    signals: Mapping[str, float] = field(default_factory=dict)


def row_line(row: Row) -> bytes:
    """The row as a line of JSON. Numbers come back bit for bit."""
    body: dict[str, object] = {
        "key": row.key,
        "outcome": row.outcome,
        "score": row.score if math.isfinite(row.score) else None,
        "reasons": row.reasons,
        "correct": row.correct,
        "latency_ms": round(row.latency_ms, 3),
        "cost": row.cost,
    }
    if row.signals:
        body["signals"] = dict(row.signals)
    if row.template is not None:
        body["template"] = {name: _text(vector) for name, vector in row.template.vectors}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def rows_of(journal: bytes) -> dict[str, Row]:
    """The rows of a journal by key. Raises IntegrityError `journal_unreadable` for a line that is no row."""
    try:
        rows = [_row(json.loads(line)) for line in journal.splitlines()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError("journal_unreadable", f"a line is no row ({type(error).__name__})") from error
    return {row.key: row for row in rows}


def tabulate(eval_set: EvalSet, rows: Mapping[str, Row]) -> ItemTable:
    """The table of all items of a set, in its order; `rows` has one for each item's id."""
    items = eval_set.items
    ordered = [rows[item.id] for item in items]
    return ItemTable(
        ids=tuple(item.id for item in items),
        part=factor([item.part for item in items]),
        subject=factor([item.subject for item in items]),
        species=factor([item.species for item in items]),
        genuine=np.array([_genuine(item) for item in items], np.int8),
        outcome=np.array([OUTCOMES.index(row.outcome) for row in ordered], np.int8),
        score=np.array([row.score for row in ordered], np.float64),
        correct=np.array([row.correct for row in ordered], np.int8),
        latency_ms=np.array([row.latency_ms for row in ordered], np.float32),
        cost=np.array([row.cost for row in ordered], np.float32),
        reasons=tuple(";".join(row.reasons) for row in ordered),
        slices={name: factor([item.slices.get(name) for item in items]) for name in _slices(items)},
        signals=_signals(ordered),
    )


def factor(values: Iterable[str | None]) -> Factor:
    """A categorical column; what is empty or None is unknown. Names in alphabetical order."""
    column = [str(value or "") for value in values]
    names = tuple(sorted(set(column) - {""}))
    codes = {name: code for code, name in enumerate(names)}
    return Factor(np.array([codes.get(value, UNKNOWN) for value in column], np.int32), names)


def _genuine(item: EvalItem) -> int:
    return UNKNOWN if item.label is None else int(item.label.is_genuine)


def _slices(items: Iterable[EvalItem]) -> list[str]:
    return sorted({name for item in items for name in item.slices})


def _signals(rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    names = sorted({name for row in rows for name in row.signals})
    return {name: np.array([row.signals.get(name, math.nan) for row in rows]) for name in names}


def _row(body: Mapping[str, object]) -> Row:
    vectors, signals = body.get("template"), body.get("signals")
    score = body["score"]
    return Row(
        key=str(body["key"]),
        outcome=Outcome(str(body["outcome"])),
        score=-math.inf if score is None else float(score),  # type: ignore[arg-type] # JSON gives a number
        reasons=tuple(map(str, body["reasons"])),  # type: ignore[call-overload] # JSON gives a list
        correct=int(body["correct"]),  # type: ignore[call-overload] # likewise
        latency_ms=float(body["latency_ms"]),  # type: ignore[arg-type] # likewise
        cost=float(body["cost"]),  # type: ignore[arg-type] # likewise
        template=_template(vectors) if isinstance(vectors, dict) else None,
        signals={str(n): float(v) for n, v in signals.items()} if isinstance(signals, dict) else {},
    )


def _text(vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _template(vectors: Mapping[str, str]) -> FaceTemplate:
    return FaceTemplate(
        tuple(
            (name, np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32))
            for name, text in vectors.items()
        )
    )

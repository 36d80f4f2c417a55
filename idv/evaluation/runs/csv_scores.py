"""Scores made elsewhere: a vendor's batch results as a candidate."""

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Comparisons, EvalSet
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import PairTable, ScoreTable
from idv.evaluation.runs.candidates import Described, Judged
from idv.evaluation.runs.comparisons import Positions, comparisons_of, rows_of_items
from idv.evaluation.runs.rows import Row, tabulate

_FAULTS_SHOWN = 5


class _Fault(NamedTuple):
    code: str
    message: str


class _Line(NamedTuple):
    """A line of the file: number, one item or two, and what was said of them."""

    number: int
    items: tuple[str, ...]
    row: Row


@dataclass(frozen=True)
class CsvCandidate:
    """Scores in a CSV: `item[,item_b],score[,outcome,reasons,latency_ms,cost]`, in any order.

    A higher score is more genuine; an empty one is none. Without an outcome an item is inconclusive for want
    of an operating point; an outcome or reason that nobody here knows is `provider_answer_unknown`.
    `partial`: what the file leaves out counts as a failure; otherwise it is refused.
    """

    path: Path
    check: CheckName
    data: bytes = field(repr=False)
    partial: bool = False

    @property
    def described(self) -> Described:
        """The provider is the name of the file, the check digest that of its bytes."""
        return Described(
            name=self.path.name,
            check=self.check,
            provider=self.path.stem,
            check_digest=hashlib.sha256(self.data).hexdigest(),
            settings={"partial": str(self.partial)},
        )

    def measured(self, eval_set: EvalSet, judged: Judged, *, scratch: Path) -> ScoreTable:  # noqa: ARG002 - nothing is judged here
        """The scores of the file, each where it belongs.

        Raises RequestError: `scores_columns`, `scores_unreadable`, `score_not_finite`, `item_unknown`,
        `item_duplicate`, `item_missing` (for comparisons `pair_…`), with the lines they are on.
        """
        compares = eval_set.comparisons is not Comparisons.NONE
        lines = _lines(self.data, compares=compares)
        if compares:
            return _compared(eval_set, lines, partial=self.partial)
        return _listed(eval_set, lines, partial=self.partial)


def read_scores(path: Path, check: CheckName, *, partial: bool = False) -> CsvCandidate:
    """A file of scores. Raises RequestError `scores_unreadable`."""
    try:
        return CsvCandidate(path, check, path.read_bytes(), partial)
    except OSError as error:
        raise RequestError("scores_unreadable", f"{path}: {error.strerror}", field="candidate") from error


def _listed(eval_set: EvalSet, lines: Iterator[_Line], *, partial: bool) -> ScoreTable:
    known = {item.id for item in eval_set.items}
    rows: dict[str, Row] = {}
    faults = []
    for number, (key,), row in lines:
        if key not in known:
            faults.append(_Fault("item_unknown", f"line {number}: the set has no such item"))
        elif key in rows:
            faults.append(_Fault("item_duplicate", f"line {number}: the item was there already"))
        rows[key] = row
    missing = known - rows.keys()
    if missing and not partial:
        faults.append(_Fault("item_missing", f"{len(missing)} items of the set have no line"))
    _refuse(faults)
    return ScoreTable(tabulate(eval_set, {**{key: _unanswered(key) for key in missing}, **rows}))


def _compared(eval_set: EvalSet, lines: Iterator[_Line], *, partial: bool) -> ScoreTable:
    a, b = comparisons_of(eval_set)
    keys = _keys(a, b, len(eval_set.items))
    order = np.argsort(keys, kind="stable")
    score = np.full(a.size, -np.inf)
    latency_ms, cost = np.zeros(a.size), np.zeros(a.size)
    reasons = [Reason.CHECK_MISSING.value] * a.size
    given = np.zeros(a.size, bool)
    faults = []
    places = {item.id: place for place, item in enumerate(eval_set.items)}
    ordered = keys[order]
    for number, items, row in lines:
        one, other = (places.get(item, -1) for item in items)
        key = _keys(np.array([one], np.int32), np.array([other], np.int32), len(places))[0]
        found = int(np.searchsorted(ordered, key))
        if min(one, other) < 0 or found == ordered.size or ordered[found] != key:
            faults.append(_Fault("pair_unknown", f"line {number}: the set has no such comparison"))
            continue
        place = order[found]
        if given[place]:
            faults.append(_Fault("pair_duplicate", f"line {number}: the comparison was there already"))
        given[place] = True
        score[place], latency_ms[place], cost[place] = row.score, row.latency_ms, row.cost
        reasons[place] = ";".join(row.reasons)
    if not given.all() and not partial:
        faults.append(_Fault("pair_missing", f"{(~given).sum()} comparisons of the set have no line"))
    _refuse(faults)
    pairs = PairTable(a, b, score)
    rows = rows_of_items(eval_set, pairs, latency_ms=latency_ms, cost=cost, reasons=reasons)
    return ScoreTable(tabulate(eval_set, rows), pairs)


def _keys(a: Positions, b: Positions, count: int) -> NDArray[np.int64]:
    """One number a comparison, the same for both directions."""
    keys: NDArray[np.int64] = np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b)
    return keys


def _lines(data: bytes, *, compares: bool) -> Iterator[_Line]:
    """Every line that can be read. Raises, at the end, for all that cannot."""
    wanted = ("item", "item_b") if compares else ("item",)
    faults = []
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        columns = reader.fieldnames or ()
        absent = {*wanted, "score"} - set(columns)
        if absent or (not compares and "item_b" in columns):
            need = ",".join([*wanted, "score"])
            raise RequestError("scores_columns", f"this set needs the columns {need}", field="candidate")
        for cells in reader:
            if None in cells or None in cells.values():
                faults.append(
                    _Fault("scores_columns", f"line {reader.line_num}: not as many cells as columns")
                )
                continue
            try:
                items = tuple(cells[column] for column in wanted)
                yield _Line(reader.line_num, items, _row(items[0], cells))
            except ValueError as error:
                faults.append(_Fault("score_not_finite", f"line {reader.line_num}: {error}"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError("scores_unreadable", str(error), field="candidate") from error
    _refuse(faults)


def _row(key: str, cells: Mapping[str, str]) -> Row:
    """What a line says. Raises ValueError naming the column that is no finite number."""
    score = _number("score", cells, default=-math.inf)
    said = cells.get("outcome", "")
    codes = [code for code in cells.get("reasons", "").split(";") if code]
    reasons = [code if _is_reason(code) else Reason.PROVIDER_ANSWER_UNKNOWN.value for code in codes]
    if not said:
        outcome = Outcome.INCONCLUSIVE
        reasons += [Reason.NO_OPERATING_POINT.value] if score > -math.inf and not reasons else []
    elif said not in set(Outcome):
        outcome = Outcome.INCONCLUSIVE
        reasons.append(Reason.PROVIDER_ANSWER_UNKNOWN.value)
    else:
        outcome = Outcome(said)
    if outcome is Outcome.PASS and score == -math.inf:  # as the runner has it: no pass without a score
        outcome = Outcome.INCONCLUSIVE
        reasons.append(Reason.SCORE_NOT_FINITE.value)
    return Row(
        key,
        outcome,
        score=score,
        reasons=tuple(dict.fromkeys(reasons)),
        latency_ms=_number("latency_ms", cells, default=0.0),
        cost=_number("cost", cells, default=0.0),
    )


def _number(column: str, cells: Mapping[str, str], *, default: float) -> float:
    text = cells.get(column, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column} is no finite number")
    return value


def _is_reason(code: str) -> bool:
    return code in set(Reason)


def _unanswered(key: str) -> Row:
    return Row(key, Outcome.INCONCLUSIVE, reasons=(Reason.CHECK_MISSING.value,))


def _refuse(faults: Sequence[_Fault]) -> None:
    """Raise the first code with the first few places."""
    if not faults:
        return
    shown = "; ".join(fault.message for fault in faults[:_FAULTS_SHOWN])
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    raise RequestError(faults[0].code, shown + more, field="candidate")

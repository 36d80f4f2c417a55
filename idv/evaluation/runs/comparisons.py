"""What items and comparisons have to do with each other, whoever scored the comparisons."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from idv.domain.eval_sets import Comparisons, EvalItem, EvalSet
from idv.domain.results import Outcome
from idv.domain.score_tables import PairTable
from idv.evaluation.runs.rows import Row

Positions = NDArray[np.int32]
Column = NDArray[np.float64]


def parts_of(items: Sequence[EvalItem]) -> tuple[Positions, ...]:
    """The rows of each part; items of two parts are never compared."""
    names = np.array([item.part for item in items])
    return tuple(np.flatnonzero(names == name).astype(np.int32) for name in np.unique(names))


def comparisons_of(eval_set: EvalSet) -> tuple[Positions, Positions]:
    """Both sides (P,) of every comparison a set stands for, in the order of a run's pairs."""
    if eval_set.comparisons is Comparisons.LISTED:
        listed = eval_set.pairs if eval_set.pairs is not None else np.empty((0, 2), np.int32)
        return listed[:, 0].astype(np.int32), listed[:, 1].astype(np.int32)
    sides = []
    for part in parts_of(eval_set.items):
        i, j = np.triu_indices(len(part), 1)
        sides.append((part[i], part[j]))
    one, other = (np.concatenate([pair[k] for pair in sides]) if sides else np.empty(0) for k in (0, 1))
    return one.astype(np.int32), other.astype(np.int32)


def rows_of_items(
    eval_set: EvalSet, pairs: PairTable, *, latency_ms: Column, cost: Column, reasons: Sequence[str]
) -> dict[str, Row]:
    """Rows of items from comparisons that were judged one by one; `reasons` of each, joined by `;`.

    An item passed, with score 0, when any of its comparisons has a score; otherwise it has their reasons.
    Time (the mean) and cost (the sum) of a comparison stand with its first item.
    """
    count = len(eval_set.items)
    first = np.bincount(pairs.a, minlength=count)
    spent = np.bincount(pairs.a, latency_ms, minlength=count) / np.maximum(first, 1)
    paid = np.bincount(pairs.a, cost, minlength=count)
    scored, seen = np.zeros(count, bool), np.zeros(count, bool)
    for side in (pairs.a, pairs.b):
        scored[side[np.isfinite(pairs.score)]] = True
        seen[side] = True
    why: dict[int, dict[str, None]] = {}
    for place in np.flatnonzero(~np.isfinite(pairs.score)).tolist():
        for row in (int(pairs.a[place]), int(pairs.b[place])):
            if not scored[row]:
                why.setdefault(row, {}).update(dict.fromkeys(filter(None, reasons[place].split(";"))))
    return {
        item.id: Row(
            item.id,
            Outcome.PASS if scored[i] else Outcome.INCONCLUSIVE if seen[i] else Outcome.NOT_RUN,
            score=0.0 if scored[i] else -np.inf,
            reasons=tuple(why.get(i, ())),
            latency_ms=float(spent[i]),
            cost=float(paid[i]),
        )
        for i, item in enumerate(eval_set.items)
    }

"""Novelty in its reduced form: distance of a live result's score and signals to the nearest of a reference.

Templates would say more, and are not used: they are sealed for the one verification they were made for, and
a reference run deletes its own. So a new kind of camera or attack is seen where it moves the numbers that
checks report, and not where it only moves embeddings; `metrics.drift.novelty` serves who may keep those.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BEYOND = 0.01
"""The share of the reference itself that lies beyond its limit."""
_MOST = 4000
_LEAST = 20


class Novel(NamedTuple):
    """How many of `total` live results lie further from the reference than all but `BEYOND` of itself."""

    far: int
    total: int


def novel(reference: Floats, live: Floats) -> Novel | None:
    """Compare vectors (N, D) and (M, D), each column in units of the reference's spread.

    Of more than 4,000 rows evenly spaced ones are taken. None for too few rows to say anything.
    """
    known, seen = _thinned(reference), _thinned(live)
    if len(known) < _LEAST or len(seen) == 0:
        return None
    centre = np.median(known, axis=0)
    spread = np.quantile(known, 0.75, axis=0) - np.quantile(known, 0.25, axis=0)
    spread[spread == 0] = 1.0
    known, seen = (known - centre) / spread, (seen - centre) / spread
    own = np.array([_nearest(row, np.delete(known, n, axis=0)) for n, row in enumerate(known)])
    limit = float(np.quantile(own, 1 - BEYOND, method="inverted_cdf"))
    distances = np.array([_nearest(row, known) for row in seen])
    return Novel(int(np.sum(distances > limit)), len(seen))


def _nearest(row: Floats, known: Floats) -> float:
    return float(np.sqrt(np.min(np.sum((known - row) ** 2, axis=1))))


def _thinned(rows: Floats) -> Floats:
    if len(rows) <= _MOST:
        return rows
    thinned: Floats = rows[np.linspace(0, len(rows) - 1, _MOST).astype(int)]
    return thinned

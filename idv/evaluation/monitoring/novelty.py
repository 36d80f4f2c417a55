"""Novelty: results unlike any of a reference, and faces far from the reference embeddings.

Templates themselves are not used: they are sealed for the one verification they were made for, and a
reference run deletes its own. What they say is kept as a number: face_match's signal `cohort_similarity`, the
cosine of a face with the nearest of its calibration's reference embeddings. `far_from_cohort` reads that;
`novel` looks at the score and all signals together. `metrics.drift.novelty` serves who may keep embeddings.
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


class Far(NamedTuple):
    """How many of `total` live faces lie further from the reference embeddings than `limit`.

    The limit is the distance that at most `BEYOND` of the reference's own `known` faces pass: `own` of them.
    Distances are 1 - cohort similarity, in [0, 2].
    """

    far: int
    total: int
    limit: float
    own: int
    known: int


def far_from_cohort(reference: Floats, live: Floats) -> Far | None:
    """Compare cohort similarities (N,) and (M,); None for too few of them to say anything.

    One-sided, unlike `novel`: a face nearer to the reference embeddings than usual is nothing new.
    """
    if len(reference) < _LEAST or len(live) == 0:
        return None
    known, seen = 1 - reference, 1 - live
    limit = float(np.quantile(known, 1 - BEYOND, method="inverted_cdf"))
    own = int(np.sum(known > limit))
    return Far(int(np.sum(seen > limit)), len(seen), limit, own, len(known))


def _nearest(row: Floats, known: Floats) -> float:
    return float(np.sqrt(np.min(np.sum((known - row) ** 2, axis=1))))


def _thinned(rows: Floats) -> Floats:
    if len(rows) <= _MOST:
        return rows
    thinned: Floats = rows[np.linspace(0, len(rows) - 1, _MOST).astype(int)]
    return thinned

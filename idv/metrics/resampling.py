"""Drawing subjects with replacement: how often each row of a score table counts in each resample.

A row that concerns one subject counts as often as that subject was drawn, a comparison of two subjects as
often as the product says (two-way resampling of a table whose rows share subjects: Owen, Annals of Applied
Statistics 1, 2007). Rows are never copied or sorted again: a resample is nothing but a column of counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.uint8] | NDArray[np.float64]
Positions = NDArray[np.int64]

_BLOCK = 128  # resamples at once: a row of counts is two cache lines
_DRAWS = 8_000_000  # draws held at once, so that a million subjects fit into memory too
_CHUNK = 8192  # rows at once: the gathered block stays in the second-level cache
_DENSE_GAIN = 10  # a matrix product costs a tenth of a gather per entry
_TABLE_GAIN = 8
_SHORT_SUM = 256
_EXACT_BYTE = 15  # 15 · 15 still fits into a byte


@dataclass(frozen=True)
class Subjects:
    """Who a row concerns: positions (N,) of both subjects among `count` distinct ones, equal for one."""

    a: Positions
    b: Positions
    count: int


def subjects_of(subject_a: ArrayLike, subject_b: ArrayLike) -> Subjects:
    """Number the subjects from 0. Raises ValueError for no rows or lists of different lengths."""
    a, b = np.asarray(subject_a).ravel(), np.asarray(subject_b).ravel()
    if a.size == 0 or a.size != b.size:
        raise ValueError(f"resampling needs two subjects a row, not {a.size} and {b.size} of them")
    codes, count = _numbered(np.concatenate([a, b]))
    return Subjects(codes[: a.size], codes[a.size :], count)


def multiplicities(count: int, *, resamples: int, seed: int) -> Iterator[Counts]:
    """Blocks (count, B) of how often each subject was drawn, `resamples` columns in total.

    A block holds bytes while products of two counts fit into one. Raises ValueError for no resample.
    """
    if resamples < 1:
        raise ValueError("a bootstrap needs at least one resample")
    rng = np.random.default_rng(seed)
    block_size = min(_BLOCK, max(1, _DRAWS // count))
    for start in range(0, resamples, block_size):
        size = min(block_size, resamples - start)
        drawn = rng.integers(0, count, size=(size, count))
        drawn += np.arange(size)[:, None] * count
        block = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).T
        exact = np.uint8 if block.max() <= _EXACT_BYTE else np.float64
        yield np.ascontiguousarray(block.astype(exact))


@dataclass(frozen=True)
class Rows:
    """Rows of a score table, by the positions of their subjects (equal for a row of one subject)."""

    a: Positions
    b: Positions

    @classmethod
    def among(cls, subjects: Subjects, keep: NDArray[np.bool_] | Positions) -> "Rows":
        """The rows that a mask or a list of positions selects, in its order."""
        return cls(subjects.a[keep], subjects.b[keep])

    def __len__(self) -> int:
        """N."""
        return self.a.size

    def weights(self, drawn: Counts, start: int, stop: int) -> Counts:
        """How often rows start to stop count, (stop - start, B)."""
        # Positions are in range; saying so saves NumPy half of the time.
        weights: Counts = drawn.take(self.a[start:stop], axis=0, mode="clip")
        if self._crossed.all():
            weights *= drawn.take(self.b[start:stop], axis=0, mode="clip")
        elif self._crossed.any():
            crossed = np.flatnonzero(self._crossed[start:stop])
            weights[crossed] *= drawn.take(self.b[start + crossed], axis=0, mode="clip")
        return weights

    @cached_property
    def _crossed(self) -> NDArray[np.bool_]:
        """(N,) bool: rows of two subjects."""
        crossed: NDArray[np.bool_] = self.a != self.b
        return crossed

    def totals(self, drawn: Counts) -> NDArray[np.float64]:
        """Sum of the weights of all rows, (B,), exactly."""
        singles, crossed, dense = self._split
        numbers = drawn.astype(np.float64)
        sums: NDArray[np.float64] = singles[: len(numbers)] @ numbers[: singles.size]
        if dense is not None:
            width = len(dense)
            sums = sums + np.einsum("sb,sb->b", numbers[:width], dense @ numbers[:width])
        elif crossed is not None:
            for start in range(0, len(crossed), _CHUNK):
                sums = sums + _column_sums(crossed.weights(drawn, start, start + _CHUNK))
        return sums

    @cached_property
    def _split(self) -> tuple[NDArray[np.float64], "Rows | None", NDArray[np.float64] | None]:
        """Rows a subject; the rows of two subjects; and those as a matrix where that is cheaper."""
        crossed = self._crossed
        singles = np.bincount(self.a[~crossed]).astype(np.float64)
        if not crossed.any():
            return singles, None, None
        rows = Rows(self.a[crossed], self.b[crossed])
        width = int(max(rows.a.max(), rows.b.max())) + 1
        if width * width > _DENSE_GAIN * len(rows):
            # In the order of one subject, so that half of the gather is sequential.
            order = np.argsort(rows.a)
            return singles, Rows(rows.a[order], rows.b[order]), None
        matrix = np.bincount(rows.a * width + rows.b, minlength=width * width).reshape(width, width)
        return singles, rows, matrix.astype(np.float64)


def running_totals(weights: Counts) -> NDArray[np.uint32] | NDArray[np.float64]:
    """Cumulative weights (B, N) of at most some thousand rows (N, B): each resample's in one piece."""
    across = np.ascontiguousarray(weights.T)
    if across.dtype == np.uint8:
        return np.cumsum(across, axis=1, dtype=np.uint32)
    return np.cumsum(across, axis=1, dtype=np.float64)


def chunks(rows: int) -> Iterator[tuple[int, int]]:
    """Starts and stops that cover `rows`, short first: a tail often ends early."""
    start, size = 0, _CHUNK // 4
    while start < rows:
        yield start, min(start + size, rows)
        start, size = start + size, _CHUNK


def _column_sums(weights: Counts) -> NDArray[np.float64]:
    if weights.dtype != np.uint8:
        return np.asarray(weights.sum(axis=0), dtype=np.float64)
    # Sums of bytes stay in two bytes for this many rows, which is a third faster than in four.
    whole = len(weights) // _SHORT_SUM * _SHORT_SUM
    short = weights[:whole].reshape(-1, _SHORT_SUM, weights.shape[1]).sum(axis=1, dtype=np.uint16)
    rest = weights[whole:].sum(axis=0, dtype=np.uint32)
    return np.asarray(short.sum(axis=0, dtype=np.uint32) + rest, dtype=np.float64)


def _numbered(names: NDArray[np.generic]) -> tuple[Positions, int]:
    """Each name's position (N,) among the distinct ones in their order, and how many those are."""
    if names.dtype.kind in "iu":
        shifted = names.astype(np.int64) - int(names.min())
        # Numbers close together are looked up in a table, which sorting is thirty times slower than.
        if shifted.max() < _TABLE_GAIN * names.size:
            occurs = np.bincount(shifted) > 0
            places = np.cumsum(occurs) - 1
            return places[shifted].astype(np.int64), int(places[-1]) + 1
    distinct, codes = np.unique(names, return_inverse=True)
    return codes.ravel().astype(np.int64), distinct.size

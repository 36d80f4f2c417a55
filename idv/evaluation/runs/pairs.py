"""Scores comparisons of templates in blocks: each template is prepared once, memory stays bounded."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from idv.domain.errors import StorageUnavailable
from idv.domain.eval_sets import Comparisons, EvalSet
from idv.domain.faces import FaceTemplate
from idv.domain.ports import PreparedTemplates, TemplateCheck
from idv.domain.score_tables import PairTable
from idv.evaluation.runs.comparisons import comparisons_of, parts_of

N = TypeVar("N", bound=np.generic)
Positions = NDArray[np.int32]

_ROWS = 256
_LISTED = 8192


class _Block(NamedTuple):
    """Comparisons that are scored at once: (K,) item rows each, and their scores."""

    a: Positions
    b: Positions
    score: NDArray[np.float64]


def score_pairs(
    eval_set: EvalSet, templates: Sequence[FaceTemplate | None], check: TemplateCheck, *, scratch: Path
) -> PairTable:
    """The listed comparisons, or every one between two items of the same part; `templates` by item.

    -inf where a template is missing or the score is no finite number, as the runner has it for a check.
    Columns live in files without a name below `scratch`, so that tens of millions of comparisons need no
    memory of their own. Raises StorageUnavailable when the disk has no room for them.
    """
    faces = _Faces(templates, check)
    if eval_set.comparisons is Comparisons.LISTED:
        a, b = comparisons_of(eval_set)
        return _filled(faces.listed(a, b), count=a.size, scratch=scratch)
    parts = parts_of(eval_set.items)
    count = sum(len(part) * (len(part) - 1) // 2 for part in parts)
    return _filled((block for part in parts for block in faces.all_of(part)), count=count, scratch=scratch)


class _Faces:
    """The templates there are, and which item each belongs to."""

    def __init__(self, templates: Sequence[FaceTemplate | None], check: TemplateCheck) -> None:
        made = [template for template in templates if template is not None]
        self._place = np.full(len(templates), -1, np.int32)
        self._place[[i for i, template in enumerate(templates) if template is not None]] = np.arange(
            len(made)
        )
        self._prepared: PreparedTemplates = check.prepare(made)

    def listed(self, ones: Positions, others: Positions) -> Iterator[_Block]:
        """The comparisons (P,) in their order."""
        for start in range(0, ones.size, _LISTED):
            a, b = ones[start : start + _LISTED], others[start : start + _LISTED]
            score = np.full(a.size, -np.inf)
            there = (self._place[a] >= 0) & (self._place[b] >= 0)
            score[there] = self._prepared.along(self._place[a[there]], self._place[b[there]])
            yield _Block(a, b, score)

    def all_of(self, part: Positions) -> Iterator[_Block]:
        """Every two items of one part, row by row of the upper triangle."""
        for start in range(0, len(part) - 1, _ROWS):
            rows, columns = part[start : start + _ROWS], part[start + 1 :]
            score = np.full((rows.size, columns.size), -np.inf)
            there = np.ix_(self._place[rows] >= 0, self._place[columns] >= 0)
            score[there] = self._prepared.across(
                *(self._place[side][self._place[side] >= 0] for side in (rows, columns))
            )
            i, j = np.nonzero(np.arange(columns.size) >= np.arange(rows.size)[:, None])
            yield _Block(rows[i], columns[j], score[i, j])


def _filled(blocks: Iterator[_Block], *, count: int, scratch: Path) -> PairTable:
    a, b = (_column(count, np.dtype(np.int32), scratch) for _ in range(2))
    score = _column(count, np.dtype(np.float64), scratch)
    done = 0
    for block in blocks:
        span = slice(done, done + block.score.size)
        a[span], b[span] = block.a, block.b
        score[span] = np.where(np.isfinite(block.score), block.score, -np.inf)
        done = span.stop
    return PairTable(a, b, score)


def _column(count: int, dtype: np.dtype[N], scratch: Path) -> NDArray[N]:
    """A column whose memory the system can put back on the disk."""
    if count == 0:
        return np.empty(0, dtype)
    try:
        with tempfile.TemporaryFile(dir=scratch) as file:
            # Room is taken now: a disk that fills under mapped memory kills the process.
            os.posix_fallocate(file.fileno(), 0, count * dtype.itemsize)
            return np.memmap(file, dtype=dtype, mode="r+", shape=(count,))
    except OSError as error:
        raise StorageUnavailable(
            "scores_not_written", f"no room for {count:,} comparisons: {error.strerror}; the journal is kept"
        ) from error

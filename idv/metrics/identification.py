"""One-to-many search in the terms of ISO/IEC 19795-1 and of NIST's FRTE 1:N; higher scores mean more alike.

A search of someone not enrolled is summed up by its strongest candidate's score, a search of someone who is
by the score and the rank of the mate. What could not be searched, or whose mate was not returned, has a
score of -inf; a rank beyond the candidate list is 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.error_rates import fmr, threshold_at_fmr
from idv.metrics.shares import share

_RANKS_FROM = 1


class Mates(NamedTuple):
    """What searches found of the enrolled mate: `score` (M,) and `rank` (M,), 1 for the strongest."""

    score: NDArray[np.float64]
    rank: NDArray[np.int64]


def mates(scores: ArrayLike, mate: ArrayLike) -> Mates:
    """Score and rank of each search's mate among candidates `scores` (M, G); `mate` (M,) is its column.

    Of equal scores the mate comes last: a tie is not an identification.
    Raises ValueError for shapes that do not fit or NaN.
    """
    table, columns = np.asarray(scores, dtype=np.float64), np.asarray(mate)
    if table.ndim != 2 or columns.shape != table.shape[:1] or np.isnan(table).any():  # noqa: PLR2004 - a table
        raise ValueError("a search needs a row of scores without NaN and the column of its mate")
    own = np.take_along_axis(table, columns[:, None].astype(np.int64), axis=1)
    return Mates(own[:, 0], np.count_nonzero(table >= own, axis=1))


def fpir(strongest: ArrayLike, threshold: float) -> float:
    """False positive identification rate: share of unenrolled searches with a candidate at the threshold.

    `strongest` (N,): each such search's highest score. Depends on the gallery's size: state it beside.
    Raises ValueError for no search or NaN.
    """
    return fmr(strongest, threshold)


def fnir(mate_score: ArrayLike, mate_rank: ArrayLike, threshold: float, *, rank: int | None = None) -> float:
    """False negative identification rate: share of enrolled searches whose mate is not found, in [0, 1].

    Found is: at or above the threshold and, with `rank`, among that many strongest candidates.
    Raises ValueError for no search, NaN, lengths that differ, or a rank below 1.
    """
    scores, ranks = _mated(mate_score, mate_rank)
    if rank is not None and rank < _RANKS_FROM:
        raise ValueError(f"ranks begin at 1, not {rank}")
    if np.isnan(threshold):
        raise ValueError("NaN is not a threshold")
    listed = (ranks >= _RANKS_FROM) & ((ranks <= rank) if rank is not None else True)
    return share(~(listed & (scores >= threshold) & ~np.isneginf(scores)))


def rank_one(mate_score: ArrayLike, mate_rank: ArrayLike) -> float:
    """Closed-set identification rate at rank 1: share of enrolled searches that put the mate first.

    Raises ValueError for no search, NaN or lengths that differ.
    """
    scores, ranks = _mated(mate_score, mate_rank)
    return share((ranks == _RANKS_FROM) & ~np.isneginf(scores))


def threshold_at_fpir(strongest: ArrayLike, target: float) -> float:
    """The lowest threshold whose FPIR does not exceed `target`. Raises as `threshold_at_fmr`."""
    return threshold_at_fmr(strongest, target)


def fnir_at_fpir(
    mate_score: ArrayLike,
    mate_rank: ArrayLike,
    strongest: ArrayLike,
    target: float,
    *,
    rank: int | None = None,
) -> float:
    """FNIR at the lowest threshold whose FPIR does not exceed `target`. Raises as `fnir` and `fpir`."""
    return fnir(mate_score, mate_rank, threshold_at_fpir(strongest, target), rank=rank)


def _mated(score: ArrayLike, rank: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    scores, ranks = np.asarray(score, dtype=np.float64).ravel(), np.asarray(rank, dtype=np.int64).ravel()
    if scores.size != ranks.size or np.isnan(scores).any():
        raise ValueError("a search of someone enrolled needs a score that is not NaN and a rank")
    return scores, ranks

"""The share of genuine trials refused where at most a target share of the others is accepted, resampled.

The table is sorted once. A resample needs only the weights of the strongest non-genuine rows, down to where
the target is spent, and of the weakest genuine rows, up to the threshold found there; of all other rows only
the sum. Nothing is binned: on the same multiplicities the result is that of copying rows and sorting again.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.resampling import Counts, Rows, Subjects, chunks, multiplicities, running_totals, subjects_of

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_ROUNDING = 1e-9  # a target of 0.1 allows one of ten


class Resampled(NamedTuple):
    """What resamples gave, NaN where one drew no trial of a class.

    `rates` (R, T): the rates at the targets. `accepted` (R, T): the share of the others accepted at the
    thresholds that the table as it is has for the targets.
    """

    rates: Floats
    accepted: Floats


class RateAtRate:
    """FNMR at FMR targets (BPCER at APCER) of one score table."""

    def __init__(
        self, score: ArrayLike, genuine: ArrayLike, subjects: Subjects, *, targets: ArrayLike
    ) -> None:
        """Sort `score` (N,) of both classes; `genuine` (N,) bool; `targets` (T,) in [0, 1].

        Raises ValueError for a class without trials, NaN, lengths that differ or a target outside [0, 1].
        """
        scores, kinds = _checked(score, genuine, rows=subjects.a.size)
        self._targets = np.atleast_1d(np.asarray(targets, dtype=np.float64))
        if not ((self._targets >= 0) & (self._targets <= 1)).all():
            raise ValueError("a rate lies in [0, 1]")
        weakest_first = _rows_by(scores, kinds)
        strongest_first = _rows_by(-scores, ~kinds)
        self._genuine, self._others = (
            Rows.among(subjects, weakest_first),
            Rows.among(subjects, strongest_first),
        )
        self._genuine_scores, self._other_scores = scores[weakest_first], scores[strongest_first]
        self._count = subjects.count
        self.genuine_subjects = subjects_of(self._genuine.a, self._genuine.b)
        self.other_subjects = subjects_of(self._others.a, self._others.b)
        self.accepted_rows = self._accepted_rows()

    def estimate(self) -> Floats:
        """The rates (T,) on the table as it is."""
        return self.resampled(np.ones((self._count, 1), dtype=np.uint8)).rates.ravel()

    def replicates(self, *, resamples: int, seed: int) -> Resampled:
        """The rates in each resample."""
        blocks = [
            self.resampled(drawn) for drawn in multiplicities(self._count, resamples=resamples, seed=seed)
        ]
        return Resampled(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))

    def resampled(self, drawn: Counts) -> Resampled:
        """The rates where each subject counts as often as `drawn` (S, R) says."""
        others, genuine = self._others.totals(drawn), self._genuine.totals(drawn)
        below = self._refused_rows(drawn, others)
        fixed = np.broadcast_to(self.accepted_rows, below.shape)
        with np.errstate(invalid="ignore"):
            rates = _weight_of_first(self._genuine, drawn, below) / genuine[:, None]
            accepted = _weight_of_first(self._others, drawn, fixed) / others[:, None]
        rates[others == 0] = np.nan
        accepted[genuine == 0] = np.nan
        return Resampled(rates, accepted)

    def _refused_rows(self, drawn: Counts, others: Floats) -> Positions:
        """How many of the sorted genuine rows each threshold refuses, (B, T), whatever they weigh.

        `others` (B,): what all others weigh together.
        """
        allowed = np.floor(others[:, None] * self._targets + _ROUNDING)
        allowed = np.where(allowed >= others[:, None], np.inf, allowed)
        found = np.full(allowed.shape, len(self._others))
        lowest = np.zeros(len(allowed), dtype=np.int64)
        carried = np.zeros(len(allowed))
        for start, stop in chunks(len(self._others)):
            running = running_totals(self._others.weights(drawn, start, stop))
            open_yet = found == len(self._others)
            for resample in np.flatnonzero(open_yet.any(axis=1)):
                left = allowed[resample] - carried[resample]
                ends = np.searchsorted(running[resample].astype(np.float64), left, side="right")
                hit = open_yet[resample] & (ends < stop - start)
                found[resample, hit] = start + ends[hit]
            ends = np.argmax(running == running[:, -1:], axis=1)
            lowest = np.where(running[:, -1] > 0, start + ends, lowest)
            carried = carried + running[:, -1]
            if (found < len(self._others)).all():
                break
        return self._rows_below(found, lowest)

    def _rows_below(self, found: Positions, lowest: Positions) -> Positions:
        """Genuine rows below each threshold: refused with the row `found`, or all below the `lowest` one."""
        spent = found < len(self._others)
        strongest_refused = self._other_scores[np.where(spent, found, 0)]
        with_it = np.searchsorted(self._genuine_scores, strongest_refused, side="right")
        # Everything is allowed in, except what has no score.
        weakest = np.maximum(self._other_scores[lowest], np.finfo(np.float64).min)
        short_of_it = np.searchsorted(self._genuine_scores, weakest, side="left")
        below: Positions = np.where(spent, with_it, short_of_it[:, None])
        return below

    def _accepted_rows(self) -> Positions:
        """How many of the others are accepted for each target (T,) on the table as it is."""
        allowed = np.floor(len(self._others) * self._targets + _ROUNDING).astype(np.int64)
        falling = -self._other_scores
        refused = np.append(falling, np.inf)[np.minimum(allowed, len(self._others))]
        accepted: Positions = np.searchsorted(falling, refused, side="left")
        return accepted


def _weight_of_first(rows: Rows, drawn: Counts, number: Positions) -> Floats:
    """Weight (B, T) of the first `number` (B, T) rows."""
    weight = np.zeros(number.shape)
    carried = np.zeros((len(number), 1))
    for start, stop in chunks(int(number.max())):
        running = running_totals(rows.weights(drawn, start, stop))
        here = (number > start) & (number <= stop)
        at = np.where(here, number - start - 1, 0)
        weight = np.where(here, carried + np.take_along_axis(running, at, axis=1), weight)
        carried = carried + running[:, -1:]
    return weight


def _rows_by(keys: Floats, keep: NDArray[np.bool_]) -> Positions:
    """The rows that `keep` selects, lowest key first."""
    rows = np.flatnonzero(keep)
    return rows[np.argsort(keys[rows])]


def _checked(score: ArrayLike, genuine: ArrayLike, *, rows: int) -> tuple[Floats, NDArray[np.bool_]]:
    scores, kinds = np.asarray(score, dtype=np.float64).ravel(), np.asarray(genuine, dtype=bool).ravel()
    if not scores.size == kinds.size == rows:
        raise ValueError("scores, classes and subjects must be of the same length")
    if np.isnan(scores).any():
        raise ValueError("NaN is not a score")
    if kinds.all() or not kinds.any():
        raise ValueError("a rate at a rate needs trials of both classes")
    return scores, kinds

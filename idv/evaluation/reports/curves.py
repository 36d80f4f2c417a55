"""Curves of a report, thinned to what an eye can tell apart; every point that is kept is exact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idv.domain.results import CheckName
from idv.domain.score_tables import Trials
from idv.evaluation.catalogue import Rate
from idv.evaluation.reports.figures import Resampling, band_of, counted_as_refused
from idv.evaluation.reports.targets import Side, groups_of, rate_on

Floats = NDArray[np.float64]

_POINTS_A_SIDE = 250
_BAND_POINTS = 24
_BAND_RESAMPLES = 200
_BINS = 60
_TAIL = 1e-4
_MOST_SPECIES = 8


class Point(NamedTuple):
    """A place on a curve."""

    x: float
    y: float


class BandPoint(NamedTuple):
    """What an interval spans above x."""

    x: float
    low: float
    high: float


@dataclass(frozen=True)
class DetCurve:
    """False accepts (x) against false rejects (y), falling thresholds left to right; `band` may be empty.

    `group`: a species, or empty for the curve that counts (of several species, the worst at each threshold).
    """

    group: str
    points: tuple[Point, ...]
    band: tuple[BandPoint, ...] = ()


@dataclass(frozen=True)
class DetCurves:
    """The DET of a run; the axes carry the names of the two rates."""

    x_name: str
    y_name: str
    curves: tuple[DetCurve, ...]


def det_curves(check: CheckName, trials: Trials, how: Resampling) -> DetCurves:
    """The curve that counts, with a band over subjects, then one a species (at most eight of them).

    The band belongs to the only group there is; with several species it is left out of the worst-case curve,
    which no single bootstrap describes, and stands at the species.
    """
    made, other = rate_on(check, Side.FALSE_ACCEPT), rate_on(check, Side.FALSE_REJECT)
    groups = [group for group in groups_of(made, trials) if len(group.trials)]
    genuine = np.sort(counted_as_refused(other, trials)[trials.genuine])
    if not groups or not genuine.size:
        return DetCurves(made.name.upper(), other.name.upper(), ())
    scores = [np.sort(group.trials.score) for group in groups]
    thresholds = _thresholds([genuine, *scores])
    rejected = np.searchsorted(genuine, thresholds, side="left") / genuine.size
    accepted = [1 - np.searchsorted(s, thresholds, side="left") / s.size for s in scores]
    curves = [DetCurve("", _distinct(np.max(accepted, axis=0), rejected))]
    if len(groups) == 1:
        curves = [DetCurve("", curves[0].points, _band(other, trials, curves[0].points, how))]
    elif len(groups) <= _MOST_SPECIES:
        for group, falsely in zip(groups, accepted, strict=True):
            chosen = trials.genuine | (trials.species.codes == group.trials.species.codes[0])
            points = _distinct(falsely, rejected)
            curves.append(DetCurve(group.name, points, _band(other, trials.where(chosen), points, how)))
    return DetCurves(made.name.upper(), other.name.upper(), tuple(curves))


def _thresholds(scores: Sequence[Floats]) -> Floats:
    """Scores at which a curve turns: all of a short list, of a long one denser towards both ends."""
    picked = [np.array([np.inf])]
    for ordered in scores:
        half = np.unique(np.geomspace(1, ordered.size, _POINTS_A_SIDE).astype(np.int64)) - 1
        short = ordered.size <= 2 * _POINTS_A_SIDE
        ranks = np.arange(ordered.size) if short else np.union1d(half, ordered.size - 1 - half)
        picked.append(ordered[ranks])
    return np.unique(np.concatenate(picked))[::-1]


def _distinct(x: Floats, y: Floats) -> tuple[Point, ...]:
    """Points without repetition, in their order."""
    keep = np.ones(x.size, bool)
    keep[1:] = (np.diff(x) != 0) | (np.diff(y) != 0)
    return tuple(Point(float(a), float(b)) for a, b in zip(x[keep], y[keep], strict=True))


def _band(other: Rate, trials: Trials, points: Sequence[Point], how: Resampling) -> tuple[BandPoint, ...]:
    """Pointwise interval from two false accepts to where the curve falls no more; none if undefined."""
    lowest = 2 / int((~trials.genuine).sum())
    floor = min(point.y for point in points)
    highest = min(0.5, next(point.x for point in points if point.y == floor))
    if lowest >= highest:
        return ()
    grid = np.geomspace(lowest, highest, _BAND_POINTS)
    quicker = Resampling(min(how.resamples, _BAND_RESAMPLES), how.confidence, how.seed)
    try:
        intervals = band_of(counted_as_refused(other, trials), trials, grid.tolist(), quicker)
    except ValueError:
        return ()
    return tuple(
        BandPoint(float(x), interval.low, interval.high) for x, interval in zip(grid, intervals, strict=True)
    )


@dataclass(frozen=True)
class Series:
    """One class in a histogram: how many scores lie in each bin, and how many trials gave none."""

    name: str
    genuine: bool
    counts: tuple[int, ...]
    unscored: int


@dataclass(frozen=True)
class Histogram:
    """All scores by class; `edges` has one number more than there are bins.

    The outermost bins also hold what lies beyond: at most one score in 10,000 on each side.
    """

    edges: tuple[float, ...]
    series: tuple[Series, ...]


def histogram(check: CheckName, trials: Trials) -> Histogram | None:
    """The genuine trials and each species, or the non-mated; None where nothing gave a score."""
    answered = trials.score[np.isfinite(trials.score)]
    if not answered.size:
        return None
    low, high = np.quantile(answered, [_TAIL, 1 - _TAIL])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    return Histogram(tuple(edges.tolist()), tuple(_series(check, trials, edges)))


def _series(check: CheckName, trials: Trials, edges: Floats) -> Iterator[Series]:
    made, other = rate_on(check, Side.FALSE_ACCEPT), rate_on(check, Side.FALSE_REJECT)
    word = {"fnmr": "mated", "bpcer": "bona fide"}.get(other.name, "genuine")
    plain = {"fmr": "non-mated", "apcer": "attack"}.get(made.name, "forged")
    named = [(word, True, trials.score[trials.genuine])]
    named += [(group.name or plain, False, group.trials.score) for group in groups_of(made, trials)]
    for name, genuine, scores in named:
        finite = scores[np.isfinite(scores)]
        counts, _ = np.histogram(np.clip(finite, edges[0], edges[-1]), edges)
        yield Series(name, genuine, tuple(counts.tolist()), scores.size - finite.size)

"""What a new threshold changes for each slice, against the point that decides today."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName
from idv.domain.score_tables import Run, Trials
from idv.evaluation.catalogue import rates_of
from idv.evaluation.reports.figures import Figure, Resampling
from idv.evaluation.reports.slices import slice_tables
from idv.evaluation.reports.targets import Side, side_of


@dataclass(frozen=True)
class SliceChange:
    """One rate on one value of a slice, at the threshold in force and at the new one."""

    slice: str
    value: str
    before: Figure
    after: Figure


@dataclass(frozen=True)
class Changes:
    """`against` is None where no point can be compared with, and then `why` says so."""

    against: OperatingPoint | None
    why: str
    slices: tuple[SliceChange, ...]


def changes(
    run: Run, trials: Trials, threshold: float, in_force: Mapping[CheckName, OperatingPoint], how: Resampling
) -> Changes:
    """Rates by slice that a threshold moves. Only a point of the very same check digest can be compared."""
    point = in_force.get(run.record.check)
    if point is None:
        return Changes(None, f"No point of {run.record.check} is in force.", ())
    if point.check_digest != run.record.check_digest:
        why = "The point in force belongs to other models, and thresholds of two models cannot be compared."
        return Changes(None, why, ())
    return Changes(point, "", tuple(_changes(run, trials, point.threshold, threshold, how)))


def _changes(run: Run, trials: Trials, before: float, after: float, how: Resampling) -> Iterator[SliceChange]:
    moved = {rate.name for rate in rates_of(run.record.check) if side_of(rate) is not Side.NON_RESPONSE}
    old, new = (slice_tables(run, trials, threshold, how) for threshold in (before, after))
    for was, becomes in zip(old, new, strict=True):
        for one, other in zip(was.rows, becomes.rows, strict=True):
            for a, b in zip(one.figures, other.figures, strict=True):
                if a.name in moved and a.value is not None:
                    yield SliceChange(was.name, one.value, a, b)

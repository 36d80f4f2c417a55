"""Reads operating points from files: a threshold is only believed with its whole pedigree."""

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

from idv.domain.errors import ConfigurationError
from idv.domain.operating_points import Interval, OperatingPoint, PointStatus
from idv.domain.results import CheckName


def load_points(folder: Path) -> dict[CheckName, OperatingPoint]:
    """Every enforced `<check>.toml` in a folder; an absent folder is an empty one.

    Raises ConfigurationError listing every file that is incomplete or contradictory.
    """
    points, faults = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            point = _point(tomllib.loads(path.read_text(encoding="utf-8")))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{path.name}: {type(error).__name__}: {error}")
            continue
        if point.check != path.stem:
            faults.append(f"{path.name}: is about {point.check}")
        elif point.status is PointStatus.ENFORCED:
            points[point.check] = point
    if faults:
        raise ConfigurationError(faults)
    return points


def _point(body: dict[str, Any]) -> OperatingPoint:
    interval = body["interval"]
    low, high = float(interval["low"]), float(interval["high"])
    measured = float(body["measured"])
    if not 0.0 <= low <= measured <= high <= 1.0:
        msg = "expected 0 <= interval.low <= measured <= interval.high <= 1"
        raise ValueError(msg)
    threshold = float(body["threshold"])
    reject_below = body.get("reject_below")
    if reject_below is not None and float(reject_below) > threshold:
        msg = "reject_below cannot exceed threshold"
        raise ValueError(msg)
    created_on = body["created_on"]
    if not isinstance(created_on, dt.date):
        msg = "created_on must be a date"
        raise TypeError(msg)
    return OperatingPoint(
        check=CheckName(body["check"]),
        threshold=threshold,
        check_digest=str(body["check_digest"]),
        eval_set=str(body["eval_set"]),
        eval_set_digest=str(body["eval_set_digest"]),
        target=str(body["target"]),
        measured=measured,
        interval=Interval(low, high, float(interval.get("confidence", 0.95))),
        run_id=str(body["run_id"]),
        created_on=created_on,
        status=PointStatus(body.get("status", PointStatus.ENFORCED)),
        reject_below=None if reject_below is None else float(reject_below),
    )

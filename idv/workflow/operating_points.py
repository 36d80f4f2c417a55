"""Reads operating points from files: a threshold is only believed with its whole pedigree."""

import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idv.domain.errors import ConfigurationError
from idv.domain.operating_points import Interval, OperatingPoint, PointStatus
from idv.domain.results import CheckName
from idv.infra.telemetry.log import logger

_log = logger(__name__)
SHADOW_FOLDER = "shadow"
"""Below the folder of points: any number of points that are scored without effect, under any file name."""
EARLIER_FOLDER = "earlier"
"""Below the folder of points: what was in force before; never read to decide."""


def load_points(folder: Path) -> dict[CheckName, OperatingPoint]:
    """Every enforced `<check>.toml` in a folder; an absent folder is an empty one.

    Raises ConfigurationError listing every file that is incomplete or contradictory.
    """
    return {point.check: point for point in _in_force(folder) if point.status is PointStatus.ENFORCED}


def load_shadows(folder: Path) -> dict[CheckName, tuple[OperatingPoint, ...]]:
    """Every shadow point: `shadow/*.toml`, and a `<check>.toml` that says it is one.

    Raises ConfigurationError as `load_points`, and for a file in `shadow/` that claims to be in force.
    """
    alone = [point for point in _in_force(folder) if point.status is PointStatus.SHADOW]
    named = [(path, read_point(path)) for path in sorted((folder / SHADOW_FOLDER).glob("*.toml"))]
    faults = [f"{path.name}: a shadow point cannot be enforced" for path, p in named if not _is_shadow(p)]
    if faults:
        raise ConfigurationError(faults)
    found: dict[CheckName, tuple[OperatingPoint, ...]] = {}
    for point in (*alone, *(point for _, point in named)):
        found[point.check] = (*found.get(point.check, ()), point)
    return found


def unfit(folder: Path, loaded: Mapping[CheckName, str]) -> list[OperatingPoint]:
    """Every point of a folder, shadows included, that was made for other models than those loaded.

    A check never uses such a point: it answers inconclusive, so nobody could be accepted.
    """
    return [point for point in _every(folder) if loaded.get(point.check) != point.check_digest]


def tell_points(folder: Path, loaded: Mapping[CheckName, str]) -> None:
    """Log at start what is in force and what is a shadow, and loudly what is refused."""
    refused = unfit(folder, loaded)
    for point in _every(folder):
        told = {"check": point.check, "operating_point": point.run_id, "status": point.status}
        if point in refused:
            _log.error("operating_point_refused", **told)
        else:
            _log.info("operating_point_loaded", **told)


def read_point(path: Path) -> OperatingPoint:
    """The point in one file. Raises ConfigurationError naming what is wrong with it."""
    try:
        return parse_point(path.read_text(encoding="utf-8"))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError([f"{path.name}: {type(error).__name__}: {error}"]) from error


def parse_point(text: str) -> OperatingPoint:
    """The point a file says. Raises KeyError, TypeError or ValueError for one without its whole pedigree."""
    return _point(tomllib.loads(text))


def _every(folder: Path) -> list[OperatingPoint]:
    shadows = [point for found in load_shadows(folder).values() for point in found]
    return [*load_points(folder).values(), *shadows]


def _in_force(folder: Path) -> list[OperatingPoint]:
    """The points that files of the folder itself hold, each named after its check."""
    points: list[OperatingPoint] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            point = read_point(path)
        except ConfigurationError as error:
            faults += error.faults
            continue
        if point.check != path.stem:
            faults.append(f"{path.name}: is about {point.check}")
        points.append(point)
    if faults:
        raise ConfigurationError(faults)
    return points


def _is_shadow(point: OperatingPoint) -> bool:
    return point.status is PointStatus.SHADOW


def _point(body: dict[str, Any]) -> OperatingPoint:
    interval = body["interval"]
    low, high = float(interval["low"]), float(interval["high"])
    measured = float(body["measured"])
    if not 0.0 <= low <= measured <= high <= 1.0:
        msg = "expected 0 <= interval.low <= measured <= interval.high <= 1"
        raise ValueError(msg)
    threshold = float(body["threshold"])
    reject_below = float(body.get("reject_below", threshold))
    if not -math.inf < reject_below <= threshold < math.inf:
        msg = "threshold must be finite, and reject_below finite and not above it"
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
        reject_below=reject_below if "reject_below" in body else None,
    )

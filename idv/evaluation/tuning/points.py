"""Writes an operating point as the TOML file that the service reads, with what it was measured to do."""

import json
from collections.abc import Iterator
from pathlib import Path

from idv.domain.errors import ConfigurationError, RequestError, StorageUnavailable
from idv.domain.operating_points import OperatingPoint, PointStatus
from idv.evaluation.reports.wording import figure_name, percent, span
from idv.evaluation.tuning.tuned import Tuned
from idv.workflow.operating_points import parse_point, read_point


def point_text(tuned: Tuned) -> str:
    """The file: comments for a reader, then every field of the point."""
    return "\n".join([*_comments(tuned), *_fields(tuned.point), ""])


def write_point(tuned: Tuned, path: Path) -> None:
    """Write it, where no point is in force.

    Raises RequestError `point_in_force` rather than silence the point that decides today, or
    StorageUnavailable when the disk refuses.
    """
    if path.exists() and _is_in_force(path):
        raise RequestError(
            "point_in_force",
            f"{path} holds a point that is in force; write elsewhere and promote it, e.g. to "
            f"{path.parent / 'shadow' / path.name}",
            field="out",
        )
    text = point_text(tuned)
    # What is written must be what will be read, to the last digit.
    if parse_point(text) != tuned.point:
        raise ConfigurationError([f"{path.name}: the point does not survive being written"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageUnavailable(
            "point_not_written", f"{path} cannot be written ({type(error).__name__})"
        ) from error


def _is_in_force(path: Path) -> bool:
    try:
        return read_point(path).status is PointStatus.ENFORCED
    except ConfigurationError:
        return False


def _comments(tuned: Tuned) -> Iterator[str]:
    yield f"# Written by `idv tune {tuned.record.run_id}`; `idv policy promote` puts it in force."
    for title, figures in ((f"part {tuned.chosen_on}", tuned.tuned), ("part test", tuned.held_out)):
        for figure in figures:
            if figure.value is not None:
                yield f"# {title}: {figure_name(figure)} {percent(figure.value)} {span(figure.interval)}"
    yield from (f"# {warning}" for warning in tuned.warnings)


def _fields(point: OperatingPoint) -> Iterator[str]:
    yield f"check = {_text(point.check)}"
    yield f"threshold = {float(point.threshold)!r}"
    if point.reject_below is not None:
        yield f"reject_below = {float(point.reject_below)!r}"
    yield f"check_digest = {_text(point.check_digest)}"
    yield f"eval_set = {_text(point.eval_set)}"
    yield f"eval_set_digest = {_text(point.eval_set_digest)}"
    yield f"target = {_text(point.target)}"
    yield f"measured = {float(point.measured)!r}"
    yield f"run_id = {_text(point.run_id)}"
    yield f"created_on = {point.created_on.isoformat()}"
    yield f"status = {_text(point.status)}"
    yield ""
    yield "[interval]"
    yield f"low = {float(point.interval.low)!r}"
    yield f"high = {float(point.interval.high)!r}"
    yield f"confidence = {float(point.interval.confidence)!r}"


def _text(value: str) -> str:
    """A TOML basic string; JSON escapes are a subset of TOML's, save for one control character."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")

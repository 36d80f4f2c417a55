"""A summary for machines: JSON with null where a number is undefined, since NaN and infinity are not JSON."""

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from idv.evaluation.reports.summary import Summary

FORMAT = 1
"""Changes whenever a field changes its meaning or leaves."""


def as_json(summaries: Sequence[Summary]) -> str:
    """All summaries of a report as one document."""
    body = {"format": FORMAT, "runs": [plain(summary) for summary in summaries]}
    return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Values, tuples and mappings as JSON has them; named tuples become objects."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif (names := getattr(value, "_fields", None)) is not None:
        value = dict(zip(names, value, strict=True))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""What a long pull tells its caller while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What is being done."""

    FETCH = "fetch"
    CONVERT = "convert"


@dataclass(frozen=True)
class Progress:
    """How far one thing is: `done` of `total`, bytes for a fetch, models for a conversion."""

    stage: Stage
    label: str
    done: int
    total: int


ProgressSink = Callable[[Progress], None]
"""Called often, from the thread that pulls."""


def silent(progress: Progress) -> None:
    """The sink for callers that do not look."""

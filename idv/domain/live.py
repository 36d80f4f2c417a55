"""What monitoring reads of live traffic, and what it keeps between two looks at it."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from idv.domain.decisions import Decision
from idv.domain.labels import Truth
from idv.domain.results import CheckResult


class Mark(NamedTuple):
    """A place in the stream of verifications: everything up to and including this one was read."""

    created_at: dt.datetime
    verification_id: str


@dataclass(frozen=True)
class LiveCase:
    """One verification without its applicant: results oldest first, the decision and the label in force.

    `private`: the kinds that were asked for, opened; empty otherwise.
    """

    id: str
    tenant: str
    created_at: dt.datetime
    decision: Decision | None
    results: tuple[CheckResult, ...]
    truth: Truth | None = None
    private: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def mark(self) -> Mark:
        """Where it stands in the stream."""
        return Mark(self.created_at, self.id)


@dataclass(frozen=True)
class Window:
    """Which verifications: begun in [since, until), of one tenant or all, after a mark."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    tenant: str | None = None
    after: Mark | None = None


class LiveFeed(Protocol):
    """Reads live traffic in the order it began, a portion at a time, so that writers are never held up."""

    def cases(self, window: Window, *, kinds: frozenset[str] = frozenset()) -> Iterator[LiveCase]:
        """The verifications of a window; private data of `kinds` is opened. Raises StorageUnavailable."""
        ...


class MonitorStates(Protocol):
    """What sequential tests remember between calls, by name."""

    def load(self, name: str) -> str | None:
        """The state last saved under a name."""
        ...

    def save(self, name: str, state: str, *, before: str | None) -> None:
        """Replace the state `before`. Raises Conflict `monitor_changed` when another call replaced it."""
        ...

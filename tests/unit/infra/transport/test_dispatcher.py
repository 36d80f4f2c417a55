"""Rounds of delivery over an outbox."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from idv.domain.stores import Delivery, Event
from idv.infra.transport.backoff import Backoff
from idv.infra.transport.dispatcher import Dispatcher, Round
from idv.infra.transport.webhooks import Endpoint, Sent

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ENDPOINT = Endpoint("https://hooks.example/", ("secret-secret-secret",))


class StillClock:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        """Always the same."""
        return NOW

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0


@dataclass
class FakeOutbox:
    """Hands out given events once and keeps what is noted about them."""

    waiting: list[tuple[Event, int]]
    notes: list[tuple[str, object]] = field(default_factory=list)

    def announce(self, event: Event) -> None:
        """One more that waits."""
        self.waiting.append((event, 0))

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[Event, int]]:
        """What waits."""
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def list(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[Delivery]:
        """Nothing."""
        return []

    def delivered(self, event_id: str, *, at: dt.datetime) -> None:
        """Keep the note."""
        self.notes.append((event_id, at))

    def failed(self, event_id: str, *, next_attempt_at: dt.datetime | None, reason: str) -> None:
        """Keep the note."""
        self.notes.append((event_id, (next_attempt_at, reason)))

    def replay(self, event_id: str) -> None:
        """Nothing."""


@dataclass
class FakeSender:
    """Answers by event id; unknown ids succeed."""

    failures: dict[str, str] = field(default_factory=dict)

    def send(self, event: Event, endpoint: Endpoint) -> Sent:
        """The failure set for the event."""
        return Sent(self.failures.get(event.id))


def event(identifier: str, tenant: str = "acme") -> Event:
    """An event without content."""
    return Event(identifier, tenant, "t", b"{}", NOW)


def dispatcher(outbox: FakeOutbox, sender: FakeSender) -> Dispatcher:
    """A dispatcher for one tenant with an endpoint, giving up after two attempts."""
    return Dispatcher(
        outbox,
        sender,
        endpoints={"acme": ENDPOINT}.get,
        clock=StillClock(),
        rng=random.Random(1),
        backoff=Backoff(first_s=10, attempts=2),
    )


def test_each_fate_is_noted() -> None:
    """Delivered, failed for now, given up, and without an endpoint: each is noted and counted."""
    outbox = FakeOutbox(
        [(event("ok"), 0), (event("bad"), 0), (event("worn"), 1), (event("none", "other"), 0)]
    )
    sender = FakeSender({"bad": "status_500", "worn": "timeout"})
    assert dispatcher(outbox, sender).run_once() == Round(delivered=1, failed=1, abandoned=2)
    notes = dict(outbox.notes)
    assert notes["ok"] == NOW
    assert notes["worn"] == (None, "timeout")
    assert notes["none"] == (None, "no_endpoint")
    assert isinstance(notes["bad"], tuple)
    again, reason = notes["bad"]
    assert reason == "status_500"
    assert NOW + dt.timedelta(seconds=5) <= again <= NOW + dt.timedelta(seconds=10)


def test_an_idle_round_does_nothing() -> None:
    """With nothing due a round is empty."""
    assert dispatcher(FakeOutbox([]), FakeSender()).run_once() == Round()

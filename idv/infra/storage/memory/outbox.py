"""The fake beside `SqlOutbox`."""

import dataclasses
import datetime as dt
import threading
from collections.abc import Sequence

from idv.domain.errors import NotFound
from idv.domain.ports import Clock
from idv.domain.stores import Delivery, Event
from idv.infra.storage.outbox import LEASE


class MemoryOutbox:
    """The port `Outbox`."""

    def __init__(self, *, clock: Clock, lock: threading.RLock) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self._clock = clock
        self._lock = lock

    def add(self, events: Sequence[Event]) -> None:
        """Store new events, due at once."""
        for event in events:
            self.deliveries[event.id] = Delivery(event, 0, event.created_at, None, None)

    def announce(self, event: Event) -> None:
        """Store an event that belongs to no verification."""
        with self._lock:
            self.add([event])

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[Event, int]]:
        """Events whose attempt is due, held back for a while."""
        with self._lock:
            ready = [d for d in self.deliveries.values() if d.next_attempt_at and d.next_attempt_at <= now]
            ready = sorted(ready, key=_creation)[:limit]
            for delivery in ready:
                self._change(delivery.event.id, next_attempt_at=now + LEASE)
            return [(delivery.event, delivery.attempts) for delivery in ready]

    def list(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[Delivery]:
        """The newest events."""
        with self._lock:
            mine = [d for d in self.deliveries.values() if tenant in (None, d.event.tenant)]
        return sorted(mine, key=_creation, reverse=True)[:limit]

    def delivered(self, event_id: str, *, at: dt.datetime) -> None:
        """Mark as delivered."""
        self._attempted(event_id, delivered_at=at, next_attempt_at=None, last_failure=None)

    def failed(self, event_id: str, *, next_attempt_at: dt.datetime | None, reason: str) -> None:
        """Note a failed attempt."""
        self._attempted(event_id, next_attempt_at=next_attempt_at, last_failure=reason)

    def replay(self, event_id: str) -> None:
        """Make due again."""
        with self._lock:
            if event_id not in self.deliveries:
                raise NotFound("event_not_found", "There is no such event.")
            self._change(event_id, attempts=0, next_attempt_at=self._clock.now(), delivered_at=None)

    def _attempted(self, event_id: str, **changes: object) -> None:
        with self._lock:
            if event_id in self.deliveries:
                attempts = self.deliveries[event_id].attempts + 1
                self._change(event_id, attempts=attempts, **changes)

    def _change(self, event_id: str, **changes: object) -> None:
        self.deliveries[event_id] = dataclasses.replace(self.deliveries[event_id], **changes)  # type: ignore[arg-type] # names are Delivery's


def _creation(delivery: Delivery) -> tuple[dt.datetime, str]:
    return (delivery.event.created_at, delivery.event.id)

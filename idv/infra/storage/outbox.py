"""The port `Outbox`: events are stored with what caused them and delivered at least once."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from idv.domain.errors import NotFound
from idv.domain.ports import Clock
from idv.domain.stores import Delivery, Event
from idv.infra.storage.database import Database
from idv.infra.storage.tables import events

LEASE = dt.timedelta(minutes=2)
"""Longer than any delivery may take; after it, the events of a dispatcher that died are due again."""


def add_events(connection: sa.Connection, verification_id: str | None, new: Sequence[Event]) -> None:
    """Store events in the transaction of their cause, due at once."""
    for event in new:
        connection.execute(
            events.insert().values(
                id=event.id,
                tenant=event.tenant,
                verification_id=verification_id,
                type=event.type,
                payload=event.payload,
                created_at=event.created_at,
                attempts=0,
                next_attempt_at=event.created_at,
            )
        )


class SqlOutbox:
    """Events over a database; several dispatchers may share one."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def announce(self, event: Event) -> None:
        """Store an event that belongs to no verification."""
        with self._database.writing() as connection:
            add_events(connection, None, [event])

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[Event, int]]:
        """Events whose attempt is due, oldest first, held back from other dispatchers for two minutes."""
        statement = (
            sa.select(events)
            .where(events.c.next_attempt_at <= now)
            .order_by(events.c.created_at, events.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.writing() as connection:
            rows = connection.execute(statement).all()
            ids = [row.id for row in rows]
            connection.execute(
                events.update().where(events.c.id.in_(ids)).values(next_attempt_at=now + LEASE)
            )
        return [(_event(row), row.attempts) for row in rows]

    def list(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[Delivery]:
        """The newest events and where they stand."""
        statement = sa.select(events).order_by(events.c.created_at.desc(), events.c.id.desc()).limit(limit)
        if tenant is not None:
            statement = statement.where(events.c.tenant == tenant)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(statement)]

    def delivered(self, event_id: str, *, at: dt.datetime) -> None:
        """Mark as delivered; it is not due again unless replayed."""
        self._note(event_id, delivered_at=at, next_attempt_at=None, last_failure=None)

    def failed(self, event_id: str, *, next_attempt_at: dt.datetime | None, reason: str) -> None:
        """Note a failed attempt; `None` gives up. `reason` is a code, never a receiver's words."""
        self._note(event_id, next_attempt_at=next_attempt_at, last_failure=reason)

    def replay(self, event_id: str) -> None:
        """Make an event due now with its count of attempts reset. Raises NotFound."""
        values = {"attempts": 0, "next_attempt_at": self._clock.now(), "delivered_at": None}
        with self._database.writing() as connection:
            changed = connection.execute(events.update().where(events.c.id == event_id).values(values))
            if not changed.rowcount:
                raise NotFound("event_not_found", "There is no such event.")

    def _note(self, event_id: str, **values: object) -> None:
        """An event erased meanwhile is simply gone."""
        counted = {"attempts": events.c.attempts + 1, **values}
        with self._database.writing() as connection:
            connection.execute(events.update().where(events.c.id == event_id).values(counted))


def _event(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(row.id, row.tenant, type=row.type, payload=row.payload, created_at=row.created_at)


def _delivery(row: sa.Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        event=_event(row),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        last_failure=row.last_failure,
    )

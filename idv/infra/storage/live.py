"""The ports `LiveFeed` and `MonitorStates` over a database."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from idv.domain.decisions import Decision
from idv.domain.errors import Conflict
from idv.domain.labels import Truth
from idv.domain.live import LiveCase, Mark, Window
from idv.infra.storage import records
from idv.infra.storage.database import Database
from idv.infra.storage.records import StoredRow
from idv.infra.storage.subjects import Subjects
from idv.infra.storage.tables import labels, monitors, private_data, verifications

_BATCH = 200


class SqlLiveFeed:
    """Reads portions in short transactions; keys are only opened for private data that is asked for."""

    def __init__(self, database: Database, *, subjects: Subjects) -> None:
        self._database = database
        self._subjects = subjects

    def cases(self, window: Window, *, kinds: frozenset[str] = frozenset()) -> Iterator[LiveCase]:
        """Oldest first."""
        after = window.after
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(_portion(window, after)).all()
                found = self._load(connection, rows, kinds)
            yield from found
            if len(rows) < _BATCH:
                return
            after = found[-1].mark

    def _load(
        self, connection: sa.Connection, rows: Sequence[StoredRow], kinds: frozenset[str]
    ) -> list[LiveCase]:
        ids = [row.id for row in rows]
        results = records.results_of(connection, ids)
        truths = _truths(connection, ids)
        private = self._opened(connection, rows, kinds) if kinds else {}
        return [
            LiveCase(
                id=row.id,
                tenant=row.tenant,
                created_at=row.created_at,
                decision=None if row.decision is None else Decision(row.decision),
                results=tuple(results.get(row.id, ())),
                truth=truths.get(row.id),
                private=private.get(row.id, {}),
            )
            for row in rows
        ]

    def _opened(
        self, connection: sa.Connection, rows: Sequence[StoredRow], kinds: frozenset[str]
    ) -> Mapping[str, Mapping[str, bytes]]:
        owners = self._subjects.load_all(connection, {row.subject_id for row in rows})
        keys = {row.id: owners[row.subject_id] for row in rows}
        wanted = sa.and_(private_data.c.verification_id.in_(keys), private_data.c.kind.in_(kinds))
        opened: dict[str, dict[str, bytes]] = {}
        for kept in connection.execute(sa.select(private_data).where(wanted)):
            owner = keys[kept.verification_id]
            plain = owner.key.open(kept.sealed, owner.tenant, kept.verification_id, kept.kind)
            opened.setdefault(kept.verification_id, {})[kept.kind] = plain
        return opened


class SqlMonitorStates:
    """One row a monitor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, name: str) -> str | None:
        """The state last saved."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(monitors.c.state).where(monitors.c.name == name))

    def save(self, name: str, state: str, *, before: str | None) -> None:
        """Compared and replaced in one statement."""
        with self._database.writing() as connection:
            if before is None:
                saved = self._database.insert_new(connection, monitors, {"name": name, "state": state})
            else:
                same = sa.and_(monitors.c.name == name, monitors.c.state == before)
                saved = bool(connection.execute(monitors.update().where(same).values(state=state)).rowcount)
            if not saved:
                raise monitor_changed()


def monitor_changed() -> Conflict:
    """Two calls at once: the second would count the same verifications again."""
    return Conflict("monitor_changed", "Another call moved this monitor on meanwhile.")


def _portion(window: Window, after: Mark | None) -> sa.Select[tuple[object, ...]]:
    begun = verifications.c.created_at
    statement = sa.select(verifications).order_by(begun, verifications.c.id).limit(_BATCH)
    if window.tenant is not None:
        statement = statement.where(verifications.c.tenant == window.tenant)
    if window.since is not None:
        statement = statement.where(begun >= window.since)
    if window.until is not None:
        statement = statement.where(begun < window.until)
    if after is not None:
        place = sa.tuple_(sa.type_coerce(begun, sa.BigInteger), verifications.c.id)
        statement = statement.where(
            place > sa.tuple_(records.microseconds(after.created_at), after.verification_id)
        )
    return statement


def _truths(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Truth]:
    """The label in force of each: the last one, unless it withdraws."""
    statement = sa.select(labels.c.verification_id, labels.c.truth).where(labels.c.verification_id.in_(ids))
    last = {
        row.verification_id: Truth(row.truth)
        for row in connection.execute(statement.order_by(labels.c.position))
    }
    return {name: truth for name, truth in last.items() if truth is not Truth.WITHDRAWN}

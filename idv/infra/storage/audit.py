"""The audit log over a database: appends under a lock on the chain's end, so sequence numbers have no gap."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.domain.ports import Clock
from idv.domain.stores import AuditEntry
from idv.infra.storage.chain import Checkpoint, Head, follow, link, open_checkpoint, sign
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import KeyRing, Purpose
from idv.infra.storage.tables import audit_entries, audit_head

ABOUT = "verification"
"""The element of a body that holds the keyed hash of the verification it is about."""
_BATCH = 1000
_HEAD_ID = 1


class SqlAuditLog:
    """The port `AuditLog`; `append_in` lets other stores write their entry in their own transaction."""

    def __init__(self, database: Database, *, keyring: KeyRing, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    def append(self, action: str, body: Mapping[str, str]) -> AuditEntry:
        """Add one entry in a transaction of its own."""
        with self._database.writing() as connection:
            return self.append_in(connection, action, body)

    def append_in(self, connection: sa.Connection, action: str, body: Mapping[str, str]) -> AuditEntry:
        """Add one entry in the caller's transaction; the last thing before it commits, as others wait."""
        entry = link(self._locked_head(connection), at=self._clock.now(), action=action, body=body)
        connection.execute(
            audit_entries.insert().values(
                sequence=entry.sequence,
                at=entry.at,
                action=entry.action,
                about=body.get(ABOUT),
                body=dict(entry.body),
                previous=entry.previous,
                digest=entry.digest,
            )
        )
        connection.execute(audit_head.update().values(sequence=entry.sequence, digest=entry.digest))
        return entry

    def knows(self, connection: sa.Connection, verification_id: str) -> bool:
        """Whether any entry is about this verification: if its row is gone, it was erased."""
        about = audit_entries.c.about == self.pseudonym(verification_id)
        return connection.scalar(sa.select(audit_entries.c.sequence).where(about).limit(1)) is not None

    def pseudonym(self, value: str) -> str:
        """The keyed hash under which a value stands in entries."""
        return self._keyring.keyed_hash(Purpose.AUDIT, value)

    def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Entries in order."""
        with self._database.reading() as connection:
            return _entries(connection, after=after, limit=limit)

    def verify(self) -> int:
        """Check every entry and the end of the chain; returns its length. Raises IntegrityError."""
        return self._verified(None)

    def checkpoint(self) -> bytes:
        """A signed statement of where the chain ends now."""
        with self._database.reading() as connection:
            head = _head(connection)
        return sign(Checkpoint(head, self._clock.now()), self._keyring.signer)

    def verify_checkpoint(self, checkpoint: bytes) -> int:
        """Check the chain and that it passes through the checkpoint. Raises IntegrityError."""
        expected = open_checkpoint(checkpoint, self._keyring.signer.public_key()).head
        self._verified(expected)
        return expected.sequence

    def _verified(self, expected: Head | None) -> int:
        """Walk the chain to where it ends now, in short transactions: a long reader would block writers."""
        with self._database.reading() as connection:
            end = _head(connection)
        if expected is not None and expected.sequence > end.sequence:
            raise _contradicts(expected)
        head = Head()
        for entry in self._until(end):
            head = follow(head, entry)
            if expected is not None and head.sequence == expected.sequence and head != expected:
                raise _contradicts(expected)
        if head != end:
            raise IntegrityError("audit_chain_broken", f"Audit entries after {head.sequence} are missing.")
        self._check_nothing_follows()
        return head.sequence

    def _until(self, end: Head) -> Iterator[AuditEntry]:
        after = 0
        while after < end.sequence and (batch := self.entries(after=after, limit=_BATCH)):
            yield from (entry for entry in batch if entry.sequence <= end.sequence)
            after = batch[-1].sequence

    def _check_nothing_follows(self) -> None:
        """Entries beyond the noted end were put there by somebody else."""
        with self._database.reading() as connection:
            last = connection.scalar(sa.select(sa.func.max(audit_entries.c.sequence))) or 0
            if last != _head(connection).sequence:
                raise IntegrityError("audit_chain_broken", f"Audit entry {last} is not the end of the chain.")

    def _locked_head(self, connection: sa.Connection) -> Head:
        """SQLite's writer is alone already; PostgreSQL waits here for whoever appends."""
        statement = sa.select(audit_head.c.sequence, audit_head.c.digest).with_for_update()
        row = connection.execute(statement).first()
        if row is not None:
            return Head(row.sequence, row.digest)
        first = {"id": _HEAD_ID, "sequence": 0, "digest": Head().digest}
        self._database.insert_new(connection, audit_head, first)
        return self._locked_head(connection)


def _entries(connection: sa.Connection, *, after: int, limit: int) -> list[AuditEntry]:
    statement = (
        sa.select(audit_entries)
        .where(audit_entries.c.sequence > after)
        .order_by(audit_entries.c.sequence)
        .limit(limit)
    )
    return [_entry(row) for row in connection.execute(statement)]


def _entry(row: sa.Row[tuple[object, ...]]) -> AuditEntry:
    if row.about != row.body.get(ABOUT):
        raise IntegrityError("audit_chain_broken", f"Audit entry {row.sequence} was modified.")
    return AuditEntry(
        row.sequence, at=row.at, action=row.action, body=row.body, previous=row.previous, digest=row.digest
    )


def _head(connection: sa.Connection) -> Head:
    row = connection.execute(sa.select(audit_head.c.sequence, audit_head.c.digest)).first()
    return Head() if row is None else Head(row.sequence, row.digest)


def _contradicts(expected: Head) -> IntegrityError:
    return IntegrityError(
        "audit_checkpoint_contradicted",
        f"The chain does not pass through the checkpoint at entry {expected.sequence}.",
    )

"""The port `Upkeep`: retention, abandoned keys, rewrapping after the key ring was rotated."""

import datetime as dt

from idv.domain.stores import IMAGE_KIND
from idv.infra.storage.audit import SqlAuditLog
from idv.infra.storage.database import Database
from idv.infra.storage.idempotency import Idempotency
from idv.infra.storage.pins import verify_pins
from idv.infra.storage.subjects import Subjects
from idv.infra.storage.tables import private_data


class SqlUpkeep:
    """Everything done to the database as a whole; what destroys data leaves an audit entry."""

    def __init__(
        self, database: Database, *, subjects: Subjects, idempotency: Idempotency, audit: SqlAuditLog
    ) -> None:
        self._database = database
        self._subjects = subjects
        self._idempotency = idempotency
        self._audit = audit

    def release_abandoned(self) -> int:
        """Called once when the service starts, before it serves."""
        with self._database.writing() as connection:
            return self._idempotency.release_abandoned(connection)

    def purge_images(self, older_than: dt.datetime) -> int:
        """Delete kept images stored before then."""
        images = private_data.c.kind.startswith(IMAGE_KIND, autoescape=True)
        with self._database.writing() as connection:
            gone = connection.execute(
                private_data.delete().where(images, private_data.c.stored_at < older_than)
            ).rowcount
            if gone:
                body = {"images": str(gone), "older_than": older_than.isoformat()}
                self._audit.append_in(connection, "retention.images_purged", body)
        return gone

    def purge_idempotency(self, older_than: dt.datetime) -> int:
        """Delete idempotency keys and replies taken before then."""
        with self._database.writing() as connection:
            return self._idempotency.purge(connection, older_than)

    def rewrap(self) -> int:
        """Wrap every subject's key with the active key-encryption key."""
        with self._database.writing() as connection:
            changed = self._subjects.rewrap(connection)
            if changed:
                self._audit.append_in(connection, "keyring.rewrapped", {"subjects": str(changed)})
        return changed

    def wrapping_keys(self) -> frozenset[str]:
        """Ids of the key-encryption keys in use."""
        with self._database.reading() as connection:
            return self._subjects.wrapping_keys(connection)

    def verify_records(self) -> int:
        """Compare all verifications with the audit log."""
        return verify_pins(self._database, subjects=self._subjects, audit=self._audit)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

"""Opens everything that remembers: engine, migrations and adapters over one database URL."""

import os
from collections.abc import Callable

from idv.domain.ports import Clock
from idv.domain.stores import Stores
from idv.infra.storage.audit import SqlAuditLog
from idv.infra.storage.database import Database
from idv.infra.storage.idempotency import Idempotency
from idv.infra.storage.keyring import Entropy, KeyRing
from idv.infra.storage.keys import SqlKeyStore
from idv.infra.storage.live import SqlLiveFeed, SqlMonitorStates
from idv.infra.storage.migrate import bind_keyring, migrate
from idv.infra.storage.outbox import SqlOutbox
from idv.infra.storage.subjects import Subjects
from idv.infra.storage.upkeep import SqlUpkeep
from idv.infra.storage.verifications import SqlVerificationStore

__all__ = ["Stores", "open_stores", "stores_over"]


def open_stores(
    url: str,
    *,
    keyring: KeyRing,
    clock: Clock,
    instance: str,
    entropy: Entropy = os.urandom,
    reload: Callable[[], KeyRing] | None = None,
) -> Stores:
    """Stores over a SQLite file or PostgreSQL, migrated to the newest schema.

    `instance` is `host/run`: shared by all processes of one run of the service, new at each start; the
    idempotency keys an earlier run of the same host died with are given back by
    `Stores.upkeep.release_abandoned`. `reload` reads the key ring again when another process rotated it.
    Raises ConfigurationError for a URL or key ring that cannot be right, StorageUnavailable when the
    database does not answer.
    """
    database = Database(url)
    migrate(database)
    bind_keyring(database, keyring)
    return stores_over(
        database, keyring=keyring, clock=clock, instance=instance, entropy=entropy, reload=reload
    )


def stores_over(
    database: Database,
    *,
    keyring: KeyRing,
    clock: Clock,
    instance: str,
    entropy: Entropy = os.urandom,
    reload: Callable[[], KeyRing] | None = None,
) -> Stores:
    """The adapters over a database that is migrated already."""
    subjects = Subjects(database, keyring, entropy=entropy, reload=reload)
    audit = SqlAuditLog(database, keyring=keyring, clock=clock)
    idempotency = Idempotency(
        database, subjects, keyring=keyring, clock=clock, instance=instance, entropy=entropy
    )
    return Stores(
        verifications=SqlVerificationStore(
            database,
            keyring=keyring,
            clock=clock,
            subjects=subjects,
            idempotency=idempotency,
            audit=audit,
        ),
        audit=audit,
        keys=SqlKeyStore(database, audit=audit, clock=clock, entropy=entropy),
        outbox=SqlOutbox(database, clock=clock),
        upkeep=SqlUpkeep(database, subjects=subjects, idempotency=idempotency, audit=audit),
        live=SqlLiveFeed(database, subjects=subjects),
        monitors=SqlMonitorStates(database),
    )

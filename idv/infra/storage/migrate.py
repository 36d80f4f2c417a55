"""Brings a database to the newest schema, and ties it to its key ring."""

import hmac
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from idv.domain.errors import ConfigurationError
from idv.infra.storage.database import Database, store_not_found
from idv.infra.storage.keyring import KeyRing, Purpose
from idv.infra.storage.tables import KEK, identity

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x1D5
"""PostgreSQL advisory lock: of several processes that start at once, one migrates and the others wait."""


def require_store(url: str) -> None:
    """Raises StorageUnavailable `store_not_found` unless there is a store at the URL; makes none."""
    database = Database(url, create=False)
    try:
        if not database.has_table(identity.name):
            raise store_not_found(database)
    finally:
        database.close()


def migrate(database: Database, revision: str = "head") -> None:
    """Run what is missing of the migrations, in one transaction. Raises StorageUnavailable."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def bind_keyring(database: Database, keyring: KeyRing) -> None:
    """Note at first which ring the database belongs to, and its active key-encryption key.

    Raises ConfigurationError for any other ring.
    """
    mark = keyring.keyed_hash(Purpose.IDENTITY, "key ring")
    with database.writing() as connection:
        database.insert_new(connection, identity, {"name": "keyring", "value": mark})
        database.insert_new(connection, identity, {"name": KEK, "value": keyring.active})
        stored = connection.scalar(sa.select(identity.c.value).where(identity.c.name == "keyring"))
    if not hmac.compare_digest(str(stored), mark):
        raise ConfigurationError(["the key ring is not the one this database was written with"])

"""Migrations and the bond between a database and its key ring."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from idv.domain.errors import ConfigurationError
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.migrate import bind_keyring, migrate
from idv.infra.storage.tables import metadata


def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    """Alembic finds no difference between what the migrations make and the tables in the code."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    """Every start migrates; on a current schema that is no change."""
    before = sa.inspect(database.engine).get_table_names()
    migrate(database)
    assert sa.inspect(database.engine).get_table_names() == before


def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    """Four databases opened over one new file all find the schema."""
    url = f"sqlite:///{tmp_path / 'idv.db'}"

    def _start(_: int) -> int:
        started = Database(url)
        migrate(started)
        tables = sa.inspect(started.engine).get_table_names()
        started.close()
        return len(tables)

    with ThreadPoolExecutor(1) as pool:  # Alembic's environment is global to a process, so one after another
        assert set(pool.map(_start, range(4))) == {len(metadata.tables) + 1}


def test_a_database_refuses_another_key_ring(database: Database, ring: KeyRing) -> None:
    """A rotated ring is the same ring; a ring made anew, after the old one was lost, is refused at start."""
    bind_keyring(database, ring)
    bind_keyring(database, ring.rotated().retired())
    with pytest.raises(ConfigurationError):
        bind_keyring(database, KeyRing.generate())

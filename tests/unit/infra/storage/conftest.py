"""A clock, a key ring and stores over a SQLite file."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from idv.domain.stores import Stores
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.migrate import migrate
from idv.infra.storage.stores import stores_over


class StillClock:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        """Always the same."""
        return dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    """One key ring for all tests."""
    return KeyRing.generate()


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still."""
    return StillClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite file that waits half a second for locks."""
    made = Database(f"sqlite:///{tmp_path / 'state' / 'idv.db'}", wait_s=0.5)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def stores(database: Database, ring: KeyRing, clock: StillClock) -> Stores:
    """Stores over the file."""
    return stores_over(database, keyring=ring, clock=clock, instance="host/1")

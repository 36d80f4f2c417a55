"""Transactions, and what happens when the disk is full, the file locked or damaged."""

import datetime as dt
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import ConfigurationError, IntegrityError, NotFound, StorageUnavailable
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.database import Database

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def change(identifier: str, size: int = 0) -> Write:
    """A decided verification with private data of a size in bytes."""
    record = DecisionRecord(Decision.ACCEPT, (), (), "onboarding", "p", AT)
    item = Verification(identifier, "acme", Status.DECIDED, AT, AT, decisions=(record,))
    return Write(item, "verification.decided", "key", private={"image.selfie": bytes(size)})


class DiskSize:
    """Limits the database to a number of pages on every connection, until the limit is lifted."""

    def __init__(self, database: Database) -> None:
        self.pages = 2**30
        sa.event.listen(database.engine, "checkout", self._limit)

    def _limit(self, connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={self.pages}").close()


def test_every_connection_is_durable_and_forgets_what_is_deleted(database: Database) -> None:
    """Rollback journal, full synchronisation, foreign keys and secure deletion are on."""
    with database.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "delete", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_the_file_is_its_owners_alone(database: Database) -> None:
    """The database is made with mode 0600 in a folder of mode 0700."""
    assert database.file is not None
    assert database.file.stat().st_mode & 0o777 == 0o600
    assert database.file.parent.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_refuses_whole_writes_and_recovers(database: Database, stores: Stores) -> None:
    """A write that does not fit raises StorageUnavailable and leaves nothing; with space again it works."""
    disk = DiskSize(database)
    stores.verifications.write(change("before"))
    disk.pages = 1  # SQLite takes this as "no more than there are now"
    with pytest.raises(StorageUnavailable):
        stores.verifications.write(change("v1", size=200_000))
    with pytest.raises(StorageUnavailable):
        stores.verifications.write(change("v1", size=200_000))
    with pytest.raises(NotFound):
        stores.verifications.get("acme", "v1")
    assert stores.audit.verify() == 1
    disk.pages = 2**30
    stores.verifications.write(change("v1", size=200_000))
    assert stores.verifications.private("acme", "v1") == {"image.selfie": bytes(200_000)}
    assert stores.audit.verify() == 2


def test_the_error_repeats_nothing_of_what_was_written(database: Database, stores: Stores) -> None:
    """Neither the message nor its cause shows a parameter of the statement."""
    DiskSize(database).pages = 1
    with pytest.raises(StorageUnavailable) as raised:
        stores.verifications.write(change("secret-identifier", size=200_000))
    assert "secret-identifier" not in repr(raised.value) + str(raised.value.__cause__)


def test_a_lock_that_does_not_come_is_unavailable_and_passes(database: Database, stores: Stores) -> None:
    """While another process holds the write lock the store refuses; afterwards it works."""
    other = sqlite3.connect(str(database.file), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageUnavailable):
        stores.verifications.write(change("v1"))
    with pytest.raises(StorageUnavailable):
        stores.verifications.get("acme", "v1")
    other.execute("ROLLBACK")
    other.close()
    stores.verifications.write(change("v1"))


def test_a_writer_that_hangs_makes_the_next_unavailable_and_not_wait_forever(database: Database) -> None:
    """Writers of one process queue with the same limit."""
    entered, leave = threading.Event(), threading.Event()

    def _hang() -> None:
        with database.writing():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=_hang)
    thread.start()
    entered.wait(10)
    with pytest.raises(StorageUnavailable), database.writing():
        pass
    leave.set()
    thread.join()


def test_an_impossible_path_is_a_fault(tmp_path: Path) -> None:
    """A path below a file cannot be made: a ConfigurationError at start."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError):
        Database(f"sqlite:///{tmp_path}/file/idv.db")


@pytest.mark.parametrize(
    "url", ["", "x", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "sqlite:/x y"]
)
def test_urls_that_cannot_work_are_refused(url: str) -> None:
    """Only SQLite files and PostgreSQL are supported; the message does not repeat the URL's password."""
    with pytest.raises(ConfigurationError):
        Database(url)


def test_a_damaged_file_is_an_integrity_error(database: Database, stores: Stores) -> None:
    """Overwritten pages are reported as broken data, not as a passing failure."""
    stores.verifications.write(change("v1"))
    database.close()
    assert database.file is not None
    content = bytearray(database.file.read_bytes())
    content[:16] = b"x" * 16
    database.file.write_bytes(content)
    with pytest.raises(IntegrityError):
        stores.verifications.get("acme", "v1")


def test_a_deleted_folder_is_unavailable(database: Database, stores: Stores) -> None:
    """When the file cannot be opened any more, the store is unavailable."""
    database.close()
    assert database.file is not None
    database.file.unlink()
    database.file.parent.rmdir()
    with pytest.raises(StorageUnavailable):
        stores.verifications.get("acme", "v1")

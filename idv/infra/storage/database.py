"""A database with its two kinds of transaction, and the one place where driver errors are judged."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from idv.domain.errors import ConfigurationError, IntegrityError, StorageUnavailable

_BEGIN = "idv_begin"
_CORRUPT = ("malformed", "not a database")


class Database:
    """An engine, its transactions, and its dialect where the two differ.

    SQLite uses the rollback journal: the write-ahead log of releases before 3.51.3 can lose committed
    pages. A writer takes the write lock at once (BEGIN IMMEDIATE), so that nothing it read can change
    under it; writers of one process queue on a lock, which is fairer than SQLite's polling.
    `wait_s`: how long a transaction waits for the others before the store counts as unavailable.
    `create`: whether a SQLite file that is not there is made; otherwise it raises StorageUnavailable
    `store_not_found`.
    """

    def __init__(self, url: str, *, wait_s: float = 10.0, create: bool = True) -> None:
        self.url = _normalised(url)
        self._wait_s = wait_s
        if not create and self.file is not None and not self.file.is_file():
            raise store_not_found(self)
        make = _sqlite_engine if self.is_sqlite else _postgresql_engine
        self.engine = make(self.url, wait_s)
        self._writer = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """The SQLite database file."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view of everything. Raises StorageUnavailable."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with _judged(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction: committed when the block ends, undone when it raises.

        Raises StorageUnavailable; nothing was stored then.
        """
        options: dict[str, Any] = {_BEGIN: "BEGIN IMMEDIATE"}
        with (
            self._turn(),
            _judged(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def has_table(self, name: str) -> bool:
        """Whether a table of this name exists. Raises StorageUnavailable."""
        with self.reading() as connection:
            return sa.inspect(connection).has_table(name)

    def insert_new(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
        """Insert a row unless its key is taken; returns whether it was free. Safe under concurrency."""
        make = sqlite.insert if self.is_sqlite else postgresql.insert
        statement = make(table).values(row).on_conflict_do_nothing().returning(*table.primary_key)
        return connection.execute(statement).first() is not None

    def vacuum(self) -> None:
        """Rewrite the SQLite file without anything that was deleted. Raises StorageUnavailable."""
        with self._turn(), _judged(), self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("VACUUM")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=self._wait_s):
            raise StorageUnavailable("storage_busy", "The store is busy; try again.")
        try:
            yield
        finally:
            self._writer.release()


def store_not_found(database: Database) -> StorageUnavailable:
    """For whoever only wants to read: a store made on the spot would answer that all is well."""
    return StorageUnavailable(
        "store_not_found",
        f"There is no store at {database.url.render_as_string()}: see `idv config show`. "
        "`idv serve` and `idv keys issue` make one.",
    )


@contextmanager
def _judged() -> Iterator[None]:
    """A full disk, a lock that does not come, a lost connection: the store is unavailable, for now."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StorageUnavailable("storage_busy", "The store is busy; try again.") from error
    except (OperationalError, InterfaceError) as error:
        raise StorageUnavailable("storage_unavailable", "The store cannot be used; try again.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StorageUnavailable("storage_unavailable", "The store cannot be used; try again.") from error
        if any(mark in str(error.orig) for mark in _CORRUPT):
            raise IntegrityError("storage_corrupt", "The database file is damaged.") from error
        raise


def _normalised(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError(["the database URL cannot be read"]) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    raise ConfigurationError(["the database URL must name a SQLite file or a PostgreSQL database"])


def _sqlite_engine(url: sa.URL, wait_s: float) -> sa.Engine:
    _create_private(Path(str(url.database)))
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=16,
        max_overflow=16,
        pool_timeout=wait_s,
        connect_args={"timeout": wait_s, "isolation_level": None, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _set_pragmas)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _postgresql_engine(url: sa.URL, wait_s: float) -> sa.Engine:
    wait_ms = int(wait_s * 1000)
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=16,
        max_overflow=16,
        pool_timeout=wait_s,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": f"-c lock_timeout={wait_ms} -c statement_timeout={3 * wait_ms}",
        },
    )


def _create_private(path: Path) -> None:
    """The file holds who was decided how: readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigurationError(["the database file cannot be created or written"]) from error


def _set_pragmas(connection: Any, _record: object) -> None:  # a driver's connection
    for pragma in (
        "journal_mode=DELETE",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    """The driver's own transactions are off: it would begin them late and end them before DDL."""
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

"""Destroying a subject: its key, its rows, and on SQLite the bytes they stood in."""

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.infra.storage.database import Database
from idv.infra.storage.tables import (
    claims,
    decisions,
    events,
    labels,
    private_data,
    results,
    subjects,
    verifications,
)

_TRACE_BYTES = 12
"""The nonce in front of everything sealed: 96 random bits are found nowhere else by chance."""


_CHUNK_BYTES = 1 << 22
_NAME_LENGTH = 16
"""Names shorter than this may stand elsewhere by chance; ours are random and longer."""


class Destroyed(NamedTuple):
    """What an erasure removed; `traces` are byte strings that must stand nowhere afterwards."""

    verification_ids: tuple[str, ...]
    applicant_hash: str | None
    traces: frozenset[bytes]


def erase_subject(connection: sa.Connection, subject_id: str) -> Destroyed:
    """Delete a subject and every row of its verifications, in the caller's transaction."""
    subject = connection.execute(
        sa.select(subjects).where(subjects.c.id == subject_id).with_for_update()
    ).first()
    if subject is None:
        return Destroyed((), None, frozenset())
    of_subject = sa.select(verifications.c.id).where(verifications.c.subject_id == subject_id)
    gone = tuple(connection.scalars(of_subject.order_by(verifications.c.id)))
    traces = _traces(connection, subject, of_subject)
    for table in (private_data, claims, events, labels, results, decisions):
        connection.execute(table.delete().where(table.c.verification_id.in_(of_subject)))
    connection.execute(verifications.delete().where(verifications.c.subject_id == subject_id))
    connection.execute(subjects.delete().where(subjects.c.id == subject_id))
    return Destroyed(gone, subject.applicant_hash, traces)


def scrub(database: Database, traces: frozenset[bytes]) -> None:
    """Make sure that no trace is left in the SQLite file.

    `secure_delete` overwrites what is deleted, but a cell moved between pages may leave a copy in a
    page's free space; where one is found, the file is rewritten. Raises IntegrityError if that fails.
    PostgreSQL has no such means: there the key-encryption key is rotated and the old one retired.
    """
    if database.file is None or not found(database.file, traces):
        return
    database.vacuum()
    if found(database.file, traces):
        raise IntegrityError("erasure_incomplete", "Erased data is still present in the database file.")


def found(file: Path, traces: frozenset[bytes]) -> bool:
    """Whether any trace stands in the file.

    Read and not mapped: another process may shorten the file meanwhile, which would kill a reader of a map.
    """
    overlap = max(map(len, traces), default=0)
    tail = b""
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            window = tail + chunk
            if any(trace in window for trace in traces):
                return True
            tail = window[-overlap:]
    return False


def _traces(
    connection: sa.Connection, subject: sa.Row[tuple[object, ...]], of_subject: sa.Select[tuple[str]]
) -> frozenset[bytes]:
    sealed = [subject.wrapped_key, subject.sealed_ref]
    for column in (private_data.c.sealed, claims.c.sealed_reply, decisions.c.sealed_note, labels.c.sealed_by):
        sealed += connection.scalars(sa.select(column).where(column.table.c.verification_id.in_(of_subject)))
    traces = {bytes(value[:_TRACE_BYTES]) for value in sealed if value is not None}
    # Not the applicant's hash: the same applicant may be back before the file is searched.
    names = [subject.id, *connection.scalars(of_subject)]
    return frozenset(traces | {name.encode() for name in names if len(name) >= _NAME_LENGTH})

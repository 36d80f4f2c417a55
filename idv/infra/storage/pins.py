"""Pins: keyed hashes by which the audit log says what a verification's rows must be.

The chain proves that the log was not changed; the pins carry that over to the rows, so that a decision
changed, removed or added behind the log's back is found too.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.domain.labels import LifeLabel
from idv.domain.verifications import Verification
from idv.infra.storage import records
from idv.infra.storage.audit import ABOUT, SqlAuditLog
from idv.infra.storage.chain import canonical
from idv.infra.storage.database import Database
from idv.infra.storage.records import StoredRow
from idv.infra.storage.rows import decision_row, result_row
from idv.infra.storage.subjects import Subjects
from idv.infra.storage.tables import audit_entries, verifications

ERASED = "verification.erased"
"""The action of the entry that takes a verification's place."""
PIN = "record"
"""The element of a body that holds the pin."""
_BATCH = 100


def pin(audit: SqlAuditLog, verification: Verification, labels: Sequence[LifeLabel] = ()) -> str:
    """Keyed hash over everything that was decided, notes included, and what was told of it afterwards."""
    content = {
        "tenant": verification.tenant,
        "status": verification.status.value,
        "created_us": records.microseconds(verification.created_at),
        "results": [result_row(result) for result in verification.results],
        "decisions": [[decision_row(record), record.note] for record in verification.decisions],
        **({"labels": [_label_row(label) for label in labels]} if labels else {}),
    }
    return audit.pseudonym(hashlib.sha256(canonical(content)).hexdigest())


def verify_pins(database: Database, *, subjects: Subjects, audit: SqlAuditLog) -> int:
    """Compare every verification with its last audit entry; returns how many there are.

    Raises IntegrityError `record_altered` or `records_missing`. Writers are not held up: each portion is a
    short transaction, and what is written meanwhile agrees with its own entry.
    """
    checked = 0
    after = ""
    while True:
        with database.reading() as connection:
            rows = _portion(connection, after)
            if not rows:
                break
            owners = subjects.load_all(connection, {row.subject_id for row in rows})
            labels = records.labels_of(connection, {row.id: owners[row.subject_id] for row in rows})
            for verification in records.load(connection, rows, owners):
                _compare(connection, verification, labels.get(verification.id, ()), audit)
        checked += len(rows)
        after = rows[-1].id
    _check_none_missing(database)
    return checked


def _portion(connection: sa.Connection, after: str) -> list[StoredRow]:
    statement = sa.select(verifications).where(verifications.c.id > after).order_by(verifications.c.id)
    return list(connection.execute(statement.limit(_BATCH)))


def _label_row(label: LifeLabel) -> list[str]:
    at = [str(records.microseconds(time)) for time in (label.known_at, label.recorded_at)]
    return [label.truth, label.source, label.labelled_by, *at]


def _compare(
    connection: sa.Connection, verification: Verification, labels: Sequence[LifeLabel], audit: SqlAuditLog
) -> None:
    about = audit_entries.c.about == audit.pseudonym(verification.id)
    latest = sa.select(audit_entries).where(about).order_by(audit_entries.c.sequence.desc()).limit(1)
    entry = connection.execute(latest).first()
    if entry is None:
        raise IntegrityError("record_altered", "A verification has no audit entry.")
    if not hmac.compare_digest(str(entry.body.get(PIN)), pin(audit, verification, labels)):
        message = f"A verification is not what audit entry {entry.sequence} says it is."
        raise IntegrityError("record_altered", message)


def _check_none_missing(database: Database) -> None:
    """As many verifications as the log knows and does not know to be erased."""
    known = sa.select(sa.func.count(sa.distinct(audit_entries.c.about)))
    with database.reading() as connection:
        begun, erased = (
            connection.scalar(statement) or 0
            for statement in (known, known.where(audit_entries.c.action == ERASED))
        )
        present = connection.scalar(sa.select(sa.func.count()).select_from(verifications)) or 0
    if begun - erased != present:
        message = f"{begun - erased} verifications should be stored; {present} are."
        raise IntegrityError("records_missing", message)


def erased_bodies(
    audit: SqlAuditLog, *, tenant: str, actor: str, applicant: str, verification_ids: tuple[str, ...]
) -> Iterator[dict[str, str]]:
    """The tombstones of an erasure: one entry's body a verification, keyed hashes only."""
    for verification_id in verification_ids:
        yield {
            "tenant": tenant,
            "actor": audit.pseudonym(actor),
            "applicant": applicant,
            ABOUT: audit.pseudonym(verification_id),
        }

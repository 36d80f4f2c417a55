"""Rows of a verification: what was decided and why, appended and never overwritten."""

import datetime as dt

import sqlalchemy as sa

from idv.domain.decisions import DecisionRecord
from idv.domain.errors import Conflict
from idv.domain.results import CheckResult
from idv.domain.verifications import Verification
from idv.infra.storage import tables
from idv.infra.storage.rows import Row, decision_from, decision_row, result_from, result_row, status_from
from idv.infra.storage.subjects import Subject

_NOTE = "note"
_ANY_TEXT = ("utf-8", "surrogatepass")


def add(connection: sa.Connection, verification: Verification, subject: Subject) -> None:
    """Store a verification that is new. Raises IntegrityError of the driver when its id is taken."""
    connection.execute(
        tables.verifications.insert().values(
            id=verification.id,
            tenant=verification.tenant,
            subject_id=subject.id,
            status=verification.status.value,
            decision=_decision_code(verification),
            created_at=verification.created_at,
            updated_at=verification.updated_at,
        )
    )
    _append(connection, verification, subject, results=0, decisions=0)


def extend(
    connection: sa.Connection, stored: Verification, verification: Verification, subject: Subject
) -> None:
    """Append what is new to a stored verification. Raises Conflict as `check_extends` says."""
    check_extends(stored, verification)
    connection.execute(
        tables.verifications.update()
        .where(tables.verifications.c.id == verification.id)
        .values(
            status=verification.status.value,
            decision=_decision_code(verification),
            updated_at=verification.updated_at,
        )
    )
    counts = {"results": len(stored.results), "decisions": len(stored.decisions)}
    _append(connection, verification, subject, **counts)


def check_extends(stored: Verification, verification: Verification) -> None:
    """Raises Conflict `verification_changed` when `verification` does not begin with what is stored."""
    results, decisions = len(stored.results), len(stored.decisions)
    same = (
        stored.results == verification.results[:results]
        and stored.decisions == verification.decisions[:decisions]
        and stored.created_at == verification.created_at
        and stored.applicant_ref == verification.applicant_ref
    )
    if not same:
        raise Conflict("verification_changed", "The verification was changed by another request.")


def load(connection: sa.Connection, row: sa.Row[tuple[object, ...]], subject: Subject) -> Verification:
    """The verification behind a row of its table."""
    return Verification(
        id=row.id,
        tenant=row.tenant,
        status=status_from(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        applicant_ref=subject.applicant_ref,
        results=_results(connection, row.id),
        decisions=_decisions(connection, row.id, subject),
    )


def microseconds(at: dt.datetime) -> int:
    """The time as it stands in the tables."""
    bound = tables.Instant().process_bind_param(at, sa.engine.default.DefaultDialect())
    return int(bound or 0)


def _append(
    connection: sa.Connection, verification: Verification, subject: Subject, *, results: int, decisions: int
) -> None:
    fresh_results = [
        {"verification_id": verification.id, "position": position, "body": result_row(result)}
        for position, result in enumerate(verification.results)
        if position >= results
    ]
    fresh_decisions = [
        _decision_values(verification, position, subject)
        for position in range(decisions, len(verification.decisions))
    ]
    if fresh_results:
        connection.execute(tables.results.insert(), fresh_results)
    if fresh_decisions:
        connection.execute(tables.decisions.insert(), fresh_decisions)


def _decision_values(verification: Verification, position: int, subject: Subject) -> Row:
    record = verification.decisions[position]
    sealed = None
    if record.note is not None:
        sealed = subject.key.seal(
            record.note.encode(*_ANY_TEXT), *_note_place(verification.id, position, subject)
        )
    return {
        "verification_id": verification.id,
        "position": position,
        "body": decision_row(record),
        "sealed_note": sealed,
    }


def _results(connection: sa.Connection, verification_id: str) -> tuple[CheckResult, ...]:
    table = tables.results
    statement = (
        sa.select(table.c.body).where(table.c.verification_id == verification_id).order_by(table.c.position)
    )
    return tuple(result_from(body) for body in connection.scalars(statement))


def _decisions(
    connection: sa.Connection, verification_id: str, subject: Subject
) -> tuple[DecisionRecord, ...]:
    table = tables.decisions
    statement = sa.select(table).where(table.c.verification_id == verification_id).order_by(table.c.position)
    return tuple(decision_from(row.body, note=_note(row, subject)) for row in connection.execute(statement))


def _note(row: sa.Row[tuple[object, ...]], subject: Subject) -> str | None:
    if row.sealed_note is None:
        return None
    return subject.key.open(row.sealed_note, *_note_place(row.verification_id, row.position, subject)).decode(
        *_ANY_TEXT
    )


def _note_place(verification_id: str, position: int, subject: Subject) -> tuple[str, ...]:
    return (subject.tenant, verification_id, _NOTE, str(position))


def _decision_code(verification: Verification) -> str | None:
    record = verification.decision
    return None if record is None else record.decision.value

"""Rows of a verification: what was decided and why, appended and never overwritten."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from idv.domain.decisions import DecisionRecord
from idv.domain.errors import Conflict
from idv.domain.labels import LabelSource, LifeLabel, Truth
from idv.domain.results import CheckResult
from idv.domain.verifications import Verification
from idv.infra.storage import tables
from idv.infra.storage.rows import Row, decision_from, decision_row, result_from, result_row, status_from
from idv.infra.storage.subjects import Subject

StoredRow = sa.Row[tuple[object, ...]]
"""A row whose columns are those of its table; read by name."""
_NOTE = "note"
_LABEL = "label"
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


def load(
    connection: sa.Connection, rows: Sequence[StoredRow], subjects: Mapping[str, Subject]
) -> tuple[Verification, ...]:
    """The verifications behind rows of their table, in order; `subjects` holds their subjects by id."""
    owners = {row.id: subjects[row.subject_id] for row in rows}
    results = results_of(connection, owners)
    decisions = _decisions(connection, owners)
    return tuple(
        Verification(
            id=row.id,
            tenant=row.tenant,
            status=status_from(row.status),
            created_at=row.created_at,
            updated_at=row.updated_at,
            applicant_ref=owners[row.id].applicant_ref,
            results=tuple(results[row.id]),
            decisions=tuple(decisions[row.id]),
        )
        for row in rows
    )


def results_of(connection: sa.Connection, ids: Collection[str]) -> dict[str, list[CheckResult]]:
    """Verification -> its results, oldest first."""
    found: dict[str, list[CheckResult]] = defaultdict(list)
    for row in _rows(connection, tables.results, ids):
        found[row.verification_id].append(result_from(row.body))
    return found


def labels_of(connection: sa.Connection, owners: Mapping[str, Subject]) -> dict[str, list[LifeLabel]]:
    """Verification -> its labels, oldest first; `owners` holds the subject of each verification."""
    found: dict[str, list[LifeLabel]] = defaultdict(list)
    for row in _rows(connection, tables.labels, owners):
        place = _place(_LABEL, row.verification_id, row.position, owners[row.verification_id])
        by = owners[row.verification_id].key.open(row.sealed_by, *place).decode(*_ANY_TEXT)
        found[row.verification_id].append(
            LifeLabel(Truth(row.truth), LabelSource(row.source), by, row.known_at, row.recorded_at)
        )
    return found


def add_labels(
    connection: sa.Connection, verification_id: str, new: Sequence[LifeLabel], subject: Subject
) -> None:
    """Append labels; the verification's row is locked by the caller, so that no two take one position."""
    count = sa.select(sa.func.count()).where(tables.labels.c.verification_id == verification_id)
    first = connection.scalar(count) or 0
    for position, label in enumerate(new, first):
        place = _place(_LABEL, verification_id, position, subject)
        connection.execute(
            tables.labels.insert().values(
                verification_id=verification_id,
                position=position,
                truth=label.truth.value,
                source=label.source.value,
                known_at=label.known_at,
                recorded_at=label.recorded_at,
                sealed_by=subject.key.seal(label.labelled_by.encode(*_ANY_TEXT), *place),
            )
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
            record.note.encode(*_ANY_TEXT), *_place(_NOTE, verification.id, position, subject)
        )
    return {
        "verification_id": verification.id,
        "position": position,
        "body": decision_row(record),
        "sealed_note": sealed,
    }


def _decisions(connection: sa.Connection, owners: Mapping[str, Subject]) -> dict[str, list[DecisionRecord]]:
    found: dict[str, list[DecisionRecord]] = defaultdict(list)
    for row in _rows(connection, tables.decisions, owners):
        note = _note(row, owners[row.verification_id])
        found[row.verification_id].append(decision_from(row.body, note=note))
    return found


def _rows(connection: sa.Connection, table: sa.Table, ids: Collection[str]) -> Sequence[StoredRow]:
    statement = (
        sa.select(table)
        .where(table.c.verification_id.in_(ids))
        .order_by(table.c.verification_id, table.c.position)
    )
    return connection.execute(statement).all()


def _note(row: StoredRow, subject: Subject) -> str | None:
    if row.sealed_note is None:
        return None
    return subject.key.open(
        row.sealed_note, *_place(_NOTE, row.verification_id, row.position, subject)
    ).decode(*_ANY_TEXT)


def _place(kind: str, verification_id: str, position: int, subject: Subject) -> tuple[str, ...]:
    """What a sealed text is bound to, so that it opens nowhere else."""
    return (subject.tenant, verification_id, kind, str(position))


def _decision_code(verification: Verification) -> str | None:
    record = verification.decision
    return None if record is None else record.decision.value

"""The port `VerificationStore` over a database: one transaction a step, audit entry included."""

import datetime as dt
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError as RowConflict

from idv.domain.decisions import Decision
from idv.domain.errors import Conflict, NotFound, RequestError
from idv.domain.labels import LifeLabel
from idv.domain.ports import Clock
from idv.domain.stores import Allowance, Claim, Erasure, Page, StoredReply, Write
from idv.domain.verifications import Verification
from idv.infra.storage import records
from idv.infra.storage.audit import ABOUT, SqlAuditLog
from idv.infra.storage.cursors import Position, decode_cursor, encode_cursor
from idv.infra.storage.database import Database
from idv.infra.storage.erasure import erase_subject, scrub
from idv.infra.storage.idempotency import Idempotency
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.outbox import add_events
from idv.infra.storage.pins import ERASED, PIN, erased_bodies, pin
from idv.infra.storage.records import StoredRow
from idv.infra.storage.subjects import Subject, Subjects
from idv.infra.storage.tables import private_data, subjects, verifications

LARGEST_PAGE = 1000


class SqlVerificationStore:
    """Verifications, their private data and their idempotency keys."""

    def __init__(
        self,
        database: Database,
        *,
        keyring: KeyRing,
        clock: Clock,
        subjects: Subjects,
        idempotency: Idempotency,
        audit: SqlAuditLog,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._subjects = subjects
        self._idempotency = idempotency
        self._audit = audit

    def claim(self, tenant: str, key: str, fingerprint: str, *, lease_s: float) -> Claim | StoredReply:
        """Take an idempotency key, or get its reply."""
        with self._database.writing() as connection:
            return self._idempotency.claim(connection, tenant, key, fingerprint, lease_s=lease_s)

    def release(self, claim: Claim) -> None:
        """Give an unanswered key back."""
        with self._database.writing() as connection:
            self._idempotency.release(connection, claim)

    def write(self, change: Write) -> None:
        """Store one step, whole or not at all.

        Raises Conflict `verification_changed` or `idempotency_claim_lost`, NotFound for one erased since,
        Overloaded `too_many_attempts`.
        """
        verification = change.verification
        with _racing(), self._database.writing() as connection:
            if change.claim is not None:
                self._idempotency.hold(connection, change.claim)
            subject = self._record(connection, verification, change.allowance)
            self._seal(connection, verification, change.private, subject)
            records.add_labels(connection, verification.id, change.labels, subject)
            self._idempotency.answer(connection, change, subject)
            add_events(connection, verification.id, change.events)
            labels = records.labels_of(connection, {verification.id: subject})
            body = self._audit_body(change, labels.get(verification.id, ()))
            self._audit.append_in(connection, change.action, body)

    def get(self, tenant: str, verification_id: str) -> Verification:
        """One verification. Raises NotFound."""
        with self._database.reading() as connection:
            row = _require(_row(connection, verification_id), tenant)
            return self._load(connection, [row])[0]

    def private(self, tenant: str, verification_id: str) -> dict[str, bytes]:
        """Everything sealed for one verification, opened. Raises NotFound."""
        with self._database.reading() as connection:
            row = _require(_row(connection, verification_id), tenant)
            subject = self._subjects.load(connection, row.subject_id)
            statement = sa.select(private_data).where(private_data.c.verification_id == verification_id)
            return {
                kept.kind: subject.key.open(kept.sealed, tenant, verification_id, kept.kind)
                for kept in connection.execute(statement)
            }

    def labels(self, tenant: str, verification_id: str) -> tuple[LifeLabel, ...]:
        """Everything that was said of it, oldest first. Raises NotFound."""
        with self._database.reading() as connection:
            row = _require(_row(connection, verification_id), tenant)
            owner = self._subjects.load(connection, row.subject_id)
            return tuple(records.labels_of(connection, {row.id: owner}).get(row.id, ()))

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None = None,
        applicant_ref: str | None = None,
        decision: Decision | None = None,
    ) -> Page:
        """A page, newest first; verifications begun meanwhile never shift it."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestError("limit_invalid", f"limit must be 1 to {LARGEST_PAGE}.", field="limit")
        applicant = None if applicant_ref is None else self._subjects.applicant_hash(tenant, applicant_ref)
        scope = (tenant, applicant or "", decision.value if decision else "")
        statement = _listing(tenant, applicant, decision)
        if cursor is not None:
            statement = _after(statement, decode_cursor(cursor, keyring=self._keyring, scope=scope))
        with self._database.reading() as connection:
            rows = connection.execute(statement.limit(limit + 1)).all()
            items = self._load(connection, rows[:limit])
        if len(rows) <= limit:
            return Page(items, None)
        last = Position(records.microseconds(items[-1].created_at), items[-1].id)
        return Page(items, encode_cursor(last, keyring=self._keyring, scope=scope))

    def attempts(self, tenant: str, applicant_ref: str, *, since: dt.datetime) -> int:
        """How many verifications of this applicant were created since then."""
        applicant = self._subjects.applicant_hash(tenant, applicant_ref)
        known = sa.and_(subjects.c.tenant == tenant, subjects.c.applicant_hash == applicant)
        with self._database.reading() as connection:
            subject_id = connection.scalar(sa.select(subjects.c.id).where(known))
            return 0 if subject_id is None else _begun(connection, str(subject_id), since=since)

    def erase(self, tenant: str, verification_id: str, *, actor: str) -> Erasure:
        """Destroy the applicant's key and rows; on SQLite the file is then searched for traces."""
        with self._database.writing() as connection:
            row = _require(_row(connection, verification_id), tenant)
            destroyed = erase_subject(connection, row.subject_id)
            if not destroyed.verification_ids:
                raise _not_found()
            tombstones = erased_bodies(
                self._audit,
                tenant=tenant,
                actor=actor,
                applicant=self._pseudonym_of_applicant(tenant, destroyed.applicant_hash),
                verification_ids=destroyed.verification_ids,
            )
            entries = [self._audit.append_in(connection, ERASED, body) for body in tombstones]
        scrub(self._database, destroyed.traces)
        return Erasure(len(entries), entries[-1].sequence, entries[-1].at)

    def _load(self, connection: sa.Connection, rows: Sequence[StoredRow]) -> tuple[Verification, ...]:
        owners = self._subjects.load_all(connection, {row.subject_id for row in rows})
        return records.load(connection, rows, owners)

    def _record(
        self, connection: sa.Connection, verification: Verification, allowance: Allowance | None
    ) -> Subject:
        """Add or extend the verification's rows; always locks the subject first, as an erasure does."""
        row = _row(connection, verification.id)
        if row is None:
            return self._begin(connection, verification, allowance)
        _require(row, verification.tenant)
        subject = self._subjects.locked(connection, row.subject_id)
        again = _row(connection, verification.id, lock=True)
        if subject is None or again is None:
            raise _not_found()
        (stored,) = records.load(connection, [again], {subject.id: subject})
        records.extend(connection, stored, verification, subject)
        return subject

    def _begin(
        self, connection: sa.Connection, verification: Verification, allowance: Allowance | None
    ) -> Subject:
        """A verification that the audit log knows but the tables do not was erased: it stays so."""
        if self._audit.knows(connection, verification.id):
            raise _not_found()
        subject = self._subjects.ensure(
            connection, verification.tenant, verification.applicant_ref, alone=allowance is not None
        )
        if allowance is not None:
            since = verification.created_at - allowance.window
            allowance.require_left(_begun(connection, subject.id, since=since))
        records.add(connection, verification, subject)
        return subject

    def _seal(
        self,
        connection: sa.Connection,
        verification: Verification,
        private: Mapping[str, bytes],
        subject: Subject,
    ) -> None:
        """A kind that is sent again replaces the earlier one."""
        for kind, plain in private.items():
            same = (private_data.c.verification_id == verification.id, private_data.c.kind == kind)
            connection.execute(private_data.delete().where(*same))
            connection.execute(
                private_data.insert().values(
                    verification_id=verification.id,
                    kind=kind,
                    sealed=subject.key.seal(plain, verification.tenant, verification.id, kind),
                    stored_at=self._clock.now(),
                )
            )

    def _audit_body(self, change: Write, labels: Sequence[LifeLabel]) -> dict[str, str]:
        """Codes and keyed hashes only."""
        verification = change.verification
        body = {
            "tenant": verification.tenant,
            "actor": self._audit.pseudonym(change.actor),
            "status": verification.status.value,
            "results": str(len(verification.results)),
            PIN: pin(self._audit, verification, labels),
            ABOUT: self._audit.pseudonym(verification.id),
        }
        if verification.applicant_ref is not None:
            applicant = self._subjects.applicant_hash(verification.tenant, verification.applicant_ref)
            body["applicant"] = self._pseudonym_of_applicant(verification.tenant, applicant)
        if verification.decision is not None:
            body["decision"] = verification.decision.decision.value
            body["policy_digest"] = verification.decision.policy_digest
        if change.labels:
            body["label"] = change.labels[-1].truth.value
        return body

    def _pseudonym_of_applicant(self, tenant: str, applicant_hash: str | None) -> str:
        """Another hash than the tables' own, so that the log does not lead back into them."""
        return "" if applicant_hash is None else self._audit.pseudonym(f"{tenant}/{applicant_hash}")


@contextmanager
def _racing() -> Iterator[None]:
    """Two first writes of one verification at the same time: the second one lost."""
    try:
        yield
    except RowConflict:
        raise Conflict("verification_changed", "The verification was changed by another request.") from None


def _begun(connection: sa.Connection, subject_id: str, *, since: dt.datetime) -> int:
    """How many verifications of a subject were created since then."""
    statement = (
        sa.select(sa.func.count())
        .select_from(verifications)
        .where(verifications.c.subject_id == subject_id, verifications.c.created_at >= since)
    )
    return int(connection.scalar(statement) or 0)


def _row(connection: sa.Connection, verification_id: str, *, lock: bool = False) -> StoredRow | None:
    if not storable(verification_id):
        return None
    statement = sa.select(verifications).where(verifications.c.id == verification_id)
    return connection.execute(statement.with_for_update() if lock else statement).first()


def storable(text: str) -> bool:
    """Whether a caller's text can be an identifier at all; databases choke on the rest in their own ways."""
    return text.isascii() and text.isprintable()


def _require(row: StoredRow | None, tenant: str) -> StoredRow:
    """The row, if it is the tenant's; another tenant's is not told apart from none."""
    if row is None or not hmac.compare_digest(str(row.tenant).encode(), tenant.encode()):
        raise _not_found()
    return row


def _not_found() -> NotFound:
    return NotFound("verification_not_found", "There is no such verification.")


def _listing(
    tenant: str, applicant_hash: str | None, decision: Decision | None
) -> sa.Select[tuple[object, ...]]:
    statement = sa.select(verifications).where(verifications.c.tenant == tenant)
    if applicant_hash is not None:
        known = sa.and_(subjects.c.tenant == tenant, subjects.c.applicant_hash == applicant_hash)
        statement = statement.where(verifications.c.subject_id.in_(sa.select(subjects.c.id).where(known)))
    if decision is not None:
        statement = statement.where(verifications.c.decision == decision.value)
    return statement.order_by(verifications.c.created_at.desc(), verifications.c.id.desc())


def _after(statement: sa.Select[tuple[object, ...]], position: Position) -> sa.Select[tuple[object, ...]]:
    created = sa.type_coerce(verifications.c.created_at, sa.BigInteger)
    return statement.where(sa.tuple_(created, verifications.c.id) < sa.tuple_(*position))

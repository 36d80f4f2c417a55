"""Subjects: whose data key seals what. An applicant of a tenant, or one verification without an applicant."""

import os
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import Entropy, KeyRing, Purpose
from idv.infra.storage.tables import KEK, identity, subjects
from idv.infra.storage.vault import DataKey, Vault, WrappedKey

_REF = "applicant_ref"
_ANY_TEXT = ("utf-8", "surrogatepass")
"""JSON can carry half of a surrogate pair, and a caller's reference is stored as it came."""


class Subject(NamedTuple):
    """A subject with its key in use."""

    id: str
    tenant: str
    key: DataKey
    applicant_ref: str | None


class Subjects:
    """Finds, makes and rewraps subjects inside the caller's transaction."""

    def __init__(
        self,
        database: Database,
        keyring: KeyRing,
        *,
        entropy: Entropy = os.urandom,
        reload: Callable[[], KeyRing] | None = None,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._vault = Vault(keyring, entropy=entropy, reload=reload)
        self._entropy = entropy

    def applicant_hash(self, tenant: str, applicant_ref: str) -> str:
        """The keyed hash an applicant is looked up by."""
        return self._keyring.keyed_hash(Purpose.APPLICANT, tenant, applicant_ref)

    def ensure(
        self, connection: sa.Connection, tenant: str, applicant_ref: str | None, *, alone: bool = False
    ) -> Subject:
        """The subject of an applicant, made when new; without an applicant always a new one.

        `alone`: until the transaction ends, no other gets a lock on the same subject.
        """
        applicant_hash = None if applicant_ref is None else self.applicant_hash(tenant, applicant_ref)
        known = sa.and_(subjects.c.tenant == tenant, subjects.c.applicant_hash == applicant_hash)
        found = connection.scalar(sa.select(subjects.c.id).where(known)) if applicant_hash else None
        if found is None:
            row = self._new(tenant, applicant_hash, applicant_ref, kek_id=_kek_in_force(connection))
            found = row["id"] if self._database.insert_new(connection, subjects, row) else None
        # None: made or erased by another transaction between the two statements.
        subject = None if found is None else self.locked(connection, str(found), alone=alone)
        return subject or self.ensure(connection, tenant, applicant_ref, alone=alone)

    def locked(self, connection: sa.Connection, subject_id: str, *, alone: bool = False) -> Subject | None:
        """A subject that no erasure can take until the transaction ends; None when one just did."""
        known = sa.select(subjects.c.id).where(subjects.c.id == subject_id)
        statement = known.with_for_update(read=not alone)
        return None if connection.scalar(statement) is None else self.load(connection, subject_id)

    def load(self, connection: sa.Connection, subject_id: str) -> Subject:
        """A subject by id. Raises IntegrityError when it is gone or its key does not open."""
        return self.load_all(connection, {subject_id})[subject_id]

    def load_all(self, connection: sa.Connection, subject_ids: set[str]) -> dict[str, Subject]:
        """Subjects by id. Raises IntegrityError as `load`."""
        rows = connection.execute(sa.select(subjects).where(subjects.c.id.in_(subject_ids))).all()
        if len(rows) < len(subject_ids):
            raise IntegrityError("subject_missing", "A verification's subject is missing.")
        return {row.id: self._opened(row) for row in rows}

    def rewrap(self, connection: sa.Connection) -> int:
        """Bring every key, those still to be made included, under the ring's active key-encryption key.

        Returns how many were not. Locks out whoever makes a subject, in whichever process, until it is done.
        """
        _put_in_force(connection, self._database, self._vault.active)
        stale = sa.select(subjects).where(subjects.c.kek_id != self._vault.active).with_for_update()
        rows = connection.execute(stale).all()
        for row in rows:
            old = WrappedKey(row.kek_id, row.wrapped_key)
            new = self._vault.rewrap(old, tenant=row.tenant, subject=row.id)
            connection.execute(
                subjects.update()
                .where(subjects.c.id == row.id)
                .values(kek_id=new.kek_id, wrapped_key=new.wrapped)
            )
        return len(rows)

    def wrapping_keys(self, connection: sa.Connection) -> frozenset[str]:
        """Ids of the key-encryption keys that open a subject's key, or will wrap the next one."""
        used = connection.scalars(sa.select(subjects.c.kek_id).distinct())
        return frozenset(map(str, used)) | {_kek_in_force(connection) or self._vault.active}

    def _opened(self, row: sa.Row[tuple[object, ...]]) -> Subject:
        wrapped = WrappedKey(row.kek_id, row.wrapped_key)
        key = self._vault.unwrap(wrapped, tenant=row.tenant, subject=row.id)
        ref = None
        if row.sealed_ref is not None:
            ref = key.open(row.sealed_ref, row.tenant, row.id, _REF).decode(*_ANY_TEXT)
        return Subject(row.id, row.tenant, key, ref)

    def _new(
        self, tenant: str, applicant_hash: str | None, applicant_ref: str | None, *, kek_id: str | None
    ) -> dict[str, object]:
        subject = self._entropy(16).hex()
        wrapped = self._vault.new_key(tenant, subject, kek_id=kek_id)
        key = self._vault.unwrap(wrapped, tenant=tenant, subject=subject)
        sealed = (
            None
            if applicant_ref is None
            else key.seal(applicant_ref.encode(*_ANY_TEXT), tenant, subject, _REF)
        )
        return {
            "id": subject,
            "tenant": tenant,
            "applicant_hash": applicant_hash,
            "kek_id": wrapped.kek_id,
            "wrapped_key": wrapped.wrapped,
            "sealed_ref": sealed,
        }


def _kek_in_force(connection: sa.Connection) -> str | None:
    """The key-encryption key that all processes wrap with, which a rotation changes for all at once.

    Locked for reading until the transaction ends: after a rotation nobody can still be wrapping with the old.
    """
    known = sa.select(identity.c.value).where(identity.c.name == KEK)
    return connection.scalar(known.with_for_update(read=True))


def _put_in_force(connection: sa.Connection, database: Database, kek_id: str) -> None:
    if not database.insert_new(connection, identity, {"name": KEK, "value": kek_id}):
        connection.execute(identity.update().where(identity.c.name == KEK).values(value=kek_id))

"""Idempotency keys: taken on a lease by one request, answered in the transaction that stores its work."""

import datetime as dt
import os

import sqlalchemy as sa

from idv.domain.errors import Conflict
from idv.domain.ports import Clock
from idv.domain.stores import Claim, StoredReply, Write
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import Entropy, KeyRing, Purpose
from idv.infra.storage.subjects import Subject, Subjects
from idv.infra.storage.tables import claims, verifications

_REPLY = "reply"


class Idempotency:
    """Claims inside the caller's transaction. Keys and fingerprints are stored as keyed hashes only.

    `instance` is `host/run`: the same for all processes of one run of the service, new at each start.
    """

    def __init__(
        self,
        database: Database,
        subjects: Subjects,
        *,
        keyring: KeyRing,
        clock: Clock,
        instance: str,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._database = database
        self._subjects = subjects
        self._keyring = keyring
        self._clock = clock
        self._instance = instance
        self._entropy = entropy

    def claim(
        self, connection: sa.Connection, tenant: str, key: str, fingerprint: str, *, lease_s: float
    ) -> Claim | StoredReply:
        """Take a key, or get its reply. Raises Conflict, as the port says."""
        now = self._clock.now()
        claim = Claim(
            tenant,
            key,
            fingerprint,
            token=self._entropy(16).hex(),
            lease_until=now + dt.timedelta(seconds=lease_s),
        )
        row = self._row(claim, now)
        if self._database.insert_new(connection, claims, row):
            return claim
        held = connection.execute(self._held(claim).with_for_update()).first()
        if held is None:  # given back between the two statements
            return self.claim(connection, tenant, key, fingerprint, lease_s=lease_s)
        if held.fingerprint_hash != row["fingerprint_hash"]:
            raise Conflict(
                "idempotency_key_reused",
                "This Idempotency-Key was used with other parts.",
                field="Idempotency-Key",
            )
        if held.sealed_reply is not None:
            return self._reply(connection, tenant, held)
        if held.lease_until > now:
            raise Conflict(
                "idempotency_in_flight", "The first request with this Idempotency-Key is still running."
            )
        connection.execute(claims.update().where(claims.c.key_hash == row["key_hash"]).values(row))
        return claim

    def release(self, connection: sa.Connection, claim: Claim) -> None:
        """Give a key back; nothing happens when it was answered or taken over."""
        connection.execute(claims.delete().where(self._ours(claim)))

    def hold(self, connection: sa.Connection, claim: Claim) -> None:
        """Make sure the key is still this request's until the transaction ends.

        Raises Conflict `idempotency_claim_lost` when the lease ended and another request took the key.
        """
        held = connection.execute(
            sa.select(claims.c.key_hash).where(self._ours(claim)).with_for_update()
        ).first()
        if held is None:
            raise Conflict("idempotency_claim_lost", "Another request took over this Idempotency-Key.")

    def answer(self, connection: sa.Connection, change: Write, subject: Subject) -> None:
        """Store the reply under the claim of a write."""
        if change.claim is None or change.reply is None:
            return
        verification = change.verification
        connection.execute(
            claims.update()
            .where(self._ours(change.claim))
            .values(
                verification_id=verification.id,
                status=change.reply.status,
                sealed_reply=subject.key.seal(
                    change.reply.body, verification.tenant, verification.id, _REPLY
                ),
            )
        )

    def release_abandoned(self, connection: sa.Connection) -> int:
        """Drop what earlier runs on this host left unanswered."""
        host = self._instance.partition("/")[0]
        left = sa.and_(
            claims.c.sealed_reply.is_(None),
            claims.c.instance.startswith(f"{host}/", autoescape=True),
            claims.c.instance != self._instance,
        )
        return connection.execute(claims.delete().where(left)).rowcount

    def purge(self, connection: sa.Connection, older_than: dt.datetime) -> int:
        """Forget keys taken before then, except those in flight."""
        idle = sa.or_(claims.c.sealed_reply.is_not(None), claims.c.lease_until < self._clock.now())
        return connection.execute(claims.delete().where(claims.c.created_at < older_than, idle)).rowcount

    def _row(self, claim: Claim, now: dt.datetime) -> dict[str, object]:
        return {
            "key_hash": self._hash(claim.tenant, claim.key),
            "fingerprint_hash": self._hash(claim.tenant, claim.key, claim.fingerprint),
            "token": claim.token,
            "instance": self._instance,
            "lease_until": claim.lease_until,
            "created_at": now,
        }

    def _held(self, claim: Claim) -> sa.Select[tuple[object, ...]]:
        return sa.select(claims).where(claims.c.key_hash == self._hash(claim.tenant, claim.key))

    def _ours(self, claim: Claim) -> sa.ColumnElement[bool]:
        return sa.and_(
            claims.c.key_hash == self._hash(claim.tenant, claim.key),
            claims.c.token == claim.token,
            claims.c.sealed_reply.is_(None),
        )

    def _reply(self, connection: sa.Connection, tenant: str, held: sa.Row[tuple[object, ...]]) -> StoredReply:
        owner = sa.select(verifications.c.subject_id).where(verifications.c.id == held.verification_id)
        subject = self._subjects.load(connection, connection.execute(owner).scalar_one())
        body = subject.key.open(held.sealed_reply, tenant, held.verification_id, _REPLY)
        return StoredReply(held.status, body)

    def _hash(self, *parts: str) -> str:
        return self._keyring.keyed_hash(Purpose.IDEMPOTENCY, *parts)

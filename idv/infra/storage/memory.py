"""The fakes beside the real stores: the same behaviour in dictionaries, for tests and trials.

They pass the same conformance suite. Nothing is sealed: what is in memory is gone with the process.
"""

import dataclasses
import datetime as dt
import os
import threading
from collections.abc import Mapping, Sequence

from idv.domain.decisions import Decision
from idv.domain.errors import Conflict, IntegrityError, NotFound, RequestError, Unauthenticated
from idv.domain.ports import Clock
from idv.domain.stores import (
    IMAGE_KIND,
    ApiKey,
    AuditEntry,
    Claim,
    Delivery,
    Erasure,
    Event,
    Page,
    Scope,
    StoredReply,
    Stores,
    Write,
)
from idv.domain.verifications import Verification
from idv.infra.storage.chain import Checkpoint, Head, follow, link, open_checkpoint, sign
from idv.infra.storage.cursors import Position, decode_cursor, encode_cursor
from idv.infra.storage.keyring import Entropy, KeyRing, Purpose
from idv.infra.storage.keys import audit_body, check_issuable, end_of_grace, require_live, successor
from idv.infra.storage.outbox import LEASE
from idv.infra.storage.records import check_extends, microseconds
from idv.infra.storage.secrets import hashed, key_id_of, matches, new_secret
from idv.infra.storage.verifications import LARGEST_PAGE


def memory_stores(
    *, keyring: KeyRing, clock: Clock, instance: str = "memory/1", entropy: Entropy = os.urandom
) -> Stores:
    """All stores in one process's memory; the fakes share one lock, as a database would."""
    lock = threading.RLock()
    audit = MemoryAuditLog(keyring=keyring, clock=clock, lock=lock)
    outbox = MemoryOutbox(clock=clock, lock=lock)
    verifications = MemoryVerificationStore(
        keyring=keyring,
        clock=clock,
        instance=instance,
        audit=audit,
        outbox=outbox,
        lock=lock,
        entropy=entropy,
    )
    return Stores(
        verifications=verifications,
        audit=audit,
        keys=MemoryKeyStore(clock=clock, audit=audit, lock=lock, entropy=entropy),
        outbox=outbox,
        upkeep=MemoryUpkeep(verifications, audit=audit, lock=lock),
    )


class MemoryAuditLog:
    """The port `AuditLog`."""

    def __init__(self, *, keyring: KeyRing, clock: Clock, lock: threading.RLock) -> None:
        self.chain: list[AuditEntry] = []
        self._keyring = keyring
        self._clock = clock
        self._lock = lock

    def append(self, action: str, body: Mapping[str, str]) -> AuditEntry:
        """Add one entry."""
        with self._lock:
            self.chain.append(link(self._head(), at=self._clock.now(), action=action, body=body))
            return self.chain[-1]

    def pseudonym(self, value: str) -> str:
        """The keyed hash of a value."""
        return self._keyring.keyed_hash(Purpose.AUDIT, value)

    def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Entries in order."""
        with self._lock:
            return [entry for entry in self.chain if entry.sequence > after][:limit]

    def verify(self) -> int:
        """Check the whole chain."""
        head = Head()
        for entry in self.entries(limit=len(self.chain)):
            head = follow(head, entry)
        return head.sequence

    def checkpoint(self) -> bytes:
        """A signed statement of the end."""
        return sign(Checkpoint(self._head(), self._clock.now()), self._keyring.signer)

    def verify_checkpoint(self, checkpoint: bytes) -> int:
        """Check that the chain passes through a checkpoint."""
        expected = open_checkpoint(checkpoint, self._keyring.signer.public_key()).head
        passed = [Head(), *(Head(e.sequence, e.digest) for e in self.chain)]
        if self.verify() < expected.sequence or expected not in passed:
            raise IntegrityError("audit_checkpoint_contradicted", "The chain contradicts the checkpoint.")
        return expected.sequence

    def _head(self) -> Head:
        return Head(self.chain[-1].sequence, self.chain[-1].digest) if self.chain else Head()


class MemoryOutbox:
    """The port `Outbox`."""

    def __init__(self, *, clock: Clock, lock: threading.RLock) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self._clock = clock
        self._lock = lock

    def add(self, events: Sequence[Event]) -> None:
        """Store new events, due at once."""
        for event in events:
            self.deliveries[event.id] = Delivery(event, 0, event.created_at, None, None)

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[Event, int]]:
        """Events whose attempt is due, held back for a while."""
        with self._lock:
            ready = [d for d in self.deliveries.values() if d.next_attempt_at and d.next_attempt_at <= now]
            ready = sorted(ready, key=_creation)[:limit]
            for delivery in ready:
                self._change(delivery.event.id, next_attempt_at=now + LEASE)
            return [(delivery.event, delivery.attempts) for delivery in ready]

    def list(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[Delivery]:
        """The newest events."""
        with self._lock:
            mine = [d for d in self.deliveries.values() if tenant in (None, d.event.tenant)]
        return sorted(mine, key=_creation, reverse=True)[:limit]

    def delivered(self, event_id: str, *, at: dt.datetime) -> None:
        """Mark as delivered."""
        self._attempted(event_id, delivered_at=at, next_attempt_at=None, last_failure=None)

    def failed(self, event_id: str, *, next_attempt_at: dt.datetime | None, reason: str) -> None:
        """Note a failed attempt."""
        self._attempted(event_id, next_attempt_at=next_attempt_at, last_failure=reason)

    def replay(self, event_id: str) -> None:
        """Make due again."""
        with self._lock:
            if event_id not in self.deliveries:
                raise NotFound("event_not_found", "There is no such event.")
            self._change(event_id, attempts=0, next_attempt_at=self._clock.now(), delivered_at=None)

    def _attempted(self, event_id: str, **changes: object) -> None:
        with self._lock:
            if event_id in self.deliveries:
                attempts = self.deliveries[event_id].attempts + 1
                self._change(event_id, attempts=attempts, **changes)

    def _change(self, event_id: str, **changes: object) -> None:
        self.deliveries[event_id] = dataclasses.replace(self.deliveries[event_id], **changes)  # type: ignore[arg-type] # names are Delivery's


class MemoryKeyStore:
    """The port `KeyStore`."""

    def __init__(
        self, *, clock: Clock, audit: MemoryAuditLog, lock: threading.RLock, entropy: Entropy
    ) -> None:
        self._keys: dict[str, tuple[ApiKey, str]] = {}
        self._clock = clock
        self._audit = audit
        self._lock = lock
        self._entropy = entropy

    def issue(
        self, tenant: str, scopes: frozenset[Scope], *, expires_at: dt.datetime | None
    ) -> tuple[ApiKey, str]:
        """Make a key."""
        check_issuable(tenant, scopes)
        secret = new_secret(self._entropy)
        key = ApiKey(secret.key_id, tenant, scopes, created_at=self._clock.now(), expires_at=expires_at)
        self._keys[key.id] = (key, hashed(secret.text))
        self._audit.append("key.issued", audit_body(key))
        return key, secret.text

    def authenticate(self, secret: str) -> ApiKey:
        """The live key behind a secret."""
        key, stored = self._keys.get(key_id_of(secret) or "", (None, None))
        if not matches(secret, stored) or key is None:
            raise Unauthenticated("key_invalid", "The API key is not known.")
        require_live(key, self._clock.now())
        return key

    def rotate(self, key_id: str, *, grace_s: float) -> tuple[ApiKey, str]:
        """A successor; the old key dies after the grace."""
        with self._lock:
            old, stored = self._require(key_id)
            secret, now = new_secret(self._entropy), self._clock.now()
            new = successor(old, secret.key_id, now=now)
            ended = dataclasses.replace(old, expires_at=end_of_grace(old, grace_s=grace_s, now=now))
            self._keys |= {key_id: (ended, stored), new.id: (new, hashed(secret.text))}
            self._audit.append("key.rotated", {**audit_body(new), "predecessor": key_id})
            return new, secret.text

    def revoke(self, key_id: str) -> None:
        """End a key now."""
        with self._lock:
            key, stored = self._require(key_id)
            if key.revoked_at is None:
                self._keys[key_id] = (dataclasses.replace(key, revoked_at=self._clock.now()), stored)
                self._audit.append("key.revoked", audit_body(key))

    def list(self, tenant: str | None = None) -> Sequence[ApiKey]:
        """All keys, or one tenant's."""
        keys = [key for key, _ in self._keys.values() if tenant in (None, key.tenant)]
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    def _require(self, key_id: str) -> tuple[ApiKey, str]:
        if key_id not in self._keys:
            raise NotFound("key_not_found", "There is no such key.")
        return self._keys[key_id]


@dataclasses.dataclass
class _Held:
    """An idempotency key as the fake keeps it."""

    claim: Claim
    instance: str
    created_at: dt.datetime
    verification_id: str | None = None
    reply: StoredReply | None = None


@dataclasses.dataclass
class _Private:
    """A private blob and when it was stored."""

    data: bytes
    stored_at: dt.datetime


class MemoryVerificationStore:
    """The port `VerificationStore`."""

    def __init__(
        self,
        *,
        keyring: KeyRing,
        clock: Clock,
        instance: str,
        audit: MemoryAuditLog,
        outbox: MemoryOutbox,
        lock: threading.RLock,
        entropy: Entropy,
    ) -> None:
        self.claims: dict[tuple[str, str], _Held] = {}
        self.blobs: dict[tuple[str, str], _Private] = {}
        self.instance = instance
        self.clock = clock
        self._rows: dict[str, Verification] = {}
        self._events: dict[str, set[str]] = {}
        self._erased: set[str] = set()
        self._keyring = keyring
        self._audit = audit
        self._outbox = outbox
        self._lock = lock
        self._entropy = entropy

    def claim(self, tenant: str, key: str, fingerprint: str, *, lease_s: float) -> Claim | StoredReply:
        """Take an idempotency key, or get its reply."""
        with self._lock:
            now = self.clock.now()
            held = self.claims.get((tenant, key))
            if held is not None and held.claim.fingerprint != fingerprint:
                raise Conflict("idempotency_key_reused", "Used with other parts.", field="Idempotency-Key")
            if held is not None and held.reply is not None:
                return held.reply
            if held is not None and held.claim.lease_until > now:
                raise Conflict("idempotency_in_flight", "The first request is still running.")
            lease_until = now + dt.timedelta(seconds=lease_s)
            claim = Claim(tenant, key, fingerprint, token=self._entropy(16).hex(), lease_until=lease_until)
            self.claims[tenant, key] = _Held(claim, self.instance, now)
            return claim

    def release(self, claim: Claim) -> None:
        """Give an unanswered key back."""
        with self._lock:
            if self._ours(claim):
                del self.claims[claim.tenant, claim.key]

    def write(self, change: Write) -> None:
        """Store one step: everything that can fail comes before the first change."""
        verification = change.verification
        with self._lock:
            if change.claim is not None and not self._ours(change.claim):
                raise Conflict("idempotency_claim_lost", "Another request took over this Idempotency-Key.")
            self._check(verification)
            self._audit.append(change.action, self._audit_body(change))
            self._rows[verification.id] = verification
            for kind, data in change.private.items():
                self.blobs[verification.id, kind] = _Private(data, self.clock.now())
            if change.claim is not None and change.reply is not None:
                held = self.claims[change.claim.tenant, change.claim.key]
                held.reply, held.verification_id = change.reply, verification.id
            self._outbox.add(change.events)
            self._events.setdefault(verification.id, set()).update(event.id for event in change.events)

    def get(self, tenant: str, verification_id: str) -> Verification:
        """One verification."""
        with self._lock:
            found = self._rows.get(verification_id)
        if found is None or found.tenant != tenant:
            raise _not_found()
        return found

    def private(self, tenant: str, verification_id: str) -> dict[str, bytes]:
        """The private data of one verification."""
        self.get(tenant, verification_id)
        with self._lock:
            return {kind: kept.data for (owner, kind), kept in self.blobs.items() if owner == verification_id}

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None = None,
        applicant_ref: str | None = None,
        decision: Decision | None = None,
    ) -> Page:
        """A page, newest first."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestError("limit_invalid", f"limit must be 1 to {LARGEST_PAGE}.", field="limit")
        scope = (tenant, applicant_ref or "", decision.value if decision else "")
        found = [v for v in self._rows.values() if v.tenant == tenant and _wanted(v, applicant_ref, decision)]
        found.sort(key=_position, reverse=True)
        if cursor is not None:
            after = decode_cursor(cursor, keyring=self._keyring, scope=scope)
            found = [v for v in found if _position(v) < after]
        items = tuple(found[:limit])
        if len(found) <= limit:
            return Page(items, None)
        return Page(items, encode_cursor(_position(items[-1]), keyring=self._keyring, scope=scope))

    def attempts(self, tenant: str, applicant_ref: str, *, since: dt.datetime) -> int:
        """How many verifications of this applicant were created since then."""
        with self._lock:
            mine = [v for v in self._rows.values() if (v.tenant, v.applicant_ref) == (tenant, applicant_ref)]
        return sum(v.created_at >= since for v in mine)

    def erase(self, tenant: str, verification_id: str, *, actor: str) -> Erasure:
        """Destroy every row of the applicant's."""
        with self._lock:
            named = self.get(tenant, verification_id)
            gone = {v.id for v in self._rows.values() if v.id == named.id or _same_applicant(v, named)}
            for identifier in gone:
                self._forget(identifier)
            pseudonyms = {
                "actor": self._audit.pseudonym(actor),
                "verification": self._audit.pseudonym(verification_id),
            }
            body = {"tenant": tenant, "verifications": str(len(gone)), **pseudonyms}
            entry = self._audit.append("verification.erased", body)
            return Erasure(len(gone), entry.sequence, entry.at)

    def _check(self, verification: Verification) -> None:
        stored = self._rows.get(verification.id)
        if verification.id in self._erased or (stored and stored.tenant != verification.tenant):
            raise _not_found()
        if stored is not None:
            check_extends(stored, verification)

    def _forget(self, verification_id: str) -> None:
        del self._rows[verification_id]
        self._erased.add(verification_id)
        for event_id in self._events.pop(verification_id, set()):
            self._outbox.deliveries.pop(event_id, None)
        self.blobs = {at: kept for at, kept in self.blobs.items() if at[0] != verification_id}
        self.claims = {at: h for at, h in self.claims.items() if h.verification_id != verification_id}

    def _ours(self, claim: Claim) -> bool:
        held = self.claims.get((claim.tenant, claim.key))
        return held is not None and held.reply is None and held.claim.token == claim.token

    def _audit_body(self, change: Write) -> dict[str, str]:
        verification = change.verification
        return {
            "tenant": verification.tenant,
            "actor": self._audit.pseudonym(change.actor),
            "status": verification.status.value,
            "verification": self._audit.pseudonym(verification.id),
            **({"decision": verification.decision.decision.value} if verification.decision else {}),
        }


class MemoryUpkeep:
    """The port `Upkeep`."""

    def __init__(
        self, store: MemoryVerificationStore, *, audit: MemoryAuditLog, lock: threading.RLock
    ) -> None:
        self._store = store
        self._audit = audit
        self._lock = lock

    def release_abandoned(self) -> int:
        """Always 0: what an earlier run held went with its memory."""
        return 0

    def purge_images(self, older_than: dt.datetime) -> int:
        """Delete kept images stored before then."""
        with self._lock:
            blobs = self._store.blobs
            old = [at for at in blobs if at[1].startswith(IMAGE_KIND) and blobs[at].stored_at < older_than]
            for at in old:
                del blobs[at]
            if old:
                self._audit.append("retention.images_purged", {"images": str(len(old))})
        return len(old)

    def purge_idempotency(self, older_than: dt.datetime) -> int:
        """Delete idempotency keys and replies taken before then."""
        with self._lock:
            now, claims = self._store.clock.now(), self._store.claims
            idle = {at for at, held in claims.items() if held.reply or held.claim.lease_until < now}
            old = [at for at in idle if claims[at].created_at < older_than]
            for at in old:
                del claims[at]
        return len(old)

    def rewrap(self) -> int:
        """Always 0: nothing is sealed."""
        return 0

    def close(self) -> None:
        """Nothing to close."""


def _creation(delivery: Delivery) -> tuple[dt.datetime, str]:
    return (delivery.event.created_at, delivery.event.id)


def _position(verification: Verification) -> Position:
    return Position(microseconds(verification.created_at), verification.id)


def _wanted(verification: Verification, applicant_ref: str | None, decision: Decision | None) -> bool:
    if applicant_ref is not None and verification.applicant_ref != applicant_ref:
        return False
    record = verification.decision
    return decision is None or (record is not None and record.decision is decision)


def _same_applicant(one: Verification, other: Verification) -> bool:
    ref = other.applicant_ref
    return ref is not None and (one.tenant, one.applicant_ref) == (other.tenant, ref)


def _not_found() -> NotFound:
    return NotFound("verification_not_found", "There is no such verification.")

"""The fake beside `SqlVerificationStore`. Nothing is sealed: it goes with the process."""

import dataclasses
import datetime as dt
import threading

from idv.domain.decisions import Decision
from idv.domain.errors import Conflict, NotFound, RequestError
from idv.domain.labels import LifeLabel
from idv.domain.ports import Clock
from idv.domain.stores import Claim, Erasure, Page, StoredReply, Write
from idv.domain.verifications import Verification
from idv.infra.storage.cursors import Position, decode_cursor, encode_cursor
from idv.infra.storage.keyring import Entropy, KeyRing
from idv.infra.storage.memory.audit import MemoryAuditLog
from idv.infra.storage.memory.outbox import MemoryOutbox
from idv.infra.storage.records import check_extends, microseconds
from idv.infra.storage.verifications import LARGEST_PAGE


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
        self._labels: dict[str, tuple[LifeLabel, ...]] = {}
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
            self._require_left(change)
            self._audit.append(change.action, self._audit_body(change))
            self._rows[verification.id] = verification
            self._labels[verification.id] = (*self._labels.get(verification.id, ()), *change.labels)
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

    def labels(self, tenant: str, verification_id: str) -> tuple[LifeLabel, ...]:
        """Everything that was said of it."""
        self.get(tenant, verification_id)
        with self._lock:
            return self._labels.get(verification_id, ())

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
            body = {"tenant": tenant, "actor": self._audit.pseudonym(actor)}
            entries = [
                self._audit.append(
                    "verification.erased", {**body, "verification": self._audit.pseudonym(one)}
                )
                for one in sorted(gone)
            ]
            return Erasure(len(gone), entries[-1].sequence, entries[-1].at)

    def everything(self) -> list[Verification]:
        """All verifications in the order they began."""
        with self._lock:
            return sorted(self._rows.values(), key=lambda v: (v.created_at, v.id))

    def count(self) -> int:
        """How many verifications are stored."""
        return len(self._rows)

    def _require_left(self, change: Write) -> None:
        """A first step of a named applicant is counted with those before it."""
        new = change.verification
        if change.allowance is None or new.applicant_ref is None or new.id in self._rows:
            return
        since = new.created_at - change.allowance.window
        change.allowance.require_left(self.attempts(new.tenant, new.applicant_ref, since=since))

    def _check(self, verification: Verification) -> None:
        stored = self._rows.get(verification.id)
        if verification.id in self._erased or (stored and stored.tenant != verification.tenant):
            raise _not_found()
        if stored is not None:
            check_extends(stored, verification)

    def _forget(self, verification_id: str) -> None:
        del self._rows[verification_id]
        self._labels.pop(verification_id, None)
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
            **({"label": change.labels[-1].truth.value} if change.labels else {}),
        }


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

"""Ports of everything that remembers: verifications, the vault, idempotency, API keys, the audit log."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from idv.domain.decisions import Decision
from idv.domain.documents import DocumentReading
from idv.domain.errors import Overloaded
from idv.domain.evidence import ClaimedIdentity, ImageRole
from idv.domain.faces import FaceTemplate
from idv.domain.labels import LifeLabel
from idv.domain.live import LiveFeed, MonitorStates
from idv.domain.verifications import Verification


class Scope(StrEnum):
    """What an API key may do."""

    VERIFY = "verify"
    READ = "read"
    REVIEW = "review"
    ERASE = "erase"
    COMPARE = "compare"


@dataclass(frozen=True)
class ApiKey:
    """A key as stored: never its secret. `id` is the public part that the secret begins with."""

    id: str
    tenant: str
    scopes: frozenset[Scope]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


@dataclass(frozen=True)
class Remembered:
    """What earlier evidence of the same verification said; it stands in for what is not sent again."""

    templates: Mapping[ImageRole, FaceTemplate] = field(default_factory=dict)
    readings: Mapping[ImageRole, DocumentReading] = field(default_factory=dict)
    claimed: ClaimedIdentity | None = None


@dataclass(frozen=True)
class AuditEntry:
    """One link of the audit chain: codes and digests only, no personal data.

    `digest` = SHA-256 over the previous digest and the canonical body; `body` holds keyed hashes of
    everything that could identify a person.
    """

    sequence: int
    at: dt.datetime
    action: str
    body: Mapping[str, str]
    previous: str
    digest: str


@dataclass(frozen=True)
class Claim:
    """An idempotency key taken by one request in flight, until `lease_until`."""

    tenant: str
    key: str
    fingerprint: str
    token: str
    lease_until: dt.datetime


@dataclass(frozen=True)
class StoredReply:
    """The reply to an idempotent request, byte for byte."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Allowance:
    """How many verifications one applicant may begin within a window of time."""

    attempts: int
    window: dt.timedelta

    def require_left(self, begun: int) -> None:
        """Raises Overloaded `too_many_attempts` when `begun` verifications already use it up."""
        if begun >= self.attempts:
            raise Overloaded(
                "too_many_attempts",
                "This applicant has tried too often.",
                retry_after_s=self.window.total_seconds(),
            )


IMAGE_KIND = "image."
"""Kinds of private data that begin with this are kept images: `image.selfie`."""


@dataclass(frozen=True)
class Write:
    """Everything one step of a verification changes; stored whole or not at all.

    `private`: kind -> plain bytes, encrypted under the subject's key (templates, readings, kept images);
    the kind of a kept image begins with `IMAGE_KIND`, which is what retention removes first.
    `action` and `actor` go to the audit log, in the same transaction.
    `allowance` binds the first step of an applicant's verification: what they began before is counted in the
    same transaction, so that requests at the same time cannot all be the last one allowed.
    `labels` are appended to those the verification has.
    """

    verification: Verification
    action: str
    actor: str
    private: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    claim: Claim | None = None
    reply: StoredReply | None = None
    events: Sequence["Event"] = ()
    allowance: Allowance | None = None
    labels: Sequence[LifeLabel] = ()


@dataclass(frozen=True)
class Event:
    """A webhook to send: the payload carries identifiers, decision and reasons, never personal data."""

    id: str
    tenant: str
    type: str
    payload: bytes
    created_at: dt.datetime


@dataclass(frozen=True)
class Delivery:
    """Where one event stands. `next_attempt_at` is None once it was delivered or given up."""

    event: Event
    attempts: int
    next_attempt_at: dt.datetime | None
    delivered_at: dt.datetime | None
    last_failure: str | None


@dataclass(frozen=True)
class Page:
    """One page of a listing, newest first; `cursor` is None on the last page."""

    items: tuple[Verification, ...]
    cursor: str | None


@dataclass(frozen=True)
class Erasure:
    """Proof of an erasure: what went, and the last of the audit entries (one a verification) that say so."""

    verifications: int
    audit_sequence: int
    erased_at: dt.datetime


class VerificationStore(Protocol):
    """Remembers verifications. Every method raises StorageUnavailable when the store cannot do it."""

    def claim(self, tenant: str, key: str, fingerprint: str, *, lease_s: float) -> Claim | StoredReply:
        """Take an idempotency key, or get the reply stored under it.

        Raises Conflict `idempotency_key_reused` (other parts) or `idempotency_in_flight`.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Give a key back because the request failed before anything was stored."""
        ...

    def write(self, change: Write) -> None:
        """Store one step: rows, private data, audit entry, reply and events in one transaction.

        Raises Overloaded `too_many_attempts` when `change.allowance` is used up; nothing is stored then.
        """
        ...

    def get(self, tenant: str, verification_id: str) -> Verification:
        """One verification. Raises NotFound, also for another tenant's."""
        ...

    def private(self, tenant: str, verification_id: str) -> dict[str, bytes]:
        """The private data of one verification, decrypted. Raises NotFound."""
        ...

    def labels(self, tenant: str, verification_id: str) -> tuple[LifeLabel, ...]:
        """Everything that was ever said of it from life, oldest first. Raises NotFound."""
        ...

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None = None,
        applicant_ref: str | None = None,
        decision: Decision | None = None,
    ) -> Page:
        """A page of verifications, newest first. Raises RequestError `cursor_invalid`."""
        ...

    def attempts(self, tenant: str, applicant_ref: str, *, since: dt.datetime) -> int:
        """How many verifications this applicant began since then."""
        ...

    def erase(self, tenant: str, verification_id: str, *, actor: str) -> Erasure:
        """Destroy the applicant's key and every row of theirs. Raises NotFound."""
        ...


class AuditLog(Protocol):
    """An append-only hash chain with signed checkpoints."""

    def append(self, action: str, body: Mapping[str, str]) -> AuditEntry:
        """Add one entry outside a verification (a key issued, a point promoted)."""
        ...

    def pseudonym(self, value: str) -> str:
        """The keyed hash under which a value that could identify a person stands in entries."""
        ...

    def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Entries in order."""
        ...

    def verify(self) -> int:
        """Check the whole chain; returns its length. Raises IntegrityError naming the first bad entry."""
        ...

    def checkpoint(self) -> bytes:
        """A signed statement of the chain's length and last digest, for keeping elsewhere."""
        ...

    def verify_checkpoint(self, checkpoint: bytes) -> int:
        """Check the chain against an exported checkpoint; returns its sequence. Raises IntegrityError."""
        ...


class KeyStore(Protocol):
    """API keys: stored hashed, scoped, rotated."""

    def issue(
        self, tenant: str, scopes: frozenset[Scope], *, expires_at: dt.datetime | None
    ) -> tuple[ApiKey, str]:
        """Make a key; the secret is returned once and never again."""
        ...

    def authenticate(self, secret: str) -> ApiKey:
        """The key behind a secret, compared in constant time. Raises Unauthenticated."""
        ...

    def rotate(self, key_id: str, *, grace_s: float) -> tuple[ApiKey, str]:
        """A successor with the same tenant and scopes; the old key dies after `grace_s`. Raises NotFound."""
        ...

    def revoke(self, key_id: str) -> None:
        """End a key now. Raises NotFound."""
        ...

    def list(self, tenant: str | None = None) -> Sequence[ApiKey]:
        """All keys, or one tenant's."""
        ...


class Outbox(Protocol):
    """Webhook events waiting to be delivered, in order of creation."""

    def announce(self, event: Event) -> None:
        """Store an event that belongs to no verification (an alert); it is due at once."""
        ...

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[Event, int]]:
        """Events whose next attempt is due, with the number of attempts so far.

        An event handed out is held back from other dispatchers until its fate is noted or a lease ends.
        """
        ...

    def list(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[Delivery]:
        """The newest events and where they stand, of all tenants or one."""
        ...

    def delivered(self, event_id: str, *, at: dt.datetime) -> None:
        """Mark an event as delivered."""
        ...

    def failed(self, event_id: str, *, next_attempt_at: dt.datetime | None, reason: str) -> None:
        """Note a failed attempt; `None` gives up."""
        ...

    def replay(self, event_id: str) -> None:
        """Make a delivered or abandoned event due again. Raises NotFound."""
        ...


class Upkeep(Protocol):
    """What an operator or the start of the service does to the store as a whole."""

    def release_abandoned(self) -> int:
        """Give back the idempotency keys that earlier runs on this host died with; returns how many."""
        ...

    def purge_images(self, older_than: dt.datetime) -> int:
        """Destroy kept images stored before then, leaving the verifications; returns how many."""
        ...

    def purge_idempotency(self, older_than: dt.datetime) -> int:
        """Forget idempotency keys and replies taken before then; returns how many."""
        ...

    def verify_records(self) -> int:
        """Compare every verification with what the audit log says of it; returns how many there are.

        Raises IntegrityError when one was changed, removed or added behind the log's back.
        """
        ...

    def rewrap(self) -> int:
        """Wrap every subject's key with the active key-encryption key; returns how many were not.

        From then on every process wraps new keys with it too.
        """
        ...

    def wrapping_keys(self) -> frozenset[str]:
        """Ids of the key-encryption keys that open a subject's key, or will wrap the next one."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True)
class Stores:
    """Everything that remembers, over one database."""

    verifications: VerificationStore
    audit: AuditLog
    keys: KeyStore
    outbox: Outbox
    upkeep: Upkeep
    live: LiveFeed
    monitors: MonitorStates

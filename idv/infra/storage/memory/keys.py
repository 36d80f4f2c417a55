"""The fake beside `SqlKeyStore`; secrets are hashed and compared as there."""

import dataclasses
import datetime as dt
import threading
from collections.abc import Sequence

from idv.domain.errors import NotFound, Unauthenticated
from idv.domain.ports import Clock
from idv.domain.stores import ApiKey, Scope
from idv.infra.storage.keyring import Entropy
from idv.infra.storage.keys import audit_body, check_issuable, end_of_grace, require_live, successor
from idv.infra.storage.memory.audit import MemoryAuditLog
from idv.infra.storage.secrets import hashed, key_id_of, matches, new_secret


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

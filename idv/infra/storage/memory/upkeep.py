"""The fake beside `SqlUpkeep`."""

import datetime as dt
import threading

from idv.domain.stores import IMAGE_KIND
from idv.infra.storage.memory.audit import MemoryAuditLog
from idv.infra.storage.memory.verifications import MemoryVerificationStore


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

    def wrapping_keys(self) -> frozenset[str]:
        """Always none: nothing is sealed."""
        return frozenset()

    def verify_records(self) -> int:
        """Nothing can be changed behind the fake's back; only their number is told."""
        return self._store.count()

    def close(self) -> None:
        """Nothing to close."""

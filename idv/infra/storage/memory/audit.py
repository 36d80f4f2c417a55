"""The fake beside `SqlAuditLog`: the same chain in a list."""

import threading
from collections.abc import Mapping, Sequence

from idv.domain.errors import IntegrityError
from idv.domain.ports import Clock
from idv.domain.stores import AuditEntry
from idv.infra.storage.chain import Checkpoint, Head, follow, link, open_checkpoint, sign
from idv.infra.storage.keyring import KeyRing, Purpose


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

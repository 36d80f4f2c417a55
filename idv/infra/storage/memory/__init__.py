"""The fakes beside the real stores: the same behaviour in dictionaries, for tests and trials.

They pass the same conformance suite. Nothing is sealed: what is in memory is gone with the process.
"""

import os
import threading

from idv.domain.ports import Clock
from idv.domain.stores import Stores
from idv.infra.storage.keyring import Entropy, KeyRing
from idv.infra.storage.memory.audit import MemoryAuditLog
from idv.infra.storage.memory.keys import MemoryKeyStore
from idv.infra.storage.memory.live import MemoryLiveFeed, MemoryMonitorStates
from idv.infra.storage.memory.outbox import MemoryOutbox
from idv.infra.storage.memory.upkeep import MemoryUpkeep
from idv.infra.storage.memory.verifications import MemoryVerificationStore

__all__ = ["MemoryAuditLog", "memory_stores"]


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
        live=MemoryLiveFeed(verifications),
        monitors=MemoryMonitorStates(),
    )

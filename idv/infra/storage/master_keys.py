"""Rotating the key-encryption key that wraps every subject's key: make one, rewrap all, retire the old.

Each step leaves a ring and a database that fit each other, so whatever is cut off can be done again, and a
service may run meanwhile: it reads the ring again when it meets a key it does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idv.domain.stores import Stores
from idv.infra.storage.keyring import KeyRing, changing_keyring, open_keyring, replace_keyring


@dataclass(frozen=True)
class MasterKeys:
    """The key-encryption keys of one ring file; `open_stores` opens its database with a given ring."""

    path: Path
    open_stores: Callable[[KeyRing], Stores]

    def rotate(self) -> int:
        """Make a new active key and rewrap every subject's key with it; returns how many there were.

        The old key stays in the ring until it is retired. Raises ConfigurationError, StorageUnavailable.
        """
        with changing_keyring(self.path):
            ring = open_keyring(self.path, create=False).rotated()
            # The file first: a data key wrapped with a key that is nowhere else is lost in a power cut.
            replace_keyring(self.path, ring)
            stores = self.open_stores(ring)
            try:
                stores.audit.append("keyring.rotated", {"key": ring.active})
                return stores.upkeep.rewrap()
            finally:
                stores.upkeep.close()

    def retire(self) -> int:
        """Drop the keys that nothing is wrapped with any more; returns how many.

        What copies of the database made before the rotation hold cannot be opened afterwards.
        """
        with changing_keyring(self.path):
            ring = open_keyring(self.path, create=False)
            stores = self.open_stores(ring)
            try:
                kept = ring.retired(keep=stores.upkeep.wrapping_keys())
                gone = sorted(ring.keks.keys() - kept.keks.keys())
                if gone:
                    stores.audit.append("keyring.retired", {"keys": " ".join(gone)})
                    replace_keyring(self.path, kept)
                return len(gone)
            finally:
                stores.upkeep.close()

"""Sealing: AES-256-GCM under one data key a subject, data keys wrapped by the key ring.

NIST SP 800-38D: nonces are 96 random bits, which is safe far below 2^32 messages a key; a data key seals
a few per verification and a key-encryption key one per subject.
"""

import json
import os
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idv.domain.errors import IntegrityError
from idv.infra.storage.keyring import Entropy, KeyRing

_NONCE_BYTES = 12
_KEY_BYTES = 32


class WrappedKey(NamedTuple):
    """A data key as it stands in the database."""

    kek_id: str
    wrapped: bytes


class DataKey:
    """One subject's key while it is in use."""

    def __init__(self, key: bytes, *, entropy: Entropy = os.urandom) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, plain: bytes, *place: str) -> bytes:
        """Nonce and ciphertext, bound to its place (tenant, verification, kind): moved, it does not open."""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _associated(place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """The plain bytes. Raises IntegrityError when they were altered or belong elsewhere."""
        return _opened(self._cipher, sealed, place)


class Vault:
    """Makes, wraps and unwraps data keys.

    `reload` reads the ring again: called when a key-encryption key is unknown, which is how a process that
    runs learns of a rotation.
    """

    def __init__(
        self,
        keyring: KeyRing,
        *,
        entropy: Entropy = os.urandom,
        reload: Callable[[], KeyRing] | None = None,
    ) -> None:
        self._keyring = keyring
        self._entropy = entropy
        self._reload = reload

    @property
    def active(self) -> str:
        """Id of the key-encryption key that the ring calls active."""
        return self._keyring.active

    def new_key(self, tenant: str, subject: str, *, kek_id: str | None = None) -> WrappedKey:
        """A fresh data key for a subject, wrapped with the key named, or with the ring's active one."""
        return self._wrapped(self._entropy(_KEY_BYTES), tenant, subject, kek_id or self.active)

    def unwrap(self, wrapped: WrappedKey, *, tenant: str, subject: str) -> DataKey:
        """The data key behind its wrapping. Raises IntegrityError."""
        return DataKey(self._plain(wrapped, tenant, subject), entropy=self._entropy)

    def rewrap(self, wrapped: WrappedKey, *, tenant: str, subject: str) -> WrappedKey:
        """The same data key under the active key-encryption key."""
        return self._wrapped(self._plain(wrapped, tenant, subject), tenant, subject, self.active)

    def _wrapped(self, key: bytes, tenant: str, subject: str, kek_id: str) -> WrappedKey:
        nonce = self._entropy(_NONCE_BYTES)
        cipher = AESGCM(self._kek(kek_id))
        return WrappedKey(kek_id, nonce + cipher.encrypt(nonce, key, _associated((kek_id, tenant, subject))))

    def _plain(self, wrapped: WrappedKey, tenant: str, subject: str) -> bytes:
        place = (wrapped.kek_id, tenant, subject)
        return _opened(AESGCM(self._kek(wrapped.kek_id)), wrapped.wrapped, place)

    def _kek(self, kek_id: str) -> bytes:
        if kek_id not in self._keyring.keks and self._reload is not None:
            self._keyring = self._reload()
        kek = self._keyring.keks.get(kek_id)
        if kek is None:
            raise IntegrityError("kek_missing", "The key ring lacks the key that wraps this subject's key.")
        return kek


def _opened(cipher: AESGCM, sealed: bytes, place: tuple[str, ...]) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(place))
    except (InvalidTag, ValueError) as error:
        raise IntegrityError("sealed_altered", "Sealed data was altered or moved.") from error


def _associated(place: tuple[str, ...]) -> bytes:
    """JSON, so that no two places join to the same bytes."""
    return json.dumps(place).encode()

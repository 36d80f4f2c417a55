"""The keys that live outside the database: key-encryption keys, the secret behind keyed hashes, the signer.

Losing them is losing everything sealed; whoever destroys the database's wrapped keys and retires the
key-encryption key has erased every copy, backups included.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from idv.domain.errors import ConfigurationError

Entropy = Callable[[int], bytes]
"""Gives that many unpredictable bytes; `os.urandom` outside tests."""

_KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Purpose(StrEnum):
    """What a keyed hash is for; a hash made for one purpose says nothing about another."""

    APPLICANT = "applicant"
    IDEMPOTENCY = "idempotency"
    AUDIT = "audit"
    CURSOR = "cursor"
    IDENTITY = "identity"


@dataclass(frozen=True)
class KeyRing:
    """Key-encryption keys by id, the active one, the root of keyed hashes and the checkpoint signer's seed.

    New data keys are wrapped with `active`; keys under the others can still be unwrapped, so a ring can
    be rotated first and the data keys rewrapped later. All keys are 32 bytes.
    """

    active: str
    keks: Mapping[str, bytes] = field(repr=False)
    root: bytes = field(repr=False)
    signing_seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ConfigurationError when a key is missing or has the wrong length."""
        keys = [self.root, self.signing_seed, *self.keks.values()]
        if self.active not in self.keks or any(len(key) != _KEY_BYTES for key in keys):
            raise ConfigurationError(["the key ring is incomplete or holds a key that is not 32 bytes"])

    @classmethod
    def generate(cls, entropy: Entropy = os.urandom) -> "KeyRing":
        """A new ring with one key-encryption key."""
        name = _key_id(entropy)
        return cls(
            active=name,
            keks={name: entropy(_KEY_BYTES)},
            root=entropy(_KEY_BYTES),
            signing_seed=entropy(_KEY_BYTES),
        )

    @classmethod
    def from_json(cls, text: str) -> "KeyRing":
        """Read what `to_json` wrote. Raises ConfigurationError without repeating any of it."""
        try:
            raw = json.loads(text)
            return cls(
                active=str(raw["active"]),
                keks={str(name): _decoded(key) for name, key in raw["keks"].items()},
                root=_decoded(raw["root"]),
                signing_seed=_decoded(raw["signing_seed"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(["the key ring cannot be read"]) from error

    def to_json(self) -> str:
        """The ring as text: as secret as the keys themselves."""
        raw = {
            "active": self.active,
            "keks": {name: _encoded(key) for name, key in self.keks.items()},
            "root": _encoded(self.root),
            "signing_seed": _encoded(self.signing_seed),
        }
        return json.dumps(raw, indent=1, sort_keys=True)

    def rotated(self, entropy: Entropy = os.urandom) -> "KeyRing":
        """The same ring with a new active key-encryption key; the old ones still unwrap."""
        name = _key_id(entropy)
        return replace(self, active=name, keks={**self.keks, name: entropy(_KEY_BYTES)})

    def retired(self, *, keep: frozenset[str] = frozenset()) -> "KeyRing":
        """The ring with the active key-encryption key and those of `keep` only.

        What is still wrapped with another one is lost.
        """
        kept = {name: key for name, key in self.keks.items() if name == self.active or name in keep}
        return replace(self, keks=kept)

    def keyed_hash(self, purpose: Purpose, *parts: str) -> str:
        """HMAC-SHA-256 over the parts, unambiguously joined; lower-case hexadecimal."""
        key = hmac.digest(self.root, purpose.encode(), hashlib.sha256)
        return hmac.new(key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    @property
    def signer(self) -> Ed25519PrivateKey:
        """The key that signs audit checkpoints."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)


def open_keyring(path: Path, *, entropy: Entropy = os.urandom, create: bool = True) -> KeyRing:
    """The ring in a file, made there with mode 0600 at the first start if `create`.

    Raises ConfigurationError when it is absent, others may read the file or it is no key ring.
    """
    if not path.exists():
        if not create:
            raise ConfigurationError(
                [f"there is no key ring {path.name} where IDV_KEYRING or IDV_DATA_DIR say"]
            )
        _create(path, KeyRing.generate(entropy).to_json())
    if path.stat().st_mode & _OTHERS:
        raise ConfigurationError([f"the key ring {path.name} may be read by others: set its mode to 0600"])
    return KeyRing.from_json(path.read_text(encoding="utf-8"))


@contextmanager
def changing_keyring(path: Path) -> Iterator[None]:
    """One change of a ring at a time: of two at once, one would overwrite the other's new key."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_keyring(path: Path, ring: KeyRing) -> None:
    """Put a rotated or retired ring in the place of the old one, atomically and durably."""
    _written(path, ring.to_json()).replace(path)
    _sync_folder(path.parent)


def _create(path: Path, text: str) -> None:
    """Of several processes that start at once, one makes the file and all use it: a link never overwrites."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _written(path, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _written(path: Path, text: str) -> Path:
    """A durable draft beside the file: what is sealed with a key lost in a power cut is lost too."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key_id(entropy: Entropy) -> str:
    return f"kek-{entropy(4).hex()}"


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

"""Secrets of API keys: `idv_<key id>_<random>`, and how they are stored and compared.

Stored is a plain SHA-256: the random part has 256 bits, so there is nothing to guess and a slow password
hash would only cost every request its time. The prefix lets secret scanners recognise a leaked key.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

from idv.infra.storage.keyring import Entropy

_PREFIX = "idv"
_ID_BYTES = 6
_RANDOM_BYTES = 32
_PARTS = 3


class NewSecret(NamedTuple):
    """A secret at its only appearance, with the public id it begins with."""

    key_id: str
    text: str


def new_secret(entropy: Entropy) -> NewSecret:
    """A fresh secret."""
    key_id = entropy(_ID_BYTES).hex()
    random = base64.urlsafe_b64encode(entropy(_RANDOM_BYTES)).decode().rstrip("=")
    return NewSecret(key_id, f"{_PREFIX}_{key_id}_{random}")


def key_id_of(secret: str) -> str | None:
    """The public id inside a secret, or None when this is no secret of ours."""
    parts = secret.split("_", _PARTS - 1)
    well_formed = len(parts) == _PARTS and parts[0] == _PREFIX and secret.isascii() and secret.isprintable()
    return parts[1] if well_formed else None


def hashed(secret: str) -> str:
    """What is stored of a secret: lower-case hexadecimal SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(secret: str, stored: str | None) -> bool:
    """Compare in constant time; an unknown key costs the same as a wrong secret."""
    return hmac.compare_digest(hashed(secret), stored or "0" * 64) and stored is not None

"""The audit chain as pure functions: linking, checking, signing and checking checkpoints.

A chain alone shows what was modified, removed, reordered or inserted, not that its tail was cut or that
all of it was recomputed; a checkpoint kept elsewhere shows those too.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idv.domain.errors import IntegrityError
from idv.domain.stores import AuditEntry

GENESIS = "0" * 64
"""What the first entry names as its previous digest."""


@dataclass(frozen=True)
class Head:
    """The end of a chain: its length and last digest."""

    sequence: int = 0
    digest: str = GENESIS


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement that the chain had this end at that time."""

    head: Head
    at: dt.datetime


def link(head: Head, *, at: dt.datetime, action: str, body: Mapping[str, str]) -> AuditEntry:
    """The entry that comes after `head`."""
    sequence = head.sequence + 1
    at = at.astimezone(dt.UTC)
    digest = _digest(sequence, at=at, action=action, body=body, previous=head.digest)
    return AuditEntry(sequence, at=at, action=action, body=dict(body), previous=head.digest, digest=digest)


def follow(head: Head, entry: AuditEntry) -> Head:
    """The head after `entry`. Raises IntegrityError naming the entry when it does not follow `head`."""
    if entry.sequence != head.sequence + 1:
        raise _broken(head.sequence + 1, "is missing or out of order")
    if entry.previous != head.digest:
        raise _broken(entry.sequence, "does not follow the one before it")
    digest = _digest(
        entry.sequence, at=entry.at, action=entry.action, body=entry.body, previous=entry.previous
    )
    if digest != entry.digest:
        raise _broken(entry.sequence, "was modified")
    return Head(entry.sequence, entry.digest)


def sign(checkpoint: Checkpoint, signer: Ed25519PrivateKey) -> bytes:
    """The checkpoint as JSON with its Ed25519 signature and the public key's fingerprint."""
    statement = _statement(checkpoint)
    signed = {**statement, "signature": signer.sign(canonical(statement)).hex()}
    return canonical({**signed, "signer": fingerprint(signer.public_key())})


def open_checkpoint(data: bytes, public_key: Ed25519PublicKey) -> Checkpoint:
    """A checkpoint whose signature is right. Raises IntegrityError `checkpoint_invalid`."""
    try:
        raw = json.loads(data)
        checkpoint = Checkpoint(
            Head(int(raw["sequence"]), str(raw["digest"])), dt.datetime.fromisoformat(raw["at"])
        )
        public_key.verify(bytes.fromhex(raw["signature"]), canonical(_statement(checkpoint)))
    except (ValueError, KeyError, TypeError, InvalidSignature) as error:
        raise IntegrityError("checkpoint_invalid", "The checkpoint is not one signed here.") from error
    return checkpoint


def fingerprint(public_key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key; lower-case hexadecimal."""
    return hashlib.sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def canonical(value: object) -> bytes:
    """JSON with sorted keys, no spaces, ASCII only: one byte string a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _statement(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "kind": "idv audit checkpoint",
        "sequence": checkpoint.head.sequence,
        "digest": checkpoint.head.digest,
        "at": _time(checkpoint.at),
    }


def _digest(sequence: int, *, at: dt.datetime, action: str, body: Mapping[str, str], previous: str) -> str:
    content = {"sequence": sequence, "at": _time(at), "action": action, "body": dict(body)}
    return hashlib.sha256(previous.encode() + canonical(content)).hexdigest()


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _broken(sequence: int, what: str) -> IntegrityError:
    return IntegrityError("audit_chain_broken", f"Audit entry {sequence} {what}.")

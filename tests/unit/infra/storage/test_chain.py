"""The audit chain: every way to falsify it, and what a checkpoint adds."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import IntegrityError
from idv.domain.stores import AuditEntry
from idv.infra.storage.chain import GENESIS, Checkpoint, Head, follow, link, open_checkpoint, sign

AT = dt.datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=dt.UTC)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def chain(length: int) -> list[AuditEntry]:
    """Entries that follow each other."""
    entries: list[AuditEntry] = []
    head = Head()
    for number in range(length):
        entries.append(link(head, at=AT, action="key.issued", body={"n": str(number)}))
        head = Head(entries[-1].sequence, entries[-1].digest)
    return entries


def check(entries: list[AuditEntry]) -> Head:
    """Follow all entries."""
    head = Head()
    for entry in entries:
        head = follow(head, entry)
    return head


def test_the_digest_is_what_the_description_says() -> None:
    """SHA-256 over the previous digest and canonical JSON, fixed here so that it never drifts."""
    entry = link(Head(), at=AT, action="a", body={"b": "ü", "a": "1"})
    assert entry.previous == GENESIS
    assert entry.digest == "6b5abad5bbcc2ea440ba6e2d5b66eb4f141d71a5c93e6d4117e0fdba2c42c73d"


@given(st.integers(0, 6))
def test_an_untouched_chain_verifies(length: int) -> None:
    """Following all entries gives the length and the last digest."""
    entries = chain(length)
    assert check(entries) == (Head(length, entries[-1].digest) if entries else Head())


@given(st.integers(0, 4), st.sampled_from(["at", "action", "body", "digest", "previous", "sequence"]))
def test_a_modified_entry_is_named(position: int, element: str) -> None:
    """Changing any element of any entry breaks the chain there."""
    entries = chain(5)
    changes = {
        "at": AT + dt.timedelta(microseconds=1),
        "action": "key.revoked",
        "body": {"n": "x"},
        "digest": "0" * 64,
        "previous": "1" * 64,
        "sequence": 99,
    }
    entries[position] = replace(entries[position], **{element: changes[element]})  # type: ignore[arg-type] # names are AuditEntry's
    with pytest.raises(IntegrityError, match=rf"entry {position + 1} "):
        check(entries)


@given(st.integers(0, 3))
def test_a_removed_entry_is_named(position: int) -> None:
    """Taking out an entry that others follow breaks the chain at its number."""
    entries = chain(5)
    del entries[position]
    with pytest.raises(IntegrityError, match=rf"entry {position + 1} "):
        check(entries)


@given(st.permutations(range(4)))
def test_reordered_entries_are_noticed(order: list[int]) -> None:
    """Any order but the right one breaks the chain."""
    entries = [chain(4)[index] for index in order]
    if order == [0, 1, 2, 3]:
        check(entries)
        return
    with pytest.raises(IntegrityError):
        check(entries)


@given(st.integers(0, 3))
def test_an_inserted_entry_is_noticed(position: int) -> None:
    """An entry with a right digest of its own still does not fit between two others."""
    entries = chain(4)
    before = Head(position, entries[position - 1].digest) if position else Head()
    entries.insert(position, link(before, at=AT, action="forged", body={}))
    with pytest.raises(IntegrityError):
        check(entries)


def test_a_checkpoint_survives_its_text_form() -> None:
    """What was signed is what is read."""
    checkpoint = Checkpoint(Head(7, "d" * 64), AT)
    assert open_checkpoint(sign(checkpoint, SIGNER), SIGNER.public_key()) == checkpoint


@pytest.mark.parametrize("element", ["sequence", "digest", "at", "signature"])
def test_an_altered_checkpoint_is_refused(element: str) -> None:
    """Every element but the signer's name is under the signature."""
    raw = json.loads(sign(Checkpoint(Head(7, "d" * 64), AT), SIGNER))
    other = json.loads(sign(Checkpoint(Head(8, "e" * 64), AT + dt.timedelta(days=1)), SIGNER))
    raw[element] = other[element]
    with pytest.raises(IntegrityError):
        open_checkpoint(json.dumps(raw).encode(), SIGNER.public_key())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"sequence": null}', b"1"])
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    """Any bytes give IntegrityError, never another exception."""
    with pytest.raises(IntegrityError):
        open_checkpoint(data, SIGNER.public_key())


def test_another_signers_checkpoint_is_refused() -> None:
    """Only the key ring's own signer counts, whatever the checkpoint says of itself."""
    forged = sign(Checkpoint(Head(7, "d" * 64), AT), Ed25519PrivateKey.generate())
    with pytest.raises(IntegrityError):
        open_checkpoint(forged, SIGNER.public_key())

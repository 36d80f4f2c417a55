"""Sealing and wrapping."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import IntegrityError
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.vault import DataKey, Vault, WrappedKey

RING = KeyRing.generate()
PLACE = ("acme", "v1", "template.selfie")


def data_key(ring: KeyRing = RING) -> DataKey:
    """A fresh subject's key."""
    vault = Vault(ring)
    return vault.unwrap(vault.new_key("acme", "s1"), tenant="acme", subject="s1")


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_in_its_place(plain: bytes) -> None:
    """Sealing keeps every byte, and the same plain bytes never look the same twice."""
    key = data_key()
    sealed = key.seal(plain, *PLACE)
    assert key.open(sealed, *PLACE) == plain
    assert key.seal(plain, *PLACE) != sealed
    assert len(sealed) == len(plain) + 28


@pytest.mark.parametrize(
    "place", [("other", "v1", PLACE[2]), ("acme", "v2", PLACE[2]), ("acme", "v1", "x"), ()]
)
def test_moved_data_does_not_open(place: tuple[str, ...]) -> None:
    """Sealed data put under another tenant, verification or kind is an IntegrityError."""
    key = data_key()
    with pytest.raises(IntegrityError):
        key.open(key.seal(b"x", *PLACE), *place)


@given(st.integers(0, 29), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at: int, flip: int) -> None:
    """One changed byte, nonce and tag included, is an IntegrityError."""
    key = data_key()
    sealed = bytearray(key.seal(b"xy", *PLACE))
    sealed[at] ^= flip
    with pytest.raises(IntegrityError):
        key.open(bytes(sealed), *PLACE)


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12)])
def test_truncated_data_does_not_open(sealed: bytes) -> None:
    """Too few bytes for a nonce and a tag are an IntegrityError."""
    with pytest.raises(IntegrityError):
        data_key().open(sealed, *PLACE)


def test_a_wrapped_key_belongs_to_one_subject() -> None:
    """A data key moved to another subject or tenant does not unwrap."""
    vault = Vault(RING)
    wrapped = vault.new_key("acme", "s1")
    for tenant, subject in (("acme", "s2"), ("other", "s1")):
        with pytest.raises(IntegrityError):
            vault.unwrap(wrapped, tenant=tenant, subject=subject)


def test_rewrapping_keeps_the_data_key_and_survives_retirement() -> None:
    """After rotation and rewrapping, the old key-encryption key is not needed any more."""
    old = Vault(RING)
    wrapped = old.new_key("acme", "s1")
    sealed = old.unwrap(wrapped, tenant="acme", subject="s1").seal(b"x", *PLACE)
    rotated = RING.rotated()
    again = Vault(rotated).rewrap(wrapped, tenant="acme", subject="s1")
    key = Vault(rotated.retired()).unwrap(again, tenant="acme", subject="s1")
    assert key.open(sealed, *PLACE) == b"x"


def test_without_its_key_encryption_key_nothing_opens() -> None:
    """A ring that lacks the key, or holds another under its name, gives an IntegrityError."""
    wrapped = Vault(RING).new_key("acme", "s1")
    with pytest.raises(IntegrityError):
        Vault(RING.rotated().retired()).unwrap(wrapped, tenant="acme", subject="s1")
    impostor = replace(RING, keks={RING.active: bytes(32)})
    with pytest.raises(IntegrityError):
        Vault(impostor).unwrap(WrappedKey(*wrapped), tenant="acme", subject="s1")

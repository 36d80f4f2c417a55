"""Paging cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import RequestError
from idv.infra.storage.cursors import Position, decode_cursor, encode_cursor
from idv.infra.storage.keyring import KeyRing

RING = KeyRing.generate()
SCOPE = ("acme", "", "accept")


@given(st.integers(-(2**62), 2**62), st.text())
def test_a_cursor_keeps_its_position(created_us: int, identifier: str) -> None:
    """Any position survives, in characters that need no escaping in a URL."""
    cursor = encode_cursor(Position(created_us, identifier), keyring=RING, scope=SCOPE)
    assert decode_cursor(cursor, keyring=RING, scope=SCOPE) == (created_us, identifier)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_nothing_made_up_is_a_cursor(text: str) -> None:
    """Any text gives RequestError, never another exception."""
    with pytest.raises(RequestError):
        decode_cursor(text, keyring=RING, scope=SCOPE)


@pytest.mark.parametrize("scope", [("acme", "accept", ""), ("other", "", "accept"), ("acme",)])
def test_a_cursor_of_another_listing_is_refused(scope: tuple[str, ...]) -> None:
    """Tenant and filters are part of what is signed."""
    cursor = encode_cursor(Position(1, "v1"), keyring=RING, scope=SCOPE)
    with pytest.raises(RequestError):
        decode_cursor(cursor, keyring=RING, scope=scope)
    with pytest.raises(RequestError):
        decode_cursor(cursor, keyring=KeyRing.generate(), scope=SCOPE)

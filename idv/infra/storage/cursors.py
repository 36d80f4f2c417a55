"""Opaque paging cursors: a position, bound by a keyed hash to the tenant and the filters it was made for."""

import base64
import binascii
import hmac
import json
from typing import NamedTuple

from idv.domain.errors import RequestError
from idv.infra.storage.keyring import KeyRing, Purpose


class Position(NamedTuple):
    """The last item of a page: its creation in µs since 1970 and its id."""

    created_us: int
    id: str


def encode_cursor(position: Position, *, keyring: KeyRing, scope: tuple[str, ...]) -> str:
    """A cursor that only opens for the same scope (tenant, filters)."""
    text = json.dumps(position)
    mark = keyring.keyed_hash(Purpose.CURSOR, text, *scope)
    return base64.urlsafe_b64encode(f"{mark}{text}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, keyring: KeyRing, scope: tuple[str, ...]) -> Position:
    """The position behind a cursor. Raises RequestError `cursor_invalid`, whatever is wrong with it."""
    invalid = RequestError("cursor_invalid", "The cursor is not one for this listing.", field="cursor")
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise invalid from None
    mark, text = plain[:64], plain[64:]
    expected = keyring.keyed_hash(Purpose.CURSOR, text, *scope)
    if not hmac.compare_digest(mark.encode(), expected.encode()):
        raise invalid
    created_us, identifier = json.loads(text)
    return Position(created_us, identifier)

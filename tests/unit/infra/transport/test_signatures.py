"""Signing webhooks and verifying them as a receiver would."""

import datetime as dt
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import ConfigurationError
from idv.infra.transport.signatures import sign, verify

AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OLD, NEW = "old-secret-0123456789", "new-secret-0123456789"


def test_the_signature_is_an_hmac_over_time_and_raw_body() -> None:
    """A receiver with any HMAC library can compute it."""
    expected = hmac.new(OLD.encode(), b'1772366400.{"a":1}', hashlib.sha256).hexdigest()
    assert sign(b'{"a":1}', [OLD], at=AT) == f"t=1772366400,v1={expected}"


@given(st.binary(max_size=200))
def test_either_live_secret_verifies(body: bytes) -> None:
    """While two secrets are live, a receiver that knows one of them accepts."""
    header = sign(body, [OLD, NEW], at=AT)
    assert verify(header, body, [OLD], now=AT)
    assert verify(header, body, [NEW], now=AT)
    assert not verify(header, body, ["another-secret-01234"], now=AT)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_any_changed_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    """A body that differs in one byte does not verify."""
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    assert not verify(sign(body, [OLD], at=AT), changed, [OLD], now=AT)


@pytest.mark.parametrize(("seconds", "accepted"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_old_and_future_messages_are_refused(seconds: int, accepted: bool) -> None:  # noqa: FBT001 - a table
    """Outside the tolerance a right signature is refused, so that it cannot be sent again later."""
    header = sign(b"x", [OLD], at=AT)
    assert verify(header, b"x", [OLD], now=AT + dt.timedelta(seconds=seconds)) is accepted


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=1772366400",
        "v1=aa",
        "t=1772366400,v1=",
        "t=1772366400,t=1772366400,v1=aa",
        "x",
        "t=a,v1=b",
    ],
)
def test_malformed_headers_are_refused(header: str) -> None:
    """Whatever stands in the header, the answer is no, not an exception."""
    assert not verify(header, b"x", [OLD], now=AT)


def test_a_moved_time_is_refused() -> None:
    """The time is part of what is signed."""
    header = sign(b"x", [OLD], at=AT).replace("t=1772366400", "t=1772366401")
    assert not verify(header, b"x", [OLD], now=AT)


@pytest.mark.parametrize("secrets", [[], ["short"], [OLD, NEW, OLD]])
def test_unusable_secrets_are_a_configuration_error(secrets: list[str]) -> None:
    """None, too short, or more than two."""
    with pytest.raises(ConfigurationError):
        sign(b"x", secrets, at=AT)

"""Signatures of webhooks: HMAC-SHA-256 over `timestamp.body`, under up to two live secrets.

The header is `Idv-Signature: t=<unix seconds>,v1=<hex>,v1=<hex>`, one `v1` a secret, so that a receiver
can change its secret while both are live. The time is signed too, so that an old message cannot be sent
again later. `verify` is for receivers: the raw body, before any parsing.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Sequence

from idv.domain.errors import ConfigurationError

HEADER = "Idv-Signature"
"""Name of the header."""
TOLERANCE_S = 300.0
"""How far the sender's and the receiver's clock may be apart."""
_MOST_SECRETS = 2
_SHORTEST_SECRET = 16
_ELEMENT = re.compile(r"\s*(t|v1)=([0-9a-f]{1,64})\s*", re.ASCII)


def sign(body: bytes, secrets: Sequence[str], *, at: dt.datetime) -> str:
    """The header's value. Raises ConfigurationError as `check_secrets`."""
    check_secrets(secrets)
    seconds = int(at.timestamp())
    marks = (f"v1={_mark(seconds, body, secret)}" for secret in secrets)
    return ",".join((f"t={seconds}", *marks))


def verify(
    header: str, body: bytes, secrets: Sequence[str], *, now: dt.datetime, tolerance_s: float = TOLERANCE_S
) -> bool:
    """Whether the body came from a holder of one of the secrets within the tolerance."""
    elements = [_ELEMENT.fullmatch(element) for element in header.split(",")]
    times = [match[2] for match in elements if match and match[1] == "t"]
    marks = [match[2] for match in elements if match and match[1] == "v1"]
    if len(times) != 1 or not times[0].isdecimal() or None in elements:
        return False
    seconds = int(times[0])
    if abs(now.timestamp() - seconds) > tolerance_s:
        return False
    expected = [_mark(seconds, body, secret) for secret in secrets]
    # Every pair is compared, so that the time tells nothing about which one matched.
    return sum(hmac.compare_digest(mark, one) for mark in marks for one in expected) > 0


def check_secrets(secrets: Sequence[str]) -> None:
    """Raises ConfigurationError unless there are one or two secrets of at least 16 characters."""
    if not 1 <= len(secrets) <= _MOST_SECRETS or any(len(secret) < _SHORTEST_SECRET for secret in secrets):
        raise ConfigurationError(["webhooks need one or two secrets of at least 16 characters"])


def _mark(seconds: int, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()

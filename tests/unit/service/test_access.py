"""Facts about keys: who is let in, and that nobody is without one unless the machine's owner said so."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.unit.service.harness import Harness, error


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "key_missing"),
        ("", "key_missing"),
        ("Bearer", "key_missing"),
        ("Bearer  ", "key_missing"),
        ("Basic dXNlcjpwYXNz", "key_missing"),
        ("Bearer " + "x" * 300, "key_unknown"),
        ("Bearer \xe9\xe9", "key_unknown"),
    ],
)
def test_no_key_is_401(header: str | None, code: str) -> None:
    """Whatever stands where a key should, the answer is 401 with a challenge."""
    harness = Harness()
    headers: list[Any] = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    response = harness.call("GET", "/v1/verifications", secret="", headers=headers)
    assert error(response) == (401, code, None)
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_wrong_or_revoked_key_is_401() -> None:
    """A made-up secret and a revoked one fare alike."""
    harness = Harness()
    made_up = harness.secret[:-4] + "0000"
    assert harness.call("GET", "/v1/verifications", secret=made_up).status_code == 401
    for key in harness.stores.keys.list():
        harness.stores.keys.revoke(key.id)
    assert harness.call("GET", "/v1/verifications").status_code == 401


@pytest.mark.parametrize(
    ("client", "host", "status"),
    [
        ("127.0.0.1", "localhost:3000", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("::1", "[::1]:3000", 200),
        ("10.0.0.7", "localhost", 401),
        ("127.0.0.1", "rebound.example", 401),
        ("127.0.0.1", "localhost.example", 401),
        ("unknown", "localhost", 401),
    ],
)
def test_insecure_means_this_machine_only(client: str, host: str, status: int) -> None:
    """Without a key only what comes from loopback and is addressed to it is let in."""
    harness = Harness(changes={"insecure": True})

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(harness.app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            return await caller.get("/v1/verifications", headers={"host": host})

    assert asyncio.run(go()).status_code == status


def test_insecure_does_not_soften_a_wrong_key() -> None:
    """A key that is sent is judged."""
    harness = Harness(changes={"insecure": True})
    assert harness.call("GET", "/v1/verifications", secret="wrong").status_code == 401
    assert harness.call("GET", "/v1/verifications", secret="").json()["items"] == []

"""Facts about limits: what can be refused without the body is answered before the body is read."""

import asyncio
import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.types import Message

from idv.domain.errors import StorageUnavailable
from idv.domain.evidence import Evidence
from idv.domain.stores import Scope
from idv.service.desk import Desk
from tests.unit.service.harness import GOOD, Harness, error, onboarding

BOUNDARY = b"multipart/form-data; boundary=b"


def exchange(
    harness: Harness, *headers: tuple[bytes, bytes], chunks: int = 3, path: str = "/v1/verifications"
) -> list[str]:
    """What happens on the wire, in order: `answer STATUS`, `end`, and `read` for each piece of body."""
    seen: list[str] = []

    async def receive() -> Message:
        seen.append("read")
        return {"type": "http.request", "body": b"x" * 10, "more_body": seen.count("read") < chunks}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.append(f"answer {message['status']}")
        elif not message.get("more_body", False):
            seen.append("end")

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", BOUNDARY), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(harness.app(scope, receive, send))
    return seen


def bearer(secret: str) -> tuple[bytes, bytes]:
    """The header of a key."""
    return (b"authorization", f"Bearer {secret}".encode())


@contextmanager
def filled(harness: Harness) -> Iterator[None]:
    """All places of the heavy lane are taken."""
    desk: Desk = harness.app.state.desk
    places = [desk.heavy.admit() for _ in range(desk.heavy.capacity)]
    try:
        yield
    finally:
        for place in places:
            place.__exit__(None, None, None)


LENGTH = (b"content-length", b"30")


def test_401_comes_before_the_body() -> None:
    """Without a key the answer is out before the first piece of body is taken; the rest is thrown away."""
    assert exchange(Harness(), LENGTH) == ["answer 401", "read", "read", "read", "end"]
    assert exchange(Harness(), bearer("wrong"), LENGTH)[0] == "answer 401"


def test_403_comes_before_the_body() -> None:
    """So does the answer to a key without the scope."""
    harness = Harness()
    assert exchange(harness, bearer(harness.key("acme", Scope.READ)), LENGTH)[0] == "answer 403"


def test_413_comes_before_the_body_when_its_length_is_announced() -> None:
    """Even an absurd length."""
    harness = Harness()
    for length in (b"32000001", b"9" * 40):
        seen = exchange(harness, bearer(harness.secret), (b"content-length", length))
        assert seen[0] == "answer 413"


def test_413_comes_while_streaming_otherwise() -> None:
    """Without a length the body is read to its limit and no further."""
    harness = Harness(changes={"max_body_bytes": 1000, "max_part_bytes": 1000})
    chunked = (b"transfer-encoding", b"chunked")
    head = b'--b\r\nContent-Disposition: form-data; name="selfie"; filename="s"\r\n\r\n'
    body = head + b"x" * 5000

    async def pieces() -> Any:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    response = harness.call(
        "POST", "/v1/verifications", content=pieces(), headers={"content-type": BOUNDARY.decode()}
    )
    assert error(response) == (413, "body_too_large", None)
    assert exchange(harness, bearer(harness.secret), chunked, chunks=1)[0] == "read"


def test_429_comes_before_the_body() -> None:
    """With all places taken the answer is out before the first piece of body is taken."""
    harness = Harness()
    with filled(harness):
        assert exchange(harness, bearer(harness.secret), LENGTH)[0] == "answer 429"
        refused = harness.verify()
        assert error(refused) == (429, "capacity_exhausted", None)
        assert refused.headers["retry-after"] == "1"
    assert harness.verify().status_code == 201


def test_reading_goes_on_while_all_places_are_taken() -> None:
    """Listings have a lane of their own."""
    harness = Harness()
    with filled(harness):
        assert harness.call("GET", "/v1/verifications").status_code == 200


def test_only_so_much_is_thrown_away() -> None:
    """A body without end is not read for ever after the answer."""
    harness = Harness(changes={"max_body_bytes": 1000, "max_part_bytes": 1000})
    assert exchange(harness, LENGTH, chunks=10**9).count("read") == 100


def test_an_aborted_upload_is_no_failure_of_the_service() -> None:
    """A client that hangs up is a 4xx in the log and frees its place."""
    harness = Harness()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/verifications",
        "raw_path": b"/v1/verifications",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", BOUNDARY), bearer(harness.secret)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(harness.app(scope, receive, send))
    assert statuses == [400]
    assert harness.app.state.desk.heavy.in_use == 0


def test_work_past_its_deadline_keeps_its_place_until_it_ends() -> None:
    """The caller gets 504; the thread still counts as one until it really ended."""
    leave = threading.Event()

    def hold(_: Evidence) -> None:
        leave.wait(20)

    harness = Harness(pause=hold, changes={"deadline_s": 0.01, "worker_threads": 1})
    heavy = harness.app.state.desk.heavy
    assert error(harness.verify()) == (504, "deadline_exceeded", None)
    assert heavy.in_use == 1
    leave.set()
    harness.app.state.desk.close()
    assert heavy.in_use == 0


def test_a_deadline_between_checks_is_a_technical_reason() -> None:
    """Checks that find no time left are inconclusive, and the verification is recorded for review."""

    def tick(_: Evidence) -> None:
        harness.clock.advance(60)

    harness = Harness(pause=tick)
    body = harness.verify().json()
    assert body["decision"] == "review"
    assert {reason["code"] for reason in body["reasons"]} == {"deadline_exceeded"}


def test_every_place_is_given_back() -> None:
    """After good, bad and broken requests nothing is taken."""
    harness = Harness()
    harness.verify()
    harness.verify(selfie=b"text")
    harness.call("POST", "/v1/verifications", content=b"garbage", headers={"content-type": BOUNDARY.decode()})
    desk: Desk = harness.app.state.desk
    assert (desk.heavy.in_use, desk.light.in_use) == (0, 0)


class FullDisk:
    """A store that refuses everything while `full`, and behaves otherwise."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.full = inner, False

    def __getattr__(self, name: str) -> Any:
        if self.full:
            raise StorageUnavailable("disk_full", "The store cannot write.")
        return getattr(self.inner, name)


def test_a_full_disk_refuses_and_recovers() -> None:
    """503 with Retry-After while the store refuses; the same key works once it does not."""
    disks: list[FullDisk] = []

    def wrap(stores: Any) -> Any:
        disks.append(FullDisk(stores.verifications))
        return dataclasses.replace(stores, verifications=disks[0])

    harness = Harness(wrap_stores=wrap)
    disks[0].full = True
    refused = harness.verify(Idempotency_Key="k")
    assert error(refused) == (503, "disk_full", None)
    assert refused.headers["retry-after"]
    disks[0].full = False
    assert harness.verify(Idempotency_Key="k").status_code == 201


def test_a_failure_nobody_foresaw_is_a_bare_500() -> None:
    """Nothing of an unknown exception reaches the caller."""
    harness = Harness()

    class Broken:
        def __getattr__(self, name: str) -> Any:
            msg = "canary"
            raise KeyError(msg)

    harness.app.state.desk.application.__dict__["stores"] = Broken()
    response = harness.verify()
    assert error(response) == (500, "internal_error", None)
    assert "canary" not in response.text


@pytest.mark.parametrize("part", ["document_front", "selfie"])
def test_text_in_a_file_field_is_refused(part: str) -> None:
    """An address where a file should be is a 422; nothing looks at what it says."""
    files = onboarding() | {part: (None, b"http://127.0.0.1:9/a.jpg", "text/plain")}
    response = Harness().call("POST", "/v1/verifications", files=files)
    assert error(response) == (422, "file_expected", part)


def test_a_part_has_its_own_limit() -> None:
    """A file over the limit is a 413 that names its part."""
    harness = Harness(changes={"max_part_bytes": 1000})
    assert error(harness.verify(selfie=GOOD + b"x" * 1000)) == (413, "part_too_large", "selfie")

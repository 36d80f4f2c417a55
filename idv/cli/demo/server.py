"""The demo's service: started on a free loopback port with a database of its own, and stopped again."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idv.cli.serve import command, environment
from idv.domain.errors import IdvError
from idv.settings import Settings

_READY_S = 60.0
_STOP_S = 15.0


@dataclass(frozen=True)
class Client:
    """Talks to the service with one API key."""

    port: int
    key: str

    def verify(self, parts: Mapping[str, bytes], metadata: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Upload one onboarding; returns the reply and its latency in ms. Raises IdvError on a refusal."""
        boundary = secrets.token_hex(16)
        body = _multipart(parts, metadata, boundary)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": secrets.token_hex(16),
        }
        started = time.perf_counter()
        status, reply = _request(self.port, "POST", "/v1/verifications", body, headers)
        latency_ms = (time.perf_counter() - started) * 1000
        answer = json.loads(reply)
        if status >= http.client.BAD_REQUEST:
            raise IdvError(answer["error"]["code"], answer["error"]["message"])
        return answer, latency_ms


@contextmanager
def running(settings: Settings, key: str, *, log: Path) -> Iterator[Client]:
    """A started service; stopped at the end whatever happens. Raises IdvError `service_not_ready`."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command(settings),
            env=os.environ | environment(settings) | {"IDV_DATA_DIR": str(settings.data_dir)},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, settings.port, log)
            yield Client(settings.port, key)
        finally:
            _stop(process)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up_at = time.monotonic() + _READY_S
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            raise IdvError("service_not_ready", f"the service ended at once; its log is {log}")
        try:
            if _request(port, "GET", "/readyz", b"", {})[0] == http.client.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise IdvError("service_not_ready", f"the service was not ready after {_READY_S:.0f} s; its log is {log}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the service and the workers it started: they share the session that was made for them."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _request(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def _multipart(parts: Mapping[str, bytes], metadata: Mapping[str, Any], boundary: str) -> bytes:
    """RFC 7578 form data: files first, then the metadata as JSON."""
    sections = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + data
        for name, data in parts.items()
    ]
    sections.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(metadata)}".encode()
    )
    return b"\r\n".join([*sections, f"--{boundary}--\r\n".encode()])

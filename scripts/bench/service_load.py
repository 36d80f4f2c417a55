"""POST /v1/verifications under load: steady at concurrency 8, then three times the capacity.

    python scripts/bench/service_load.py [--steady 120] [--overload 30] [--small]

Steady: every answer has to be 201, and memory (proportional set size of all processes) must grow by less than
5 % after a warm-up. Overload: clients ask with `Expect: 100-continue`, so an excess request that gets its 429
has sent no body at all; its latency runs from the connection to the answer, wanted p95 below 100 ms, while
goodput stays at 90 % of the steady one. A client refused waits as Retry-After says. `--small` takes the
sample photos as they are instead of 12 and 2 megapixels.
"""

import argparse
import collections
import re
import secrets
import socket
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.service_pictures import pictures, samples
from scripts.bench.service_process import ServiceProcess, real_service

_CONCURRENCY = 8
_WARM_UP = 0.25
_GROWTH, _P95_S, _GOODPUT = 0.05, 0.1, 0.9
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_RETRY = re.compile(rb"retry-after: (\d+)", re.IGNORECASE)
_BOUNDARY = b"benchbenchbench"


@dataclass
class Load:
    """What a number of clients met."""

    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    refused_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    bodies_refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def good(self) -> int:
        """How many verifications were decided."""
        return self.statuses["201"]


def run(server: ServiceProcess, body: bytes, *, clients: int, seconds: float) -> tuple[Load, list[int]]:
    """That many clients for that long; returns what they met and the memory, sampled twice a second."""
    load, memory = Load(), []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_client, args=(server.port, body, load, until)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        memory.append(server.usage().rss)
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    return load, memory


def growth(memory: list[int]) -> float:
    """Relative growth from the first to the last quarter of what follows the warm-up."""
    warm = memory[round(len(memory) * _WARM_UP) :]
    quarter = max(1, len(warm) // 4)
    return statistics.median(warm[-quarter:]) / statistics.median(warm[:quarter]) - 1


def _client(port: int, body: bytes, load: Load, until: float) -> None:
    while time.monotonic() < until:
        try:
            wait_s = _once(port, body, load)
        except OSError as error:
            with load.lock:
                load.statuses[type(error).__name__] += 1
            wait_s = 0.0
        time.sleep(max(0.0, min(wait_s, until - time.monotonic())))


def _once(port: int, body: bytes, load: Load) -> float:
    """One request; returns how long to wait before the next."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(_head(len(body)))
        answer = connection.recv(65536)
        sent_body = answer.startswith(b"HTTP/1.1 100")
        if sent_body:
            connection.sendall(body)
            answer = answer.partition(b"\r\n\r\n")[2] or connection.recv(65536)
    took = time.perf_counter() - started
    status = match[1].decode() if (match := _STATUS.match(answer)) else "none"
    with load.lock:
        load.statuses[status] += 1
        if status == "429":
            load.refused_s.append(took)
            load.bodies_refused += sent_body
        else:
            load.answered_s.append(took)
    retry = _RETRY.search(answer)
    return float(retry[1]) if retry else 0.0


def _head(length: int) -> bytes:
    return (
        b"POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=%b\r\nContent-Length: %d\r\nIdempotency-Key: %b\r\n\r\n"
        % (_BOUNDARY, length, secrets.token_hex(12).encode())
    )


def _body(document: bytes, selfie: bytes) -> bytes:
    parts = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="p.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n" % (_BOUNDARY, name, content)
        for name, content in ((b"document_front", document), (b"selfie", selfie))
    )
    return parts + b"--%b--\r\n" % _BOUNDARY


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else 0.0


def main() -> int:
    """Both phases; exit code 1 when something wanted was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steady", type=float, default=120)
    parser.add_argument("--overload", type=float, default=30)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    photos = samples()
    sent = (photos.person, photos.person_again) if given.small else pictures()
    body = _body(*sent)
    with tempfile.TemporaryDirectory() as folder:
        server = real_service(Path(folder), IDV_WORKER_THREADS="2", IDV_QUEUE_LENGTH="8")
        ready_s = server.start()
        try:
            start_cpu_s = server.usage().cpu_s
            steady, memory = run(server, body, clients=_CONCURRENCY, seconds=given.steady)
            overload, _ = run(server, body, clients=30, seconds=given.overload)
        finally:
            server.stop()
    peak, kept = steady.good / given.steady, overload.good / given.overload
    grown, p95 = growth(memory), _p95(overload.refused_s)
    print(f"ready after {ready_s:.1f} s, {start_cpu_s:.1f} s of CPU")
    print(f"steady, {_CONCURRENCY} clients, {given.steady:.0f} s: {dict(steady.statuses)}; {peak:.2f}/s")
    print(f"  p95 {_p95(steady.answered_s):.2f} s; memory {memory[-1] / 1e6:.0f} MB, growth {grown:+.1%}")
    print(f"overload, 30 clients for 10 places, {given.overload:.0f} s: {dict(overload.statuses)}")
    print(f"  429 p95 {1000 * p95:.1f} ms; of these after their body: {overload.bodies_refused}")
    print(f"  goodput {kept:.2f}/s, {kept / peak:.0%} of the steady one")
    fine = (
        set(steady.statuses) == {"201"}
        and set(overload.statuses) <= {"201", "429"}
        and grown < _GROWTH
        and p95 < _P95_S
        and not overload.bodies_refused
        and kept >= _GOODPUT * peak
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

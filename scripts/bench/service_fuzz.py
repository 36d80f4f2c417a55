"""Sends mutated raw HTTP requests to the service: none may be answered with 5xx or end a process.

    python scripts/bench/service_fuzz.py [--requests 10000] [--seed 7] [--folder DIR]

Prints the number of answers by status; exit code 1 when one was a 5xx, the worker changed, or a process
died. Connections that get no answer (the bytes were no HTTP, or promised more than they brought) are counted.
"""

import argparse
import collections
import random
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.crash.trial_server import TrialServer

_PATIENCE_S = 0.2
_GIVE_UP_S = 20.0
_CLIENTS = 4
_TOKENS = (
    *(b"\x00", b"\xff\xfe", b"\r\n", b"\r\n\r\n", b"--b", b"--b--", b'"', b";", b"=", b"%00", b"../"),
    *(
        b"http://127.0.0.1:1/",
        b"{",
        b"[" * 500,
        b"}",
        b"null",
        b"1e999",
        b"-1",
        b"9" * 30,
        b"\xf0\x9f\x98\x80",
    ),
    *(
        b"IMG:",
        b"face_match=fail",
        b"filename*=UTF-8''x",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
    ),
    *(
        b"Content-Length: 0\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Type: multipart/mixed\r\n",
    ),
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


def seeds(secret: str) -> list[bytes]:
    """One valid request for each route."""
    disposition = b"--b\r\nContent-Disposition: form-data; name="
    selfie = disposition + b'"selfie"; filename="s.jpg"\r\nContent-Type: image/jpeg\r\n\r\nIMG: x\r\n'
    document = selfie.replace(b'"selfie"', b'"document_front"')
    metadata = disposition + b'"metadata"\r\n\r\n{"applicant_ref":"a","claimed":{"surname":"D"}}\r\n'
    faces = selfie.replace(b"selfie", b"reference") + selfie.replace(b"selfie", b"probe")
    note = b'{"decision":"accept","note":"x"}'
    return [
        _post(secret, "/v1/verifications", document + selfie + metadata + b"--b--\r\n"),
        _post(secret, "/v1/verifications", document + selfie + b"--b--\r\n", b"Idempotency-Key: k\r\n"),
        _post(secret, "/v1/verifications/ver_1/evidence", selfie + b"--b--\r\n"),
        _post(secret, "/v1/faces/compare", faces + b"--b--\r\n"),
        _post(secret, "/v1/documents/read", document + b"--b--\r\n"),
        _post(secret, "/v1/liveness/check", selfie + b"--b--\r\n"),
        _post(secret, "/v1/verifications/ver_1/resolve", note, kind=b"application/json"),
        _post(secret, "/v1/verifications/ver_1/erase", b""),
        _get(secret, "/v1/verifications?limit=2&decision=accept&applicant_ref=a&cursor=abc"),
        _get(secret, "/v1/verifications/ver_1"),
        _get(secret, "/openapi.json"),
        _get(secret, "/metrics"),
    ]


def mutate(request: bytes, random_: random.Random) -> bytes:
    """The request after one to four changes; half of the time its Content-Length is put right again."""
    for _ in range(random_.randint(1, 4)):
        request = random_.choice(_MUTATIONS)(request, random_)
    return _with_length(request) if random_.random() < 0.5 else request


def fuzz(server: TrialServer, *, requests: int, seed: int) -> collections.Counter[str]:
    """Send the requests; returns the number of answers by status (`none`: no answer)."""
    valid, port = seeds(server.secret), server.port

    def one(number: int) -> str:
        random_ = random.Random(seed * 1_000_003 + number)
        request = mutate(random_.choice(valid), random_)
        status = send(port, request)
        if status.startswith("5"):
            print(f"{status} for {request[:2000]!r}", file=sys.stderr)
        return status

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return collections.Counter(pool.map(one, range(requests)))


def send(port: int, request: bytes) -> str:
    """The status of the first final answer to raw bytes.

    Where none comes for a while, the request promised more than it brought: then the sending side is closed.
    """
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
        try:
            connection.sendall(request)
            while not (final := _final(answer)):
                try:
                    chunk = connection.recv(65536)
                except TimeoutError:
                    if connection.gettimeout() == _GIVE_UP_S:
                        return "timeout"
                    connection.settimeout(_GIVE_UP_S)
                    connection.shutdown(socket.SHUT_WR)
                    continue
                if not chunk:
                    break
                answer += chunk
        except ConnectionError:
            final = _final(answer)
    return final or "none"


def _final(answer: bytes | bytearray) -> str:
    """The first status that is not 1xx, if there is one."""
    statuses = [status.decode() for status in _STATUS.findall(bytes(answer)) if not status.startswith(b"1")]
    return statuses[0] if statuses else ""


def _post(
    secret: str,
    path: str,
    body: bytes,
    more: bytes = b"",
    *,
    kind: bytes = b"multipart/form-data; boundary=b",
) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n".encode()
    length = f"Content-Length: {len(body)}\r\n".encode()
    return head + b"Content-Type: " + kind + b"\r\n" + more + length + b"\r\n" + body


def _get(secret: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()


def _with_length(request: bytes) -> bytes:
    head, separator, body = request.partition(b"\r\n\r\n")
    length = b"Content-Length: %d" % len(body)
    return re.sub(rb"Content-Length: \d+", length, head, count=1) + separator + body


def _flip(request: bytes, random_: random.Random) -> bytes:
    at = random_.randrange(len(request))
    return request[:at] + bytes([random_.randrange(256)]) + request[at + 1 :]


def _insert(request: bytes, random_: random.Random) -> bytes:
    at = random_.randrange(len(request))
    return request[:at] + random_.choice(_TOKENS) + request[at:]


def _cut(request: bytes, random_: random.Random) -> bytes:
    start = random_.randrange(len(request))
    return request[:start] + request[start + random_.randint(1, 40) :] or b"\n"


def _truncate(request: bytes, random_: random.Random) -> bytes:
    return request[: random_.randrange(len(request))] or b"\n"


def _repeat(request: bytes, random_: random.Random) -> bytes:
    start = random_.randrange(len(request))
    piece = request[start : start + random_.randint(1, 200)]
    return request[:start] + piece * random_.randint(2, 20) + request[start:]


def _line(request: bytes, random_: random.Random) -> bytes:
    lines = request.split(b"\r\n")
    at, other = random_.randrange(len(lines)), random_.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
    return b"\r\n".join(lines)


def _method(request: bytes, random_: random.Random) -> bytes:
    _, space, rest = request.partition(b" ")
    return (
        random_.choice([b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE", b"CANARY", b"GET", b"POST"])
        + space
        + rest
    )


def _path(request: bytes, random_: random.Random) -> bytes:
    method, _, rest = request.partition(b" ")
    _, _, rest = rest.partition(b" ")
    path = bytes(random_.randrange(33, 127) for _ in range(random_.randint(1, 60)))
    return method + b" /" + path + b" " + rest


def _chunked(request: bytes, random_: random.Random) -> bytes:
    head, separator, body = request.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head, count=1)
    size = random_.choice([b"%x" % len(body), b"-1", b"ffffffffffffffff", b"zz", b"%x" % (len(body) + 5)])
    return head + separator + size + b"\r\n" + body + b"\r\n0\r\n\r\n"


def _noise(request: bytes, random_: random.Random) -> bytes:
    head, separator, _ = request.partition(b"\r\n\r\n")
    return head + separator + random_.randbytes(random_.randint(0, 3000))


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _insert, _insert, _insert, _cut, _truncate, _repeat),
    *(_line, _method, _path, _chunked, _noise),
)


def main() -> int:
    """Start a server, fuzz it, say what it answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, TrialServer(given.folder or Path(folder)) as server:
        worker, started = server.worker, time.monotonic()
        answers = fuzz(server, requests=given.requests, seed=given.seed)
        server.wait_ready()
        alive = server.worker == worker
        seconds = time.monotonic() - started
    print(f"{given.requests} requests in {seconds:.0f} s: {dict(sorted(answers.items()))}")
    bad = sum(count for status, count in answers.items() if status.startswith("5"))
    print(f"5xx: {bad}; timeouts: {answers['timeout']}; worker survived: {alive}")
    return 0 if alive and not bad and not answers["timeout"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""Sending events over real connections on loopback, and judging where they go."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from idv.domain.errors import ConfigurationError
from idv.domain.stores import Event
from idv.infra.transport.addresses import AddressRules
from idv.infra.transport.pinned import PinnedPoster
from idv.infra.transport.signatures import verify
from idv.infra.transport.webhooks import Endpoint, WebhookSender

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECRETS = ("first-secret-012345", "second-secret-01234")
EVENT = Event("evt-1", "acme", "verification.decided", b'{"id": "v1"}', NOW)
LOOPBACK = AddressRules(allowed=(ip_network("127.0.0.0/8"),), allow_http=True)
HOST = "hooks.example"


class StillClock:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        """Always the same."""
        return NOW

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0


class Receiver:
    """A server on loopback that reads one request a connection and answers with fixed bytes."""

    def __init__(self, answer: bytes, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.cut_off = threading.Event()
        self._answer = answer
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._answer_one(connection)

    def _answer_one(self, plain: socket.socket) -> None:
        plain.settimeout(5)
        connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        request = b""
        while EVENT.payload not in request:
            chunk = connection.recv(4096)
            if not chunk:
                return
            request += chunk
        self.requests.append(request)
        try:
            connection.sendall(self._answer)
        except OSError:
            self.cut_off.set()
        connection.close()


Starter = Callable[..., Receiver]


@pytest.fixture
def receiver() -> Iterator[Starter]:
    """Starts receivers and stops them afterwards."""
    running: list[Receiver] = []

    def _start(answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n", **more: ssl.SSLContext) -> Receiver:
        running.append(Receiver(answer, **more))
        return running[-1]

    yield _start
    for one in running:
        one.close()


def sender(
    rules: AddressRules = LOOPBACK, *, limit_s: float = 5.0, tls: ssl.SSLContext | None = None
) -> WebhookSender:
    """A sender for which every name is on loopback."""
    return WebhookSender(
        PinnedPoster(limit_s=limit_s, tls=tls),
        rules=rules,
        clock=StillClock(),
        resolve=lambda *_: ["127.0.0.1"],
    )


def endpoint(port: int, scheme: str = "http") -> Endpoint:
    """The endpoint of a receiver."""
    return Endpoint(f"{scheme}://{HOST}:{port}/path?q=1", SECRETS)


def test_an_event_arrives_signed_under_both_secrets(receiver: Starter) -> None:
    """The receiver gets the payload byte for byte, the name it is known by, and signatures it can verify."""
    server = receiver()
    assert sender().send(EVENT, endpoint(server.port)).failure is None
    (request,) = server.requests
    head, body = request.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /path?q=1 HTTP/1.1"
    assert headers["Host"] == f"{HOST}:{server.port}"
    assert headers["Idv-Event-Id"] == "evt-1"
    assert body == EVENT.payload
    for secret in SECRETS:
        assert verify(headers["Idv-Signature"], body, [secret], now=NOW)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Starter, status: int) -> None:
    """A redirect is a failed attempt with its status, and its target is never asked."""
    target = receiver()
    answer = f"HTTP/1.1 {status} X\r\nLocation: http://{HOST}:{target.port}/\r\nContent-Length: 0\r\n\r\n"
    server = receiver(answer.encode())
    assert sender().send(EVENT, endpoint(server.port)).failure == f"status_{status}"
    assert target.requests == []


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None),
        (b"HTTP/1.1 299 X\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntruncated", None),
        (b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", "status_500"),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "status_410"),
        (b"not HTTP at all\r\n\r\n", "connection_failed"),
        (b"", "connection_failed"),
    ],
)
def test_an_answer_becomes_one_code(receiver: Starter, answer: bytes, failure: str | None) -> None:
    """2xx is delivered; everything else is a code without the receiver's words."""
    assert sender().send(EVENT, endpoint(receiver(answer).port)).failure == failure


def test_a_huge_answer_is_cut_off(receiver: Starter) -> None:
    """A receiver that sends a hundred megabytes is hung up on, and the event counts as delivered."""
    size = 100_000_000
    server = receiver(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    assert sender().send(EVENT, endpoint(server.port)).failure is None
    assert server.cut_off.wait(10)


def test_a_receiver_that_never_answers_ends_in_a_timeout() -> None:
    """The whole attempt has one limit; nobody has to accept the connection for it to end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = int(silent.getsockname()[1])
        assert sender(limit_s=0.2).send(EVENT, endpoint(port)).failure == "timeout"


def test_the_limit_counts_for_the_attempt_and_not_for_each_read() -> None:
    """A receiver that drips one byte at a time is hung up on when the time is used up."""
    ticks = iter(range(1000))
    poster = PinnedPoster(limit_s=20.0, monotonic=lambda: float(next(ticks)))
    dripping = socket.create_server(("127.0.0.1", 0))

    def _drip() -> None:
        connection, _ = dripping.accept()
        with connection, contextlib.suppress(OSError):
            while True:
                connection.sendall(b"H")

    thread = threading.Thread(target=_drip)
    thread.start()
    sending = WebhookSender(poster, rules=LOOPBACK, clock=StillClock(), resolve=lambda *_: ["127.0.0.1"])
    failure = sending.send(EVENT, endpoint(int(dripping.getsockname()[1]))).failure
    dripping.close()
    thread.join()
    assert failure in {"timeout", "connection_failed"}
    assert next(ticks) < 1000


def test_a_closed_port_is_a_failed_connection() -> None:
    """Nobody listens: a code, no exception."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = int(closed.getsockname()[1])
    assert sender().send(EVENT, endpoint(port)).failure == "connection_failed"


def test_without_the_setting_loopback_and_http_are_refused(receiver: Starter) -> None:
    """The default rules refuse the scheme and the address before any connection."""
    server = receiver()
    assert sender(AddressRules()).send(EVENT, endpoint(server.port)).failure == "url_scheme"
    assert (
        sender(AddressRules(allow_http=True)).send(EVENT, endpoint(server.port)).failure == "address_refused"
    )
    assert server.requests == []


def test_an_endpoint_without_secrets_cannot_be_made() -> None:
    """An unsigned webhook does not exist; the secrets stand in no repr."""
    with pytest.raises(ConfigurationError):
        Endpoint("https://hooks.example/", ())
    assert SECRETS[0] not in repr(endpoint(1))


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for a name, and a client's that trusts only it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(pem + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_tls_is_checked_for_the_name_and_not_the_pinned_address(receiver: Starter, tmp_path: Path) -> None:
    """The connection goes to the pinned address, asks for the name, and accepts the name's certificate."""
    server_side, client_side = certificate(tmp_path, HOST)
    asked: list[str] = []
    server_side.sni_callback = lambda _socket, name, _context: asked.append(name)
    server = receiver(tls=server_side)
    assert sender(tls=client_side).send(EVENT, endpoint(server.port, "https")).failure is None
    assert asked == [HOST]


def test_a_certificate_for_another_name_is_refused(receiver: Starter, tmp_path: Path) -> None:
    """A trusted certificate for another name ends the attempt before anything is sent."""
    server_side, client_side = certificate(tmp_path, "other.example")
    server = receiver(tls=server_side)
    assert sender(tls=client_side).send(EVENT, endpoint(server.port, "https")).failure == "tls_failed"
    assert server.requests == []

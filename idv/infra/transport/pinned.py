"""A connection to one judged address, every operation of which ends at one deadline.

The URL keeps its host name, so the Host header, TLS server name and certificate check are those of the
name; only the TCP connection is pinned. There is no proxy, no redirect and no reuse.
"""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpcore

from idv.infra.transport.addresses import Destination

_FAULTS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
Monotonic = Callable[[], float]


class TlsError(httpcore.ConnectError):
    """The receiver's certificate is not for its name, not trusted, or the handshake broke."""


class PinnedPoster:
    """Posts bytes to judged destinations. `tls` is the context that checks certificates."""

    def __init__(
        self,
        *,
        limit_s: float = 10.0,
        body_limit: int = 4096,
        tls: ssl.SSLContext | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._body_limit = body_limit
        self._tls = tls or ssl.create_default_context()
        self._monotonic = monotonic

    def post(self, destination: Destination, body: bytes, headers: Mapping[str, str]) -> int:
        """Send, and return the status. Raises httpcore's NetworkError, TimeoutException or ProtocolError.

        At most `body_limit` bytes of the answer's body are taken from the receiver, and none are kept.
        """
        remaining = _Remaining(self._monotonic() + self._limit_s, self._monotonic)
        backend = _PinnedBackend(destination.address, remaining)
        pool = httpcore.ConnectionPool(
            ssl_context=self._tls, network_backend=backend, max_connections=1, keepalive_expiry=0
        )
        fields = list(headers.items())
        with pool, pool.stream("POST", destination.url, content=body, headers=fields) as response:
            status = response.status
            with contextlib.suppress(*_FAULTS):  # the status stands, however the rest goes
                _drain(response.iter_stream(), self._body_limit)
            return status


def _drain(chunks: Iterable[bytes], limit: int) -> None:
    """Lets a receiver finish a short answer; a long one is cut off."""
    for chunk in chunks:
        limit -= len(chunk)
        if limit <= 0:
            return


class _Remaining:
    """The time left until the deadline, given as the timeout of the next operation."""

    def __init__(self, deadline: float, monotonic: Monotonic) -> None:
        self._deadline = deadline
        self._monotonic = monotonic

    def seconds(self, error: type[Exception]) -> float:
        """Positive; raises `error` when nothing is left."""
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise error("the time for the request ran out")
        return left


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the judged address whatever name is asked for."""

    def __init__(self, address: str, remaining: _Remaining) -> None:
        self._address = address
        self._remaining = remaining
        self._sync = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was resolved and judged before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline replaces it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the pinned address."""
        stream = self._sync.connect_tcp(
            self._address,
            port,
            timeout=self._remaining.seconds(httpcore.ConnectTimeout),
            local_address=local_address,
            socket_options=socket_options,
        )
        return _DeadlineStream(stream, self._remaining)


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose operations share one deadline: a peer that drips bytes cannot hold it open."""

    def __init__(self, stream: httpcore.NetworkStream, remaining: _Remaining) -> None:
        self._stream = stream
        self._remaining = remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline replaces it
        """Read within the time left."""
        return self._stream.read(max_bytes, timeout=self._remaining.seconds(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline replaces it
        """Write within the time left."""
        self._stream.write(buffer, timeout=self._remaining.seconds(httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline replaces it
    ) -> httpcore.NetworkStream:
        """Shake hands within the time left, for the name in the URL."""
        left = self._remaining.seconds(httpcore.ConnectTimeout)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=left)
        except httpcore.ConnectError as error:
            raise TlsError("the handshake failed") from error
        return _DeadlineStream(stream, self._remaining)

    def get_extra_info(self, info: str) -> Any:
        """What the inner stream knows."""
        return self._stream.get_extra_info(info)

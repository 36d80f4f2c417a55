"""The outermost layer of the application: names every request, catches what is left, counts and logs.

It also sees to it that an answer given before the body was read arrives: a connection closed over unread
bytes is reset, and the reset destroys the answer. So once the answer is out, what still comes is read and
thrown away, within limits.
"""

import asyncio
import re
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idv.infra.telemetry.log import bound, logger
from idv.infra.telemetry.metrics import Metrics
from idv.service.errors import INTERNAL, response

_log = logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DRAIN_S = 2.0
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Edge:
    """ASGI middleware around all routes.

    `templates` are the routes that may be named in logs and metrics, `new_id` makes request ids,
    `max_drain_bytes` bounds what is read for nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        templates: frozenset[str],
        new_id: Callable[[], str],
        max_drain_bytes: int,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._templates = templates
        self._new_id = new_id
        self._max_drain_bytes = max_drain_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other protocols than HTTP are passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, request_id=self._request_id(scope))
        scope["state"] = {**scope.get("state", {}), "request_id": exchange.request_id}
        started = time.perf_counter()
        with bound(request_id=exchange.request_id):
            await self._answer(scope, exchange)
            self._note(scope, exchange.status, time.perf_counter() - started)
            await exchange.finish(self._max_drain_bytes)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        # The outer edge of the service: whatever was not foreseen is one 500 without a word of it.
        except Exception as error:  # noqa: BLE001
            _log.error("request_broke", error_type=type(error).__name__)
            if exchange.status == 0:
                await response(INTERNAL, exchange.request_id)(scope, exchange.receive, exchange.send)

    def _request_id(self, scope: Scope) -> str:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        text = given.decode("latin-1")
        return text if _REQUEST_ID.fullmatch(text) else self._new_id()

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        template = getattr(scope.get("route"), "path", "")
        route = template if template in self._templates else "unmatched"
        self._metrics.request(method=scope["method"], route=route, status=status, seconds=seconds)
        _log.info("request", route=route, status=status, latency_ms=seconds * 1000)


class _Exchange:
    """One request and its response, as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        names = {name for name, _ in scope["headers"]}
        self.request_id = request_id
        self.status = 0
        self._receive, self._send = receive, send
        self._body_pending = bool({b"content-length", b"transfer-encoding"} & names)
        self._last: Message | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_pending = False
        return message

    async def send(self, message: Message) -> None:
        """Pass the response on; hold back its end while the request's body is still coming."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = (*_ALWAYS, (b"x-request-id", self.request_id.encode()))
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        elif not message.get("more_body", False) and self._body_pending:
            self._last = {"type": "http.response.body", "body": b"", "more_body": False}
            message = {**message, "more_body": True}
        await self._send(message)

    async def finish(self, max_drain_bytes: int) -> None:
        """Throw away what is left of the body, then end the response if its end was held back."""
        if self._last is None:
            return
        left = max_drain_bytes
        try:
            async with asyncio.timeout(_DRAIN_S):
                while self._body_pending and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass
        await self._send(self._last)

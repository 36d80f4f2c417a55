"""How our application stands inside BentoML's: set after its import, and asked first for probes."""

from starlette.types import ASGIApp, Receive, Scope, Send

_PROBES = frozenset({"/healthz", "/readyz"})


class LateApp:
    """An ASGI application that is set once the worker process has built it.

    BentoML imports this module in its supervisor too, which must not load models. And it is no Starlette
    application on purpose: so BentoML hands it every path it does not serve itself, known or not, and
    all answers come in the one envelope.
    """

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on to the application."""
        if self.app is None:
            msg = "a request came before the service was built"
            raise RuntimeError(msg)
        await self.app(scope, receive, send)


class ProbesFirst:
    """Middleware for BentoML's application: health probes go to ours, which can say what is wrong.

    BentoML would answer them before any mounted application: that it lives, and nothing about the store.
    """

    def __init__(self, app: ASGIApp, *, public: ASGIApp) -> None:
        self._app, self._public = app, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on to one of the two."""
        probe = scope["type"] == "http" and scope["path"] in _PROBES
        await (self._public if probe else self._app)(scope, receive, send)

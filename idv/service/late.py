"""An ASGI application that comes later than the module BentoML imports."""

from starlette.types import ASGIApp, Receive, Scope, Send


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

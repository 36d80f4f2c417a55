"""Who asks: the API key behind a request, its tenant, and whether it may do this."""

import ipaddress
import re

from starlette.requests import Request

from idv.domain.errors import Forbidden, Unauthenticated
from idv.domain.stores import ApiKey, Scope
from idv.service.application import Application
from idv.service.lanes import Lane

_MAX_SECRET_CHARACTERS = 256
_LOOPBACK_NAME = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_TIMEOUT_S = 10.0


class Access:
    """Finds the key of a request, without ever blocking the event loop."""

    def __init__(self, application: Application, lane: Lane) -> None:
        self._application = application
        self._lane = lane

    async def key(self, request: Request, scope: Scope) -> ApiKey:
        """The key, which has the scope.

        Raises Unauthenticated (no key, unknown, expired), Forbidden `scope_missing`, Overloaded.
        """
        header = request.headers.get("authorization")
        if header is None and self._application.settings.insecure and _is_local(request):
            return self._nobody()
        secret = _secret(header)
        with self._lane.admit() as admission:
            keys = self._application.stores.keys
            key = await admission.run(lambda: keys.authenticate(secret), timeout_s=_TIMEOUT_S)
        if scope not in key.scopes:
            raise Forbidden("scope_missing", f"The key lacks the scope {scope}.")
        return key

    def _nobody(self) -> ApiKey:
        """Stands for whoever sits at this machine, when the setting `insecure` allows it."""
        return ApiKey(
            id="insecure",
            tenant="local",
            scopes=frozenset(Scope),
            created_at=self._application.clock.now(),
        )


def _secret(header: str | None) -> str:
    scheme, _, secret = (header or "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthenticated("key_missing", "Send an API key: Authorization: Bearer KEY.")
    if len(secret) > _MAX_SECRET_CHARACTERS or not secret.isascii() or not secret.isprintable():
        raise Unauthenticated("key_unknown", "This API key is not known.")
    return secret


def _is_local(request: Request) -> bool:
    """From this machine and addressed to it: a web page elsewhere must not reach it by a name of its own."""
    if request.client is None or not _LOOPBACK_NAME.fullmatch(request.headers.get("host", "")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False

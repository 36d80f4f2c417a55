"""Sends one event to one endpoint, signed, and says how it went in one code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import httpcore

from idv.domain.ports import Clock
from idv.domain.stores import Event
from idv.infra.transport.addresses import (
    AddressFault,
    AddressRules,
    Destination,
    Resolver,
    system_resolver,
)
from idv.infra.transport.pinned import TlsError
from idv.infra.transport.signatures import HEADER, check_secrets, sign

_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Endpoint:
    """Where a tenant's webhooks go, and the one or two secrets they are signed with."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ConfigurationError without usable secrets."""
        check_secrets(self.secrets)


class Sent(NamedTuple):
    """How one attempt went: `failure` is a code, None when the receiver answered 2xx."""

    failure: str | None


class Poster(Protocol):
    """Posts bytes to a judged destination."""

    def post(self, destination: Destination, body: bytes, headers: Mapping[str, str]) -> int:
        """Send, and return the status. Raises httpcore's exceptions, or OSError."""
        ...


class WebhookSender:
    """Judges the address anew at every attempt, signs with the time of the attempt, follows no redirect."""

    def __init__(
        self,
        poster: Poster,
        *,
        rules: AddressRules,
        clock: Clock,
        resolve: Resolver = system_resolver,
    ) -> None:
        self._poster = poster
        self._rules = rules
        self._clock = clock
        self._resolve = resolve

    def send(self, event: Event, endpoint: Endpoint) -> Sent:
        """One attempt. Never raises for what a receiver or the network does."""
        try:
            destination = self._rules.judge(endpoint.url, self._resolve)
            status = self._poster.post(destination, event.payload, self._headers(event, endpoint))
        except AddressFault as fault:
            return Sent(fault.code)
        except httpcore.TimeoutException:
            return Sent("timeout")
        except TlsError:
            return Sent("tls_failed")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            return Sent("connection_failed")
        return Sent(None if status in _SUCCESS else f"status_{status}")

    def _headers(self, event: Event, endpoint: Endpoint) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "idv-webhooks/1",
            "Idv-Event-Id": event.id,
            "Idv-Event-Type": event.type,
            HEADER: sign(event.payload, endpoint.secrets, at=self._clock.now()),
        }

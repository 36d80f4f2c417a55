"""Takes due events from the outbox, sends them, notes their fate. At least once: receivers keep event ids."""

import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from idv.domain.ports import Clock
from idv.domain.stores import Event, Outbox
from idv.infra.transport.backoff import Backoff
from idv.infra.transport.webhooks import Endpoint, Sent

Endpoints = Callable[[str], Endpoint | None]
"""A tenant -> where its events go; None when it wants none."""

_BATCH = 8
"""Small: with ten seconds an attempt, a batch ends before the outbox hands its events to another."""


class Sender(Protocol):
    """Sends one event to one endpoint."""

    def send(self, event: Event, endpoint: Endpoint) -> Sent:
        """One attempt; never raises for what a receiver or the network does."""
        ...


class Round(NamedTuple):
    """What one round did, in numbers of events."""

    delivered: int = 0
    failed: int = 0
    abandoned: int = 0


class Dispatcher:
    """Delivers in rounds. Several may run over one outbox."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        *,
        endpoints: Endpoints,
        clock: Clock,
        rng: random.Random,
        backoff: Backoff | None = None,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._endpoints = endpoints
        self._clock = clock
        self._rng = rng
        self._backoff = backoff or Backoff()

    def run_once(self) -> Round:
        """Attempt what is due now. Raises StorageUnavailable; what was not noted is sent again later."""
        delivered = failed = abandoned = 0
        for event, attempts in self._outbox.due(now=self._clock.now(), limit=_BATCH):
            fate = self._attempt(event, attempts)
            delivered += fate.delivered
            failed += fate.failed
            abandoned += fate.abandoned
        return Round(delivered, failed, abandoned)

    def _attempt(self, event: Event, attempts: int) -> Round:
        endpoint = self._endpoints(event.tenant)
        if endpoint is None:
            self._outbox.failed(event.id, next_attempt_at=None, reason="no_endpoint")
            return Round(abandoned=1)
        failure = self._sender.send(event, endpoint).failure
        if failure is None:
            self._outbox.delivered(event.id, at=self._clock.now())
            return Round(delivered=1)
        again = self._backoff.next_attempt(attempts + 1, now=self._clock.now(), rng=self._rng)
        self._outbox.failed(event.id, next_attempt_at=again, reason=failure)
        return Round(abandoned=1) if again is None else Round(failed=1)

"""What every route does before and after its own work: who, how much, whether there is room, once only."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from idv.domain.errors import IdvError
from idv.domain.stores import ApiKey, Claim, Scope, StoredReply
from idv.domain.verifications import Verification
from idv.infra.telemetry.log import bound, logger
from idv.infra.telemetry.metrics import Metrics
from idv.service.access import Access
from idv.service.application import Application
from idv.service.intake import fingerprint, idempotency_key, refuse_by_length
from idv.service.lanes import Lane
from idv.workflow.verification import Request as StepRequest

Body = TypeVar("Body")
_log = logger(__name__)

_GRACE_S = 2.0
"""Time to store and answer once the deadline of the checks has passed."""
_READ_TIMEOUT_S = 10.0
_READERS = 4
_READ_QUEUE = 60


@dataclass(frozen=True)
class Call:
    """One admitted call: who makes it, and until when (Clock.monotonic, s) its work may go on."""

    key: ApiKey
    deadline: float
    metrics: Metrics

    def step(self, claim: Claim | None) -> StepRequest:
        """The call as the workflow wants it."""
        return StepRequest(
            tenant=self.key.tenant,
            actor=self.key.id,
            deadline=self.deadline,
            claim=claim,
            perceived=self.metrics.perceived,
        )


class Desk:
    """The two lanes, the keys, the metrics; one for each application object."""

    def __init__(self, application: Application, metrics: Metrics) -> None:
        settings = application.settings
        self.application = application
        self.metrics = metrics
        self.light = Lane("read", threads=_READERS, queue=_READ_QUEUE)
        self.heavy = Lane(
            "judge", threads=settings.worker_threads, queue=settings.queue_length, watch=metrics
        )
        self._access = Access(application, self.light)

    async def look_up(
        self, request: Request, scope: Scope, work: Callable[[ApiKey], StoredReply]
    ) -> Response:
        """Answer from the stores, without a body."""
        refuse_by_length(request, self.application.settings.max_body_bytes)
        key = await self._key(request, scope)
        with self.light.admit() as admission, bound(tenant=key.tenant):
            return _response(await admission.run(lambda: work(key), timeout_s=_READ_TIMEOUT_S))

    async def judge(
        self,
        request: Request,
        scope: Scope,
        *,
        lane: Lane,
        read: Callable[[Request], Awaitable[Body]],
        work: Callable[[Call, Body], StoredReply],
    ) -> Response:
        """Read a body and work on it.

        What can be refused without the body is refused before it is read: length, key, scope, room.
        """
        settings = self.application.settings
        refuse_by_length(request, settings.max_body_bytes)
        idempotency_key(request)
        lane.shed()
        key = await self._key(request, scope)
        with lane.admit() as admission, bound(tenant=key.tenant):
            started = time.perf_counter()
            body = await read(request)
            self.metrics.stage("upload", time.perf_counter() - started)
            deadline = self.application.clock.monotonic() + settings.deadline_s
            call = Call(key, deadline, self.metrics)
            timeout_s = settings.deadline_s + _GRACE_S
            return _response(await admission.run(lambda: work(call, body), timeout_s=timeout_s))

    def once(
        self,
        call: Call,
        request: Request,
        parts: Mapping[str, bytes],
        work: Callable[[Claim | None], StoredReply],
    ) -> StoredReply:
        """Do the work once for an Idempotency-Key, if there is one; the same request gets the same bytes.

        Raises Conflict `idempotency_key_reused`, `idempotency_in_flight`.
        """
        key = idempotency_key(request)
        if key is None:
            return work(None)
        store = self.application.stores.verifications
        print_ = fingerprint(f"{request.method} {request.url.path}", parts)
        # A thread abandoned at its deadline ends soon after; until then nobody else may have the key.
        lease_s = self.application.settings.deadline_s + 2 * _GRACE_S
        claim = store.claim(call.key.tenant, key, print_, lease_s=lease_s)
        if isinstance(claim, StoredReply):
            return claim
        try:
            return work(claim)
        except BaseException:
            self._give_back(claim)
            raise

    def count(self, verification: Verification, *, judged: bool) -> None:
        """Count a step's decision and, when evidence was judged, the results that led to it."""
        if verification.decision:
            self.metrics.decision(verification.decision.decision)
        checks = len(self.application.verifications.runner.checks) if judged else 0
        for result in verification.results[len(verification.results) - checks :]:
            self.metrics.check(result)

    def close(self) -> None:
        """Wait for what runs."""
        self.heavy.close()
        self.light.close()

    async def _key(self, request: Request, scope: Scope) -> ApiKey:
        started = time.perf_counter()
        key = await self._access.key(request, scope)
        self.metrics.stage("authenticate", time.perf_counter() - started)
        return key

    def _give_back(self, claim: Claim) -> None:
        """Free a key whose request failed; should the store fail too, its lease ends by itself."""
        try:
            self.application.stores.verifications.release(claim)
        except IdvError as error:
            _log.warning("claim_not_released", code=error.code)


def _response(reply: StoredReply) -> Response:
    return Response(reply.body, status_code=reply.status, media_type="application/json")

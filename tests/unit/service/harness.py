"""The application under test: real routes, use cases and policy over trial checks and stores in memory."""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from idv.domain.evidence import Evidence
from idv.domain.ports import ImageDecoder
from idv.domain.stores import Scope, Stores
from idv.infra.clock import ManualClock
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.policies.onboarding import ONBOARDING
from idv.service.app import create_app
from idv.service.trial import TrialApplication, trial_application
from idv.settings import Settings
from idv.workflow.verification import Limits

Json = dict[str, Any]  # parsed JSON
GOOD = b"IMG: good"
JPEG = "image/jpeg"
_LIMITS = Limits(attempts=1000)


def settings(**changes: Any) -> Settings:
    """Settings that depend on nothing outside the test."""
    return Settings(**({"data_dir": Path("unused"), "model_cache": Path("unused")} | changes))


@dataclass
class Harness:
    """One application and a client of it that holds a key with every scope."""

    pause: Callable[[Evidence], None] = lambda _: None
    limits: Limits = _LIMITS
    changes: Mapping[str, Any] = field(default_factory=dict)
    wrap_stores: Callable[[Stores], Stores] = lambda stores: stores
    decoder: ImageDecoder | None = None

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.stores = self.wrap_stores(
            memory_stores(keyring=KeyRing.generate(lambda n: b"\1" * n), clock=self.clock)
        )
        self.secret = self.key()
        numbers = itertools.count(1)
        self.application: TrialApplication = trial_application(
            settings=settings(**self.changes),
            clock=self.clock,
            stores=self.stores,
            rules=ONBOARDING,
            new_id=lambda kind: f"{kind}_{next(numbers):06d}",
            limits=self.limits,
            pause=self.pause,
            decoder=self.decoder,
        )
        self.app: FastAPI = create_app(self.application)

    def key(self, tenant: str = "acme", *scopes: Scope) -> str:
        """The secret of a new key; with all scopes unless some are named."""
        _, secret = self.stores.keys.issue(tenant, frozenset(scopes or Scope), expires_at=None)
        return secret

    def client(self, secret: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with a key; an empty one sends none."""
        secret = self.secret if secret is None else secret
        given = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://localhost",
            headers=given | headers,
        )

    def call(self, method: str, url: str, *, secret: str | None = None, **arguments: Any) -> httpx.Response:
        """One request."""

        async def go() -> httpx.Response:
            async with self.client(secret) as client:
                return await client.request(method, url, **arguments)

        return asyncio.run(go())

    def verify(
        self,
        document: bytes = GOOD,
        selfie: bytes = GOOD,
        *,
        metadata: Json | None = None,
        secret: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        """POST /v1/verifications."""
        return self.call(
            "POST",
            "/v1/verifications",
            secret=secret,
            files=onboarding(document, selfie, metadata=metadata),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


def onboarding(
    document: bytes = GOOD, selfie: bytes = GOOD, *, metadata: Json | None = None
) -> dict[str, tuple[str | None, bytes, str]]:
    """The parts of a verification."""
    parts: dict[str, tuple[str | None, bytes, str]] = {
        "document_front": ("front.jpg", document, JPEG),
        "selfie": ("selfie.jpg", selfie, JPEG),
    }
    if metadata is not None:
        parts["metadata"] = (None, json.dumps(metadata).encode(), "application/json")
    return parts


def error(response: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of an error, after checking its envelope."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"type", "code", "message", "field", "request_id"}
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["error"]["code"], body["error"]["field"]

"""Routes for whoever runs the service: alive, ready, metrics. They tell nothing about any tenant."""

import json
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response

from idv.domain.errors import IdvError
from idv.infra.telemetry.metrics import CONTENT_TYPE
from idv.service.desk import Desk

_READY_TIMEOUT_S = 5.0


def operation_routes(desk: Desk) -> APIRouter:
    """Health and metrics; outside the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz(_: Request) -> Response:
        """The process answers."""
        return Response('{"status":"alive"}', media_type="application/json")

    @router.get("/readyz")
    async def readyz(_: Request) -> Response:
        """A request could be served now, or the codes of what stands against it."""
        try:
            with desk.light.admit() as admission:
                faults = await admission.run(desk.application.unready, timeout_s=_READY_TIMEOUT_S)
        except IdvError as error:  # a store that hangs, no room to ask it
            faults = (error.code,)
        body = {"status": "not_ready", "faults": faults} if faults else {"status": "ready"}
        return Response(json.dumps(body), status_code=503 if faults else 200, media_type="application/json")

    @router.get("/metrics")
    async def metrics(_: Request) -> Response:
        """Everything counted, for Prometheus."""
        with desk.light.admit() as admission:
            text = await admission.run(desk.metrics.render, timeout_s=_READY_TIMEOUT_S)
        return Response(text, media_type=CONTENT_TYPE)

    return router


def document_routes(document: dict[Any, Any], *, page: bool) -> APIRouter:
    """The OpenAPI document, rendered once, and the page that shows it if the setting `docs` wants it."""
    router = APIRouter(include_in_schema=False)
    rendered = json.dumps(document, separators=(",", ":"), default=str).encode()

    @router.get("/openapi.json")
    async def openapi(_: Request) -> Response:
        """What this API is."""
        return Response(rendered, media_type="application/json")

    if page:

        @router.get("/docs")
        async def docs(_: Request) -> Response:
            """The document as a page; its script comes from a public network."""
            return get_swagger_ui_html(openapi_url="/openapi.json", title="idv")

    return router

"""Builds the ASGI application over a wired application: routes, error mapping, the edge around them."""

from collections.abc import Iterable, Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import idv
from idv.domain.errors import DeadlineExceeded, IdvError, Overloaded, StorageUnavailable
from idv.infra.telemetry.log import logger
from idv.infra.telemetry.metrics import Metrics
from idv.service import openapi
from idv.service.application import Application
from idv.service.desk import Desk
from idv.service.edge import Edge
from idv.service.errors import NOT_FOUND, Fault, fault_of, method_not_allowed, response
from idv.service.routes.labels import label_routes
from idv.service.routes.operations import document_routes, operation_routes
from idv.service.routes.single import single_routes
from idv.service.routes.verifications import verification_routes

_log = logger(__name__)
_QUERY_FIELDS = frozenset({"limit", "cursor", "applicant_ref", "decision"})
_SERVER_FAULT = 500
_METHOD_NOT_ALLOWED = 405


def create_app(application: Application) -> FastAPI:
    """The ASGI application; `app.state.desk.close()` waits for what still runs.

    Nothing is opened or started here that the application did not bring.
    """
    settings = application.settings
    app = FastAPI(
        title="idv",
        version=idv.__version__,
        description="Decides on a person from a document and a selfie, with reasons.",
        openapi_url=None,
        redirect_slashes=False,
    )
    metrics = Metrics(providers={c.provider for c in application.verifications.runner.checks})
    desk = Desk(application, metrics)
    routers = (operation_routes(desk), verification_routes(desk), label_routes(desk), single_routes(desk))
    for router in routers:
        app.include_router(router)
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    app.include_router(document_routes(openapi.document(app, routes), page=settings.docs))
    methods = _methods(routes)
    metrics.know_routes(methods)
    app.state.desk = desk
    _add_error_handlers(app, metrics, methods)
    app.add_middleware(
        Edge,
        metrics=metrics,
        templates=frozenset(methods),
        new_id=lambda: application.verifications.new_id("req"),
        max_drain_bytes=settings.max_body_bytes,
    )
    return app


def _methods(routes: Iterable[APIRoute]) -> dict[str, str]:
    """Route template -> the methods it answers to, as the Allow header lists them."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).update(route.methods or ())
    return {path: ", ".join(sorted(names)) for path, names in methods.items()}


def _add_error_handlers(app: FastAPI, metrics: Metrics, methods: Mapping[str, str]) -> None:
    @app.exception_handler(IdvError)
    async def of_ours(request: Request, error: IdvError) -> Response:
        fault = fault_of(error)
        if kind := _rejection(error):
            metrics.rejected(kind)
        if fault.status >= _SERVER_FAULT:
            _log.error("request_failed", code=error.code, status=fault.status)
        return _told(request, fault)

    @app.exception_handler(RequestValidationError)
    async def of_query(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = str(first["loc"][-1])
        message = f"The value is not valid ({first['type']})."
        field = name if name in _QUERY_FIELDS else None
        return _told(request, Fault(422, "invalid_request", "value_invalid", message, field))

    @app.exception_handler(HTTPException)
    async def of_routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == _METHOD_NOT_ALLOWED:
            template = getattr(request.scope.get("route"), "path", "")
            return _told(request, method_not_allowed(methods.get(template, "GET, HEAD")))
        return _told(request, NOT_FOUND)


def _told(request: Request, fault: Fault) -> Response:
    return response(fault, request.state.request_id)


def _rejection(error: IdvError) -> str | None:
    """Which kind of valid request was turned away, if it was one."""
    if isinstance(error, Overloaded):
        return "attempts" if error.code == "too_many_attempts" else "capacity"
    if isinstance(error, DeadlineExceeded):
        return "deadline"
    return "storage" if isinstance(error, StorageUnavailable) else None

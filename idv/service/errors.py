"""The one place where an error becomes an HTTP status and the one error envelope there is."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from starlette.responses import Response

from idv.domain.errors import (
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    EvalSetError,
    Forbidden,
    IdvError,
    IntegrityError,
    MediaError,
    MediaFault,
    ModelError,
    NotFound,
    Overloaded,
    RequestError,
    StorageUnavailable,
    Unauthenticated,
)


class Mapped(NamedTuple):
    """HTTP status and envelope type of an exception class; `inner`: its message stays inside."""

    status: int
    type: str
    inner: bool = False


BY_CLASS: dict[type[IdvError], Mapped] = {
    IdvError: Mapped(500, "internal", inner=True),
    RequestError: Mapped(422, "invalid_request"),
    MediaError: Mapped(422, "invalid_media"),
    Unauthenticated: Mapped(401, "unauthenticated"),
    Forbidden: Mapped(403, "forbidden"),
    NotFound: Mapped(404, "not_found"),
    Conflict: Mapped(409, "conflict"),
    Overloaded: Mapped(429, "overloaded"),
    DeadlineExceeded: Mapped(504, "deadline_exceeded"),
    StorageUnavailable: Mapped(503, "unavailable"),
    ConfigurationError: Mapped(500, "internal", inner=True),
    ModelError: Mapped(503, "unavailable", inner=True),
    IntegrityError: Mapped(500, "internal", inner=True),
    EvalSetError: Mapped(500, "internal", inner=True),
}
"""Every class of `idv.domain.errors`, each with an entry of its own."""

BY_CODE: dict[str, int] = {
    "body_too_large": 413,
    "part_too_large": 413,
    MediaFault.TOO_LARGE: 413,
    MediaFault.TOO_MANY_PIXELS: 413,
    MediaFault.TYPE_UNSUPPORTED: 415,
    "content_type_unsupported": 415,
    "multipart_malformed": 400,
    "json_malformed": 400,
    "upload_timeout": 408,
    "upload_aborted": 400,
    "idempotency_key_reused": 422,
    "method_not_allowed": 405,
}
"""Codes whose status is more telling than their class's."""

_INNER_MESSAGE = "The service cannot answer this now."
_RETRY_AFTER_S = 5


class Fault(NamedTuple):
    """What the caller is told; `message` and `field` never repeat anything the caller sent."""

    status: int
    type: str
    code: str
    message: str
    field: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})


def fault_of(error: IdvError) -> Fault:
    """The fault an exception of the domain's tree becomes."""
    mapping = next(BY_CLASS[cls] for cls in type(error).__mro__ if cls in BY_CLASS)
    return Fault(
        status=BY_CODE.get(error.code, mapping.status),
        type=mapping.type,
        code=error.code,
        message=_INNER_MESSAGE if mapping.inner else error.message,
        field=error.field,
        headers=_headers(error),
    )


INTERNAL = Fault(500, "internal", "internal_error", "Something broke inside the service; it was noted.")
"""For whatever nobody foresaw."""

NOT_FOUND = Fault(404, "not_found", "route_not_found", "There is no such route.")


def method_not_allowed(allowed: str) -> Fault:
    """The route exists, the method does not."""
    message = "This route does not answer to this method."
    return Fault(405, "invalid_request", "method_not_allowed", message, headers={"allow": allowed})


def envelope(fault: Fault, request_id: str) -> dict[str, dict[str, str | None]]:
    """`{"error": {"type", "code", "message", "field", "request_id"}}`, the one form of every error."""
    return {
        "error": {
            "type": fault.type,
            "code": fault.code,
            "message": fault.message,
            "field": fault.field,
            "request_id": request_id,
        }
    }


def response(fault: Fault, request_id: str) -> Response:
    """The fault in its envelope, with the headers that belong to it."""
    return Response(
        json.dumps(envelope(fault, request_id), separators=(",", ":"), ensure_ascii=False).encode(),
        status_code=fault.status,
        media_type="application/json",
        headers=fault.headers,
    )


def _headers(error: IdvError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, Overloaded):
        return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
    if isinstance(error, StorageUnavailable | ModelError):
        return {"retry-after": str(_RETRY_AFTER_S)}
    return {}

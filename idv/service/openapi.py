"""What the OpenAPI document says of each route: bodies, headers, replies, examples.

The examples are made by the same code that renders replies, so they cannot drift from it.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from idv.documents.mrz import field_readings, parse
from idv.domain.decisions import Decision, DecisionRecord, Finding
from idv.domain.documents import DocumentReading
from idv.domain.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    IdvError,
    MediaError,
    MediaFault,
    NotFound,
    Overloaded,
    RequestError,
    StorageUnavailable,
    Unauthenticated,
)
from idv.domain.evidence import ImageRole
from idv.domain.labels import LabelSource, LifeLabel, Truth
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Region, Signal
from idv.domain.verifications import Status, Verification
from idv.service.errors import INTERNAL, Fault, envelope, fault_of
from idv.service.multipart import Layout, PartKind
from idv.service.wire import (
    AuthenticityOut,
    CheckOut,
    DocumentCheckOut,
    ErasureOut,
    ErrorEnvelope,
    LabelIn,
    LabelsOut,
    PageOut,
    Resolution,
    SideOut,
    VerificationOut,
    check_out,
    document_out,
    labels_out,
    verification_out,
)

Description = dict[Any, Any]  # FastAPI's own type for keyword arguments of a route and OpenAPI fragments
"""Keyword arguments for a route, or a fragment of the document."""

_ERRORS = {
    400: "The body is malformed.",
    401: "No API key, or one that is not known.",
    403: "The key lacks the scope.",
    404: "No such thing for this tenant.",
    408: "The body came too slowly.",
    409: "In flight, or the state forbids it.",
    413: "Too large; told before the body is read where the length is announced.",
    415: "Not a type that is taken.",
    422: "Invalid: a part, a value, a picture, or a reused Idempotency-Key.",
    429: "No room, or too many attempts; told before the body is read. See Retry-After.",
    500: "Something broke inside the service; it was noted.",
    503: "The store or a model is not available. See Retry-After.",
    504: "Took longer than it may.",
}
EXAMPLES: dict[int, IdvError] = {
    400: RequestError("multipart_malformed", "The multipart body is malformed."),
    401: Unauthenticated("key_missing", "Send an API key: Authorization: Bearer KEY."),
    403: Forbidden("scope_missing", "The key lacks the scope verify."),
    404: NotFound("verification_not_found", "There is no such verification."),
    408: RequestError("upload_timeout", "The body came too slowly."),
    409: Conflict("idempotency_in_flight", "The first request with this key is still running."),
    413: RequestError("part_too_large", "The part is too large.", field="selfie"),
    415: MediaError(MediaFault.TYPE_UNSUPPORTED, "Pictures of this type are not taken.", field="selfie"),
    422: MediaError(MediaFault.TRUNCATED, "The picture ends too early.", field="document_front"),
    429: Overloaded("capacity_exhausted", "All places are taken; try again.", retry_after_s=1),
    503: StorageUnavailable("storage_unavailable", "The store cannot be used; try again."),
    504: DeadlineExceeded("deadline_exceeded", "The request took longer than it may."),
}
"""An error behind each status that has one; what is shown of it is made as for a real request."""

_ALWAYS = (401, 403, 413, 429, 500, 503, 504)
_OF_A_CASE = (*_ALWAYS, 404)
_WITH_BODY = (*_ALWAYS, 400, 408, 415, 422)
_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Always Bearer."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
_AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
_METADATA = {
    "applicant_ref": "applicant-4711",
    "claimed": {"given_names": "ANNA MARIA", "surname": "ERIKSSON", "date_of_birth": "1974-08-12"},
}


def document(app: FastAPI, routes: Iterable[APIRoute]) -> Description:
    """The whole OpenAPI document of an application; `routes` are its own, one by one."""
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["api_key"] = {"type": "http", "scheme": "bearer", "description": "An API key of your tenant."}
    schema["security"] = [{"api_key": []}]
    for route in routes:
        if route.include_in_schema:
            _as_it_is(schema["paths"][route.path], route)
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(unused, None)
    return schema


def _as_it_is(operations: Description, route: APIRoute) -> None:
    """Take out the 422 that FastAPI adds in a form of its own, and put the examples back as they were.

    It drops every null from them, which a reply never does.
    """
    for method in route.methods or ():
        told = operations[method.lower()]["responses"]
        for status in set(told) - {str(status) for status in route.responses}:
            del told[status]
        for status, response in route.responses.items():
            for kind, content in response.get("content", {}).items():
                told[str(status)]["content"][kind].update(content)


def begin(layout: Layout) -> Description:
    """POST /v1/verifications."""
    return _route(
        "createVerification",
        VerificationOut,
        (*_WITH_BODY, 409),
        status=201,
        example=_example(),
        body=_form(layout, metadata=_METADATA),
        key=True,
    )


def evidence(layout: Layout) -> Description:
    """POST /v1/verifications/{id}/evidence."""
    claim = {"claimed": _METADATA["claimed"]}
    return _route(
        "addEvidence",
        VerificationOut,
        (*_WITH_BODY, 404, 409),
        example=_example(),
        body=_form(layout, metadata=claim),
        key=True,
    )


def resolve() -> Description:
    """POST /v1/verifications/{id}/resolve."""
    example = {"decision": "accept", "note": "Compared by eye; same person."}
    body = {"application/json": {"schema": Resolution.model_json_schema(), "example": example}}
    return _route(
        "resolveVerification",
        VerificationOut,
        (*_WITH_BODY, 404, 409),
        example=_example(),
        body=body,
        key=True,
    )


def erase() -> Description:
    """POST /v1/verifications/{id}/erase."""
    example = ErasureOut(id=_example_verification().id, verifications=1, audit_sequence=42, erased_at=_AT)
    return _route("eraseVerification", ErasureOut, _OF_A_CASE, example=example)


def page() -> Description:
    """GET /v1/verifications."""
    return _route(
        "listVerifications", PageOut, (*_ALWAYS, 422), example=PageOut(items=(_example(),), cursor=None)
    )


def show() -> Description:
    """GET /v1/verifications/{id}."""
    return _route("getVerification", VerificationOut, _OF_A_CASE, example=_example())


def add_label() -> Description:
    """POST /v1/verifications/{id}/labels."""
    (told,) = _example_labels().labels
    body = {
        "application/json": {
            "schema": LabelIn.model_json_schema(),
            "example": told.model_dump(mode="json", exclude={"recorded_at"}),
        }
    }
    return _route(
        "addLabel",
        LabelsOut,
        (*_WITH_BODY, 404, 409),
        status=201,
        example=_example_labels(),
        body=body,
        key=True,
    )


def show_labels() -> Description:
    """GET /v1/verifications/{id}/labels."""
    return _route("listLabels", LabelsOut, _OF_A_CASE, example=_example_labels())


def single(operation: str, layout: Layout, check: CheckName) -> Description:
    """A route that answers with one check."""
    example = check_out(_example_check(check))
    return _route(operation, CheckOut, _WITH_BODY, example=example, body=_form(layout))


def read_document(layout: Layout) -> Description:
    """POST /v1/documents/read."""
    example = DocumentCheckOut(
        check=check_out(_example_check(CheckName.DOCUMENT_READING)),
        front=document_out(_example_reading()),
        back=None,
    )
    return _route("readDocument", DocumentCheckOut, _WITH_BODY, example=example, body=_form(layout))


def check_document(layout: Layout) -> Description:
    """POST /v1/documents/check."""
    example = AuthenticityOut(
        check=check_out(_PORTRAIT_SWAP),
        front=SideOut(
            document_type="uto_passport",
            quadrilateral=((0.11, 0.14), (0.88, 0.12), (0.9, 0.85), (0.1, 0.87)),
        ),
        back=None,
    )
    return _route("checkDocument", AuthenticityOut, _WITH_BODY, example=example, body=_form(layout))


def _route(
    operation: str,
    model: type[BaseModel],
    errors: tuple[int, ...],
    *,
    example: BaseModel,
    status: int = 200,
    body: Description | None = None,
    key: bool = False,
) -> Description:
    """`operation` names the route for generated clients, so it never changes."""
    content = {"application/json": {"example": example.model_dump(mode="json")}}
    responses: Description = {
        status: {"model": model, "description": "Done.", "content": content},
        **{code: _error(code) for code in sorted(errors)},
    }
    extra: Description = {"requestBody": {"required": True, "content": body}} if body else {}
    if key:
        extra["parameters"] = [_IDEMPOTENCY_KEY]
    return {
        "operation_id": operation,
        "status_code": status,
        "response_model": None,
        "responses": responses,
        "openapi_extra": extra,
    }


def _error(status: int) -> Description:
    """One error as the document describes it; its example is what the service would send."""
    fault: Fault = fault_of(EXAMPLES[status]) if status in EXAMPLES else INTERNAL
    headers = {
        name: {"schema": {"type": "string"}, "description": meaning}
        for name, meaning in _HEADERS.get(status, {}).items()
    }
    return {
        "model": ErrorEnvelope,
        "description": _ERRORS[status],
        "content": {"application/json": {"example": envelope(fault, "req_01example")}},
        **({"headers": headers} if headers else {}),
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "The same key with the same parts gets the same reply, byte for byte; it is done once.",
}


def _form(layout: Layout, *, metadata: Description | None = None) -> Description:
    properties = {
        name: {"type": "string", "format": "binary"}
        if rule.kind is PartKind.FILE
        else {"type": "string", "contentMediaType": "application/json"}
        for name, rule in layout.items()
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name, rule in layout.items() if rule.required],
        "additionalProperties": False,
    }
    example = {name: f"{name}.jpg" for name, rule in layout.items() if rule.kind is PartKind.FILE}
    return {
        "multipart/form-data": {
            "schema": schema,
            "example": example | ({"metadata": metadata} if metadata else {}),
        }
    }


def _example_labels() -> LabelsOut:
    told = LifeLabel(
        Truth.FRAUD_CONFIRMED, LabelSource.CHARGEBACK, "payments", _AT, _AT + dt.timedelta(days=30)
    )
    return labels_out("ver_01example", (told,))


def _example() -> VerificationOut:
    return verification_out(_example_verification())


_MISMATCH = CheckResult(
    name=CheckName.FACE_MATCH,
    outcome=Outcome.FAIL,
    provider="open",
    check_digest="",
    produced_at=_AT,
    score=-7.25,
    threshold=2.5,
    operating_point="run-2026-02-11-face-match",
    reasons=(Reason.FACE_MISMATCH,),
    latency_ms=212.4,
)

_PORTRAIT_SWAP = dataclasses.replace(
    _MISMATCH,
    name=CheckName.DOCUMENT_AUTHENTICITY,
    score=-3.5,
    threshold=1.5,
    operating_point="run-2026-02-11-document-authenticity",
    reasons=(Reason.DOCUMENT_TAMPERED,),
    signals=(
        Signal("zone_consistency", 1.0),
        Signal("recapture", 5.25),
        Signal("tampering", -4.0, (Reason.DOCUMENT_TAMPERED,)),
    ),
    regions=(
        Region(
            ImageRole.DOCUMENT_FRONT, "tampering", ((0.15, 0.3), (0.36, 0.29), (0.37, 0.63), (0.15, 0.64))
        ),
    ),
)


def _example_check(name: CheckName) -> CheckResult:
    """A mismatch of faces, or a pass of any other check."""
    if name is CheckName.FACE_MATCH:
        return _MISMATCH
    read = name is CheckName.DOCUMENT_READING
    return dataclasses.replace(
        _MISMATCH,
        name=name,
        outcome=Outcome.PASS,
        score=1.0 if read else 4.5,
        threshold=None if read else 1.25,
        operating_point=None if read else f"run-2026-02-11-{name.replace('_', '-')}",
        reasons=(),
    )


def _example_reading() -> DocumentReading:
    """The specimen of ICAO Doc 9303, part 4."""
    lines = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
    mrz = parse(lines, today=_AT.date())
    return DocumentReading(document_type="uto_passport", mrz=mrz, fields=field_readings(mrz, confidence=0.99))


def _example_verification() -> Verification:
    record = DecisionRecord(
        decision=Decision.REJECT,
        findings=(Finding(CheckName.FACE_MATCH, Reason.FACE_MISMATCH),),
        steps=(),
        policy="onboarding",
        policy_digest="",
        decided_at=_AT,
    )
    return Verification(
        id="ver_01example",
        tenant="",
        status=Status.DECIDED,
        created_at=_AT,
        updated_at=_AT,
        applicant_ref="applicant-4711",
        results=(_MISMATCH,),
        decisions=(record,),
    )

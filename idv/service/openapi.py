"""What the OpenAPI document says of each route: bodies, headers, replies, examples.

The examples are made by the same code that renders replies, so they cannot drift from it.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from idv.domain.decisions import Decision, DecisionRecord, Finding
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.verifications import Status, Verification
from idv.service.multipart import Layout, PartKind
from idv.service.wire import (
    CheckOut,
    DocumentCheckOut,
    ErasureOut,
    ErrorEnvelope,
    PageOut,
    Resolution,
    VerificationOut,
    check_out,
    verification_out,
)

Description = dict[Any, Any]  # FastAPI's own type for keyword arguments of a route and OpenAPI fragments
"""Keyword arguments for a route, or a fragment of the document."""

_ERRORS = {
    400: "The body is malformed.",
    401: "No API key, or one that is not known.",
    403: "The key lacks the scope.",
    404: "No such thing for this tenant.",
    409: "In flight, or the state forbids it.",
    413: "Too large; told before the body is read where the length is announced.",
    415: "Not a type that is taken.",
    422: "Invalid: a part, a value, a picture, or a reused Idempotency-Key.",
    429: "No room, or too many attempts; told before the body is read. See Retry-After.",
    503: "The store or a model is not available. See Retry-After.",
    504: "Took longer than it may.",
}
_READ = (401, 403, 404, 422, 429, 503, 504)
_ALL = tuple(_ERRORS)
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
            _restore_examples(schema["paths"][route.path], route)
    return schema


def _restore_examples(operations: Description, route: APIRoute) -> None:
    """Put the examples back as they were: FastAPI drops every null, which a reply never does."""
    for method in route.methods or ():
        for status, response in route.responses.items():
            for kind, content in response.get("content", {}).items():
                told = operations[method.lower()]["responses"][str(status)]["content"][kind]
                told.update(content)


def begin(layout: Layout) -> Description:
    """POST /v1/verifications."""
    return _route(201, VerificationOut, _ALL, example=_example(), body=_form(layout, metadata=True), key=True)


def evidence(layout: Layout) -> Description:
    """POST /v1/verifications/{id}/evidence."""
    return _route(200, VerificationOut, _ALL, example=_example(), body=_form(layout), key=True)


def resolve() -> Description:
    """POST /v1/verifications/{id}/resolve."""
    example = {"decision": "accept", "note": "Compared by eye; same person."}
    body = {"application/json": {"schema": Resolution.model_json_schema(), "example": example}}
    return _route(200, VerificationOut, _ALL, example=_example(), body=body, key=True)


def erase() -> Description:
    """POST /v1/verifications/{id}/erase."""
    example = ErasureOut(id=_example_verification().id, verifications=1, audit_sequence=42, erased_at=_AT)
    return _route(200, ErasureOut, _READ, example=example)


def page() -> Description:
    """GET /v1/verifications."""
    return _route(200, PageOut, _READ, example=PageOut(items=(_example(),), cursor=None))


def show() -> Description:
    """GET /v1/verifications/{id}."""
    return _route(200, VerificationOut, _READ, example=_example())


def single(name: str, layout: Layout) -> Description:
    """A route that answers with one check."""
    example = check_out(_example_verification().results[0])
    return _route(200, CheckOut, _ALL, example=example, body=_form(layout)) | {"operation_id": name}


def read_document(layout: Layout) -> Description:
    """POST /v1/documents/read."""
    return _route(200, DocumentCheckOut, _ALL, body=_form(layout))


def _route(
    status: int,
    model: type[BaseModel],
    errors: tuple[int, ...],
    *,
    example: BaseModel | None = None,
    body: Description | None = None,
    key: bool = False,
) -> Description:
    content = {"application/json": {"example": example.model_dump(mode="json")}} if example else {}
    responses: Description = {
        status: {"model": model, "description": "Done.", "content": content},
        **{code: {"model": ErrorEnvelope, "description": _ERRORS[code]} for code in errors},
    }
    extra: Description = {"requestBody": {"required": True, "content": body}} if body else {}
    if key:
        extra["parameters"] = [_IDEMPOTENCY_KEY]
    return {"status_code": status, "response_model": None, "responses": responses, "openapi_extra": extra}


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "The same key with the same parts gets the same reply, byte for byte; it is done once.",
}


def _form(layout: Layout, *, metadata: bool = False) -> Description:
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
    return {
        "multipart/form-data": {"schema": schema} | ({"example": {"metadata": _METADATA}} if metadata else {})
    }


def _example() -> VerificationOut:
    return verification_out(_example_verification())


def _example_verification() -> Verification:
    mismatch = CheckResult(
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
        results=(mismatch,),
        decisions=(record,),
    )

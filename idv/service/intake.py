"""From a request to evidence: length, body, parts, metadata. Refuses as early as it can be certain."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from idv.domain.errors import RequestError
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.service.multipart import Form, FormReader, Layout, PartKind, PartRule, boundary_of, too_large
from idv.service.wire import Claimed

Model = TypeVar("Model", bound=BaseModel)

METADATA = "metadata"
MAX_JSON_BYTES = 16_384
"""Of a metadata part and of a JSON body."""
UPLOAD_TIMEOUT_S = 30.0
"""A body that takes longer to arrive is given up, so that slow senders cannot hold all places."""
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def form_layout(
    required: tuple[ImageRole, ...],
    optional: tuple[ImageRole, ...] = (),
    *,
    max_part_bytes: int,
    metadata: bool = False,
) -> Layout:
    """The parts of a form: files for the roles, JSON for the metadata."""
    rules = {role.value: PartRule(PartKind.FILE, max_part_bytes, required=True) for role in required}
    rules |= {role.value: PartRule(PartKind.FILE, max_part_bytes) for role in optional}
    return rules | ({METADATA: PartRule(PartKind.TEXT, MAX_JSON_BYTES)} if metadata else {})


def refuse_by_length(request: Request, limit: int) -> None:
    """Refuse a body by the length it announces. Raises RequestError `body_too_large`."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):  # noqa: PLR2004 - exabytes
        raise too_large(limit)


async def read_form(request: Request, layout: Layout, *, max_bytes: int) -> Form:
    """Read and parse the body as it arrives.

    Raises RequestError as `FormReader` does, and `upload_timeout`, `upload_aborted`.
    """
    reader = FormReader(boundary_of(request.headers.get("content-type")), layout, max_bytes=max_bytes)
    await _feed(request, reader.feed)
    return reader.form()


async def read_json(request: Request, model: type[Model]) -> Model:
    """Read a small JSON body.

    Raises RequestError `content_type_unsupported`, `body_too_large`, `json_malformed`, `value_invalid`.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise RequestError("content_type_unsupported", "Send application/json.", field="Content-Type")
    body = bytearray()

    def take(chunk: bytes) -> None:
        body.extend(chunk)
        if len(body) > MAX_JSON_BYTES:
            raise too_large(MAX_JSON_BYTES)

    await _feed(request, take)
    return parse_json(bytes(body), model)


def parse_json(data: bytes, model: type[Model], *, within: str | None = None) -> Model:
    """Parse JSON into a wire type; what it says of a fault never repeats what was sent.

    Raises RequestError `json_malformed`, `value_invalid`, with the field's path below `within`.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RequestError("json_malformed", "This is not valid JSON.", field=within) from None
        message = f"The value is not valid ({first['type']})."
        raise RequestError("value_invalid", message, field=_path(first["loc"], model, within)) from None


def claimed_identity(claimed: Claimed | None) -> ClaimedIdentity | None:
    """The claim as a value of the domain; an empty one is none."""
    if claimed is None or not claimed.model_dump(exclude_none=True):
        return None
    return ClaimedIdentity(
        given_names=claimed.given_names,
        surname=claimed.surname,
        full_name=claimed.full_name,
        date_of_birth=claimed.date_of_birth,
    )


def evidence_of(form: Form, claimed: ClaimedIdentity | None = None) -> Evidence:
    """All files of the form as evidence."""
    images = {role: EncodedImage(form.parts[role]) for role in ImageRole if role in form.parts}
    return Evidence(images=images, claimed=claimed)


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises RequestError `idempotency_key_invalid`."""
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        message = "One key of 1 to 128 visible ASCII characters."
        raise RequestError("idempotency_key_invalid", message, field="Idempotency-Key")
    return values[0]


def fingerprint(route: str, parts: Mapping[str, bytes]) -> str:
    """SHA-256 over the route and every part's name and SHA-256, in the order of the names."""
    whole = hashlib.sha256(route.encode())
    for name in sorted(parts):
        whole.update(f"\n{name} {hashlib.sha256(parts[name]).hexdigest()}".encode())
    return whole.hexdigest()


async def _feed(request: Request, take: Callable[[bytes], None]) -> None:
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            async for chunk in request.stream():
                take(chunk)
    except TimeoutError as error:
        raise RequestError("upload_timeout", "The body took too long to arrive.") from error
    except ClientDisconnect as error:
        raise RequestError("upload_aborted", "The body was not sent to its end.") from error


def _path(location: tuple[int | str, ...], model: type[BaseModel], within: str | None) -> str | None:
    """The dotted path of a field as far as the names are ours: unknown keys may hold anything."""
    known: list[str] = [within] if within else []
    fields = model.model_fields
    for part in location:
        if part not in fields:
            break
        known.append(str(part))
        inner = [t for t in _types(fields[str(part)].annotation) if issubclass(t, BaseModel)]
        fields = inner[0].model_fields if inner else {}
    return ".".join(known) or None


def _types(annotation: object) -> list[type]:
    """The classes in an annotation such as `X | None`."""
    options = getattr(annotation, "__args__", (annotation,))
    return [option for option in options if isinstance(option, type)]

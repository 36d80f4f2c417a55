"""Routes of verifications: begin, list, show, add evidence, resolve, erase."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from idv.domain.decisions import Decision
from idv.domain.errors import RequestError
from idv.domain.evidence import ImageRole
from idv.domain.stores import Claim, Scope, StoredReply
from idv.domain.verifications import Verification
from idv.service import openapi
from idv.service.desk import Call, Desk
from idv.service.intake import (
    METADATA,
    claimed_identity,
    evidence_of,
    form_layout,
    parse_json,
    read_form,
    read_json,
)
from idv.service.multipart import Form
from idv.service.wire import (
    ApplicantRef,
    Cursor,
    EvidenceMetadata,
    Metadata,
    Resolution,
    erasure_out,
    page_out,
    plausible_id,
    reply,
    verification_out,
)

_CREATED = 201
_OK = 200
_ALL_ROLES = (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK, ImageRole.SELFIE)


def verification_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/verifications."""
    router = APIRouter(prefix="/v1/verifications", tags=["verifications"])
    _add_begin(router, desk)
    _add_list(router, desk)
    _add_show(router, desk)
    _add_evidence(router, desk)
    _add_resolve(router, desk)
    _add_erase(router, desk)
    return router


def _add_begin(router: APIRouter, desk: Desk) -> None:
    settings, cases = desk.application.settings, desk.application.verifications
    layout = form_layout(
        (ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE),
        (ImageRole.DOCUMENT_BACK,),
        max_part_bytes=settings.max_part_bytes,
        metadata=True,
    )

    @router.post("", **openapi.begin(layout))
    async def begin(request: Request) -> Response:
        """Decide on an applicant from a document and a selfie."""

        async def read(request: Request) -> tuple[Form, Metadata]:
            form = await read_form(request, layout, max_bytes=settings.max_body_bytes)
            return form, parse_json(form.parts.get(METADATA, b"{}"), Metadata, within=METADATA)

        def work(call: Call, body: tuple[Form, Metadata]) -> StoredReply:
            form, metadata = body
            evidence = evidence_of(form, claimed_identity(metadata.claimed))

            def judge(claim: Claim | None) -> StoredReply:
                decided = cases.begin(
                    call.step(claim), evidence, applicant_ref=metadata.applicant_ref, render=_created
                )
                desk.count(decided, judged=True)
                return _created(decided)

            return desk.once(call, request, form.parts, judge)

        return await desk.judge(request, Scope.VERIFY, lane=desk.heavy, read=read, work=work)


def _add_evidence(router: APIRouter, desk: Desk) -> None:
    settings, cases = desk.application.settings, desk.application.verifications
    layout = form_layout((), _ALL_ROLES, max_part_bytes=settings.max_part_bytes, metadata=True)

    @router.post("/{verification_id}/evidence", **openapi.evidence(layout))
    async def add_evidence(request: Request, verification_id: str) -> Response:
        """Answer a step_up with new pictures; the verification is decided again."""
        case = plausible_id(verification_id)

        async def read(request: Request) -> tuple[Form, EvidenceMetadata]:
            form = await read_form(request, layout, max_bytes=settings.max_body_bytes)
            if not any(role in form.parts for role in _ALL_ROLES):
                raise RequestError("part_missing", "Send at least one picture.")
            return form, parse_json(form.parts.get(METADATA, b"{}"), EvidenceMetadata, within=METADATA)

        def work(call: Call, body: tuple[Form, EvidenceMetadata]) -> StoredReply:
            form, metadata = body
            evidence = evidence_of(form, claimed_identity(metadata.claimed))

            def judge(claim: Claim | None) -> StoredReply:
                decided = cases.add_evidence(call.step(claim), case, evidence, render=_shown)
                desk.count(decided, judged=True)
                return _shown(decided)

            return desk.once(call, request, form.parts, judge)

        return await desk.judge(request, Scope.VERIFY, lane=desk.heavy, read=read, work=work)


def _add_resolve(router: APIRouter, desk: Desk) -> None:
    cases = desk.application.verifications

    @router.post("/{verification_id}/resolve", **openapi.resolve())
    async def resolve(request: Request, verification_id: str) -> Response:
        """A reviewer accepts or rejects, and says why; audited."""
        case = plausible_id(verification_id)

        async def read(request: Request) -> Resolution:
            return await read_json(request, Resolution)

        def work(call: Call, body: Resolution) -> StoredReply:
            def decide(claim: Claim | None) -> StoredReply:
                decided = cases.resolve(call.step(claim), case, body.decision, note=body.note, render=_shown)
                desk.count(decided, judged=False)
                return _shown(decided)

            return desk.once(call, request, {"body": body.model_dump_json().encode()}, decide)

        return await desk.judge(request, Scope.REVIEW, lane=desk.light, read=read, work=work)


def _add_erase(router: APIRouter, desk: Desk) -> None:
    cases = desk.application.verifications

    @router.post("/{verification_id}/erase", **openapi.erase())
    async def erase(request: Request, verification_id: str) -> Response:
        """Destroy everything kept about the applicant of this verification; the reply is the proof."""
        case = plausible_id(verification_id)
        return await desk.look_up(
            request,
            Scope.ERASE,
            lambda key: reply(
                _OK,
                erasure_out(case, cases.erase(key.tenant, case, actor=key.id)),
            ),
        )


def _add_list(router: APIRouter, desk: Desk) -> None:
    cases = desk.application.verifications

    @router.get("", **openapi.page())
    async def page(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[Cursor | None, Query()] = None,
        applicant_ref: Annotated[ApplicantRef | None, Query()] = None,
        decision: Annotated[Decision | None, Query()] = None,
    ) -> Response:
        """Verifications, newest first, a page at a time."""
        return await desk.look_up(
            request,
            Scope.READ,
            lambda key: reply(
                _OK,
                page_out(
                    cases.page(
                        key.tenant,
                        limit=limit,
                        cursor=cursor,
                        applicant_ref=applicant_ref,
                        decision=decision,
                    )
                ),
            ),
        )


def _add_show(router: APIRouter, desk: Desk) -> None:
    cases = desk.application.verifications

    @router.get("/{verification_id}", **openapi.show())
    async def show(request: Request, verification_id: str) -> Response:
        """One verification."""
        case = plausible_id(verification_id)
        return await desk.look_up(request, Scope.READ, lambda key: _shown(cases.get(key.tenant, case)))


def _created(verification: Verification) -> StoredReply:
    return reply(_CREATED, verification_out(verification))


def _shown(verification: Verification) -> StoredReply:
    return reply(_OK, verification_out(verification))

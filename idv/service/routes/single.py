"""Routes of single checks: compare faces, read or check a document, check liveness. Nothing is stored."""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from idv.domain.evidence import Evidence, ImageRole
from idv.domain.ports import Perception
from idv.domain.results import CheckName, CheckResult
from idv.domain.stores import Scope, StoredReply
from idv.service import openapi
from idv.service.desk import Call, Desk
from idv.service.intake import evidence_of, form_layout, read_form
from idv.service.multipart import Form, Layout
from idv.service.wire import (
    AuthenticityOut,
    DocumentCheckOut,
    SideOut,
    check_out,
    document_out,
    reply,
    side_out,
)

_OK = 200


def single_routes(desk: Desk) -> APIRouter:
    """The routes of single checks."""
    router = APIRouter(prefix="/v1", tags=["single checks"])
    _add_face_compare(router, desk)
    _add_liveness(router, desk)
    _add_document_read(router, desk)
    _add_document_check(router, desk)
    return router


def _add_face_compare(router: APIRouter, desk: Desk) -> None:
    limit = desk.application.settings.max_part_bytes
    layout = form_layout((ImageRole.REFERENCE, ImageRole.PROBE), max_part_bytes=limit)

    @router.post("/faces/compare", **openapi.single("compareFaces", layout, CheckName.FACE_MATCH))
    async def compare_faces(request: Request) -> Response:
        """Whether two pictures show the same person."""
        return await _checked(request, desk, CheckName.FACE_MATCH, layout)


def _add_liveness(router: APIRouter, desk: Desk) -> None:
    layout = form_layout((ImageRole.SELFIE,), max_part_bytes=desk.application.settings.max_part_bytes)

    @router.post("/liveness/check", **openapi.single("checkLiveness", layout, CheckName.LIVENESS))
    async def check_liveness(request: Request) -> Response:
        """Whether a selfie shows a live person rather than a print or a screen."""
        return await _checked(request, desk, CheckName.LIVENESS, layout)


def _add_document_read(router: APIRouter, desk: Desk) -> None:
    layout = _both_sides(desk)

    @router.post("/documents/read", **openapi.read_document(layout))
    async def read_document(request: Request) -> Response:
        """Read a document: machine-readable zone, printed fields, and whether they agree."""

        def body(result: CheckResult, evidence: Evidence, seen: Perception) -> DocumentCheckOut:
            back = ImageRole.DOCUMENT_BACK
            return DocumentCheckOut(
                check=check_out(result),
                front=document_out(seen.reading(ImageRole.DOCUMENT_FRONT)),
                back=document_out(seen.reading(back)) if back in evidence.images else None,
            )

        work = _work(desk, CheckName.DOCUMENT_READING, body)
        return await _judged(request, desk, layout, work)


def _add_document_check(router: APIRouter, desk: Desk) -> None:
    layout = _both_sides(desk)

    @router.post("/documents/check", **openapi.check_document(layout))
    async def check_document(request: Request) -> Response:
        """Whether a document is genuine: forged, copied, composed or contradicting itself, and where."""

        def body(result: CheckResult, evidence: Evidence, seen: Perception) -> AuthenticityOut:
            back = ImageRole.DOCUMENT_BACK
            return AuthenticityOut(
                check=check_out(result),
                front=_side(seen, ImageRole.DOCUMENT_FRONT),
                back=_side(seen, back) if back in evidence.images else None,
            )

        work = _work(desk, CheckName.DOCUMENT_AUTHENTICITY, body)
        return await _judged(request, desk, layout, work)


def _both_sides(desk: Desk) -> Layout:
    """A front and, if there is one, a back."""
    return form_layout(
        (ImageRole.DOCUMENT_FRONT,),
        (ImageRole.DOCUMENT_BACK,),
        max_part_bytes=desk.application.settings.max_part_bytes,
    )


def _side(seen: Perception, role: ImageRole) -> SideOut:
    return side_out(seen.reading(role), seen.document(role), seen.image(role))


async def _checked(request: Request, desk: Desk, name: CheckName, layout: Layout) -> Response:
    return await _judged(request, desk, layout, _work(desk, name, lambda result, *_: check_out(result)))


def _work(
    desk: Desk, name: CheckName, body: Callable[[CheckResult, Evidence, Perception], BaseModel]
) -> Callable[[Call, Form], StoredReply]:
    """Run one check, count it, and answer with what `body` makes of its result."""

    def work(call: Call, form: Form) -> StoredReply:
        evidence = evidence_of(form)
        result, seen = desk.application.single.judge(name, evidence, deadline=call.deadline)
        answer = body(result, evidence, seen)
        desk.metrics.check(result)
        desk.metrics.perceived(seen.stage_ms)
        return reply(_OK, answer)

    return work


async def _judged(
    request: Request, desk: Desk, layout: Layout, work: Callable[[Call, Form], StoredReply]
) -> Response:
    max_bytes = desk.application.settings.max_body_bytes

    async def read(request: Request) -> Form:
        return await read_form(request, layout, max_bytes=max_bytes)

    return await desk.judge(request, Scope.COMPARE, lane=desk.heavy, read=read, work=work)

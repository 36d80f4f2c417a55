"""Routes of labels from life: tell what a verification turned out to be, and read what was told."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from idv.domain.labels import LifeLabel
from idv.domain.stores import Claim, Scope, StoredReply
from idv.service import openapi
from idv.service.desk import Call, Desk
from idv.service.intake import read_json
from idv.service.wire import LabelIn, labels_out, plausible_id, reply
from idv.workflow.labelling import Labelling, Teller, Told

_CREATED = 201
_OK = 200


def label_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/verifications/{id}/labels."""
    router = APIRouter(prefix="/v1/verifications/{verification_id}/labels", tags=["labels"])
    labelling = Labelling(desk.application.stores.verifications, desk.application.clock)
    _add_tell(router, desk, labelling)
    _add_show(router, desk, labelling)
    return router


def _add_tell(router: APIRouter, desk: Desk, labelling: Labelling) -> None:
    @router.post("", **openapi.add_label())
    async def add_label(request: Request, verification_id: str) -> Response:
        """Tell what a verification turned out to be; telling again revises it. No decision changes."""
        case = plausible_id(verification_id)

        async def read(request: Request) -> LabelIn:
            return await read_json(request, LabelIn)

        def work(call: Call, body: LabelIn) -> StoredReply:
            told = Told(body.truth, body.source, body.labelled_by, body.known_at)

            def tell(claim: Claim | None) -> StoredReply:
                teller = Teller(call.key.tenant, call.key.id, claim)
                return _created(case, labelling.tell(teller, case, told, render=_created))

            return desk.once(call, request, {"body": body.model_dump_json().encode()}, tell)

        return await desk.judge(request, Scope.REVIEW, lane=desk.light, read=read, work=work)


def _add_show(router: APIRouter, desk: Desk, labelling: Labelling) -> None:
    @router.get("", **openapi.show_labels())
    async def show_labels(request: Request, verification_id: str) -> Response:
        """Everything that was told of a verification, oldest first, and what is in force."""
        case = plausible_id(verification_id)
        return await desk.look_up(
            request,
            Scope.REVIEW,
            lambda key: reply(_OK, labels_out(case, labelling.of(key.tenant, case))),
        )


def _created(verification_id: str, labels: Sequence[LifeLabel]) -> StoredReply:
    return reply(_CREATED, labels_out(verification_id, labels))

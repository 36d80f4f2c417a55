"""A verification with shadow points: the same to everybody outside, verdicts kept beside its results."""

import dataclasses

from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName, Outcome, ShadowVerdict
from idv.domain.verifications import Verification
from idv.service.wire import verification_out
from tests.unit.workflow.test_shadows import POINT
from tests.unit.workflow.test_verification import Desk


def begun(*points: OperatingPoint) -> tuple[Desk, Verification]:
    """One good case, judged under shadow points."""
    desk = Desk()
    runner = dataclasses.replace(desk.cases.runner, shadows={CheckName.FACE_MATCH: points})
    desk.cases = dataclasses.replace(desk.cases, runner=runner)
    return desk, desk.begin(ref="a-1", document_front=b"d", selfie=b"p")


def test_verdicts_are_stored_and_nothing_else_differs() -> None:
    """Decision, reply, webhook and audit action are those of a service without shadows."""
    shadow = dataclasses.replace(POINT, check=CheckName.FACE_MATCH, threshold=9.0)
    plain, without = begun()
    shadowed, with_one = begun(shadow)
    (kept,) = shadowed.cases.get("t1", with_one.id).results
    assert kept.shadows == (ShadowVerdict("run-shadow", 9.0, Outcome.INCONCLUSIVE),)
    assert with_one.decisions == without.decisions
    assert dataclasses.replace(kept, shadows=()) == without.results[0]
    assert verification_out(with_one).model_dump_json() == verification_out(without).model_dump_json()
    sent = [
        [event.payload for event, _ in desk.stores.outbox.due(now=desk.clock.now(), limit=9)]
        for desk in (plain, shadowed)
    ]
    assert sent[0] == sent[1]
    actions = [[entry.action for entry in desk.stores.audit.entries()] for desk in (plain, shadowed)]
    assert actions[0] == actions[1]

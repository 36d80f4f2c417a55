"""Facts about running checks: whatever a check does, a result comes out and nothing else."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from idv.domain.errors import DeadlineExceeded, ModelError
from idv.domain.evidence import Evidence
from idv.domain.ports import Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Signal
from idv.infra.clock import ManualClock
from idv.workflow.runner import CheckRunner

CONTEXT = cast("Perception", object())


@dataclass
class Scripted:
    """A check that does what it is told."""

    act: Callable[["Scripted"], CheckResult]
    clock: ManualClock = field(default_factory=ManualClock)
    name: CheckName = CheckName.LIVENESS
    provider: str = "own"
    digest: str = "d1"

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Act."""
        return self.act(self)

    def passed(self) -> CheckResult:
        """A good result."""
        return CheckResult(self.name, Outcome.PASS, self.provider, self.digest, self.clock.now(), score=1.0)


def run(check: Scripted, *, deadline: float = 10.0) -> CheckResult:
    """One result of one check."""
    (result,) = CheckRunner([check], check.clock).run(Evidence({}), CONTEXT, deadline=deadline)
    return result


def _raise(error: Exception) -> CheckResult:
    raise error


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda _: _raise(RuntimeError("broken")), Reason.CHECK_ERROR),
        (lambda _: _raise(ModelError("model_missing", "no such file")), Reason.CHECK_ERROR),
        (lambda _: _raise(DeadlineExceeded("deadline", "too late")), Reason.DEADLINE_EXCEEDED),
        (lambda c: dataclasses.replace(c.passed(), score=math.nan), Reason.SCORE_NOT_FINITE),
        (lambda c: dataclasses.replace(c.passed(), score=-math.inf), Reason.SCORE_NOT_FINITE),
        (lambda c: dataclasses.replace(c.passed(), score=None), Reason.SCORE_NOT_FINITE),
        (lambda c: dataclasses.replace(c.passed(), name=CheckName.FACE_MATCH), Reason.CHECK_ERROR),
        (lambda c: dataclasses.replace(c.passed(), check_digest="other"), Reason.CHECK_ERROR),
    ],
)
def test_a_check_that_breaks_is_inconclusive(act: Callable[[Scripted], CheckResult], reason: Reason) -> None:
    """Exceptions, time-outs, NaN and foreign results all become inconclusive with a technical reason."""
    result = run(Scripted(act))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (reason,))
    assert result.name is CheckName.LIVENESS
    assert result.score is None


def test_nothing_runs_past_the_deadline() -> None:
    """A check is not even started when the time is up."""
    result = run(Scripted(lambda _: _raise(AssertionError("was started"))), deadline=0.0)
    assert result.reasons == (Reason.DEADLINE_EXCEEDED,)


def test_a_good_result_passes_with_its_latency() -> None:
    """A sound result is left as it is, apart from the time it took and signals without a finite score."""

    def act(check: Scripted) -> CheckResult:
        check.clock.advance(0.25)
        return dataclasses.replace(check.passed(), signals=(Signal("a", 1.0), Signal("b", math.nan)))

    result = run(Scripted(act))
    assert result.outcome is Outcome.PASS
    assert result.latency_ms == pytest.approx(250.0)
    assert [signal.name for signal in result.signals] == ["a"]

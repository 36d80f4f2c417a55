"""Runs checks over one perception: whatever breaks becomes a result, never an exception or a gap."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from idv.domain.errors import DeadlineExceeded, ModelError
from idv.domain.evidence import Evidence
from idv.domain.ports import Check, Clock, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckResult, Outcome
from idv.infra.telemetry.log import logger
from idv.workflow.shadows import Shadows, shadow_verdicts

_log = logger(__name__)


@dataclass(frozen=True)
class CheckRunner:
    """Runs checks one after the other; they share the perception, so order costs nothing.

    `shadows`: operating points that every score is compared with, and that change no outcome.
    """

    checks: Sequence[Check]
    clock: Clock
    shadows: Shadows = field(default_factory=dict)

    def run(self, evidence: Evidence, context: Perception, *, deadline: float) -> tuple[CheckResult, ...]:
        """One result a check, in order; past `deadline` (Clock.monotonic, s) inconclusive ones."""
        return tuple(self.run_one(check, evidence, context, deadline=deadline) for check in self.checks)

    def run_one(
        self, check: Check, evidence: Evidence, context: Perception, *, deadline: float
    ) -> CheckResult:
        """The check's result, made safe: finite scores only, its own name and digest, a latency."""
        started = self.clock.monotonic()
        if started >= deadline:
            return self._broken(check, Reason.DEADLINE_EXCEEDED)
        try:
            result = check.judge(evidence, context, deadline=deadline)
        except DeadlineExceeded:
            result = self._broken(check, Reason.DEADLINE_EXCEEDED)
        except ModelError as error:
            _log.error("check_model_error", check=check.name, code=error.code)
            result = self._broken(check, Reason.CHECK_ERROR)
        # The outer edge of a plug-in: whatever it raises must end as inconclusive, not as a lost case.
        except Exception as error:  # noqa: BLE001
            _log.error("check_error", check=check.name, error_type=type(error).__name__)
            result = self._broken(check, Reason.CHECK_ERROR)
        latency_ms = (self.clock.monotonic() - started) * 1000
        safe = self._made_safe(check, result)
        shadows = shadow_verdicts(safe, self.shadows.get(check.name, ()))
        return dataclasses.replace(safe, latency_ms=latency_ms, shadows=shadows)

    def _made_safe(self, check: Check, result: CheckResult) -> CheckResult:
        """A pass without a finite score, or under another check's name, says nothing."""
        if result.name is not check.name or result.check_digest != check.digest:
            return self._broken(check, Reason.CHECK_ERROR)
        signals = tuple(s for s in result.signals if math.isfinite(s.score))
        if result.score is not None and not math.isfinite(result.score):
            return self._broken(check, Reason.SCORE_NOT_FINITE)
        if result.outcome is Outcome.PASS and result.score is None:
            return self._broken(check, Reason.SCORE_NOT_FINITE)
        return dataclasses.replace(result, signals=signals)

    def _broken(self, check: Check, reason: Reason) -> CheckResult:
        return CheckResult(
            name=check.name,
            outcome=Outcome.INCONCLUSIVE,
            provider=check.provider,
            check_digest=check.digest,
            produced_at=self.clock.now(),
            reasons=(reason,),
        )

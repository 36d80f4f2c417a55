"""Live verifications made of literal values."""

import datetime as dt
from typing import Any

from idv.domain.decisions import Decision
from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.results import CheckName, CheckResult, Outcome, ShadowVerdict

AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def result(
    score: float | None = 1.0, outcome: Outcome = Outcome.PASS, *, shadow: Outcome | None = None, **more: Any
) -> CheckResult:
    """A liveness result, with the verdict of one shadow point if there is one."""
    shadows = () if shadow is None else (ShadowVerdict("run-shadow", 0.5, shadow),)
    values: dict[str, Any] = {
        "name": CheckName.LIVENESS,
        "provider": "open",
        "check_digest": "d",
        "produced_at": AT,
    } | more
    return CheckResult(outcome=outcome, score=score, shadows=shadows, **values)


def case(number: int, *results: CheckResult, truth: Truth | None = None, **more: Any) -> LiveCase:
    """Verification `number`, a second after the one before."""
    values: dict[str, Any] = {"tenant": "acme", "decision": Decision.ACCEPT} | more
    created = AT + dt.timedelta(seconds=number)
    return LiveCase(f"v{number:05d}", created_at=created, results=results, truth=truth, **values)

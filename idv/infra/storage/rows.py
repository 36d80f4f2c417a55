"""Verifications, results and decisions as JSON rows and back; an unknown code fails loudly.

Floats keep every bit (JSON's shortest round-trip form), times are ISO 8601 in UTC, order is kept.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from idv.domain.decisions import Decision, DecisionRecord, Finding, Step
from idv.domain.errors import IntegrityError
from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Region, ShadowVerdict, Signal
from idv.domain.verifications import Status

Row = dict[str, Any]  # JSON: what comes back is checked by the mapping, not by the type
Value = TypeVar("Value")


def result_row(result: CheckResult) -> Row:
    """A check result as JSON. Raises ValueError for a number that is not finite: none may be stored."""
    return {
        "name": result.name.value,
        "outcome": result.outcome.value,
        "provider": result.provider,
        "check_digest": result.check_digest,
        "produced_at": _time(result.produced_at),
        "score": _finite(result.score),
        "threshold": _finite(result.threshold),
        "operating_point": result.operating_point,
        "reasons": [reason.value for reason in result.reasons],
        "signals": [_signal_row(signal) for signal in result.signals],
        "latency_ms": _finite(result.latency_ms),
        # Left out when there are none, so that rows and pins from before there were any stay the same.
        **({"regions": [_region_row(region) for region in result.regions]} if result.regions else {}),
        **({"shadows": [_shadow_row(verdict) for verdict in result.shadows]} if result.shadows else {}),
    }


def result_from(row: Mapping[str, Any]) -> CheckResult:
    """The inverse of `result_row`. Raises IntegrityError."""
    return _read(_result, row)


def decision_row(record: DecisionRecord) -> Row:
    """A decision as JSON, without its note: that is personal data and sealed on its own."""
    return {
        "decision": record.decision.value,
        "findings": [[finding.check.value, finding.reason.value] for finding in record.findings],
        "steps": [step.value for step in record.steps],
        "policy": record.policy,
        "policy_digest": record.policy_digest,
        "decided_at": _time(record.decided_at),
        "decided_by": record.decided_by,
    }


def decision_from(row: Mapping[str, Any], *, note: str | None) -> DecisionRecord:
    """The inverse of `decision_row` with the note put back. Raises IntegrityError."""
    return _read(lambda raw: _decision(raw, note), row)


def status_from(text: str) -> Status:
    """A stored status. Raises IntegrityError."""
    return _read(Status, text)


def _result(row: Mapping[str, Any]) -> CheckResult:
    return CheckResult(
        name=CheckName(row["name"]),
        outcome=Outcome(row["outcome"]),
        provider=row["provider"],
        check_digest=row["check_digest"],
        produced_at=dt.datetime.fromisoformat(row["produced_at"]),
        score=row["score"],
        threshold=row["threshold"],
        operating_point=row["operating_point"],
        reasons=tuple(Reason(code) for code in row["reasons"]),
        signals=tuple(_signal(signal) for signal in row["signals"]),
        regions=tuple(_region(region) for region in row.get("regions", ())),
        latency_ms=row["latency_ms"],
        shadows=tuple(_shadow(verdict) for verdict in row.get("shadows", ())),
    )


def _decision(row: Mapping[str, Any], note: str | None) -> DecisionRecord:
    return DecisionRecord(
        decision=Decision(row["decision"]),
        findings=tuple(Finding(CheckName(check), Reason(reason)) for check, reason in row["findings"]),
        steps=tuple(Step(step) for step in row["steps"]),
        policy=row["policy"],
        policy_digest=row["policy_digest"],
        decided_at=dt.datetime.fromisoformat(row["decided_at"]),
        decided_by=row["decided_by"],
        note=note,
    )


def _signal_row(signal: Signal) -> Row:
    return {
        "name": signal.name,
        "score": _finite(signal.score),
        "reasons": [reason.value for reason in signal.reasons],
    }


def _signal(row: Mapping[str, Any]) -> Signal:
    return Signal(row["name"], row["score"], tuple(Reason(code) for code in row["reasons"]))


def _region_row(region: Region) -> Row:
    outline = [[_finite(x), _finite(y)] for x, y in region.outline]
    return {"role": region.role.value, "signal": region.signal, "outline": outline}


def _region(row: Mapping[str, Any]) -> Region:
    outline = tuple((float(x), float(y)) for x, y in row["outline"])
    return Region(ImageRole(row["role"]), row["signal"], outline)


def _shadow_row(verdict: ShadowVerdict) -> Row:
    return {
        "operating_point": verdict.operating_point,
        "threshold": _finite(verdict.threshold),
        "outcome": verdict.outcome.value,
    }


def _shadow(row: Mapping[str, Any]) -> ShadowVerdict:
    return ShadowVerdict(row["operating_point"], row["threshold"], Outcome(row["outcome"]))


def _read(make: Callable[[Any], Value], raw: object) -> Value:
    try:
        return make(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("row_unreadable", "A stored row holds a value this version lacks.") from error


def _finite(number: float | None) -> float | None:
    if number is not None and not math.isfinite(number):
        raise ValueError("a number that is not finite cannot be stored")
    return number if number is None else float(number)


def _time(at: dt.datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("a stored time needs a time zone")
    return at.astimezone(dt.UTC).isoformat()

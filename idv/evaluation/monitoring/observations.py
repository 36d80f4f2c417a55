"""Live results as rows: one a verification and check, the first that ran; no applicant in any of them."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from idv.documents.states import is_state
from idv.domain.decisions import Decision
from idv.domain.documents import FieldName
from idv.domain.evidence import ImageRole
from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.workflow.memory import from_private

READINGS = frozenset({f"reading.{ImageRole.DOCUMENT_FRONT}", f"reading.{ImageRole.DOCUMENT_BACK}"})
"""The private data a country is found in; nothing else of it is looked at."""


@dataclass(frozen=True)
class Observed:
    """One live result. `score` is -inf where there is none; `country` the issuing state, None if unknown."""

    verification: str
    created_at: dt.datetime
    check: CheckName
    provider: str
    check_digest: str
    outcome: Outcome
    score: float
    reasons: tuple[str, ...]
    signals: Mapping[str, float]
    country: str | None
    decision: Decision | None
    truth: Truth | None


def observe(cases: Iterable[LiveCase], check: CheckName | None = None) -> Iterator[Observed]:
    """The rows of some verifications, of one check or all; a later attempt is no row of its own."""
    for case in cases:
        country = country_of(case.private)
        first: dict[tuple[CheckName, str], CheckResult] = {}
        for result in case.results:
            if result.outcome is not Outcome.NOT_RUN and check in (None, result.name):
                first.setdefault((result.name, result.provider), result)
        for result in first.values():
            yield _row(case, result, country)


def country_of(private: Mapping[str, bytes]) -> str | None:
    """The issuing state read from a document, if it is one that documents carry."""
    for reading in from_private(private).readings.values():
        written = [reading.mrz.fields.get(FieldName.ISSUING_STATE, "")] if reading.mrz else []
        written += [field.value for field in reading.fields if field.name is FieldName.ISSUING_STATE]
        for code in written:
            if is_state(code):
                return code.rstrip("<")
    return None


def _row(case: LiveCase, result: CheckResult, country: str | None) -> Observed:
    return Observed(
        verification=case.id,
        created_at=case.created_at,
        check=result.name,
        provider=result.provider,
        check_digest=result.check_digest,
        outcome=result.outcome,
        score=-math.inf if result.score is None else result.score,
        reasons=tuple(result.reasons),
        signals={signal.name: signal.score for signal in result.signals},
        country=country,
        decision=case.decision,
        truth=case.truth,
    )

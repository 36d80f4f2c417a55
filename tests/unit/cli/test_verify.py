"""Facts about `idv verify`: what it prints, and what it refuses."""

import datetime as dt
import json
from pathlib import Path

import pytest

from idv.cli import verify
from idv.domain.decisions import Decision, DecisionRecord, Finding, Step
from idv.domain.errors import RequestError
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome

NOW = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
RESULT = CheckResult(
    CheckName.FACE_MATCH,
    Outcome.INCONCLUSIVE,
    "open",
    "d",
    NOW,
    score=1.5,
    threshold=2.0,
    operating_point="run-1",
    reasons=(Reason.MATCH_UNCERTAIN,),
    latency_ms=12.345,
)
RECORD = DecisionRecord(
    Decision.STEP_UP,
    (Finding(CheckName.FACE_MATCH, Reason.MATCH_UNCERTAIN),),
    (Step.RECAPTURE_SELFIE,),
    "onboarding",
    "p",
    NOW,
)


def test_the_json_has_the_documented_fields() -> None:
    """`decision`, `reasons[]`, `steps[]` and `checks[]` with every field, as plain JSON."""
    shown = json.loads(json.dumps(verify.to_json(RECORD, (RESULT,))))
    assert (shown["decision"], shown["steps"]) == ("step_up", ["recapture_selfie"])
    assert shown["reasons"][0]["code"] == "match_uncertain"
    assert shown["checks"] == [
        {
            "name": "face_match",
            "outcome": "inconclusive",
            "score": 1.5,
            "threshold": 2.0,
            "operating_point": "run-1",
            "provider": "open",
            "reasons": ["match_uncertain"],
            "latency_ms": 12.3,
        }
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says which of the two pictures cannot be read."""
    with pytest.raises(RequestError) as refused:
        verify.verify(tmp_path / "absent.jpg", tmp_path / "absent.jpg")
    assert (refused.value.code, refused.value.field) == ("file_unreadable", "document_front")


def test_a_date_in_another_form_is_refused(tmp_path: Path) -> None:
    """Dates are YYYY-MM-DD: 04/05/2026 could be two days."""
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(RequestError, match="YYYY-MM-DD"):
        verify.verify(tmp_path / "x", tmp_path / "x", born="04/05/2026")

"""Results and decisions as JSON and back."""

import datetime as dt
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.decisions import Decision, DecisionRecord, Finding, Step
from idv.domain.errors import IntegrityError
from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Region, Signal
from idv.infra.storage.rows import decision_from, decision_row, result_from, result_row, status_from

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(
    min_value=dt.datetime(1970, 1, 1),  # noqa: DTZ001 - the zone is drawn beside it
    timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=45))]),
)
REASONS = st.lists(st.sampled_from(Reason), max_size=4).map(tuple)
SHARE = st.floats(0, 1)
REGIONS = st.lists(
    st.builds(
        Region,
        st.sampled_from(ImageRole),
        st.text(),
        st.lists(st.tuples(SHARE, SHARE), min_size=3, max_size=5).map(tuple),
    ),
    max_size=2,
).map(tuple)
RESULTS = st.builds(
    CheckResult,
    name=st.sampled_from(CheckName),
    outcome=st.sampled_from(Outcome),
    provider=st.text(),
    check_digest=st.text(),
    produced_at=TIMES,
    score=st.none() | FINITE,
    threshold=st.none() | FINITE,
    operating_point=st.none() | st.text(),
    reasons=REASONS,
    signals=st.lists(st.builds(Signal, st.text(), FINITE, REASONS), max_size=3).map(tuple),
    regions=REGIONS,
    latency_ms=FINITE,
)
DECISIONS = st.builds(
    DecisionRecord,
    decision=st.sampled_from(Decision),
    findings=st.lists(
        st.builds(Finding, st.sampled_from(CheckName), st.sampled_from(Reason)), max_size=4
    ).map(tuple),
    steps=st.lists(st.sampled_from(Step), max_size=3).map(tuple),
    policy=st.text(),
    policy_digest=st.text(),
    decided_at=TIMES,
    decided_by=st.text(),
    note=st.none() | st.text(),
)
AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
RESULT = CheckResult(
    CheckName.LIVENESS, Outcome.PASS, "open", "d", AT, score=1.0, signals=(Signal("s", 0.0),)
)
RECORD = DecisionRecord(Decision.ACCEPT, (Finding(CheckName.LIVENESS, Reason.NO_FACE),), (), "p", "d", AT)


@given(RESULTS)
def test_a_result_survives_json(result: CheckResult) -> None:
    """Every float keeps every bit, every time its microsecond, every code its meaning."""
    row = json.loads(json.dumps(result_row(result)))
    assert result_from(row) == result
    assert repr(result_from(row).score) == repr(result.score)


@given(DECISIONS)
def test_a_decision_survives_json_and_its_note_stays_out_of_it(record: DecisionRecord) -> None:
    """The note is not part of the row, and put back beside it gives the same record."""
    row = json.loads(json.dumps(decision_row(record)))
    assert "note" not in row
    assert decision_from(row, note=record.note) == record


@pytest.mark.parametrize("element", ["name", "outcome", "reasons", "signals", "produced_at"])
def test_an_unknown_code_in_a_result_fails_loudly(element: str) -> None:
    """A code of a later version, or damage, is an IntegrityError and never a silent default."""
    row = result_row(RESULT)
    row[element] = ["from_the_future"] if isinstance(row[element], list) else "from_the_future"
    with pytest.raises(IntegrityError):
        result_from(row)


@pytest.mark.parametrize("element", ["decision", "findings", "steps", "decided_at"])
def test_an_unknown_code_in_a_decision_fails_loudly(element: str) -> None:
    """Likewise for decisions: above all none is read as accept."""
    row = decision_row(RECORD)
    row[element] = [["from", "the future"]] if isinstance(row[element], list) else "from_the_future"
    with pytest.raises(IntegrityError):
        decision_from(row, note=None)


@pytest.mark.parametrize("element", [*result_row(RESULT)])
def test_a_missing_element_fails_loudly(element: str) -> None:
    """A row without one of its elements is not read."""
    row = result_row(RESULT)
    del row[element]
    with pytest.raises(IntegrityError):
        result_from(row)


def test_an_unknown_status_fails_loudly() -> None:
    """A status this version lacks is an IntegrityError."""
    with pytest.raises(IntegrityError):
        status_from("half-decided")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_cannot_be_stored(number: float) -> None:
    """Neither as a score nor as a threshold nor in a signal."""
    for wrong in (
        replace(RESULT, score=number),
        replace(RESULT, threshold=number),
        replace(RESULT, latency_ms=number),
        replace(RESULT, signals=(Signal("s", number),)),
    ):
        with pytest.raises(ValueError, match="finite"):
            result_row(wrong)


def test_a_naive_time_cannot_be_stored() -> None:
    """A time without a zone would mean the zone of the machine."""
    with pytest.raises(ValueError, match="zone"):
        result_row(replace(RESULT, produced_at=dt.datetime(2026, 3, 1)))  # noqa: DTZ001 - the point

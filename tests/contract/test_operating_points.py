"""Every check that cuts its score at a point cuts it as the point itself says: so shadows tell the truth."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.checks.document_authenticity.calibration import AuthenticityCalibration
from idv.checks.document_authenticity.check import DocumentAuthenticity, _Judged
from idv.checks.document_authenticity.parts import Parts
from idv.checks.face_match.calibration import Calibration
from idv.checks.face_match.check import FaceMatch
from idv.checks.liveness.check import Liveness
from idv.documents.document_types import DocumentTypes
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.results import CheckName, CheckResult
from idv.infra.clock import ManualClock

CLOCK = ManualClock()
FINITE = st.floats(-100, 100)


def point(check: CheckName, threshold: float, reject_below: float | None) -> OperatingPoint:
    """A point of a check whose digest is `d`."""
    return OperatingPoint(
        check,
        threshold,
        "d",
        "s",
        "e",
        "t",
        0.5,
        Interval(0, 1),
        "r",
        dt.date(2026, 1, 1),
        reject_below=reject_below,
    )


def face_match(cut: OperatingPoint, score: float) -> CheckResult:
    """What face matching makes of a score."""
    check = FaceMatch(
        point=cut, calibration=Calibration({"m": 1.0}, 0.0, "c"), clock=CLOCK, provider="own", digest="d"
    )
    return check._judged(score)


def liveness(cut: OperatingPoint, score: float) -> CheckResult:
    """What liveness makes of a score."""
    check = Liveness(
        network=None,  # type: ignore[arg-type] # not reached
        calibration=None,  # type: ignore[arg-type] # not reached
        point=cut,
        clock=CLOCK,
        provider="own",
        digest="d",
    )
    return check._result(check._verdict(score), score=score)


def document_authenticity(cut: OperatingPoint, score: float) -> CheckResult:
    """What document authenticity makes of a score."""
    check = DocumentAuthenticity(
        parts=Parts(),
        types=DocumentTypes(()),
        calibration=AuthenticityCalibration({}, "c"),
        point=None,
        clock=CLOCK,
        provider="own",
        looks={},
    )
    fitting = replace(check, point=replace(cut, check_digest=check.digest))
    return fitting._concluded(_Judged({}, obstacles=(), incomplete=(), doubts={}, looks=score))


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        (CheckName.FACE_MATCH, face_match),
        (CheckName.LIVENESS, liveness),
        (CheckName.DOCUMENT_AUTHENTICITY, document_authenticity),
    ],
)
@given(score=FINITE, threshold=FINITE, gap=st.none() | st.floats(0, 50))
def test_a_check_and_its_point_agree(
    name: CheckName,
    judge: Callable[[OperatingPoint, float], CheckResult],
    score: float,
    threshold: float,
    gap: float | None,
) -> None:
    """For every score, threshold and lower threshold; and the result names the point it was cut at."""
    cut = point(name, threshold, None if gap is None else threshold - gap)
    result = judge(cut, score)
    assert result.outcome is cut.outcome_of(score)
    assert result.operating_point == "r"

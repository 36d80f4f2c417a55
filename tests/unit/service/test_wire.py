"""Facts about replies: deterministic, and showing the results in force."""

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.evidence import ImageRole
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Region, Signal
from idv.domain.verifications import Status, Verification
from idv.service.wire import check_out, plausible_id, reply, side_out, verification_out

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
RESULTS = st.builds(
    CheckResult,
    name=st.sampled_from(CheckName),
    outcome=st.sampled_from(Outcome),
    provider=st.just("open"),
    check_digest=st.just("d"),
    produced_at=st.just(AT),
    score=st.none() | st.floats(-1e6, 1e6),
    reasons=st.lists(st.sampled_from(list(Reason)), max_size=2).map(tuple),
)


def verification(*results: CheckResult) -> Verification:
    """A verification with these results."""
    return Verification("ver_1", "acme", Status.PROCESSING, AT, AT, results=results)


@given(st.lists(RESULTS, max_size=6))
def test_rendering_twice_gives_the_same_bytes(results: list[CheckResult]) -> None:
    """What is stored is what was answered."""
    case = verification(*results)
    assert reply(200, verification_out(case)) == reply(200, verification_out(case))


@given(st.lists(RESULTS, max_size=8))
def test_each_check_is_shown_once_with_the_last_result_that_ran(results: list[CheckResult]) -> None:
    """A `not_run` hides no earlier result of the same check."""
    shown = {check.name: check.outcome for check in verification_out(verification(*results)).checks}
    for name in {result.name for result in results}:
        ran = [r.outcome for r in results if r.name is name and r.outcome is not Outcome.NOT_RUN]
        assert shown[name] is (ran[-1] if ran else Outcome.NOT_RUN)
    assert len(shown) == len({result.name for result in results})


def test_regions_and_corners_are_shares_of_the_picture() -> None:
    """Four digits of a share are finer than a pixel; a side without a document has no quadrilateral."""
    region = Region(ImageRole.DOCUMENT_FRONT, "tampering", ((0.123456, 0.5), (0.6, 0.5), (0.6, 0.9)))
    result = CheckResult(CheckName.DOCUMENT_AUTHENTICITY, Outcome.FAIL, "open", "d", AT, regions=(region,))
    (shown,) = check_out(result).regions
    assert (shown.image, shown.outline[0]) == (ImageRole.DOCUMENT_FRONT, (0.1235, 0.5))
    image = DecodedImage(np.zeros((50, 100, 3), np.uint8), MediaType.JPEG, 200, 100)
    corners = np.array([[10, 5], [90, 5], [90, 45], [10, 45]], np.float32)
    view = DocumentView(corners, image.pixels, 0.9)
    assert side_out(DocumentReading(), view, image).quadrilateral == (
        (0.1, 0.1),
        (0.9, 0.1),
        (0.9, 0.9),
        (0.1, 0.9),
    )
    assert side_out(DocumentReading(), None, image).quadrilateral is None


def test_a_verification_without_a_decision_is_shown_as_such() -> None:
    """No decision, no reasons, no steps; never an accept by default."""
    shown = verification_out(verification())
    assert (shown.decision, shown.decided_by, shown.reasons, shown.steps) == (None, None, (), ())


def test_scores_are_rounded_and_signals_shown() -> None:
    """Six digits are enough for anybody."""
    result = CheckResult(
        CheckName.LIVENESS,
        Outcome.FAIL,
        "open",
        "d",
        AT,
        score=0.123456789,
        reasons=(Reason.PRESENTATION_ATTACK,),
        signals=(Signal("moire", 0.5, (Reason.PRESENTATION_ATTACK,)),),
        latency_ms=1.26,
    )
    shown = check_out(result)
    assert (shown.score, shown.latency_ms, shown.signals[0].name) == (0.123457, 1.3, "moire")


@given(st.text())
def test_only_what_could_be_an_identifier_reaches_a_store(text: str) -> None:
    """Everything else becomes one that nothing has."""
    assert plausible_id(text) == "none" or (plausible_id(text) == text and text.isascii())

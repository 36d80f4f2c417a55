"""Comparing shadow points with what was in force."""

import pytest

from idv.domain.labels import Truth
from idv.domain.results import Outcome
from idv.evaluation.monitoring.shadows import compare_shadows
from tests.unit.evaluation.monitoring.live import case, result

PASS, FAIL, UNSURE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def test_outcomes_are_counted_by_what_was_in_force_and_what_the_shadow_said() -> None:
    """Three agree, one only the shadow would pass, one only the point in force passed."""
    pairs = [(PASS, PASS), (FAIL, FAIL), (UNSURE, UNSURE), (FAIL, PASS), (PASS, UNSURE)]
    cases = [case(n, result(outcome=one, shadow=other)) for n, (one, other) in enumerate(pairs)]
    (found,) = compare_shadows(cases)
    assert found.total == 5
    assert found.matrix == dict.fromkeys(pairs, 1)
    assert (found.agreement.count, found.newly_passed.count, found.newly_held.count) == (3, 1, 1)
    assert found.agreement.interval is not None
    assert found.agreement.interval.low < 0.6 < found.agreement.interval.high


def test_a_verification_speaks_once() -> None:
    """A second attempt of the same applicant is no witness of its own."""
    twice = case(0, result(outcome=FAIL, shadow=PASS), result(outcome=PASS, shadow=PASS))
    (found,) = compare_shadows([twice])
    assert found.matrix == {(FAIL, PASS): 1}


def test_other_models_and_other_providers_are_told_apart() -> None:
    """What a shadow said of scores of other models is another comparison."""
    cases = [
        case(0, result(shadow=PASS)),
        case(1, result(shadow=PASS, check_digest="e")),
        case(2, result(shadow=PASS, provider="vendor")),
        case(3, result()),
    ]
    assert [found.total for found in compare_shadows(cases)] == [1, 1, 1]


def test_labels_say_who_was_right() -> None:
    """Of ten frauds the point in force passed eight and the shadow one; of genuine, none was held."""
    said = [(PASS if n < 8 else FAIL, PASS if n < 1 else FAIL) for n in range(10)]
    fraud = [
        case(n, result(outcome=one, shadow=other), truth=Truth.FRAUD_CONFIRMED)
        for n, (one, other) in enumerate(said)
    ]
    genuine = [case(n, result(shadow=PASS), truth=Truth.GENUINE_CONFIRMED) for n in range(10, 13)]
    (found,) = compare_shadows([*fraud, *genuine, case(99, result(shadow=FAIL))])
    first, second = found.labelled
    assert (first.enforced.count, first.shadow.count, first.shadow.total) == (8, 1, 10)
    assert first.p_value == pytest.approx(2 * 2.0**-7)
    assert (second.enforced.count, second.shadow.count, second.p_value) == (0, 0, 1.0)


def test_without_shadows_there_is_nothing_to_compare() -> None:
    """An empty report, not an error."""
    assert compare_shadows([case(0, result())]) == ()

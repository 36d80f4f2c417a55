"""The gate over literal runs: what fails, what does not, what is refused before any work."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from idv.domain.errors import RequestError
from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName, Outcome
from idv.evaluation.gate.compare import GateReport, Verdict, compare
from idv.evaluation.gate.rules import GateRule, GateRules
from tests.unit.evaluation.gate.runs import RECORD, Columns, pair_run, run

PASS, FAIL, UNSURE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
BPCER = GateRule(CheckName.LIVENESS, "bpcer")
FNMR = GateRule(CheckName.FACE_MATCH, "fnmr", at="fmr=0.1")


def gate(*rules: GateRule, nominal: float = 0.02) -> GateRules:
    """Rules with few resamples."""
    return GateRules(rules, nominal=nominal, resamples=200)


def refused(number: int, size: int = 40, **more: Any) -> Columns:
    """Bona fide items of which the first `number` are refused."""
    return Columns([0.0] * size, outcomes=[FAIL] * number + [PASS] * (size - number), **more)


def one(report: GateReport) -> Any:
    """The only test of a report."""
    (test,) = report.tests
    return test


def test_a_candidate_that_is_clearly_worse_fails_with_size_interval_p_and_items() -> None:
    """Ten more of forty bona fide refused: 25 points, McNemar's one-sided 2^-10, and the ten named."""
    test = one(compare(run(refused(0)), run(refused(10), run_id="c"), gate(BPCER)))
    assert test.verdict is Verdict.WORSE
    assert test.difference == pytest.approx(0.25)
    assert test.p_value == pytest.approx(2.0**-10)
    assert test.interval.low > 0.0
    assert test.items == tuple(f"i{number}" for number in range(10))
    assert (test.trials, test.newly_wrong, test.newly_right) == (40, 10, 0)


@pytest.mark.parametrize("after", [0, 5, 8])
def test_no_worse_or_hardly_worse_passes(after: int) -> None:
    """Fewer, as many, or three more errors are no proof."""
    report = compare(run(refused(5)), run(refused(after)), gate(BPCER))
    assert report.failed == ()


def test_a_loss_on_one_slice_alone_fails() -> None:
    """Better elsewhere does not make up for a country that lost ten."""
    countries = ["XX"] * 20 + ["YY"] * 20
    slices = {"country": countries}
    before = [PASS] * 20 + [FAIL] * 12 + [PASS] * 8
    after = [FAIL] * 10 + [PASS] * 30
    base = run(Columns([0.0] * 40, outcomes=before, slices=slices))
    candidate = run(Columns([0.0] * 40, outcomes=after, slices=slices))
    report = compare(base, candidate, gate(replace(BPCER, slices=("country",))))
    assert [test.slice for test in report.tests] == ["all", "country=XX", "country=YY"]
    assert [test.slice for test in report.failed] == ["country=XX"]


def test_many_tests_need_stronger_proof_each() -> None:
    """Six discordant items are enough for one test, and not for one of five."""
    alone = compare(run(refused(0)), run(refused(6)), gate(BPCER))
    assert alone.failed
    slices = {"country": [("XX", "YY", "ZZ", "WW")[n % 4] for n in range(40)]}
    many = gate(replace(BPCER, slices=("country",)))
    report = compare(run(refused(0, slices=slices)), run(refused(6, slices=slices)), many)
    assert report.tests[0].p_value == pytest.approx(2.0**-6)
    assert report.tests[0].adjusted == pytest.approx(5 * 2.0**-6)
    assert report.failed == ()


def test_items_of_one_subject_are_one_witness() -> None:
    """Twelve errors of a single person prove less than twelve of twelve."""
    subjects = [0] * 12 + list(range(1, 29))
    base, worse = refused(0, subjects=subjects), refused(12, subjects=subjects)
    assert compare(run(base), run(worse), gate(BPCER)).failed == ()


def test_a_difference_that_is_allowed_passes_however_certain() -> None:
    """Ten of forty is certain, and allowed here."""
    report = compare(run(refused(0)), run(refused(10)), gate(replace(BPCER, allowed=0.3)))
    assert report.failed == ()


def test_species_are_slices_of_rates_of_attacks() -> None:
    """A species that gets through is named even when the other is caught."""
    columns = {"genuine": [0] * 30, "species": ["print"] * 15 + ["screen"] * 15}
    base = run(Columns([0.0] * 30, outcomes=[FAIL] * 30, **columns))  # type: ignore[arg-type] # names are Columns'
    after = [PASS] * 12 + [FAIL] * 18
    candidate = run(Columns([0.0] * 30, outcomes=after, **columns))  # type: ignore[arg-type] # names are Columns'
    rule = GateRule(CheckName.LIVENESS, "apcer", slices=("species",))
    assert [test.slice for test in compare(base, candidate, gate(rule)).failed] == ["all", "species=print"]


def test_what_was_misread_counts_where_nothing_else_tells() -> None:
    """Twelve of twenty readings became wrong while every outcome stayed a pass."""
    base = run(Columns([0.0] * 20, correct=[1] * 20), check=CheckName.DOCUMENT_READING)
    worse = run(Columns([0.0] * 20, correct=[0] * 12 + [1] * 8), check=CheckName.DOCUMENT_READING)
    report = compare(base, worse, gate(GateRule(CheckName.DOCUMENT_READING, "misread")))
    assert one(report).verdict is Verdict.WORSE


def faces(mated: np.ndarray[Any, Any], nonmated: np.ndarray[Any, Any], **record: Any) -> Any:
    """Two pictures of each of n people: n mated pairs, and each with the next person's as non-mated ones."""
    people = mated.size
    columns = Columns([0.0] * 2 * people, subjects=[n // 2 for n in range(2 * people)])
    first = np.arange(0, 2 * people, 2)
    a = np.concatenate([first, first])
    b = np.concatenate([first + 1, np.roll(first, 1)])
    return pair_run(columns, a, b, np.concatenate([mated, nonmated]), **record)


def test_each_run_gets_its_own_threshold_on_the_same_set() -> None:
    """Scores on another scale change nothing; the same order is the same model to the gate."""
    rng = np.random.default_rng(7)
    mated, nonmated = rng.normal(2, 1, 200), rng.normal(0, 1, 200)
    base = faces(mated, nonmated)
    candidate = faces(1000 + 3 * mated, 1000 + 3 * nonmated)
    test = one(compare(base, candidate, gate(FNMR)))
    assert test.difference == 0.0
    assert test.p_value == 1.0
    assert test.newly_wrong == 0


def test_a_weaker_matcher_fails_at_its_own_threshold() -> None:
    """Noise on every score raises FNMR at the same FMR; comparisons are named by both ids."""
    rng = np.random.default_rng(7)
    mated, nonmated = rng.normal(2, 1, 400), rng.normal(0, 1, 400)
    noisy = faces(mated + rng.normal(0, 2, 400), nonmated + rng.normal(0, 2, 400))
    test = one(compare(faces(mated, nonmated), noisy, gate(FNMR)))
    assert test.verdict is Verdict.WORSE
    assert test.interval.low > 0
    assert all(len(name.split("|")) == 2 for name in test.items)


def test_choosing_thresholds_adds_to_the_uncertainty() -> None:
    """With five non-mated scores the threshold is a matter of luck, and the interval says so."""
    rng = np.random.default_rng(3)
    mated, nonmated = rng.normal(2, 1, 60), rng.normal(0, 1, 60)
    other = faces(mated + rng.normal(0, 0.2, 60), nonmated + rng.normal(0, 0.2, 60))
    at_target = one(compare(faces(mated, nonmated), other, gate(replace(FNMR, at="fmr=0.02"))))
    width = at_target.interval.high - at_target.interval.low
    assert width > 2 * 1.96 * np.sqrt(at_target.newly_wrong + at_target.newly_right) / 60


def test_a_slice_too_small_to_test_is_told() -> None:
    """One subject cannot be resampled; the report says so instead of passing over it."""
    slices = {"country": ["XX"] + ["YY"] * 39}
    rules = gate(replace(BPCER, slices=("country",)))
    report = compare(run(refused(0, slices=slices)), run(refused(0, slices=slices)), rules)
    assert [test.verdict for test in report.tests] == [
        Verdict.NOT_WORSE,
        Verdict.UNTESTED,
        Verdict.NOT_WORSE,
    ]
    assert report.tests[1].note


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("set_differs", {"set_digest": "6" * 64}),
        ("metric_version_differs", {"metric_version": "0"}),
        ("check_differs", {"check": CheckName.DEEPFAKE}),
        ("comparisons_differ", {"comparisons": Comparisons.LISTED}),
        ("run_unfinished", {"finished_at": None}),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_by_name(code: str, changes: dict[str, Any]) -> None:
    """Whichever of the two differs."""
    plain, other = run(refused(0)), run(refused(0), **changes)
    for base, candidate in ((plain, other), (other, plain)):
        with pytest.raises(RequestError) as raised:
            compare(base, candidate, gate(BPCER))
        assert raised.value.code == code


def test_two_runs_of_an_older_metric_version_are_refused() -> None:
    """They agree with each other and not with the code that would compare them."""
    old = run(refused(0), metric_version="0")
    with pytest.raises(RequestError) as raised:
        compare(old, old, gate(BPCER))
    assert raised.value.code == "metric_version_differs"


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("items_differ", refused(0, size=39)),
        ("labels_differ", refused(0, genuine=[0] + [1] * 39)),
        ("scores_not_finite", Columns([float("nan")] + [0.0] * 39)),
        ("scores_not_finite", Columns([float("inf")] + [0.0] * 39)),
    ],
)
def test_tables_that_cannot_be_compared_are_refused_by_name(code: str, columns: Columns) -> None:
    """NaN and plus infinity are no scores; minus infinity is a missing answer."""
    with pytest.raises(RequestError) as raised:
        compare(run(refused(0)), run(columns), gate(BPCER))
    assert raised.value.code == code


def test_other_comparisons_are_refused() -> None:
    """The same number of pairs, but others."""
    columns = Columns([0.0] * 4, subjects=[0, 0, 1, 1])
    base = pair_run(columns, [0, 2], [1, 3], [1.0, 1.0])
    other = pair_run(columns, [0, 1], [1, 3], [1.0, 1.0])
    with pytest.raises(RequestError) as raised:
        compare(base, other, gate(FNMR))
    assert raised.value.code == "comparisons_differ"


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("rate_undefined", GateRule(CheckName.LIVENESS, "apcer")),
        ("rate_undefined", GateRule(CheckName.LIVENESS, "misread")),
        ("slice_unknown", replace(BPCER, slices=("planet",))),
        ("target_undefined", replace(BPCER, at="apcer=0.1")),
        ("gate_without_rules", FNMR),
    ],
)
def test_a_rule_that_cannot_be_tested_is_refused(code: str, rule: GateRule) -> None:
    """A gate that tests less than its rules say must not look green."""
    with pytest.raises(RequestError) as raised:
        compare(run(refused(0)), run(refused(0)), gate(rule))
    assert raised.value.code == code


def test_comparisons_without_a_target_are_refused() -> None:
    """A pair has no outcome of its own."""
    base = faces(np.ones(5), np.zeros(5))
    with pytest.raises(RequestError) as raised:
        compare(base, base, gate(replace(FNMR, at="outcome")))
    assert raised.value.code == "rule_needs_target"


def test_a_run_compared_with_itself_never_fails() -> None:
    """All p-values are 1, whatever the rule."""
    same = run(refused(7), finished_at=RECORD.started_at + dt.timedelta(seconds=1))
    assert {
        test.adjusted for test in compare(same, same, gate(BPCER, replace(BPCER, rate="bpnrr"))).tests
    } == {1.0}


def test_false_alarms_of_a_whole_run_stay_nominal() -> None:
    """Of 300 null comparisons with five tests each, at most 2 % (nominal) plus four standard errors fail."""
    rng = np.random.default_rng(11)
    slices = {"country": [("XX", "YY", "ZZ", "WW")[n % 4] for n in range(200)]}
    rules = GateRules((replace(BPCER, slices=("country",)),), resamples=100)
    failed = 0
    for _ in range(300):
        base, candidate = (
            run(
                Columns(
                    [0.0] * 200, outcomes=[FAIL if x else PASS for x in rng.random(200) < 0.1], slices=slices
                )
            )
            for _ in range(2)
        )
        failed += bool(compare(base, candidate, rules).failed)
    assert failed / 300 <= 0.02 + 4 * np.sqrt(0.02 * 0.98 / 300)

"""Live distributions against a reference: what moves is told, what does not is not."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from idv.domain.documents import DocumentReading, FieldName, FieldReading, Zone
from idv.domain.evidence import ImageRole
from idv.domain.faces import COHORT_SIMILARITY
from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, Outcome, Signal
from idv.domain.stores import Remembered
from idv.evaluation.monitoring.alerts import drift_body
from idv.evaluation.monitoring.drift import Alarm, GroupDrift, Limits, measure_drift
from idv.evaluation.monitoring.novelty import novel
from idv.evaluation.monitoring.observations import Observed, country_of, observe
from idv.evaluation.monitoring.samples import (
    Reference,
    reference_of_run,
    reference_of_window,
    sample_of,
)
from idv.workflow.memory import to_private
from tests.unit.evaluation.gate.runs import Columns, pair_run, run
from tests.unit.evaluation.monitoring.live import case, result

LIVENESS = CheckName.LIVENESS
UNSURE = Outcome.INCONCLUSIVE


def rows(scores: Sequence[float], **more: Any) -> list[Observed]:
    """Live liveness results with these scores."""
    return list(observe(case(n, result(float(score), **more)) for n, score in enumerate(scores)))


def normal(seed: int, size: int = 400, *, shift: float = 0.0) -> list[float]:
    """Scores of one population."""
    return list(np.random.default_rng(seed).normal(shift, 1.0, size))


def drift(live: Sequence[Observed], reference: Reference, limits: Limits | None = None) -> GroupDrift:
    """The only group."""
    (group,) = measure_drift(live, {LIVENESS: reference}, limits)
    return group


def test_the_same_population_raises_no_alarm() -> None:
    """Other draws of the same scores: small figures, none of them an alarm."""
    group = drift(rows(normal(1)), reference_of_window("w", rows(normal(2))))
    assert group.judged
    assert group.alarms == ()
    assert group.score_psi is not None
    assert group.score_psi < 0.1


def test_scores_that_fell_are_told_by_both_measures() -> None:
    """One standard deviation lower."""
    group = drift(rows(normal(1, shift=-1.0)), reference_of_window("w", rows(normal(2))))
    assert {Alarm.SCORE_PSI, Alarm.SCORE_KS} <= set(group.alarms)
    assert group.names[0] == "liveness/open/*/score_psi"


def test_more_that_cannot_say_and_their_reasons_are_told() -> None:
    """Half of the selfies blurred, where the reference had none."""
    blurred = rows(normal(3, 200), outcome=UNSURE, reasons=(Reason.FACE_BLURRED,))
    group = drift([*rows(normal(1, 200)), *blurred], reference_of_window("w", rows(normal(2))))
    assert {Alarm.INCONCLUSIVE, Alarm.OUTCOME_PSI, Alarm.REASON_PSI} <= set(group.alarms)
    assert group.inconclusive_share == 0.5


def test_labels_from_life_tell_who_was_wrong() -> None:
    """Of two frauds one passed, of three genuine ones one did not; too few to judge anything else by."""
    told = [
        (Outcome.PASS, Truth.FRAUD_CONFIRMED),
        (Outcome.FAIL, Truth.FRAUD_CONFIRMED),
        (Outcome.PASS, Truth.GENUINE_CONFIRMED),
        (Outcome.PASS, Truth.GENUINE_CONFIRMED),
        (UNSURE, Truth.GENUINE_CONFIRMED),
        (Outcome.PASS, None),
    ]
    live = list(
        observe(case(n, result(1.0, outcome), truth=truth) for n, (outcome, truth) in enumerate(told))
    )
    group = drift(live, reference_of_window("w", rows(normal(2))))
    assert [(e.truth, e.wrong, e.total) for e in group.labelled] == [
        (Truth.FRAUD_CONFIRMED, 1, 2),
        (Truth.GENUINE_CONFIRMED, 1, 3),
    ]
    assert group.labelled[0].interval.low < 0.5 < group.labelled[0].interval.high
    assert group.alarms == ()
    assert drift_body(group)["labelled"][1]["wrong"] == 1


def test_few_results_are_not_judged() -> None:
    """Ninety-nine of the needed hundred, however far away."""
    group = drift(rows(normal(1, 99, shift=9.0)), reference_of_window("w", rows(normal(2))))
    assert not group.judged
    assert (group.alarms, group.score_psi) == ((), None)


def test_signals_far_from_any_in_the_reference_are_novel() -> None:
    """The score is as ever; a signal behind it is somewhere no reference ever was."""
    known = [result(s, signals=(Signal("x", s),)) for s in normal(1)]
    strange = [
        result(s, signals=(Signal("x", s + (6.0 if n % 10 == 0 else 0)),)) for n, s in enumerate(normal(2))
    ]
    reference = reference_of_window("w", list(observe(case(n, r) for n, r in enumerate(known))))
    group = drift(list(observe(case(n, r) for n, r in enumerate(strange))), reference)
    assert group.alarms == (Alarm.NOVELTY,)
    assert group.novelty_share == pytest.approx(0.1, abs=0.02)


def test_other_models_than_the_references_are_told() -> None:
    """The check digest of live results differs."""
    reference = reference_of_window("w", rows(normal(2)))
    assert drift(rows(normal(1)), reference).same_models
    assert not drift(rows(normal(1), check_digest="e"), reference).same_models


SIDES = ("portrait_cohort_similarity", "selfie_cohort_similarity")


def faces(seed: int, size: int = 400, *, far: float = 0.0, digest: str = "d" * 64) -> list[Observed]:
    """Comparisons with the cohort similarities of both faces; a share of the selfies lies far away."""
    rng = np.random.default_rng(seed)
    similarity = rng.normal(0.6, 0.05, (size, 2))
    similarity[rng.random(size) < far, 1] -= 0.5
    made = (
        result(
            float(rng.normal()),
            name=CheckName.FACE_MATCH,
            check_digest=digest,
            signals=tuple(Signal(name, float(s)) for name, s in zip(SIDES, row, strict=True)),
        )
        for row in similarity
    )
    return list(observe(case(n, r) for n, r in enumerate(made)))


def face_drift(live: Sequence[Observed], reference: Reference) -> GroupDrift:
    """The only group."""
    (group,) = measure_drift(live, {CheckName.FACE_MATCH: reference})
    return group


def test_selfies_far_from_the_reference_embeddings_are_told_and_portraits_are_not() -> None:
    """A tenth of the selfies shows faces that the calibration's cohort is far from; scores are as ever."""
    group = face_drift(faces(1, far=0.1), reference_of_window("w", faces(2)))
    assert Alarm.EMBEDDING_DISTANCE in group.alarms
    portrait, selfie = group.embedding_distances
    assert (portrait.signal, selfie.signal) == SIDES
    assert selfie.share == pytest.approx(0.11, abs=0.03)
    assert portrait.share < 0.03
    assert 0.5 < selfie.limit < 0.6
    told = drift_body(group)["embedding_distances"]
    assert [side["signal"] for side in told] == list(SIDES)


def test_captures_of_another_quality_are_told_by_their_signal() -> None:
    """Selfies half as sharp as ever, where nothing else moved; portraits as before."""
    names = ("portrait_sharpness", "selfie_sharpness")

    def sharp(seed: int, factor: float) -> list[Observed]:
        found = faces(seed)
        pairs = np.random.default_rng(seed).uniform(0.5, 1.0, (len(found), 2)) * (1.0, factor)
        return [
            replace(row, signals=dict(zip(names, pair, strict=True)))
            for row, pair in zip(found, pairs.tolist(), strict=True)
        ]

    group = face_drift(sharp(1, 0.5), reference_of_window("w", sharp(2, 1.0)))
    assert Alarm.SIGNAL_PSI in group.alarms
    assert {signal.signal: signal.moved for signal in group.signals} == dict(
        zip(names, (False, True), strict=True)
    )
    assert drift_body(group)["signals"]["selfie_sharpness"]["moved"]
    other = [replace(row, check_digest="e") for row in sharp(1, 0.5)]
    assert face_drift(other, reference_of_window("w", sharp(2, 1.0))).signals == ()


def test_a_signal_that_few_results_have_is_not_judged() -> None:
    """Ninety-nine of four hundred, however far away."""
    live = [replace(row, signals={"x": 9.0} if n < 99 else {}) for n, row in enumerate(faces(1))]
    reference = [replace(row, signals={"x": 0.0}) for row in faces(2)]
    assert face_drift(live, reference_of_window("w", reference)).signals == ()


def test_faces_of_the_same_population_are_not_far() -> None:
    """Other draws of the same similarities: no alarm of any kind."""
    assert face_drift(faces(1), reference_of_window("w", faces(2))).alarms == ()


def test_faces_nearer_than_ever_are_nothing_new_to_the_distance() -> None:
    """The distance is one-sided: all faces exactly like the cohort raise no alarm of it."""
    live = [replace(row, signals=dict.fromkeys(SIDES, 1.0)) for row in faces(1)]
    group = face_drift(live, reference_of_window("w", faces(2)))
    assert Alarm.EMBEDDING_DISTANCE not in group.alarms
    assert [side.share for side in group.embedding_distances] == [0.0, 0.0]


def test_distances_by_other_models_are_not_compared() -> None:
    """Another model, or another cohort, measures another distance."""
    group = face_drift(faces(1, far=0.5, digest="e" * 64), reference_of_window("w", faces(2)))
    assert group.embedding_distances == ()
    assert Alarm.EMBEDDING_DISTANCE not in group.alarms


def test_a_small_reference_needs_more_than_its_own_uncertainty() -> None:
    """Of a hundred reference faces one lies beyond the limit, which may stand for five in a hundred."""
    limits = Limits(least=20)
    (group,) = measure_drift(
        faces(1, 1000, far=0.04), {CheckName.FACE_MATCH: reference_of_window("w", faces(2, 100))}, limits
    )
    selfie = group.embedding_distances[1]
    assert selfie.interval.low > limits.novelty
    assert selfie.interval.low < selfie.own.high
    assert Alarm.EMBEDDING_DISTANCE not in group.alarms


def test_both_sides_are_held_against_the_faces_of_a_run_each_counted_once() -> None:
    """In a run of comparisons a face has no side; live ones have, and find the same reference."""
    similarities = np.linspace(0.5, 0.7, 100)
    subjects = [n // 2 for n in range(100)]
    columns = Columns([0.0] * 100, subjects=subjects, signals={COHORT_SIMILARITY: similarities.tolist()})
    a, b = np.arange(0, 100, 2), np.arange(1, 100, 2)
    mated = pair_run(columns, np.tile(a, 3), np.tile(b, 3), np.random.default_rng(0).normal(size=150))
    reference = reference_of_run(mated)
    assert sorted(reference.all.noted_of(SIDES[0])) == sorted(similarities)
    assert reference.all.signals == ()
    group = face_drift(faces(1, far=0.3), reference)
    assert [side.signal for side in group.embedding_distances] == list(SIDES)
    assert Alarm.EMBEDDING_DISTANCE in group.alarms


def test_a_run_of_single_items_gives_novelty_its_usual_signals() -> None:
    """A signal that only one of four results has is left out; a result without a usual one is too."""
    columns = Columns(
        [1.0, 2.0, 3.0, 4.0],
        signals={"usual": [0.1, 0.2, 0.3, float("nan")], "rare": [9.0] + [float("nan")] * 3},
    )
    sample = reference_of_run(run(columns)).all
    assert sample.signals == ("usual",)
    assert sample.vectors.tolist() == [[1.0, 0.1], [2.0, 0.2], [3.0, 0.3]]
    rows_ = [result(1.0, signals=(Signal("usual", 0.5),)) for _ in range(3)]
    rows_.append(result(1.0, signals=(Signal("usual", 0.5), Signal("rare", 1.0))))
    assert sample_of(list(observe(case(n, r) for n, r in enumerate(rows_)))).signals == ("usual",)


def reading_of(state: str) -> dict[str, bytes]:
    """What is remembered of a document from there."""
    read = DocumentReading(fields=(FieldReading(FieldName.ISSUING_STATE, state, Zone.VIZ, 1.0),))
    return to_private(Remembered(readings={ImageRole.DOCUMENT_FRONT: read}))


def test_each_country_is_held_against_its_own_past() -> None:
    """All together nothing moved; Utopia did."""

    def traffic(seed: int, shift: float) -> list[Observed]:
        found: list[LiveCase] = []
        for state, moved in (("UTO", shift), ("D<<", -shift / 4)):
            size = 200 if state == "UTO" else 800
            for score in normal(seed, size, shift=moved):
                found.append(case(len(found), result(score), private=reading_of(state)))
        return list(observe(found))

    reference = reference_of_window("w", traffic(1, 0.0))
    groups = measure_drift(traffic(2, -1.2), {LIVENESS: reference})
    assert [group.country for group in groups] == [None, "D", "UTO"]
    moved = {group.country for group in groups if Alarm.SCORE_PSI in group.alarms}
    assert moved == {"UTO"}


@pytest.mark.parametrize(("state", "country"), [("UTO", "UTO"), ("D<<", "D"), ("Müller", None), ("", None)])
def test_only_a_state_is_a_country(state: str, country: str | None) -> None:
    """What was misread as one stays where it is sealed."""
    assert country_of(reading_of(state)) == country


def test_a_verification_is_one_row_a_check_its_first_that_ran() -> None:
    """Later attempts and checks that were not asked are passed over."""
    attempts = case(0, result(None, Outcome.NOT_RUN), result(1.0), result(2.0))
    (row,) = observe([attempts])
    assert row.score == 1.0
    assert list(observe([attempts], CheckName.FACE_MATCH)) == []


def test_a_run_of_single_items_is_a_reference_of_its_genuine_ones() -> None:
    """Attacks in the set are no picture of applicants; sealed items are not looked at."""
    columns = Columns(
        [1.0, 2.0, -9.0, 5.0],
        genuine=[1, 1, 0, 1],
        outcomes=[Outcome.PASS, UNSURE, Outcome.FAIL, Outcome.PASS],
        parts=["test", "tune", "test", "sealed"],
        slices={"country": ["UTO", "UTO", "UTO", "D"]},
    )
    reference = reference_of_run(run(columns))
    assert sorted(reference.all.scores) == [1.0, 2.0]
    assert reference.all.outcomes == {Outcome.PASS: 1, UNSURE: 1}
    assert (reference.of("UTO").total, reference.of("D").total) == (2, 2)


def test_comparisons_get_their_outcomes_from_the_point_made_for_their_models() -> None:
    """Without one, or with another model's, only missing scores are outcomes."""
    columns = Columns([0.0] * 4, subjects=[0, 0, 1, 1])
    faces = pair_run(columns, [0, 2, 0], [1, 3, 2], [3.0, float("-inf"), 9.0])
    point = OperatingPoint(
        CheckName.FACE_MATCH, 1.0, "d" * 64, "s", "e", "t", 0.5, Interval(0, 1), "r", dt.date(2026, 1, 1)
    )
    with_point = reference_of_run(faces, point).all
    assert with_point.outcomes == {Outcome.PASS: 1, UNSURE: 1}
    for other in (None, replace(point, check_digest="x")):
        assert reference_of_run(faces, other).all.outcomes == {UNSURE: 1}


def test_an_empty_reference_is_refused() -> None:
    """A run without a genuine trial, a window without results."""
    with pytest.raises(ValueError, match="no genuine"):
        reference_of_run(run(Columns([1.0], genuine=[0])))
    with pytest.raises(ValueError, match="no live results"):
        sample_of([])


def test_novelty_needs_a_reference_and_is_small_for_the_same_population() -> None:
    """Twenty rows at least; about one in a hundred of the same is beyond the limit."""
    rng = np.random.default_rng(5)
    known, seen = rng.normal(size=(1000, 2)), rng.normal(size=(1000, 2))
    found = novel(known, seen)
    assert found is not None
    assert found.far / found.total < 0.03
    assert novel(known[:19], seen) is None
    assert novel(known, seen[:0]) is None


def test_nothing_of_an_applicant_leaves_with_the_figures() -> None:
    """A group as JSON holds codes and numbers, no identifier of a verification."""
    told = json.dumps(drift_body(drift(rows(normal(1)), reference_of_window("w", rows(normal(2))))))
    assert "v0000" not in told

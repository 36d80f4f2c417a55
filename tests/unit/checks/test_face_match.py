"""The face-match check, its calibration and the comparison of templates."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.checks.face_match.calibration import Calibration, Population, load_calibration, uncalibrated
from idv.checks.face_match.check import FaceMatch, face_match_digest
from idv.checks.face_match.comparison import compare, compare_all
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import ConfigurationError, DeadlineExceeded, MediaError, MediaFault
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome

CALIBRATION = Calibration({"a": 10.0, "b": 4.0}, -7.0, "c0ffee")
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
FACE = Face(
    Box(0, 0, 10, 10),
    0.9,
    np.zeros((0, 3), np.float32),
    np.zeros((5, 2), np.float32),
    Pose(0, 0, 0),
    FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1),
)
GOOD = SubjectFace(FACE, 1)


def _template(a_deg: float, b_deg: float) -> FaceTemplate:
    """Two planar unit vectors: their cosines are those of the differences of the angles."""
    return FaceTemplate(
        tuple(
            (name, np.array([np.cos(np.deg2rad(t)), np.sin(np.deg2rad(t))], np.float32))
            for name, t in (("a", a_deg), ("b", b_deg))
        )
    )


POINT = OperatingPoint(
    check=CheckName.FACE_MATCH,
    threshold=5.0,
    check_digest="digest",
    eval_set="hand",
    eval_set_digest="0",
    target="FMR 1e-3",
    measured=0.001,
    interval=Interval(0, 0.002),
    run_id="run-1",
    created_on=dt.date(2026, 1, 2),
    reject_below=0.0,
)


class _Clock:
    def now(self) -> dt.datetime:
        return NOW

    def monotonic(self) -> float:
        return 100.0


@dataclass
class _Perception:
    """Perception made by hand: subjects of what was sent, templates also of what is remembered."""

    templates: Mapping[ImageRole, FaceTemplate]
    subjects: Mapping[ImageRole, SubjectFace | Exception] = field(default_factory=dict)
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def subject(self, role: ImageRole) -> SubjectFace:
        found = self.subjects[role]
        if isinstance(found, Exception):
            raise found
        return found

    def template(self, role: ImageRole) -> FaceTemplate:
        return self.templates[role]

    def image(self, role: ImageRole) -> DecodedImage:
        raise NotImplementedError

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        raise NotImplementedError

    def document(self, role: ImageRole) -> DocumentView | None:
        raise NotImplementedError

    def reading(self, role: ImageRole) -> DocumentReading:
        raise NotImplementedError


def _check(point: OperatingPoint | None = POINT) -> FaceMatch:
    return FaceMatch(point=point, calibration=CALIBRATION, clock=_Clock(), provider="open", digest="digest")


def _evidence(*roles: ImageRole) -> Evidence:
    return Evidence({role: EncodedImage(b"") for role in roles})


def _onboarding(turn_deg: float, **subjects: SubjectFace | Exception) -> _Perception:
    """Portrait and selfie whose vectors are `turn_deg` apart; subjects good unless given."""
    given_subjects: dict[ImageRole, SubjectFace | Exception] = {
        ImageRole.DOCUMENT_FRONT: GOOD,
        ImageRole.SELFIE: GOOD,
    }
    given_subjects |= {ImageRole(name): subject for name, subject in subjects.items()}
    templates = {ImageRole.DOCUMENT_FRONT: _template(0, 0), ImageRole.SELFIE: _template(turn_deg, turn_deg)}
    return _Perception(templates, given_subjects)


BOTH = _evidence(ImageRole.DOCUMENT_FRONT, ImageRole.SELFIE)


@pytest.mark.parametrize(
    ("turn_deg", "outcome", "reasons"),
    [
        (0, Outcome.PASS, ()),
        (50, Outcome.INCONCLUSIVE, (Reason.MATCH_UNCERTAIN,)),
        (90, Outcome.FAIL, (Reason.FACE_MISMATCH,)),
    ],
)
def test_the_score_is_cut_twice(turn_deg: float, outcome: Outcome, reasons: tuple[Reason, ...]) -> None:
    """At or above the threshold it passes, below `reject_below` it fails, between it is uncertain."""
    result = _check().judge(BOTH, _onboarding(turn_deg), deadline=200)
    assert (result.outcome, result.reasons) == (outcome, reasons)
    assert result.score == pytest.approx(14 * np.cos(np.deg2rad(turn_deg)) - 7)
    assert (result.threshold, result.operating_point) == (5.0, "run-1")


def test_without_a_lower_cut_everything_below_the_threshold_fails() -> None:
    """One threshold alone divides pass from fail."""
    check = _check(dataclasses.replace(POINT, reject_below=None))
    result = check.judge(BOTH, _onboarding(50), deadline=200)
    assert result.outcome is Outcome.FAIL


def test_a_score_at_the_threshold_passes() -> None:
    """The cut itself is a pass."""
    check = _check(dataclasses.replace(POINT, threshold=7.0))
    assert check.judge(BOTH, _onboarding(0), deadline=200).outcome is Outcome.PASS


def test_no_operating_point_means_no_verdict() -> None:
    """The score is given, but nothing is claimed about it."""
    result = _check(None).judge(BOTH, _onboarding(0), deadline=200)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,))
    assert result.score == pytest.approx(7)
    assert result.threshold is None


@pytest.mark.parametrize("change", [{"check_digest": "other"}, {"check": CheckName.LIVENESS}])
def test_a_point_made_for_something_else_is_not_used(change: dict[str, Any]) -> None:
    """A threshold for other models or another check never passes anyone."""
    result = _check(dataclasses.replace(POINT, **change)).judge(BOTH, _onboarding(0), deadline=200)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.OPERATING_POINT_MISMATCH,))


def test_reference_and_probe_are_compared_when_sent() -> None:
    """Two plain faces go before document and selfie."""
    perception = _Perception(
        {ImageRole.REFERENCE: _template(0, 0), ImageRole.PROBE: _template(0, 0)},
        {ImageRole.REFERENCE: GOOD, ImageRole.PROBE: GOOD},
    )
    evidence = _evidence(ImageRole.REFERENCE, ImageRole.PROBE)
    assert _check().judge(evidence, perception, deadline=200).outcome is Outcome.PASS


def test_a_remembered_template_stands_in_for_a_picture_not_sent_again() -> None:
    """Only the selfie comes anew; the portrait's template is remembered."""
    perception = _onboarding(0)
    result = _check().judge(_evidence(ImageRole.SELFIE), perception, deadline=200)
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("sent", [(), (ImageRole.SELFIE,), (ImageRole.REFERENCE,)])
def test_a_side_that_was_never_sent_is_not_run(sent: tuple[ImageRole, ...]) -> None:
    """Nothing sent and nothing remembered: the check was not asked, and says what is missing."""
    perception = _Perception({role: _template(0, 0) for role in sent}, dict.fromkeys(sent, GOOD))
    result = _check().judge(_evidence(*sent), perception, deadline=200)
    assert (result.outcome, result.reasons) == (Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))
    assert result.score is None


def test_unusable_faces_give_the_reasons_of_both_sides_once() -> None:
    """Portrait absent, selfie blurred and turned: all of it is told, nothing twice."""
    perception = _onboarding(
        0,
        document_front=SubjectFace(None, 0, (Reason.NO_PORTRAIT,)),
        selfie=SubjectFace(FACE, 1, (Reason.FACE_BLURRED, Reason.FACE_TURNED)),
    )
    result = _check().judge(BOTH, perception, deadline=200)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.NO_PORTRAIT, Reason.FACE_BLURRED, Reason.FACE_TURNED)
    assert result.score is None


def test_a_face_too_poor_to_judge_never_passes_but_its_score_is_told() -> None:
    """Equal faces, one blurred: inconclusive for the quality, with the score for a reviewer."""
    perception = _onboarding(0, selfie=SubjectFace(FACE, 1, (Reason.FACE_BLURRED,)))
    result = _check().judge(BOTH, perception, deadline=200)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.FACE_BLURRED,))
    assert result.score == pytest.approx(7)
    assert (result.threshold, result.operating_point) == (None, None)


def test_a_picture_that_cannot_be_opened_is_inconclusive() -> None:
    """A decoding error becomes its reason, not an exception."""
    broken = MediaError(MediaFault.CORRUPT, "cannot be decoded")
    result = _check().judge(BOTH, _onboarding(0, selfie=broken), deadline=200)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.MEDIA_UNDECODABLE,))


def test_past_its_deadline_it_stops() -> None:
    """Time is looked at before each side."""
    with pytest.raises(DeadlineExceeded):
        _check().judge(BOTH, _onboarding(0), deadline=100.0)


ANGLES = st.floats(-180, 180)


@given(ANGLES, ANGLES, ANGLES, ANGLES)
def test_comparison_is_symmetric_and_highest_with_itself(a: float, b: float, c: float, d: float) -> None:
    """Swapping the two changes nothing, and nobody is more alike than oneself."""
    one, other = _template(a, b), _template(c, d)
    there = compare(one, other, CALIBRATION)
    assert there == pytest.approx(compare(other, one, CALIBRATION))
    assert there <= compare(one, one, CALIBRATION) + 1e-5


def test_all_pairs_equal_each_pair() -> None:
    """The matrix holds what comparing two at a time gives, and the cosines behind it."""
    ones, others = [_template(0, 10), _template(40, 80)], [_template(5, 5), _template(90, 0), _template(1, 2)]
    matrix = compare_all(ones, others, CALIBRATION)
    assert matrix == pytest.approx(np.array([[compare(a, b, CALIBRATION) for b in others] for a in ones]))


POPULATION = Population("b", np.array([0.0, -0.5]), np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0)]), 1)
WITH_POPULATION = dataclasses.replace(CALIBRATION, population=POPULATION, discount=6.0)


def test_faces_that_are_common_to_a_model_must_be_more_alike() -> None:
    """Two equal faces near a prototype score less than two equal ones far from all."""
    common, rare = _template(0, -27), _template(0, 90)
    assert compare(common, common, WITH_POPULATION) < compare(rare, rare, WITH_POPULATION)


def test_the_discount_is_the_mean_commonness_of_the_two() -> None:
    """By hand: seen from the centre, (1, 0.5) has a cosine of 0.894 with its prototype, (0, 1.5) of 0."""
    side, up = _template(0, 0), _template(0, 90)
    cosine = 1 / np.sqrt(5)
    expected = 10 * 1 + 4 * cosine - 6 * (2 * cosine + 0) / 2 - 7
    assert compare(side, up, WITH_POPULATION) == pytest.approx(expected)


@given(ANGLES, ANGLES, ANGLES, ANGLES)
def test_a_population_keeps_comparison_symmetric(a: float, b: float, c: float, d: float) -> None:
    """Both sides are discounted alike, and the matrix agrees with the pair."""
    one, other = _template(a, b), _template(c, d)
    there = compare(one, other, WITH_POPULATION)
    assert there == pytest.approx(compare(other, one, WITH_POPULATION))
    assert there == pytest.approx(compare_all([one], [other], WITH_POPULATION)[0, 0])


def _with_cohort() -> FaceMatch:
    return dataclasses.replace(_check(), calibration=WITH_POPULATION)


def _cohort(result: CheckResult) -> dict[str, float]:
    return {s.name: s.score for s in result.signals if s.name.endswith("cohort_similarity")}


def test_both_faces_tell_how_near_they_are_to_the_reference_embeddings() -> None:
    """By hand, as above: the portrait's cosine with its nearest prototype is 0.894, the selfie's 0."""
    result = _with_cohort().judge(BOTH, _onboarding(90), deadline=200)
    assert _cohort(result) == pytest.approx(
        {"portrait_cohort_similarity": 2 / np.sqrt(5), "selfie_cohort_similarity": 0}
    )


def test_the_quality_of_each_capture_is_told() -> None:
    """Of a picture that was sent; a remembered template has none any more."""
    result = _check().judge(_evidence(ImageRole.SELFIE), _onboarding(0), deadline=200)
    told = {signal.name: signal.score for signal in result.signals}
    assert told == {"selfie_sharpness": 1, "selfie_inter_eye_px": 60, "selfie_dynamic_range": 0.5}


def test_a_face_without_a_counterpart_still_tells_its_own() -> None:
    """No portrait: there is nothing to compare, and monitoring sees the selfie all the same."""
    perception = _onboarding(90, document_front=SubjectFace(None, 0, (Reason.NO_PORTRAIT,)))
    result = _with_cohort().judge(BOTH, perception, deadline=200)
    assert (result.outcome, result.score) == (Outcome.INCONCLUSIVE, None)
    assert list(_cohort(result)) == ["selfie_cohort_similarity"]


def test_without_a_population_no_face_is_near_or_far() -> None:
    """A pack nobody calibrated has no reference embeddings to be near to."""
    assert _cohort(_check().judge(BOTH, _onboarding(0), deadline=200)) == {}


@given(ANGLES, ANGLES)
def test_a_cohort_similarity_is_a_cosine(a: float, b: float) -> None:
    """In [-1, 1] wherever the face lies."""
    similarity = WITH_POPULATION.cohort_similarity(_template(a, b))
    assert similarity is not None
    assert -1 - 1e-9 <= similarity <= 1 + 1e-9


def test_a_template_without_the_populations_model_has_no_similarity() -> None:
    """It raises instead of being taken for a face far from all."""
    with pytest.raises(ValueError, match="without b"):
        WITH_POPULATION.cohort_similarity(FaceTemplate((("a", np.ones(2, np.float32)),)))


def test_a_template_of_other_models_is_refused() -> None:
    """A missing embedder raises instead of counting as zero."""
    with pytest.raises(ValueError, match="without b"):
        compare(FaceTemplate((("a", np.ones(2, np.float32)),)), _template(0, 0), CALIBRATION)


def test_a_calibration_file_is_read_and_its_digest_kept(tmp_path: Path) -> None:
    """Weights, offset and the SHA-256 of the very bytes."""
    path = tmp_path / "face_match.toml"
    path.write_text("offset = -3\n[weights]\na = 2\nb = 0.5\n")
    calibration = load_calibration(path)
    assert calibration.weights == {"a": 2.0, "b": 0.5}
    assert calibration.offset == -3.0
    assert len(calibration.sha256) == 64


def _with_population(folder: Path, *, rows: np.ndarray, model: str = "b", sha256: str | None = None) -> Path:
    np.save(folder / "population.npy", rows)
    digest = sha256 or hashlib.sha256((folder / "population.npy").read_bytes()).hexdigest()
    path = folder / "face_match.toml"
    path.write_text(
        "offset = -3\n[weights]\na = 2\nb = 0.5\n"
        f"[population]\nmodel = '{model}'\nfile = 'population.npy'\n"
        f"sha256 = '{digest}'\nnearest = 2\ndiscount = 1.5\n"
    )
    return path


def test_a_population_is_read_with_its_centre_first(tmp_path: Path) -> None:
    """One row of centre, the others made unit length."""
    rows = np.array([(0.5, 0.5), (3, 0), (0, 2), (-1, 0)], np.float16)
    calibration = load_calibration(_with_population(tmp_path, rows=rows))
    assert calibration.discount == 1.5
    assert calibration.population is not None
    assert calibration.population.centre == pytest.approx((0.5, 0.5))
    assert calibration.population.prototypes == pytest.approx(np.array([(1, 0), (0, 1), (-1, 0)]))


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64},
        {"model": "c"},
        {"rows": np.ones((2, 2))},
        {"rows": np.full((4, 2), np.nan)},
        {"rows": np.ones(4)},
    ],
)
def test_a_population_that_does_not_fit_stops_the_start(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another file, a model without a weight, too few rows, NaN and no matrix are configuration errors."""
    given_rows = {"rows": np.ones((4, 2))} | change
    with pytest.raises(ConfigurationError, match=r"face_match\.toml"):
        load_calibration(_with_population(tmp_path, **given_rows))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "offset = 1\nweights = 3\n",
        "offset = nan\n[weights]\na = 1\n",
        "offset = 1\n[weights]\na = -1\n",
        "offset = 1\n[weights]\n",
        "offset = [\n",
    ],
)
def test_a_broken_calibration_stops_the_start(tmp_path: Path, body: str) -> None:
    """Missing parts, negative weights, NaN and no TOML at all are configuration errors."""
    path = tmp_path / "face_match.toml"
    path.write_text(body)
    with pytest.raises(ConfigurationError, match=r"face_match\.toml"):
        load_calibration(path)


def test_an_absent_calibration_stops_the_start(tmp_path: Path) -> None:
    """A file that is not there is a configuration error."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_calibration(tmp_path / "face_match.toml")


def test_the_digest_follows_every_part() -> None:
    """Another model, another preprocessing or another calibration is another check."""
    base = face_match_digest({"blazeface": "1"}, {"dlib_resnet": "2"}, CALIBRATION)
    changed = dataclasses.replace(CALIBRATION, sha256="other")
    assert base != face_match_digest({"blazeface": "1"}, {"dlib_resnet": "2"}, changed)
    assert base != face_match_digest({"blazeface": "9"}, {"dlib_resnet": "2"}, CALIBRATION)
    assert base != face_match_digest({"blazeface": "1"}, {"dlib_resnet": "9"}, CALIBRATION)


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-180, 180)), min_size=2, max_size=5))
def test_many_comparisons_give_what_judge_gives(turns: list[tuple[float, float]]) -> None:
    """Prepared templates score each pair as one judgement of the two pictures would."""
    templates = [_template(a, b) for a, b in turns]
    prepared = _check().prepare(templates)
    everyone = np.arange(len(templates), dtype=np.int32)
    across = prepared.across(everyone, everyone)
    for i, one in enumerate(templates):
        for j, other in enumerate(templates):
            seen = _Perception(
                {ImageRole.REFERENCE: one, ImageRole.PROBE: other},
                {ImageRole.REFERENCE: GOOD, ImageRole.PROBE: GOOD},
            )
            pair = _evidence(ImageRole.REFERENCE, ImageRole.PROBE)
            score = _check().judge(pair, seen, deadline=200).score
            assert across[i, j] == pytest.approx(score, abs=1e-12)
            along = prepared.along(np.array([i], np.int32), np.array([j], np.int32))
            assert along[0] == pytest.approx(score, abs=1e-12)


@given(st.floats(-180, 180), st.floats(-180, 180))
def test_without_a_calibration_the_score_is_the_mean_cosine(a_deg: float, b_deg: float) -> None:
    """Nothing is added to what the embedders say, and every one counts the same."""
    plain = uncalibrated(("a", "b"))
    score = compare(_template(0, 0), _template(a_deg, b_deg), plain)
    assert score == pytest.approx((np.cos(np.deg2rad(a_deg)) + np.cos(np.deg2rad(b_deg))) / 2, abs=1e-6)


def test_an_uncalibrated_score_has_a_digest_of_its_own() -> None:
    """No point made for a calibrated score, nor for other embedders, fits it."""
    parts = ({"detector": "1"}, {"a": "2"})
    digests = {face_match_digest(*parts, known) for known in (CALIBRATION, uncalibrated(("a", "b")))}
    digests.add(face_match_digest({"detector": "1"}, {"c": "2"}, uncalibrated(("c",))))
    assert len(digests) == 3

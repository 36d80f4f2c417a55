"""Facts about the document authenticity check, its parts faked."""

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from idv.checks.document_authenticity.calibration import AuthenticityCalibration, Factor
from idv.checks.document_authenticity.check import RULES_VERSION, DocumentAuthenticity
from idv.checks.document_authenticity.parts import Ghost, Parts
from idv.checks.document_authenticity.signals import SignalName
from idv.documents.document_types import RelativeBox, Side, SideName, load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView, FieldName, TamperingMap
from idv.domain.errors import DeadlineExceeded, MediaError, MediaFault, ModelError
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.images import DecodedImage, MediaType
from idv.domain.operating_points import Interval, OperatingPoint
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, check_digest
from tests.unit.readings import RECORD, Readings, StillClock, passport
from tests.unit.tagged_pictures import jpeg_with_credentials, jpeg_with_software

FRONT, BACK = ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK
CORNERS = np.array([[10, 10], [90, 10], [90, 60], [10, 60]], np.float32)
VIEW = DocumentView(CORNERS, np.full((50, 80, 3), 128, np.uint8), 0.9)
IMAGE = DecodedImage(np.full((100, 100, 3), 128, np.uint8), MediaType.JPEG, 100, 100)
CALIBRATION = AuthenticityCalibration(
    {
        SignalName.RECAPTURE: Factor(1.0, 0.0),
        SignalName.TAMPERING: Factor(1.0, 0.0),
        SignalName.TEMPLATE_GROUND: Factor(1.0, 0.0),
        SignalName.GHOST_PORTRAIT: Factor(10.0, -5.0),
        SignalName.PROVENANCE: Factor(1.0, 3.0),
    },
    "c",
)
LOOKS = {"recapture": "1", "tampering": "2"}
DIGEST = check_digest({**LOOKS, "calibration": "c", "rules": RULES_VERSION})
POINT = OperatingPoint(
    CheckName.DOCUMENT_AUTHENTICITY,
    threshold=1.0,
    check_digest=DIGEST,
    eval_set="s",
    eval_set_digest="e",
    target="t",
    measured=0.05,
    interval=Interval(0, 1),
    run_id="r",
    created_on=dt.date(2026, 11, 22),
)


@dataclass
class Seen(Readings):
    """Readings, and the same view of every picture but those named in `views`."""

    views: Mapping[ImageRole, DocumentView | None] = field(default_factory=dict)

    def image(self, role: ImageRole) -> DecodedImage:
        """A grey picture, unless the reading is a fault."""
        found = self.readings[role]
        if isinstance(found, MediaError):
            raise found
        return IMAGE

    def document(self, role: ImageRole) -> DocumentView | None:
        """The view."""
        self.image(role)
        return self.views.get(role, VIEW)


@dataclass(frozen=True)
class Saying:
    """A network that says the same of every picture, or of one after the other."""

    scores: tuple[float, ...] = (4.0,)
    asked: list[int] = field(default_factory=list)

    def predict(self, pixels: RgbImage, corners: FloatArray) -> float:
        """The next score; the last one stays."""
        self.asked.append(1)
        return self.scores[min(len(self.asked), len(self.scores)) - 1]


@dataclass(frozen=True)
class Altered:
    """A tampering network that sees something in the upper left quarter."""

    logit: float = 4.0
    heat: float = 0.0

    def predict(self, pixels: RgbImage, corners: FloatArray) -> TamperingMap:
        """The map."""
        heat = np.zeros((8, 8), np.float32)
        heat[:4, :4] = self.heat
        return TamperingMap(self.logit, heat)


class Broken:
    """A network whose model is gone."""

    def predict(self, pixels: RgbImage, corners: FloatArray) -> float:
        """Refuse."""
        raise ModelError("model_missing", "gone")


@dataclass(frozen=True)
class Fitted:
    """How a side fits."""

    document_type: str = "uto_passport"
    side: SideName = SideName.FRONT
    signals: Mapping[str, float] = field(default_factory=lambda: {"template_ground": 4.0})
    regions: Mapping[str, tuple[RelativeBox, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitting:
    """Templates that know one type, or none."""

    fitted: Fitted | None = Fitted()

    def fit(self, view: DocumentView, reading: DocumentReading, *, side: SideName | None) -> Fitted | None:
        """The fit."""
        return self.fitted


def likeness(value: float | None) -> Ghost:
    """A ghost comparison that says so."""

    def compare(view_pixels: RgbImage, side: Side) -> float | None:
        return value

    return compare


GOOD = Parts(recapture=Saying(), tampering=Altered(), templates=Fitting())


def judged(
    readings: Mapping[ImageRole, DocumentReading | MediaError],
    parts: Parts = GOOD,
    *,
    point: OperatingPoint | None = POINT,
    calibration: AuthenticityCalibration = CALIBRATION,
    views: Mapping[ImageRole, DocumentView | None] | None = None,
    remembered: tuple[ImageRole, ...] = (),
    data: bytes = b"",
    deadline: float = 1.0,
) -> CheckResult:
    """What the check says of pictures with these readings."""
    check = DocumentAuthenticity(
        parts=parts,
        types=load_document_types(),
        calibration=calibration,
        point=point,
        clock=StillClock(),
        provider="open",
        looks=LOOKS,
    )
    evidence = Evidence({role: EncodedImage(data) for role in readings if role not in remembered})
    return check.judge(evidence, Seen(readings, views=views or {}), deadline=deadline)


def test_a_document_that_no_signal_speaks_against_passes() -> None:
    """The score is the log-odds that none of the three is right: 4 each make about 2.9."""
    result = judged({FRONT: passport()})
    assert (result.outcome, result.reasons) == (Outcome.PASS, ())
    each = 1 / (1 + math.exp(-4))
    assert result.score == pytest.approx(math.log(each**3 / (1 - each**3)))
    assert (result.threshold, result.operating_point) == (1.0, "r")
    assert result.regions == ()


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (replace(GOOD, recapture=Saying((-3.0,))), Reason.DOCUMENT_RECAPTURE),
        (replace(GOOD, tampering=Altered(-3.0, 0.9)), Reason.DOCUMENT_TAMPERED),
        (
            replace(GOOD, templates=Fitting(Fitted(signals={"template_ground": -3.0}))),
            Reason.DOCUMENT_TEMPLATE_MISMATCH,
        ),
    ],
)
def test_one_signal_is_enough_to_fail_and_gives_the_reason(parts: Parts, reason: Reason) -> None:
    """Whatever else looks genuine; the signal carries the reason too."""
    result = judged({FRONT: passport()}, parts)
    assert (result.outcome, result.reasons) == (Outcome.FAIL, (reason,))
    assert [signal.reasons for signal in result.signals if signal.reasons] == [(reason,)]


def test_a_ghost_unlike_its_portrait_fails() -> None:
    """It is asked on a side whose type has a ghost; where it cannot tell there is no signal."""
    known = next(known for known in load_document_types() if known.sides[SideName.FRONT].ghost)
    parts = replace(GOOD, templates=Fitting(Fitted(document_type=known.id)), ghost=likeness(0.1))
    result = judged({FRONT: passport(), BACK: passport()}, parts)
    assert (result.outcome, result.reasons) == (Outcome.FAIL, (Reason.GHOST_PORTRAIT_MISMATCH,))
    untold = replace(parts, ghost=likeness(None))
    assert "ghost_portrait" not in {s.name for s in judged({FRONT: passport()}, untold).signals}


def test_a_failed_signal_says_where_in_the_picture() -> None:
    """The hot quarter of the flat side as a polygon in shares of the picture."""
    result = judged({FRONT: passport()}, replace(GOOD, tampering=Altered(-3.0, 0.9)))
    (region,) = result.regions
    assert (region.role, region.signal) == (FRONT, "tampering")
    across, down = zip(*region.outline, strict=True)
    assert (min(across), max(across)) == pytest.approx((0.10, 0.50), abs=0.02)
    assert (min(down), max(down)) == pytest.approx((0.10, 0.35), abs=0.02)


def test_the_worse_side_counts() -> None:
    """A genuine front does not make up for a screen on the back."""
    parts = replace(GOOD, recapture=Saying((4.0, -3.0)))
    result = judged({FRONT: passport(), BACK: passport()}, parts)
    assert (result.outcome, result.reasons) == (Outcome.FAIL, (Reason.DOCUMENT_RECAPTURE,))
    assert {region.role for region in result.regions} == {BACK}


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (passport(printed={FieldName.DATE_OF_BIRTH: "1984-08-12"}), Reason.MRZ_VIZ_MISMATCH),
        (passport(replace(RECORD, date_of_expiry=dt.date(2026, 11, 21))), Reason.DOCUMENT_EXPIRED),
    ],
)
@pytest.mark.parametrize("point", [POINT, None])
def test_a_contradiction_fails_whatever_the_score(
    reading: DocumentReading, reason: Reason, point: OperatingPoint | None
) -> None:
    """It needs no threshold, and its zones are outlined."""
    result = judged({FRONT: reading}, point=point)
    assert result.outcome is Outcome.FAIL
    assert reason in result.reasons
    assert result.score == -12.0
    assert result.regions


def test_a_contradiction_blames_no_signal_that_is_well() -> None:
    """Its reasons and regions are the zones' alone, unless the document would fail by its looks too."""
    reading = {FRONT: passport(printed={FieldName.DATE_OF_BIRTH: "1984-08-12"})}
    well = judged(reading)
    assert well.reasons == (Reason.MRZ_VIZ_MISMATCH,)
    assert {region.signal for region in well.regions} == {"zone_consistency"}
    both = judged(reading, replace(GOOD, recapture=Saying((-3.0,))))
    assert both.reasons == (Reason.MRZ_VIZ_MISMATCH, Reason.DOCUMENT_RECAPTURE)
    assert {region.signal for region in both.regions} == {"zone_consistency", "recapture"}


def test_a_poor_capture_is_inconclusive_and_has_no_score() -> None:
    """Neither a pass nor a learned fail: what a blurred picture looks like is no evidence."""
    blurred = dataclasses.replace(VIEW, reasons=(Reason.DOCUMENT_BLURRED,))
    for recapture in (4.0, -9.0):
        parts = replace(GOOD, recapture=Saying((recapture,)))
        result = judged({FRONT: passport()}, parts, views={FRONT: blurred})
        assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.DOCUMENT_BLURRED,))
        assert result.score is None
        assert result.operating_point is None


def test_an_unknown_type_needs_a_valid_zone() -> None:
    """With one it is judged on what needs no type; without, it is said to be unknown."""
    strange = replace(GOOD, templates=Fitting(None))
    assert judged({FRONT: passport(document_type=None)}, strange).outcome is Outcome.PASS
    result = judged({FRONT: DocumentReading()}, strange)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.DOCUMENT_TYPE_UNKNOWN,))


def test_a_picture_of_no_document_is_inconclusive() -> None:
    """On either side: a genuine front does not excuse a back that shows something else."""
    nothing = judged({FRONT: DocumentReading()}, views={FRONT: None})
    assert (nothing.outcome, nothing.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_DOCUMENT,))
    half = judged({FRONT: passport(), BACK: DocumentReading()}, views={BACK: None})
    assert (half.outcome, half.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_DOCUMENT,))


def test_bytes_that_cannot_be_decoded_are_inconclusive() -> None:
    """The fault of one side keeps the other from passing."""
    broken = MediaError(MediaFault.CORRUPT, "broken")
    result = judged({FRONT: passport(), BACK: broken})
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.MEDIA_UNDECODABLE,))


def test_a_side_that_belongs_to_the_document_must_be_judged() -> None:
    """A card with its zone on the back does not pass on its front alone, and fails on it all the same."""
    front = replace(passport(document_type="uto_identity_card"), mrz=None)
    parts = replace(GOOD, templates=Fitting(Fitted(document_type="uto_identity_card")))
    result = judged({FRONT: front}, parts)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.EVIDENCE_MISSING,))
    screen = replace(parts, recapture=Saying((-3.0,)))
    assert judged({FRONT: front}, screen).outcome is Outcome.FAIL


def test_a_document_whose_zones_were_not_compared_does_not_pass() -> None:
    """What is not checked is never passed; a signal that speaks against it fails it all the same."""
    parts = replace(GOOD, obstacles=lambda _: (Reason.FIELD_UNREADABLE,))
    result = judged({FRONT: passport()}, parts)
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.FIELD_UNREADABLE,))
    assert judged({FRONT: passport()}, replace(parts, recapture=Saying((-3.0,)))).outcome is Outcome.FAIL


def test_a_side_seen_earlier_has_to_be_sent_again() -> None:
    """Its reading is remembered, but what was wrong with its picture is not."""
    result = judged({FRONT: passport(), BACK: passport()}, remembered=(BACK,))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.EVIDENCE_MISSING,))


def test_a_back_alone_does_not_pass() -> None:
    """Somebody answers a request for a better front with a back."""
    result = judged({BACK: passport()})
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.EVIDENCE_MISSING,))


def test_without_its_operating_point_nothing_passes_or_fails() -> None:
    """None, or one made for other models."""
    none = judged({FRONT: passport()}, point=None)
    assert (none.outcome, none.reasons) == (Outcome.INCONCLUSIVE, (Reason.NO_OPERATING_POINT,))
    other = judged({FRONT: passport()}, point=replace(POINT, check_digest="x"))
    assert (other.outcome, other.reasons) == (Outcome.INCONCLUSIVE, (Reason.OPERATING_POINT_MISMATCH,))
    assert none.score == other.score is not None


def test_between_the_two_limits_of_a_point_it_is_uncertain() -> None:
    """A re-capture may settle it."""
    parts = replace(GOOD, recapture=Saying((0.0,)))
    result = judged({FRONT: passport()}, parts, point=replace(POINT, reject_below=-1.0))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.AUTHENTICITY_UNCERTAIN,))


def test_without_any_weighed_signal_nothing_passes() -> None:
    """No part is there: a document nobody looked at is not a genuine one, nor is one with odd metadata."""
    for data in (b"", jpeg_with_software("Adobe Photoshop 26.1")):
        result = judged({FRONT: passport()}, Parts(), data=data)
        assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.AUTHENTICITY_UNCERTAIN,))
        assert result.score is None


def test_a_score_that_is_no_number_is_inconclusive() -> None:
    """Whatever the other signals say."""
    result = judged({FRONT: passport()}, replace(GOOD, recapture=Saying((math.nan,))))
    assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, (Reason.SCORE_NOT_FINITE,))


def test_a_part_whose_model_is_gone_is_raised() -> None:
    """The runner makes it inconclusive for a technical reason: a part that is configured is never skipped."""
    with pytest.raises(ModelError):
        judged({FRONT: passport()}, replace(GOOD, recapture=Broken()))


def test_an_editor_named_in_the_file_fails_nobody_alone() -> None:
    """Such a file is asked for again; it adds to what a signal says, and then the trace is not the reason."""
    data = jpeg_with_software("Adobe Photoshop 26.1")
    alone = judged({FRONT: passport()}, data=data, point=replace(POINT, threshold=2.0))
    assert (alone.outcome, alone.reasons) == (Outcome.INCONCLUSIVE, (Reason.AUTHENTICITY_UNCERTAIN,))
    both = judged({FRONT: passport()}, replace(GOOD, recapture=Saying((-3.0,))), data=data)
    assert (both.outcome, both.reasons) == (Outcome.FAIL, (Reason.DOCUMENT_RECAPTURE,))


def test_a_picture_that_says_it_was_generated_fails() -> None:
    """Content credentials speak against a picture, never for it."""
    data = jpeg_with_credentials(b"c2pa.created trainedAlgorithmicMedia")
    result = judged({FRONT: passport()}, data=data)
    assert (result.outcome, result.reasons) == (Outcome.FAIL, (Reason.SOFTWARE_TRACE,))


def test_a_signal_without_a_factor_is_shown_and_does_not_count() -> None:
    """What was never calibrated has no weight."""
    one = replace(CALIBRATION, factors={SignalName.RECAPTURE: Factor(1.0, 0.0)})
    result = judged({FRONT: passport()}, replace(GOOD, tampering=Altered(-9.0)), calibration=one)
    assert result.outcome is Outcome.PASS
    assert result.score == pytest.approx(4.0)
    assert {s.name: s.score for s in result.signals}["tampering"] == -9.0


def test_nothing_sent_is_not_run_and_no_time_left_is_raised() -> None:
    """The two ways not to begin."""
    result = judged({})
    assert (result.outcome, result.reasons) == (Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))
    with pytest.raises(DeadlineExceeded):
        judged({FRONT: passport()}, deadline=0.0)


def test_the_digest_follows_models_and_calibration() -> None:
    """A point made for other models or another calibration does not fit."""
    result = judged({FRONT: passport()})
    assert result.check_digest == DIGEST
    other = judged({FRONT: passport()}, calibration=replace(CALIBRATION, sha256="x"))
    assert other.check_digest != DIGEST
    assert other.reasons == (Reason.OPERATING_POINT_MISMATCH,)

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from idv.checks.document_reading.check import DocumentReadingCheck, document_reading_digest
from idv.documents.document_types import DocumentTypes, load_document_types, parse_document_type
from idv.documents.mrz import field_readings, parse
from idv.documents.mrz_writer import write
from idv.domain.documents import DocumentReading, FieldName, MrzFormat, Zone
from idv.domain.errors import DeadlineExceeded, MediaError, MediaFault
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.reasons import Reason
from idv.domain.results import CheckResult, Outcome
from tests.unit.readings import NOW, RECORD, Readings, StillClock, passport

FRONT, BACK = ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK


def _judged(
    readings: Mapping[ImageRole, DocumentReading | MediaError],
    *,
    types: DocumentTypes | None = None,
    deadline: float = 1.0,
) -> CheckResult:
    check = DocumentReadingCheck(
        types=types or load_document_types(), clock=StillClock(), provider="open", digest="d"
    )
    evidence = Evidence(images={role: EncodedImage(b"") for role in readings})
    return check.judge(evidence, Readings(readings), deadline=deadline)


def _altered(old: str, new: str) -> tuple[str, ...]:
    rows = write(MrzFormat.TD3, RECORD)
    assert old in rows[1]
    return (rows[0], rows[1].replace(old, new))


def test_a_document_that_agrees_with_itself_passes() -> None:
    """Every digit verifies and the printed fields say the same."""
    result = _judged({FRONT: passport(printed={FieldName.SURNAME: "ERIKSSON"})})
    assert result.outcome is Outcome.PASS
    assert result.reasons == ()
    assert result.score == pytest.approx(0.95)
    assert result.threshold is None
    assert {signal.name: signal.score for signal in result.signals} == {
        "check_digits": 1.0,
        "zone_consistency": 1.0,
        "dates": 1.0,
    }


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (passport(printed={FieldName.DATE_OF_BIRTH: "1984-08-12"}), Reason.MRZ_VIZ_MISMATCH),
        (passport(replace(RECORD, date_of_expiry=dt.date(2026, 11, 21))), Reason.DOCUMENT_EXPIRED),
        (passport(printed={FieldName.DATE_OF_ISSUE: "2027-01-01"}), Reason.DATE_IMPOSSIBLE),
        (passport(rows=_altered("740812", "740913")), Reason.MRZ_CHECK_DIGIT_REFUTED),
    ],
)
def test_a_contradiction_fails_with_its_reason(reading: DocumentReading, reason: Reason) -> None:
    """Zones, dates and digits that contradict speak against the document."""
    result = _judged({FRONT: reading})
    assert result.outcome is Outcome.FAIL
    assert result.reasons == (reason,)
    assert result.score == 0.0


def test_a_refuted_digit_that_a_look_alike_explains_is_unreadable_only() -> None:
    """The reader may have taken an O for a 0: the picture is to be taken again."""
    result = _judged({FRONT: passport(rows=_altered("L3499OC43", "L34990C43"))})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert Reason.MRZ_UNREADABLE in result.reasons
    assert result.score is not None
    assert 0 < result.score < 0.95


def test_a_repaired_zone_needs_the_print_to_agree() -> None:
    """One check digit is weak proof, so a repaired zone passes only where another zone says the same."""
    whole = passport(document_type=None)
    assert whole.mrz is not None
    repaired = replace(whole, mrz=replace(whole.mrz, repairs=1))
    assert _judged({FRONT: repaired}).outcome is Outcome.PASS
    alone = replace(repaired, fields=tuple(f for f in repaired.fields if f.zone is Zone.MRZ))
    result = _judged({FRONT: alone})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.MRZ_UNREADABLE,)


def test_a_refuted_digit_read_with_doubt_is_unreadable_only() -> None:
    """Little confidence makes the reader the suspect."""
    result = _judged({FRONT: passport(rows=_altered("740812", "740913"), confidence=0.5)})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert Reason.MRZ_UNREADABLE in result.reasons


def test_a_contradiction_read_with_doubt_is_inconclusive() -> None:
    """Another surname in a poorly read zone neither fails nor passes."""
    whole = passport(printed={FieldName.SURNAME: "SVENSSON"})
    doubtful = tuple(
        replace(f, confidence=0.7) if f.zone is Zone.MRZ and f.name is FieldName.SURNAME else f
        for f in whole.fields
    )
    result = _judged({FRONT: replace(whole, fields=doubtful)})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.FIELD_UNREADABLE,)


def test_what_was_not_compared_does_not_pass() -> None:
    """A known type prints its fields beside its zone; a print that was not read agrees with nothing."""
    whole = passport()
    unread = tuple(
        replace(f, confidence=0.4) if f.zone is Zone.VIZ and f.name is FieldName.SURNAME else f
        for f in whole.fields
    )
    result = _judged({FRONT: replace(whole, fields=unread)})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.FIELD_UNREADABLE,)


def test_a_missing_field_is_unreadable() -> None:
    """Without a number, a surname, a birth and an expiry a document was not read."""
    zone = passport()
    fewer = replace(zone, fields=tuple(f for f in zone.fields if f.name is not FieldName.DATE_OF_BIRTH))
    result = _judged({FRONT: fewer})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.FIELD_UNREADABLE,)


def test_the_zone_on_the_back_completes_the_front() -> None:
    """A card with its zone on the back passes with both sides and asks for the back without it."""
    record = replace(RECORD, document_code="ID", document_number="AB3499143")
    rows = write(MrzFormat.TD1, record)
    zone = parse(rows, today=NOW.date())
    front = DocumentReading(
        document_type="uto_identity_card",
        fields=tuple(f for f in passport(record).fields if f.zone is Zone.VIZ),
        reasons=(Reason.MRZ_NOT_FOUND,),
    )
    back = DocumentReading(mrz=zone, fields=field_readings(zone, confidence=0.9))
    assert _judged({FRONT: front, BACK: back}).outcome is Outcome.PASS
    alone = _judged({FRONT: front})
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert Reason.EVIDENCE_MISSING in alone.reasons


def test_an_unknown_document_needs_a_valid_zone() -> None:
    """Printed fields alone of an unknown type are not enough; with a zone they are."""
    assert _judged({FRONT: passport(document_type=None)}).outcome is Outcome.PASS
    fields = tuple(replace(field, zone=Zone.VIZ) for field in passport().fields)
    result = _judged({FRONT: DocumentReading(fields=fields)})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.MRZ_NOT_FOUND,)


def test_a_known_type_without_a_zone_needs_none() -> None:
    """The type's own data says what belongs to it."""
    plain = parse_document_type(
        "plain",
        {
            "title": "Card",
            "state_name": "Nowhere",
            "category": "identity_card",
            "issuing_state": "XNO",
            "document_code": "I",
            "size_mm": [85.6, 53.98],
            "validity_years": 5,
            "number_mask": "A9",
            "date_format": "DD.MM.YYYY",
            "sides": {"front": {}},
        },
    )
    fields = tuple(replace(field, zone=Zone.VIZ) for field in passport().fields)
    reading = DocumentReading(document_type="plain", fields=fields)
    assert _judged({FRONT: reading}, types=DocumentTypes([plain])).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (DocumentReading(reasons=(Reason.NO_DOCUMENT,)), Reason.NO_DOCUMENT),
        (MediaError(MediaFault.CORRUPT, "corrupt"), Reason.MEDIA_UNDECODABLE),
        (DocumentReading(reasons=(Reason.DOCUMENT_BLURRED,)), Reason.DOCUMENT_BLURRED),
    ],
)
def test_a_poor_picture_is_inconclusive_with_its_reason(
    reading: DocumentReading | MediaError, reason: Reason
) -> None:
    """What the capture lacks is said first, and nothing fails for it."""
    result = _judged({FRONT: reading})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons[0] is reason
    assert result.score is not None
    assert math.isfinite(result.score)


def test_something_else_on_one_side_is_not_made_good_by_the_other() -> None:
    """A front that is no document blocks a pass, a blurred front does not."""
    back = passport()
    assert _judged({FRONT: DocumentReading(reasons=(Reason.NO_DOCUMENT,)), BACK: back}).reasons == (
        Reason.NO_DOCUMENT,
    )
    blurred = DocumentReading(reasons=(Reason.DOCUMENT_BLURRED,))
    assert _judged({FRONT: blurred, BACK: back}).outcome is Outcome.PASS


def test_without_a_document_nothing_runs() -> None:
    """No side was ever sent."""
    result = _judged({})
    assert result.outcome is Outcome.NOT_RUN
    assert result.reasons == (Reason.EVIDENCE_MISSING,)


def test_no_time_left_is_raised() -> None:
    """The runner turns the deadline into its reason."""
    with pytest.raises(DeadlineExceeded):
        _judged({FRONT: passport()}, deadline=0.0)


def test_the_digest_follows_its_parts() -> None:
    """Other models, another digest."""
    assert document_reading_digest({"a": "1"}, {"b": "2"}) == document_reading_digest({"a": "1", "b": "2"})
    assert document_reading_digest({"a": "1"}) != document_reading_digest({"a": "2"})


def test_given_names_that_only_the_zone_states_were_not_compared() -> None:
    """Print in which no given name can be read, erased or not, does not pass."""
    whole = passport()
    erased = tuple(
        field
        for field in whole.fields
        if field.zone is not Zone.VIZ or field.name is not FieldName.GIVEN_NAMES
    )
    result = _judged({FRONT: replace(whole, fields=erased)})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.FIELD_UNREADABLE,)


def test_a_licence_needs_its_barcode() -> None:
    """What only the print says was compared with nothing: the back is asked for, then its code."""
    front = replace(
        passport(document_type="xca_driving_licence"),
        mrz=None,
        fields=tuple(
            replace(field, value="2032-04-14") if field.name is FieldName.DATE_OF_EXPIRY else field
            for field in passport().fields
            if field.zone is Zone.VIZ
        ),
    )
    coded = tuple(replace(field, zone=Zone.BARCODE) for field in front.fields)
    assert _judged({FRONT: front}).reasons[0] is Reason.EVIDENCE_MISSING
    assert _judged({FRONT: front, BACK: DocumentReading()}).reasons == (Reason.FIELD_UNREADABLE,)
    assert _judged({FRONT: front, BACK: DocumentReading(fields=coded)}).outcome is Outcome.PASS


def test_the_same_side_twice_fails() -> None:
    """Two fronts are no front and back."""
    front = DocumentReading(
        document_type="uto_identity_card",
        fields=tuple(field for field in passport().fields if field.zone is Zone.VIZ),
    )
    result = _judged({FRONT: front, BACK: front})
    assert result.outcome is Outcome.FAIL
    assert result.reasons == (Reason.SIDES_MISMATCH,)


def test_a_number_of_no_such_type_was_not_compared() -> None:
    """Print from another field laid over the number is no number: it neither contradicts nor passes."""
    result = _judged({FRONT: passport(printed={FieldName.DOCUMENT_NUMBER: "12081974"})})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == (Reason.FIELD_UNREADABLE,)

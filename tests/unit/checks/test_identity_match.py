import datetime as dt

import pytest

from idv.checks.identity_match.check import IdentityMatch, identity_match_digest
from idv.documents.mrz import field_readings, parse
from idv.documents.mrz_writer import MrzRecord
from idv.domain.documents import DocumentReading, FieldName, FieldReading, Zone
from idv.domain.errors import DeadlineExceeded, MediaError, MediaFault
from idv.domain.evidence import ClaimedIdentity, EncodedImage, Evidence, ImageRole
from idv.domain.reasons import Reason
from idv.domain.results import CheckResult, Outcome
from tests.unit.readings import NOW, Readings, StillClock, zone_only

BORN = dt.date(1974, 8, 12)
CLAIMED = ClaimedIdentity(given_names="Anna", surname="Eriksson", date_of_birth=BORN)


def _document(
    surname: str = "Eriksson", given_names: str = "Anna Maria", *, confidence: float = 0.95
) -> DocumentReading:
    record = MrzRecord("P", "UTO", "L34991C43", surname, given_names, "UTO", BORN, "F", dt.date(2031, 4, 15))
    return zone_only(record, confidence=confidence)


def _judged(
    claimed: ClaimedIdentity | None,
    reading: DocumentReading | MediaError | None,
    *,
    deadline: float = 1.0,
) -> CheckResult:
    readings = {} if reading is None else {ImageRole.DOCUMENT_FRONT: reading}
    check = IdentityMatch(clock=StillClock(), provider="open", digest="d")
    evidence = Evidence(images={role: EncodedImage(b"") for role in readings}, claimed=claimed)
    return check.judge(evidence, Readings(readings), deadline=deadline)


@pytest.mark.parametrize(
    "claimed",
    [
        CLAIMED,
        ClaimedIdentity(full_name="Anna Maria Eriksson", date_of_birth=BORN),
        ClaimedIdentity(surname="Erikson"),
        ClaimedIdentity(date_of_birth=BORN),
        ClaimedIdentity(given_names="Maria"),
    ],
)
def test_the_identity_on_the_document_passes(claimed: ClaimedIdentity) -> None:
    """Every claimed part agrees with what was read."""
    result = _judged(claimed, _document())
    assert result.outcome is Outcome.PASS
    assert result.reasons == ()
    assert result.score is not None
    assert 0 < result.score <= 1


@pytest.mark.parametrize(
    ("claimed", "reasons"),
    [
        (ClaimedIdentity(surname="Svensson"), (Reason.NAME_MISMATCH,)),
        (ClaimedIdentity(full_name="Berta Eriksson"), (Reason.NAME_MISMATCH,)),
        (ClaimedIdentity(date_of_birth=dt.date(1974, 8, 13)), (Reason.DATE_OF_BIRTH_MISMATCH,)),
        (
            ClaimedIdentity(surname="Svensson", date_of_birth=dt.date(1975, 8, 12)),
            (Reason.NAME_MISMATCH, Reason.DATE_OF_BIRTH_MISMATCH),
        ),
        (ClaimedIdentity(surname="Eriksson", given_names="Berta"), (Reason.NAME_MISMATCH,)),
    ],
)
def test_another_identity_fails(claimed: ClaimedIdentity, reasons: tuple[Reason, ...]) -> None:
    """Each part that contradicts gives its own reason."""
    result = _judged(claimed, _document())
    assert result.outcome is Outcome.FAIL
    assert result.reasons == reasons
    assert result.score == 0.0


@pytest.mark.parametrize("claimed", [None, ClaimedIdentity(), ClaimedIdentity(surname="  ")])
def test_nothing_claimed_is_not_run(claimed: ClaimedIdentity | None) -> None:
    """Without a claim there is nothing to compare."""
    result = _judged(claimed, _document())
    assert result.outcome is Outcome.NOT_RUN
    assert result.reasons == (Reason.EVIDENCE_MISSING,)


def test_no_document_is_not_run() -> None:
    """Nothing was sent that could be read."""
    assert _judged(CLAIMED, None).outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(
    ("reading", "reasons"),
    [
        (_document(confidence=0.3), (Reason.FIELD_UNREADABLE,)),
        (
            DocumentReading(reasons=(Reason.NO_DOCUMENT,)),
            (Reason.NO_DOCUMENT, Reason.FIELD_UNREADABLE),
        ),
        (
            MediaError(MediaFault.CORRUPT, "corrupt"),
            (Reason.MEDIA_UNDECODABLE, Reason.FIELD_UNREADABLE),
        ),
    ],
)
def test_what_cannot_be_read_is_inconclusive(
    reading: DocumentReading | MediaError, reasons: tuple[Reason, ...]
) -> None:
    """An unread field neither agrees nor contradicts."""
    result = _judged(CLAIMED, reading)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.reasons == reasons


def test_a_name_in_another_script_is_inconclusive() -> None:
    """What has no transliteration cannot be compared, and is not passed."""
    assert _judged(ClaimedIdentity(surname="金"), _document()).outcome is Outcome.INCONCLUSIVE


def test_a_cut_name_in_the_zone_matches() -> None:
    """A full name field holds only the beginning of a long name."""
    long = _document("Wolfeschlegelsteinhausen", "Christopher Alexander Bartholomew")
    claimed = ClaimedIdentity(
        surname="Wolfeschlegelsteinhausen", given_names="Christopher Alexander Bartholomew"
    )
    assert _judged(claimed, long).outcome is Outcome.PASS


def test_the_printed_date_counts_where_the_digit_is_refuted() -> None:
    """A date whose check digit is wrong is no evidence; the printed one is."""
    good = _document()
    assert good.mrz is not None
    rows = (good.mrz.lines[0], good.mrz.lines[1].replace("740812", "840812"))
    zone = parse(rows, today=NOW.date())
    printed = FieldReading(FieldName.DATE_OF_BIRTH, BORN.isoformat(), Zone.VIZ, 0.9)
    reading = DocumentReading(mrz=zone, fields=(*field_readings(zone, confidence=0.95), printed))
    assert _judged(ClaimedIdentity(date_of_birth=BORN), reading).outcome is Outcome.PASS
    without = DocumentReading(mrz=zone, fields=field_readings(zone, confidence=0.95))
    assert _judged(ClaimedIdentity(date_of_birth=BORN), without).outcome is Outcome.INCONCLUSIVE


def test_the_printed_name_counts_beside_the_zone() -> None:
    """The zone that agrees best is taken; contradictions between zones are another check's."""
    reading = _document("Eriksson")
    printed = FieldReading(FieldName.SURNAME, "ØSTERGÅRD", Zone.VIZ, 0.9)
    both = DocumentReading(mrz=reading.mrz, fields=(*reading.fields, printed))
    assert _judged(ClaimedIdentity(surname="Østergård"), both).outcome is Outcome.PASS


def test_no_time_left_is_raised() -> None:
    """The runner turns the deadline into its reason."""
    with pytest.raises(DeadlineExceeded):
        _judged(CLAIMED, _document(), deadline=0.0)


def test_no_result_shows_what_was_claimed_or_read() -> None:
    """Results are logged and stored in the clear."""
    assert "Eriksson".lower() not in repr(_judged(CLAIMED, _document())).lower()


def test_the_digest_follows_its_parts() -> None:
    """Other models, another digest."""
    assert identity_match_digest({"a": "1"}) != identity_match_digest({"a": "2"})

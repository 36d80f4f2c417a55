import datetime as dt
from collections import Counter

import cv2
import numpy as np
import pytest

from idv.documents.document_types import load_document_types
from idv.documents.mrz import parse
from idv.domain.documents import DigitState, FieldName, MrzReading
from idv.domain.evidence import ImageRole
from idv.vision.synthesis.document_set import DocumentSet, Severity, Species
from idv.vision.synthesis.portraits import draw_portrait

TODAY = dt.date(2026, 11, 22)
TYPES = {known.id: known for known in load_document_types()}
SET = DocumentSet(seed=5)
_PER_ROUND = 36
"""Items in which every species occurs at least once."""


Zones = dict[int, tuple[str, ...]]
"""Item -> the rows of its machine-readable zone."""


@pytest.fixture(scope="module")
def zones() -> Zones:
    """Of three holders that have all species between them: genuine items, and the two others of each."""
    return {number: SET.card(number).mrz_lines for number in (0, 1, 2, 3, 4, 6, 7, 8, 10, 11)}


def _zone(lines: tuple[str, ...]) -> MrzReading:
    reading = parse(lines, today=TODAY)
    assert reading is not None
    return reading


def _both(zones: Zones, species: Species) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rows of the item of a species, and the genuine ones of its holder."""
    number = next(n for n in zones if SET.planned(n).species is species)
    return zones[number], zones[number // 4 * 4]


def test_an_item_is_the_same_whenever_it_is_drawn() -> None:
    """OpenCV's settings and other instances do not matter, and those settings are put back."""
    first = SET.draw(6)
    threads, optimised = cv2.getNumThreads(), cv2.useOptimized()
    cv2.setNumThreads(2)
    cv2.setUseOptimized(True)
    try:
        again = DocumentSet(seed=5).draw(6)
        assert (cv2.getNumThreads(), cv2.useOptimized()) == (2, True)
    finally:
        cv2.setNumThreads(threads)
        cv2.setUseOptimized(optimised)
    assert again == first


def test_items_are_photographs_of_the_sides() -> None:
    """Two different JPEGs, 1,280 to 1,600 px wide, for a card whose zone is on its back."""
    item = SET.draw(3)
    assert (item.species, len(TYPES[item.document_type].sides)) == (Species.PRINT_RECAPTURE, 2)
    assert set(item.media) == {ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK}
    assert len(set(item.media.values())) == 2
    for data in item.media.values():
        pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        assert 1280 <= pixels.shape[1] <= 1600


def test_a_holder_has_two_genuine_items_with_one_zone(zones: Zones) -> None:
    """Valid digits, and a date of expiry far ahead."""
    assert zones[0] == zones[1]
    assert _zone(zones[0]).valid
    assert _zone(zones[0]).fields[FieldName.DATE_OF_EXPIRY] > "2035"


@pytest.mark.parametrize("species", [Species.SCREEN_RECAPTURE, Species.PRINT_RECAPTURE, Species.VIZ_EDIT])
def test_copies_and_printed_edits_keep_the_zone(zones: Zones, species: Species) -> None:
    """What a perfect reader reads is the genuine zone."""
    rows, genuine = _both(zones, species)
    assert rows == genuine


def test_an_edit_without_repair_is_refuted_by_its_digits(zones: Zones) -> None:
    """Only the birth date differs from the genuine zone, so its check digit does not hold."""
    rows, genuine = _both(zones, Species.MRZ_EDIT)
    states = _zone(rows).digits
    assert states[FieldName.DATE_OF_BIRTH] is DigitState.REFUTED
    changed = [a for a, b in zip("".join(rows), "".join(genuine), strict=True) if a != b]
    assert 1 <= len(changed) <= 2
    assert all(character.isdigit() for character in changed)


def test_a_repaired_edit_holds_and_says_another_birth_date(zones: Zones) -> None:
    """Nothing in the zone itself betrays it."""
    zone, genuine = map(_zone, _both(zones, Species.MRZ_EDIT_REPAIRED))
    assert zone.valid
    assert zone.fields[FieldName.DATE_OF_BIRTH] != genuine.fields[FieldName.DATE_OF_BIRTH]
    assert zone.fields[FieldName.DOCUMENT_NUMBER] == genuine.fields[FieldName.DOCUMENT_NUMBER]


def test_an_expired_document_is_otherwise_in_order(zones: Zones) -> None:
    """Valid digits, the same holder, a date of expiry in the past but after the birth."""
    zone, _ = map(_zone, _both(zones, Species.EXPIRED))
    assert zone.valid
    assert zone.fields[FieldName.DATE_OF_EXPIRY] < "2026"


def test_species_types_and_severities_are_balanced() -> None:
    """Over a round each species meets each type alike, so that no slice stands for a species."""
    plan = [SET.planned(number) for number in range(_PER_ROUND * 4)]
    species = Counter(item.species for item in plan if item.species)
    assert set(species.values()) == {12}
    crossed = Counter((item.species, item.document_type.id) for item in plan if item.species)
    assert set(crossed.values()) == {4}
    severities = Counter((item.species is None, item.severity) for item in plan)
    assert {severities[genuine, severity] for genuine in (True, False) for severity in Severity} == {24}


def test_heads_differ() -> None:
    """A portrait is drawn from its randomness alone."""
    first, again, other = (draw_portrait(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (400, 300, 3)
    assert (first == again).all()
    assert (first != other).any()

import datetime as dt
from collections import Counter

import cv2
import numpy as np
import pytest

from idv.documents.document_types import load_document_types
from idv.documents.mrz import parse
from idv.domain.documents import DigitState, FieldName, MrzReading
from idv.domain.evidence import ImageRole
from idv.vision.synthesis.document_set import DocumentSet, DrawnItem, Severity, Species
from idv.vision.synthesis.portraits import draw_portrait

TODAY = dt.date(2026, 11, 22)
TYPES = {known.id: known for known in load_document_types()}
SET = DocumentSet(seed=5)
_PER_ROUND = 36
"""Items in which every species occurs at least once."""


@pytest.fixture(scope="module")
def drawn() -> dict[int, DrawnItem]:
    """The items of the first three holders, each with another pair of species."""
    return {number: SET.draw(number) for number in range(12)}


def _zone(item: DrawnItem) -> MrzReading:
    reading = parse(item.mrz_lines, today=TODAY)
    assert reading is not None
    return reading


def _of(drawn: dict[int, DrawnItem], species: Species | None) -> DrawnItem:
    return next(item for item in drawn.values() if item.species is species)


def _genuine_of(drawn: dict[int, DrawnItem], item: DrawnItem) -> DrawnItem:
    return next(i for i in drawn.values() if i.holder == item.holder and i.species is None)


def test_an_item_is_the_same_whenever_it_is_drawn(drawn: dict[int, DrawnItem]) -> None:
    """Order, other items and OpenCV's settings do not matter, and those settings are put back."""
    threads, optimised = cv2.getNumThreads(), cv2.useOptimized()
    cv2.setNumThreads(2)
    cv2.setUseOptimized(True)
    try:
        again = DocumentSet(seed=5).draw(6)
        assert (cv2.getNumThreads(), cv2.useOptimized()) == (2, True)
    finally:
        cv2.setNumThreads(threads)
        cv2.setUseOptimized(optimised)
    assert again.media == drawn[6].media
    assert again.mrz_lines == drawn[6].mrz_lines


def test_items_are_photographs_of_the_stated_sides(drawn: dict[int, DrawnItem]) -> None:
    """JPEGs 1,280 to 1,600 px wide; two of a type with two sides."""
    for item in drawn.values():
        sides = set(item.media)
        assert ImageRole.DOCUMENT_FRONT in sides
        assert (ImageRole.DOCUMENT_BACK in sides) == (len(TYPES[item.document_type].sides) == 2)
        for data in item.media.values():
            pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
            assert 1280 <= pixels.shape[1] <= 1600


def test_no_two_items_are_one_picture(drawn: dict[int, DrawnItem]) -> None:
    """Two captures of one card differ."""
    files = [data for item in drawn.values() for data in item.media.values()]
    assert len(set(files)) == len(files)


def test_a_holder_has_two_genuine_items_with_one_zone(drawn: dict[int, DrawnItem]) -> None:
    """Valid digits, and a date of expiry far ahead."""
    for holder in range(3):
        genuine = [item for item in drawn.values() if item.holder == holder and item.species is None]
        assert len(genuine) == 2
        assert genuine[0].mrz_lines == genuine[1].mrz_lines
        zone = _zone(genuine[0])
        assert zone.valid
        assert zone.fields[FieldName.DATE_OF_EXPIRY] > "2035"


@pytest.mark.parametrize("species", [Species.SCREEN_RECAPTURE, Species.PRINT_RECAPTURE, Species.VIZ_EDIT])
def test_copies_and_printed_edits_keep_the_zone(drawn: dict[int, DrawnItem], species: Species) -> None:
    """What a perfect reader reads is the genuine zone."""
    item = _of(drawn, species)
    assert item.mrz_lines == _genuine_of(drawn, item).mrz_lines


def test_an_edit_without_repair_is_refuted_by_its_digits(drawn: dict[int, DrawnItem]) -> None:
    """Only the birth date differs from the genuine zone, so its check digit does not hold."""
    item = _of(drawn, Species.MRZ_EDIT)
    states = _zone(item).digits
    assert states[FieldName.DATE_OF_BIRTH] is DigitState.REFUTED
    genuine = "".join(_genuine_of(drawn, item).mrz_lines)
    changed = [a for a, b in zip("".join(item.mrz_lines), genuine, strict=True) if a != b]
    assert 1 <= len(changed) <= 2
    assert all(character.isdigit() for character in changed)


def test_a_repaired_edit_holds_and_says_another_birth_date(drawn: dict[int, DrawnItem]) -> None:
    """Nothing in the zone itself betrays it."""
    item = _of(drawn, Species.MRZ_EDIT_REPAIRED)
    zone, genuine = _zone(item), _zone(_genuine_of(drawn, item))
    assert zone.valid
    assert zone.fields[FieldName.DATE_OF_BIRTH] != genuine.fields[FieldName.DATE_OF_BIRTH]
    assert zone.fields[FieldName.DOCUMENT_NUMBER] == genuine.fields[FieldName.DOCUMENT_NUMBER]


def test_an_expired_document_is_otherwise_in_order(drawn: dict[int, DrawnItem]) -> None:
    """Valid digits, the same holder, a date of expiry in the past but after the birth."""
    item = _of(drawn, Species.EXPIRED)
    zone = _zone(item)
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

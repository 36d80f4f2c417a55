import datetime as dt
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.documents.mrz import parse
from idv.domain.arrays import RgbImage
from idv.domain.documents import DigitState, FieldName
from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.document_scenes import Scene, Shot, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.in_print import DRAWN
from idv.vision.synthesis.forgeries.make import applies, forge, present
from idv.vision.synthesis.forgeries.recaptured import RECAPTURED
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import make_holder

TODAY = dt.date(2026, 11, 22)
TYPES = {known.id: known for known in load_document_types()}


def _face(shade: int) -> RgbImage:
    rng = np.random.default_rng(shade)
    coarse = rng.integers(40, 220, (9, 7, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (140, 180), interpolation=cv2.INTER_CUBIC), np.uint8)


def _camera() -> Callable[[RgbImage], Shot]:
    rng = np.random.default_rng(7)
    return lambda side: photographed(side, Scene(tilt=0.5), Camera(), rng, width=640)


def _case(document_type: DocumentType) -> Case:
    rng = np.random.default_rng(3)
    return Case(
        document_type,
        make_holder(document_type, rng, today=TODAY),
        make_holder(document_type, rng, today=TODAY),
        _face(1),
        _face(2),
        photograph=_camera(),
        dpi=150,
    )


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_every_type_is_made_somewhere_and_only_once() -> None:
    """Each forgery type has exactly one place: drawn, edited or recaptured."""
    assert sorted([*DRAWN, *EDITED, *RECAPTURED]) == sorted(ForgeryType)


@pytest.mark.parametrize("forger", Forger)
@pytest.mark.parametrize("species", ForgeryType)
def test_every_forger_makes_every_type(species: ForgeryType, forger: Forger) -> None:
    """Both forgers make a picture of each side, of a type that has what they alter."""
    known = next(known for known in TYPES.values() if applies(species, known))
    made = forge(_case(known), species, forger, _rng())
    assert set(made.shots) == set(known.sides)
    for shot in made.shots.values():
        assert shot.pixels.dtype == np.uint8
        assert shot.pixels.ndim == 3
        assert shot.corners.shape == (4, 2)


@pytest.mark.parametrize("forger", Forger)
@pytest.mark.parametrize("species", EDITED)
def test_an_edit_changes_the_altered_region_and_nothing_far_from_it(
    species: ForgeryType, forger: Forger
) -> None:
    """Against the genuine photograph, pixels differ inside the stated quadrilaterals only."""
    known = TYPES["uto_passport"]
    genuine = present(_case(known), _rng()).shots[SideName.FRONT].pixels
    made = forge(_case(known), species, forger, _rng())
    inside = np.zeros(genuine.shape[:2], np.uint8)
    for quad in made.altered[SideName.FRONT]:
        cv2.fillConvexPoly(inside, np.rint(quad).astype(np.int32), 1)
    near = cv2.dilate(inside, np.ones((9, 9), np.uint8)) > 0
    changed = (made.shots[SideName.FRONT].pixels != genuine).any(axis=2)
    assert changed[inside > 0].mean() > 0.02
    assert not changed[~near].any()


@pytest.mark.parametrize("forger", Forger)
def test_an_edited_zone_refutes_a_digit_and_a_repaired_one_does_not(forger: Forger) -> None:
    """Check digits find a careless forger of the zone, and never a careful one."""
    case = _case(TYPES["uto_passport"])
    careless = parse(forge(case, ForgeryType.MRZ_EDITED, forger, _rng()).card.mrz_lines, today=TODAY)
    careful = parse(forge(case, ForgeryType.MRZ_EDITED_REPAIRED, forger, _rng()).card.mrz_lines, today=TODAY)
    assert DigitState.REFUTED in careless.digits.values()
    assert careful.valid


def test_a_repaired_zone_states_other_data_than_the_print() -> None:
    """The zone's birth date is not the holder's."""
    case = _case(TYPES["uto_passport"])
    made = forge(case, ForgeryType.MRZ_EDITED_REPAIRED, Forger.FIRST, _rng())
    stated = parse(made.card.mrz_lines, today=TODAY).fields[FieldName.DATE_OF_BIRTH]
    assert stated != case.holder.date_of_birth.isoformat()
    assert made.card.holder == case.holder


def test_a_type_without_a_barcode_has_none_to_forge() -> None:
    """What a type does not have cannot be altered: the request is refused."""
    with pytest.raises(ValueError, match="barcode_mismatch"):
        forge(_case(TYPES["uto_passport"]), ForgeryType.BARCODE_MISMATCH, Forger.FIRST, _rng())


def test_the_same_seed_makes_the_same_forgery() -> None:
    """Forgeries are a function of the case and the seed."""
    first = forge(_case(TYPES["uto_passport"]), ForgeryType.SPLICE, Forger.FIRST, _rng())
    again = forge(_case(TYPES["uto_passport"]), ForgeryType.SPLICE, Forger.FIRST, _rng())
    assert np.array_equal(first.shots[SideName.FRONT].pixels, again.shots[SideName.FRONT].pixels)

from collections import Counter, defaultdict
from itertools import islice

import cv2
import numpy as np
import pytest

from idv.domain.evidence import ImageRole
from idv.vision.synthesis.authenticity_set import AuthenticitySet, Capture, Division, Method, Planned, planned
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.uploads import HELD_OUT_ENCODERS, TRAINING_ENCODERS

CYCLE = 660


def _first(count: int) -> list[Planned]:
    return [planned(number) for number in range(count)]


def test_a_cycle_has_the_counts_of_half_a_set() -> None:
    """120, 120 and 80 genuine items, and 4, 6 and 5 of every species that some design allows."""
    counts = Counter((plan.division, plan.species) for plan in _first(CYCLE))
    genuine = [counts[division, None] for division in Division]
    assert genuine == [120, 120, 80]
    for division, wanted in zip(Division, (4, 6, 5), strict=True):
        found = {kind: counts[division, kind] for kind in ForgeryType if counts[division, kind]}
        assert set(found.values()) == {wanted}
        absent = set(ForgeryType) - set(found)
        assert absent == ({ForgeryType.BARCODE_MISMATCH} if division is Division.UNSEEN else set())


@pytest.mark.parametrize("beginning", [100, 333, CYCLE + 200])
def test_any_beginning_is_balanced(beginning: int) -> None:
    """Each kind of item is within two of its share, each species of a division within one of the others."""
    counts = Counter((plan.division, plan.species) for plan in _first(beginning))
    for division, share in zip(Division, (120, 120, 80), strict=True):
        assert abs(counts[division, None] - share * beginning / CYCLE) < 2
        kinds = [kind for kind in ForgeryType if (division, kind) in counts]
        seen = [counts[division, kind] for kind in kinds]
        assert max(seen) - min(seen) <= 1


def test_nothing_that_is_kept_for_the_test_is_in_the_tune_part() -> None:
    """Not the second forger, not a held-out design, and no holder of the test part."""
    parts: dict[str, set[bool]] = defaultdict(set)
    for plan in _first(2 * CYCLE):
        parts[plan.subject].add(plan.division is Division.TUNE)
        held_out = plan.document_type.id in HELD_OUT_DESIGNS
        assert held_out == (plan.division is Division.UNSEEN)
        assert plan.forger is (Forger.FIRST if plan.division is Division.TUNE else Forger.SECOND)
    assert all(len(kinds) == 1 for kinds in parts.values())


def test_genuine_documents_are_scanned_as_often_as_forged_ones_that_can_be() -> None:
    """One in five: a scan gives nothing away."""
    plans = [plan for plan in _first(2 * CYCLE) if plan.method is not Method.RECAPTURE]
    scanned = Counter(plan.species is None for plan in plans if plan.capture is Capture.SCAN)
    all_ = Counter(plan.species is None for plan in plans)
    assert scanned[True] / all_[True] == pytest.approx(0.2, abs=0.01)
    assert scanned[False] / all_[False] == pytest.approx(0.2, abs=0.04)


def test_a_holder_meets_no_species_twice() -> None:
    """Two alike edits of one photograph would be one trial counted twice."""
    seen = Counter((plan.subject, plan.species) for plan in _first(2 * CYCLE) if plan.species)
    assert max(seen.values()) == 1


def test_an_edit_is_made_in_the_photograph_of_the_genuine_item() -> None:
    """Outside the edit the two pictures differ by what the encoders do to them."""
    edit = next(n for n in range(CYCLE) if planned(n).method is Method.IN_PHOTO)
    plan = planned(edit)
    twin = next(n for n in range(CYCLE) if planned(n) == plan._replace(species=None))
    fronts = [_opened(AuthenticitySet(5).draw(n).media[ImageRole.DOCUMENT_FRONT]) for n in (edit, twin)]
    assert fronts[0].shape == fronts[1].shape
    assert float(np.median(np.abs(fronts[0] - fronts[1]))) < 6


def test_parts_are_encoded_each_in_their_own_way() -> None:
    """Encoders of the test part are none that training may use."""
    allowed = {Division.TUNE: TRAINING_ENCODERS, Division.KNOWN: HELD_OUT_ENCODERS}
    for division, encoders in allowed.items():
        number = next(n for n in range(CYCLE) if planned(n).division is division)
        assert AuthenticitySet(5).draw(number).encoder in encoders


def test_composites_come_in_the_sizes_of_photographs() -> None:
    """Else a picture's size would tell that it was never taken."""
    composites = (n for n in range(3 * CYCLE) if planned(n).species is ForgeryType.DIGITAL_COMPOSITE)
    drawn = [AuthenticitySet(5).draw(n) for n in islice(composites, 4)]
    widths = {_opened(next(iter(item.media.values()))).shape[1] for item in drawn}
    assert len(widths) > 1


def _opened(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.float32)

"""Pictures to look at while the recapture network is made."""

from pathlib import Path

import pytest

from idv.training.document_corpus import items, known_designs
from idv.training.document_recapture_validation import FIRST_CASE, draw_case
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.species import ForgeryType


@pytest.mark.slow
def test_a_case_is_a_photograph_a_scan_and_a_recapture_encoded_as_no_training_picture(tmp_path: Path) -> None:
    """Case 100000 shows a screen; each file is WebP or progressive; drawing it again changes nothing."""
    draw_case(FIRST_CASE, tmp_path, [], seed=1)
    found = list(items(tmp_path))
    assert [(item.species, item.capture) for item in found] == [
        (None, "photo"),
        (None, "scan"),
        (ForgeryType.SCREEN_RECAPTURE, "photo"),
    ]
    before = [item.path.read_bytes() for item in found]
    for data in before:
        assert data[8:12] == b"WEBP" or b"\xff\xc2" in data
    draw_case(FIRST_CASE, tmp_path, [], seed=2)
    assert [item.path.read_bytes() for item in found] == before
    assert found[2].pixels().shape[2] == 3


def test_the_designs_kept_for_the_test_are_not_drawn() -> None:
    """Training and validation know ten designs, and neither of the two that are held out."""
    designs = {design.id for design in known_designs()}
    assert len(designs) == 10
    assert not designs & HELD_OUT_DESIGNS

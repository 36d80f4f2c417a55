import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.check_digits import ALPHABET
from idv.vision.synthesis.glyphs import RowGeometry, glyph_names, row_coverage

GEOMETRY = RowGeometry.at(300 / 25.4)


def test_every_character_of_a_zone_can_be_drawn() -> None:
    """The font is exactly the MRZ alphabet."""
    assert glyph_names() == set(ALPHABET)


def test_no_two_glyphs_look_the_same() -> None:
    """Each pair of characters differs in a good part of its ink, O and 0 too."""
    cells = {character: row_coverage(character, GEOMETRY) for character in ALPHABET}
    for first, second in itertools.combinations(ALPHABET, 2):
        union = np.maximum(cells[first], cells[second]).sum()
        difference = np.abs(cells[first] - cells[second]).sum()
        assert difference / union > 0.1, (first, second)


def test_nominal_size() -> None:
    """At 300 dpi the pitch is 30 px and capitals are 2.4 mm high, inside the canvas."""
    assert pytest.approx(30.0) == GEOMETRY.pitch
    coverage = row_coverage("H" * 30, GEOMETRY)
    rows = np.flatnonzero(coverage.max(axis=1) > 0.5)
    assert rows[-1] - rows[0] + 1 == pytest.approx(GEOMETRY.cap_height + GEOMETRY.pen, abs=2)
    assert coverage.shape[1] == pytest.approx(30 * 30 + 2 * GEOMETRY.pen, abs=1)


@given(st.text(alphabet=ALPHABET, min_size=1, max_size=12), st.floats(4.0, 24.0))
def test_ink_stays_within_the_canvas_and_the_range(text: str, px_per_mm: float) -> None:
    """Coverage is in [0, 1], no stroke is cut at the left or top, and every cell holds ink."""
    geometry = RowGeometry.at(px_per_mm)
    coverage = row_coverage(text, geometry)
    assert coverage.dtype == np.float32
    assert coverage.min() >= 0
    assert coverage.max() <= 1
    for index in range(len(text)):
        left = round(geometry.pen + index * geometry.pitch)
        assert coverage[:, left : left + round(geometry.pitch)].max() > 0.5


def test_a_foreign_character_is_refused() -> None:
    """Small letters and accents belong to no zone."""
    with pytest.raises(KeyError):
        row_coverage("é", GEOMETRY)

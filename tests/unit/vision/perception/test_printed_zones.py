import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.document_types import RelativeBox, load_document_types
from idv.domain.arrays import RgbImage
from idv.vision.perception.printed_zones import cut_print, registered, whole
from idv.vision.perception.text_lines import Strip

PASSPORT = load_document_types().get("uto_passport")
ZONE = RelativeBox(0.3, 0.4, 0.6, 0.08)


def printed(text: str) -> RgbImage:
    """A card with text at the left end of the zone."""
    card = np.full((600, 1000, 3), 225, np.uint8)
    cv2.putText(card, text, (310, 280), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
    return card


def test_print_is_cut_to_its_own_length() -> None:
    """A short value in a long zone does not cost the recogniser the empty rest."""
    crop = cut_print(printed("AB"), whole((600, 1000, 3)), ZONE)
    assert crop is not None
    assert crop.shape[0] == 48
    assert crop.shape[1] < 150


def test_an_empty_zone_gives_nothing() -> None:
    """So no text is ever made up for it."""
    assert cut_print(printed(""), whole((600, 1000, 3)), ZONE) is None


def _rows(scale: float, shift: tuple[float, float]) -> tuple[Strip, ...]:
    """Rows where the passport has them on a picture 1250 × 880, then scaled and shifted."""
    assert PASSPORT is not None
    assert PASSPORT.mrz is not None
    strips = []
    for box in PASSPORT.mrz.row_boxes():
        middle = (box.top + box.height / 2) * 880
        ends = [
            (x * 1250 * scale + shift[0], middle * scale + shift[1]) for x in (box.left, box.left + box.width)
        ]
        strips.append(Strip(ends[0], ends[1], 20.0 * scale))
    return tuple(strips)


def test_rows_in_their_place_leave_the_picture_as_it_is() -> None:
    """The picture's sides are a better measure than rows that lie close together."""
    assert PASSPORT is not None
    assert PASSPORT.mrz is not None
    place = registered((880, 1250, 3), PASSPORT.mrz, _rows(1.0, (4.0, 3.0)), aspect=1250 / 880)
    assert np.array_equal(place.matrix, whole((880, 1250, 3)).matrix)


@given(scale=st.floats(0.4, 0.8), x=st.floats(80, 200), y=st.floats(80, 200))
def test_rows_elsewhere_place_the_whole_side(scale: float, x: float, y: float) -> None:
    """A document somewhere in the picture: its corners follow from its rows."""
    assert PASSPORT is not None
    assert PASSPORT.mrz is not None
    place = registered((1200, 1600, 3), PASSPORT.mrz, _rows(scale, (x, y)), aspect=1250 / 880)
    corners = place.corners(RelativeBox(0, 0, 1, 1))
    assert corners[0] == pytest.approx([x, y], abs=3)
    assert corners[2] == pytest.approx([x + 1250 * scale, y + 880 * scale], abs=3)

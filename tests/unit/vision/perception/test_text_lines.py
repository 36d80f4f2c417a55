import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.arrays import RgbImage
from idv.vision.perception.text_lines import Strip, cut, find_strips


def printed(rows: list[tuple[str, int]], *, slope: float = 0.0, width: int = 1000) -> RgbImage:
    """A pale card with rows of dark print at given heights."""
    image = np.full((630, width, 3), 225, np.uint8)
    for text, y in rows:
        for index, character in enumerate(text):
            x = 60 + index * (width - 120) / len(text)
            cv2.putText(
                image,
                character,
                (round(x), round(y + slope * x)),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.9,
                (20, 20, 20),
                2,
            )
    return image


ZONE = [
    ("I<UTOD231458907<<<<<<<<<<<<<<<", 480),
    ("7408122F1204159UTO<<<<<<<<<<<6", 530),
    ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", 580),
]


def test_every_row_of_a_zone_is_found_with_its_ends() -> None:
    """Three rows, top to bottom, from the first to the last character."""
    strips = find_strips(printed(ZONE))
    assert len(strips) == 3
    for strip, (_, baseline) in zip(strips, ZONE, strict=True):
        assert strip.left[0] == pytest.approx(60, abs=25)
        assert strip.right[0] == pytest.approx(930, abs=35)
        assert strip.y_at(500) == pytest.approx(baseline - 10, abs=8)


def test_plain_ground_has_no_rows() -> None:
    """Neither flat colour nor a smooth gradient is print."""
    ramp = np.broadcast_to(np.linspace(60, 220, 900).astype(np.uint8)[None, :, None], (500, 900, 3))
    assert find_strips(np.full((500, 900, 3), 128, np.uint8)) == []
    assert find_strips(np.ascontiguousarray(ramp)) == []


def test_a_slanting_row_keeps_its_slope() -> None:
    """A document laid flat imperfectly leans by a degree or two."""
    (strip,) = find_strips(printed([ZONE[0]], slope=0.02))
    assert strip.slope == pytest.approx(0.02, abs=0.004)


@given(x=st.floats(100, 300), y=st.floats(100, 300), angle=st.floats(-0.5, 0.5), along=st.floats(0, 30))
def test_a_cut_out_row_is_level(x: float, y: float, angle: float, along: float) -> None:
    """The crop of a strip has the height asked for and the strip's proportions, at any slope."""
    end = (x + 200 * np.cos(angle), y + 200 * np.sin(angle))
    strip = Strip((x, y), (float(end[0]), float(end[1])), 20.0)
    crop = cut(np.zeros((600, 600, 3), np.uint8), strip.corners(along=along), height=48)
    assert crop.shape[0] == 48
    assert crop.shape[1] == pytest.approx(48 * (200 + 2 * along) / 20, abs=1.5)


def test_the_start_of_a_row_is_what_the_whole_row_begins_with() -> None:
    """Only columns are left out; a row that is short enough is whole."""
    picture = printed([ZONE[0]], slope=0.05)
    corners = Strip((60, 473), (940, 517), 30.0).corners()
    row = cut(picture, corners, height=48)
    start = cut(picture, corners, height=48, most_px=200)
    assert start.shape == (48, 200, 3)
    assert np.abs(start.astype(int) - row[:, :200]).max() <= 4
    assert np.array_equal(cut(picture, corners, height=48, most_px=5000), row)


def test_a_strip_scales_with_its_picture() -> None:
    """Ends and height alike."""
    strip = Strip((1, 2), (3, 2), 4).scaled(2)
    assert strip == Strip((2, 4), (6, 4), 8)
    assert strip.length == 4

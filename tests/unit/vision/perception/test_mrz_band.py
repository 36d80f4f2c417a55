from hypothesis import given
from hypothesis import strategies as st

from idv.vision.perception.mrz_band import find_bands
from idv.vision.perception.text_lines import Strip


def row(y: float, *, left: float = 50, right: float = 950, height: float = 20) -> Strip:
    """A level row of print."""
    return Strip((left, y), (right, y), height)


def test_three_like_rows_come_before_two_of_them() -> None:
    """A short line above does not join them."""
    rows = [row(100, right=300), row(480), row(530), row(580)]
    band = find_bands(rows, width=1000)[0]
    assert [strip.left[1] for strip in band.rows] == [480, 530, 580]


def test_rows_far_apart_are_no_band() -> None:
    """A zone's rows stand within a few heights of each other."""
    assert find_bands([row(100), row(400)], width=1000) == []


def test_rows_of_unlike_slope_are_no_band() -> None:
    """Rows of one zone are parallel."""
    assert find_bands([row(100), Strip((50, 140), (950, 190), 20)], width=1000) == []


def test_a_third_row_at_another_distance_does_not_belong() -> None:
    """A line of text under a zone of two rows is not its third row."""
    bands = find_bands([row(100), row(140), row(230)], width=1000)
    assert all(len(band.rows) == 2 for band in bands)
    assert [strip.left[1] for strip in bands[0].rows] == [100, 140]


def test_a_row_that_runs_into_a_border_is_cut_to_its_neighbour() -> None:
    """Common ends: the runaway end gives way to the shorter row's."""
    (band,) = find_bands([row(100, right=800), row(140, right=990)], width=1000)
    assert [strip.right[0] for strip in band.rows] == [800, 800]


def test_ends_that_nearly_agree_are_taken_at_the_farthest() -> None:
    """A row whose last filler is faint gets its neighbour's end."""
    (band,) = find_bands([row(100, right=930), row(140, right=950)], width=1000)
    assert [strip.right[0] for strip in band.rows] == [950, 950]


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.floats(20, 600)), max_size=8))
def test_any_rows_give_bands_of_two_or_three_with_common_ends(rows: list[tuple[float, float, float]]) -> None:
    """Whatever print a picture has, a band is well formed and ranked."""
    strips = [row(y, left=x, right=x + length) for y, x, length in rows]
    bands = find_bands(strips, width=1000)
    assert all(len(band.rows) in (2, 3) for band in bands)
    assert all(len({(s.left[0], s.right[0]) for s in band.rows}) == 1 for band in bands)
    assert [band.rank for band in bands] == sorted((band.rank for band in bands), reverse=True)

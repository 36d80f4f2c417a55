import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idv.domain.arrays import FloatArray
from idv.vision.imaging import geometry
from idv.vision.imaging.geometry import Size

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
UNTIMED = settings(deadline=None)
RIGHT = np.array([1, 0], np.float32)
_coordinate = st.floats(-40, 40, width=32)


@st.composite
def quadrilaterals(draw: st.DrawFn) -> FloatArray:
    """A convex quadrilateral: a square of 300 px at (500, 500) with its corners moved by up to 40 px."""
    base = np.array([[500, 500], [800, 500], [800, 800], [500, 800]], np.float32)
    moves = draw(st.lists(st.tuples(_coordinate, _coordinate), min_size=4, max_size=4))
    return base + np.array(moves, np.float32)


@UNTIMED
@given(quadrilaterals(), st.permutations(range(4)))
def test_corners_are_ordered_whatever_order_they_come_in(quad: FloatArray, order: list[int]) -> None:
    """Any permutation gives the same clockwise order, beginning at the top left."""
    ordered = geometry.order_corners(quad[order])
    np.testing.assert_array_equal(ordered, geometry.order_corners(quad))
    assert geometry.is_convex(ordered)
    assert geometry.signed_area(ordered) > 0
    assert ordered[0].sum() == ordered.sum(axis=1).min()


def test_a_rotated_card_begins_at_the_corner_nearest_the_top_left() -> None:
    """A card turned by 30 degrees keeps its order; the first corner has the least x + y."""
    turned = [[100, 50], [187, 100], [162, 143], [75, 93]]
    np.testing.assert_array_equal(geometry.order_corners(turned[::-1]), np.array(turned, np.float32))


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0], [10, 0], [10, 10]],
        [[0, 0], [10, 0], [5, 2], [5, 10]],
        [[0, 0], [5, 0], [10, 0], [5, 10]],
        [[0, 0], [0, 0], [10, 10], [0, 10]],
        [[0, 0], [10, 0], [10, float("nan")], [0, 10]],
    ],
)
def test_what_is_no_convex_quadrilateral_is_refused(corners: list[list[float]]) -> None:
    """Three points, a dent, a straight angle, a double point and a NaN are refused."""
    with pytest.raises(ValueError, match="points"):
        geometry.order_corners(corners)


@UNTIMED
@given(quadrilaterals(), quadrilaterals())
def test_a_homography_maps_its_corners_and_its_inverse_maps_them_back(a: FloatArray, b: FloatArray) -> None:
    """Source corners land on target corners within a hundredth of a pixel, and back."""
    matrix = geometry.homography(a, b)
    assert np.abs(geometry.project(matrix, a) - b).max() < 1e-2
    back = np.asarray(np.linalg.inv(matrix), np.float64)
    assert np.abs(geometry.project(back, b) - a).max() < 1e-2


@UNTIMED
@given(quadrilaterals(), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_a_homography_keeps_lines_straight(quad: FloatArray, s: float, t: float) -> None:
    """A point on the line between two others stays on the line between their images."""
    matrix = geometry.homography(SQUARE, quad)
    a, b = np.array([10 * s, 0.0]), np.array([10 * t, 10.0])
    line = geometry.project(matrix, [a, (a + b) / 2, b])
    (x1, y1), (x2, y2) = line[1] - line[0], line[2] - line[0]
    assert abs(x1 * y2 - x2 * y1) < 1e-3


def test_points_on_a_line_have_no_homography() -> None:
    """Three collinear points cannot be the image of a square."""
    with pytest.raises(ValueError, match="line"):
        geometry.homography([[0, 0], [5, 0], [10, 0], [0, 10]], SQUARE)


@UNTIMED
@given(quadrilaterals(), quadrilaterals())
def test_overlap_is_symmetric_and_agrees_with_pixel_counts(a: FloatArray, b: FloatArray) -> None:
    """The overlap lies in [0, 1], is symmetric, and counting pixels says the same to two per cent."""
    overlap = geometry.intersection_over_union(a, b)
    assert overlap == pytest.approx(geometry.intersection_over_union(b, a), abs=1e-9)
    drawn_a, drawn_b = (
        np.asarray(cv2.fillConvexPoly(np.zeros((1300, 1300), np.uint8), q.round().astype(np.int32), 1), bool)
        for q in (a, b)
    )
    counted = (drawn_a & drawn_b).sum() / (drawn_a | drawn_b).sum()
    assert overlap == pytest.approx(counted, abs=0.02)


def test_overlap_of_known_squares() -> None:
    """Itself 1, half shifted a third, touching or far 0, a flat one 0."""
    assert geometry.intersection_over_union(SQUARE, SQUARE) == pytest.approx(1)
    assert geometry.intersection_over_union(SQUARE, SQUARE + RIGHT * 5) == pytest.approx(1 / 3)
    assert geometry.intersection_over_union(SQUARE, SQUARE + RIGHT * 10) == 0
    assert geometry.intersection_over_union(SQUARE, SQUARE + RIGHT * 100) == 0
    assert geometry.intersection_over_union(SQUARE, SQUARE * RIGHT) == 0


@UNTIMED
@given(quadrilaterals())
def test_clipping_never_adds_area(quad: FloatArray) -> None:
    """The clipped part is no larger than the polygon or the window."""
    window = geometry.rectangle(Size(700, 700))
    part = geometry.signed_area(geometry.clip(quad, window))
    assert -1e-6 <= part <= min(geometry.signed_area(quad), geometry.signed_area(window)) + 1e-3


def test_a_warp_of_the_whole_picture_is_the_picture() -> None:
    """The identity is exact."""
    picture = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    corners = geometry.rectangle(Size(40, 30))
    np.testing.assert_array_equal(geometry.warp_quadrilateral(picture, corners, Size(40, 30)), picture)


def test_a_warp_lays_the_named_corner_at_the_top_left() -> None:
    """Corners beginning at the picture's top right turn it by a quarter."""
    picture = np.random.default_rng(2).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    corners = np.roll(geometry.rectangle(Size(40, 30)), -1, axis=0)
    turned = geometry.warp_quadrilateral(picture, corners, Size(30, 40))
    np.testing.assert_array_equal(turned, np.rot90(picture))


@UNTIMED
@given(quadrilaterals(), st.sampled_from([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
def test_a_quadrilateral_is_laid_flat_as_from_the_whole_picture(quad: FloatArray, how: int) -> None:
    """Cutting out what is needed and a fourth channel change nothing but the rounding of places."""
    rows, columns = np.indices((900, 900), np.float32)
    waves = [127 + 120 * np.sin(rows / 9), 127 + 120 * np.cos(columns / 7), (rows + columns) / 8]
    picture = np.stack(waves, axis=-1).astype(np.uint8)
    matrix = cv2.getPerspectiveTransform(quad, np.array([[0, 0], [90, 0], [90, 60], [0, 60]], np.float32))
    whole = cv2.warpPerspective(picture, matrix, (90, 60), flags=how, borderMode=cv2.BORDER_REPLICATE)
    flat = geometry.laid_flat(picture, quad, Size(90, 60), interpolation=how)
    assert np.abs(flat.astype(int) - whole).max() <= 4


def test_what_a_quadrilateral_has_outside_the_picture_repeats_the_border() -> None:
    """Also where nothing of it lies inside."""
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, -1] = (10, 20, 30)
    flat = geometry.laid_flat(picture, SQUARE + np.array([200, 5]), Size(10, 10))
    assert (flat == (10, 20, 30)).all()


@UNTIMED
@given(st.integers(3, 9))
def test_a_strong_reduction_averages_instead_of_skipping(factor: int) -> None:
    """A fine checkerboard shrinks to grey, not to a pattern of its own."""
    board = (np.indices((360, 360)).sum(axis=0) % 2 * 255).astype(np.uint8)
    picture = np.repeat(board[:, :, None], 3, axis=2)
    side = 360 // factor
    assume(side > 8)
    small = geometry.warp_quadrilateral(picture, geometry.rectangle(Size(360, 360)), Size(side, side))
    assert small[2:-2, 2:-2].std() < 30
    assert abs(float(small.mean()) - 127.5) < 8


def test_a_reduced_warp_keeps_its_place() -> None:
    """A bright square stays where the geometry says when the source is reduced first."""
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[100:200, 200:300] = 255
    small = geometry.warp_quadrilateral(picture, geometry.rectangle(Size(400, 400)), Size(80, 80))
    ys, xs = np.nonzero(small[:, :, 0] > 127)
    scale = 79 / 399
    np.testing.assert_allclose(xs.mean(), 249.5 * scale, atol=0.3)
    np.testing.assert_allclose(ys.mean(), 149.5 * scale, atol=0.3)


def test_side_lengths_are_top_right_bottom_left() -> None:
    """The order of the sides follows the order of the corners."""
    np.testing.assert_allclose(
        geometry.side_lengths([[0, 0], [4, 0], [4, 3], [0, 6]]), [4, 3, 5, 6], atol=1e-9
    )

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idv.vision.imaging.fits import Line, line_fit, quantile, quantiles_of_levels

VALUES = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1000, 1000))


@given(values=VALUES, share=st.floats(0, 1))
def test_a_quantile_is_numpys(values: np.ndarray, share: float) -> None:
    """Whatever the values and the share, up to rounding."""
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), abs=1e-9)


@given(
    image=arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 9))),
    share=st.floats(0, 1),
)
def test_counting_levels_gives_the_same_quantile(image: np.ndarray, share: float) -> None:
    """Also of a single pixel, and in the order asked for."""
    found = quantiles_of_levels(image, (share, 1.0))
    assert found == pytest.approx((np.quantile(image, share), image.max()), abs=1e-9)


@given(slope=st.floats(-5, 5), offset=st.floats(-100, 100), count=st.integers(2, 50))
def test_points_on_a_line_give_that_line(slope: float, offset: float, count: int) -> None:
    """No residual is left."""
    x = np.arange(count, dtype=np.float64) * 3 + 7
    line = line_fit(x, slope * x + offset)
    assert line == pytest.approx((slope, offset), abs=1e-6)
    assert line.residuals(x, slope * x + offset).max() < 1e-6


@given(y=arrays(np.float64, 12, elements=st.floats(-50, 50)))
def test_a_line_is_the_one_of_least_squares(y: np.ndarray) -> None:
    """As NumPy's general fit finds it."""
    x = np.arange(12, dtype=np.float64)
    assert line_fit(x, y) == pytest.approx(np.polyfit(x, y, 1), abs=1e-6)


def test_points_above_each_other_make_a_level_line() -> None:
    """A single column of pixels has no slope."""
    assert line_fit(np.array([4.0, 4.0]), np.array([1.0, 3.0])) == Line(0.0, 2.0)


def test_nothing_has_neither_line_nor_quantile() -> None:
    """Both say so by name."""
    with pytest.raises(ValueError, match="point"):
        line_fit(np.empty(0), np.empty(0))
    with pytest.raises(ValueError, match="value"):
        quantile(np.empty(0), 0.5)
    with pytest.raises(ValueError, match="value"):
        quantiles_of_levels(np.empty((0, 3), np.uint8), (0.5,))

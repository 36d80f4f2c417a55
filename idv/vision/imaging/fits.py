"""Straight lines and quantiles of a few hundred values.

NumPy's general `polyfit` and `percentile` take 0.1 ms a call whatever the size; a document asks for hundreds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idv.domain.arrays import Array


class Line(NamedTuple):
    """y = slope · x + offset."""

    slope: float
    offset: float

    def residuals(self, x: Array, y: Array) -> Array:
        """Absolute distances in y (N,) of points from the line."""
        return np.asarray(np.abs(y - (self.slope * x + self.offset)))


def line_fit(x: Array, y: Array) -> Line:
    """The line through points (N,), (N,) float64 in least squares of y; level where all x are the same.

    Raises ValueError for no point.
    """
    if not len(x):
        raise ValueError("a line needs a point")
    mean_x, mean_y = float(x.sum()) / len(x), float(y.sum()) / len(y)
    from_middle = x - mean_x
    spread = float(from_middle @ from_middle)
    slope = float(from_middle @ (y - mean_y)) / spread if spread > 0 else 0.0
    return Line(slope, mean_y - slope * mean_x)


def quantile(values: Array, share: float) -> float:
    """The value below which `share` in [0, 1] of the values (N,) lie, interpolated as NumPy's default does.

    Raises ValueError for no value.
    """
    if not values.size:
        raise ValueError("a quantile needs a value")
    place = share * (values.size - 1)
    low = int(place)
    high = min(low + 1, values.size - 1)
    ordered = np.partition(values, (low, high), axis=None)
    return float(ordered[low]) + (place - low) * (float(ordered[high]) - float(ordered[low]))


def quantiles_of_levels(image: Array, shares: Sequence[float]) -> tuple[float, ...]:
    """`quantile` of a whole image of uint8 for each of several shares, by counting its 256 levels.

    Raises ValueError for no pixel.
    """
    if not image.size:
        raise ValueError("a quantile needs a value")
    up_to = np.cumsum(np.bincount(image.ravel(), minlength=256))
    places = [share * (image.size - 1) for share in shares]
    lows = np.searchsorted(up_to, [int(place) for place in places], side="right")
    highs = np.searchsorted(up_to, [min(int(place) + 1, image.size - 1) for place in places], side="right")
    return tuple(
        float(low + (place - int(place)) * (high - low))
        for place, low, high in zip(places, lows, highs, strict=True)
    )

"""How sharp print is: the width of a stroke's edge as a share of the height of the print."""

from collections.abc import Sequence

import cv2
import numpy as np

from idv.domain.arrays import RgbImage
from idv.vision.imaging.fits import quantiles_of_levels
from idv.vision.perception.text_lines import Strip, cut

_ROWS_JUDGED = 4


def stroke_edge_share(pixels: RgbImage, strips: Sequence[Strip]) -> float:
    """Median over the longest rows; 0.1 is sharp, 0.4 hardly readable. Raises ValueError without rows."""
    longest = sorted(strips, key=lambda s: -s.length)[:_ROWS_JUDGED]
    if not longest:
        msg = "sharpness needs a row of print"
        raise ValueError(msg)
    return float(np.median([_edge_share(pixels, strip) for strip in longest]))


def _edge_share(pixels: RgbImage, strip: Strip) -> float:
    """Contrast over the steepest change a px is the width of an edge; divided by the height of the print."""
    height = max(8, round(strip.height))
    grey = cv2.cvtColor(cut(pixels, strip.corners(), height=height), cv2.COLOR_RGB2GRAY)
    low, high = quantiles_of_levels(grey, (0.03, 0.90))
    (steepest,) = quantiles_of_levels(cv2.absdiff(grey[:, 1:], grey[:, :-1]), (0.98,))
    return (high - low) / max(steepest, 1e-3) / height

"""How sharp and how well exposed a picture of anything is; each measure states its unit and direction.

The measures are taken on a grey picture whose longer side is `NORMAL_SIDE_PX`, so that thresholds hold
whatever the camera. A smaller picture is measured as it is: enlarging it would only look blurred.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array, RgbImage

NORMAL_SIDE_PX = 1000
_GREY_MAX = 255.0
_LARGEST_GAIN = 64.0
"""Most that the Laplacian can raise a variance: on a checkerboard of single pixels."""
_DARK, _BRIGHT = 0.02, 0.98
_ROUNDING_VARIANCE = 20 / 12
"""What rounding to whole grey levels adds to the Laplacian's variance: its kernel's squares sum to 20."""
_SPREAD_PERCENTILES = (5, 95)
_NEIGHBOURHOOD_PX = 15
_EDGE_PERCENTILE = 99.0
_LEAST_STEP = 16.0
"""Grey levels; smaller steps are noise."""


@dataclass(frozen=True)
class ImageQuality:
    """Measures of one picture.

    `sharpness`: variance of the Laplacian over 64 times the variance of the grey levels, in [0, 1]; more is
    sharper, 0.31 is white noise, about 0 a defocused or moved picture, whatever the contrast.
    `laplacian_variance`: the classical measure in squared grey levels of 0..255 (Pech-Pacheco 2000); more is
    sharper, but more contrast raises it too.
    `exposure`: mean grey in [0, 1], 0.5 is best. `contrast`: 5th to 95th percentile of grey in [0, 1], more
    is better. `clipped_dark`, `clipped_bright`: share of pixels in [0, 1] without detail, less is better.
    """

    sharpness: float
    laplacian_variance: float
    exposure: float
    contrast: float
    clipped_dark: float
    clipped_bright: float


def image_quality(pixels: RgbImage) -> ImageQuality:
    """Measure a (H, W, 3) uint8 RGB picture."""
    grey = normalised_grey(pixels)
    fine = max(0.0, float(cv2.Laplacian(grey, cv2.CV_32F).var()) - _ROUNDING_VARIANCE)
    spread = float(grey.var(dtype=np.float64))
    levels = grey.astype(np.float32) / _GREY_MAX
    low, high = np.percentile(levels, _SPREAD_PERCENTILES)
    return ImageQuality(
        sharpness=fine / (_LARGEST_GAIN * spread) if spread > _ROUNDING_VARIANCE else 0.0,
        laplacian_variance=fine,
        exposure=float(levels.mean()),
        contrast=float(high - low),
        clipped_dark=float((levels <= _DARK).mean()),
        clipped_bright=float((levels >= _BRIGHT).mean()),
    )


def normalised_grey(pixels: RgbImage) -> NDArray[np.uint8]:
    """Luma (H, W) uint8 of a picture reduced by area to `NORMAL_SIDE_PX` on its longer side."""
    grey: Array = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale = NORMAL_SIDE_PX / max(grey.shape)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def edge_width_px(pixels: RgbImage) -> float:
    """Typical width in px, in the picture as it is, of its strongest edges; less is sharper.

    The grey step across an edge over its slope: the strongest hundredth of gradients, each against the grey
    range of its neighbourhood of 15 px. About 1 to 2 for a sharp picture, over 4 for one in which small print
    is lost; 15 (the neighbourhood) where there is no edge at all. Unlike a variance it does not depend on how
    much of the picture is detailed.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    slope = cv2.magnitude(*(cv2.Scharr(grey, cv2.CV_32F, *way, scale=1 / 32) for way in ((1, 0), (0, 1))))
    kernel = np.ones((_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX), np.uint8)
    step = cv2.subtract(cv2.dilate(grey, kernel), cv2.erode(grey, kernel)).astype(np.float32)
    strongest = np.percentile(slope, _EDGE_PERCENTILE)
    edges = (slope >= strongest) & (step >= _LEAST_STEP)
    if not edges.any():
        return float(_NEIGHBOURHOOD_PX)
    widths = step[edges] / np.maximum(slope[edges], 1e-6)
    return float(np.clip(np.median(widths), 0.0, _NEIGHBOURHOOD_PX))

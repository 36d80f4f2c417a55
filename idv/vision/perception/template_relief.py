"""A side without its light: pale security lines and dark print, each relative to what surrounds it."""

from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage

PALE = 0.10
"""Share of the light around it that a security line takes at most; print takes more."""
# Sizes in px of a picture 640 px wide: a label is about 12 high, security lines lie 8 to 20 apart.
_SMOOTH_PX = 6.0
_LINES_LIMIT = 0.12
_INK_SHARE = 0.22
_INK_KERNEL = (17, 17)
_INK_MARGIN = (5, 5)


class Relief(NamedTuple):
    """What stands on a side, all (H, W).

    `lines`: float32, how much lighter or darker than its surroundings, print left out (0 there). `ink`: bool,
    where print stands and close to it. `print`: float32 in [0, 1], share of light taken beyond `PALE`.
    """

    lines: FloatArray
    ink: Array
    print: FloatArray


def _smooth(image: Array) -> Array:
    """A wide Gaussian, taken at a quarter of the size: a tenth of the cost."""
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), _SMOOTH_PX / 4)
    return np.asarray(cv2.resize(soft, image.shape[::-1], interpolation=cv2.INTER_LINEAR))


def relief_of(picture: RgbImage) -> Relief:
    """The relief of (H, W, 3) uint8 RGB, about 640 px wide."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    hat = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, _INK_KERNEL))
    level, taken = grey.astype(np.float32), hat.astype(np.float32)
    share = taken / np.maximum(level + taken, 1)
    ink = cv2.dilate((share > _INK_SHARE).astype(np.uint8), np.ones(_INK_MARGIN, np.uint8))
    bare = 1 - ink.astype(np.float32)
    around = _smooth(level * bare) / np.maximum(_smooth(bare), 1e-3)
    lines = np.clip((level / np.maximum(around, 1) - 1) * bare, -_LINES_LIMIT, _LINES_LIMIT)
    return Relief(np.asarray(lines, np.float32), ink > 0, np.asarray(np.maximum(share - PALE, 0), np.float32))

"""Facts about laying samples of one side on each other."""

import cv2
import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.vision.perception.type_samples import SampleMismatch, lay_together
from tests.unit.vision.perception.drawn_samples import a_type, fronts

TYPE = "xel_residence_permit"
ASPECT = a_type(TYPE).aspect_ratio


def found_again(picture: RgbImage, piece: RgbImage) -> tuple[float, float, float]:
    """Where a piece lies in a picture, and how alike it is."""
    scores = cv2.matchTemplate(picture, piece, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    return x, y, best


def askew(picture: RgbImage, shifts: list[tuple[float, float]]) -> RgbImage:
    """The picture as a rectification leaves it that is off at each corner by so many px."""
    height, width = picture.shape[:2]
    ends = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    move = cv2.getPerspectiveTransform(ends, ends + np.array(shifts, np.float32))
    return np.asarray(cv2.warpPerspective(picture, move, (width, height), borderValue=(60, 50, 40)), np.uint8)


def test_print_lies_in_the_same_place_in_all() -> None:
    """Samples off by up to 2 % of the width are laid on the first to a px, under other light too."""
    first, second, third = fronts(TYPE)
    dimmed = np.asarray(third * np.linspace(0.6, 1.0, third.shape[1])[None, :, None], np.uint8)
    crooked = [first, askew(second, [(20, 8), (-14, 12), (-6, -10), (9, -18)]), dimmed]
    laid = lay_together(crooked, aspect=ASPECT).pictures
    for left, top in ((160, 20), (420, 190)):  # in the heading, and around a label
        piece = laid[0][top : top + 40, left : left + 200]
        for other in laid[1:]:
            x, y, alike = found_again(other, piece)
            assert abs(x - left) <= 1
            assert abs(y - top) <= 1
            assert alike > 0.6


def test_all_samples_are_brought_to_one_light() -> None:
    """What was dimmed across the side by two fifths is within a tenth of the others afterwards."""
    first, second, _ = fronts(TYPE)
    dimmed = np.asarray(second * np.linspace(0.6, 1.0, second.shape[1])[None, :, None], np.uint8)
    one, other = (p.astype(float) for p in lay_together([first, dimmed], aspect=ASPECT).pictures)
    free = np.s_[600:700, 400:1100]
    assert abs(one[free].mean() / other[free].mean() - 1) < 0.1


def test_another_side_is_no_sample() -> None:
    """The number of the sample that shows something else is told."""
    other = fronts("uto_identity_card")[0]
    with pytest.raises(SampleMismatch) as refused:
        lay_together([*fronts(TYPE)[:2], other], aspect=ASPECT)
    assert refused.value.number == 2


def test_an_empty_picture_is_no_sample() -> None:
    """Nothing to hold on to is a mismatch, not an error of OpenCV."""
    plain = np.full((756, 1200, 3), 200, np.uint8)
    with pytest.raises(SampleMismatch):
        lay_together([fronts(TYPE)[0], plain], aspect=ASPECT)

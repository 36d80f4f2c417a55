"""Facts about the blank side that is made of samples: nothing of a holder, everything of the design."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.documents.document_types import SideName
from idv.domain.arrays import RgbImage
from idv.vision.perception.type_blank import blank_side
from idv.vision.perception.type_zones import ink_of
from tests.unit.vision.perception.drawn_samples import a_type, blank_front, fronts

TYPE = "xel_residence_permit"
FRONT = a_type(TYPE).sides[SideName.FRONT]


def grey(picture: RgbImage) -> NDArray[np.float64]:
    """Its light."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)


def roughness(light: NDArray[np.float64]) -> float:
    """The largest deviation from what lies around."""
    return float(np.abs(light - cv2.GaussianBlur(light, (0, 0), 12)).max())


def test_no_value_is_left_in_its_zone() -> None:
    """No print stands in any value's box, and what does is not alike any holder's value."""
    blank = blank_side(fronts(TYPE), FRONT)
    height, width = blank.shape[:2]
    for zone in FRONT.fields:
        left, top, wide, tall = zone.box.pixels(width, height)
        box = np.s_[top + tall // 5 : top + tall, left : left + wide]
        assert ink_of(blank)[box].mean() < 0.002
        for sample in fronts(TYPE):
            alike = np.corrcoef(grey(blank)[box].ravel(), ink_of(sample)[box].ravel())[0, 1]
            assert alike > -0.3  # print is dark: a trace of it would correlate negatively


def test_no_face_is_left_in_its_frames() -> None:
    """Portrait and ghost become even: nothing finer than a shade is in them."""
    blank = blank_side(fronts(TYPE), FRONT)
    for frame in (FRONT.portrait, FRONT.ghost):
        assert frame is not None
        left, top, wide, tall = frame.pixels(blank.shape[1], blank.shape[0])
        x, y = wide // 8, tall // 8  # along the edges what lies around is drawn in
        frames = np.s_[top + y : top + tall - y, left + x : left + wide - x]
        assert roughness(grey(blank)[frames]) < 12
        assert all(roughness(grey(sample)[frames]) > 40 for sample in fronts(TYPE))


def test_print_that_only_some_have_is_left_out_wherever_it_stands() -> None:
    """A number that no draft mentions, another on each sample, is not in the blank side."""
    numbered = []
    for number, sample in enumerate(fronts(TYPE)):
        picture = sample.copy()
        cv2.putText(
            picture, f"{4711 * (number + 3)}", (900, 700), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 4
        )
        numbered.append(picture)
    blank = blank_side(numbered, FRONT)
    assert ink_of(numbered[0])[660:710, 890:1030].mean() > 0.05
    assert ink_of(blank)[660:710, 890:1030].mean() < 0.005


def test_the_design_stays() -> None:
    """Labels, heading and security lines are as on a card before it is given to anybody."""
    blank, truth = blank_side(fronts(TYPE), FRONT), blank_front(TYPE)
    heading = np.s_[10:110, 150:800]
    assert np.corrcoef(grey(blank)[heading].ravel(), grey(truth)[heading].ravel())[0, 1] > 0.95
    ground = np.s_[560:620, 420:900]
    assert np.corrcoef(grey(blank)[ground].ravel(), grey(truth)[ground].ravel())[0, 1] > 0.8

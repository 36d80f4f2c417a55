"""The scene around a face, fine texture, and the copies that attackers show."""

import numpy as np
import pytest

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.copies import copied, furnished, texture
from idv.vision.synthesis.viewing import face_unit

POINTS: FloatArray = np.array([[80, 80], [120, 80], [100, 100], [85, 120], [115, 120]], np.float32)


def _picture() -> RgbImage:
    return np.full((200, 200, 3), 90, np.uint8)


def test_furniture_stands_behind_the_head() -> None:
    """Whatever is drawn, the face itself keeps its pixels."""
    changed = 0
    for seed in range(12):
        seen = furnished(_picture(), POINTS, np.random.default_rng(seed), chance=1.0)
        assert np.abs(seen[75:125, 75:125].astype(int) - 90).max() <= 1
        changed += int((np.abs(seen.astype(int) - 90) > 30).any())
    assert changed > 6


def test_an_unfurnished_picture_is_left_alone() -> None:
    """With no chance nothing is drawn, and the picture is not even copied."""
    picture = _picture()
    assert furnished(picture, POINTS, np.random.default_rng(0), chance=0.0) is picture


def test_texture_neither_brightens_nor_tints() -> None:
    """It is a factor of one channel with mean about one, never negative."""
    for seed in range(8):
        factor = texture((120, 90), np.random.default_rng(seed), chance=1.0)
        assert factor.shape == (120, 90, 1)
        assert abs(float(factor.mean()) - 1) < 0.02
        assert factor.min() > 0


def test_a_coarse_display_takes_texture_away() -> None:
    """The same texture is weaker behind a blur."""
    sharp, soft = (
        texture((120, 90), np.random.default_rng(3), blur_px=blur, chance=1.0).std() for blur in (0.0, 4.0)
    )
    assert soft < 0.7 * sharp


@pytest.mark.parametrize("seed", range(12))
def test_a_copy_keeps_the_face(seed: int) -> None:
    """However it is cut and reduced, all five points are inside and keep their proportions."""
    pixels, points = copied(_picture(), POINTS, np.random.default_rng(seed))
    assert pixels.dtype == np.uint8
    assert (points > 0).all()
    assert (points < pixels.shape[1::-1]).all()
    apart = np.linalg.norm(points[1] - points[0]) / np.linalg.norm(points[4] - points[3])
    assert apart == pytest.approx(40 / 30, rel=1e-3)


def test_copies_end_anywhere_around_the_face() -> None:
    """Some copies hold the whole photograph, others end close to the head; some are reduced."""
    shapes = {copied(_picture(), POINTS, np.random.default_rng(seed))[0].shape for seed in range(30)}
    assert (200, 200, 3) in shapes
    assert len(shapes) > 10


def test_the_unit_of_a_face_survives_a_turned_head() -> None:
    """The larger of the two distances counts, so that a profile is no smaller face."""
    turned = POINTS.copy()
    turned[1] = (90, 80)
    assert face_unit(turned)[0] == pytest.approx(np.hypot(15, 40), rel=1e-5)

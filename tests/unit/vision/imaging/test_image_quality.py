import cv2
import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.vision.imaging.image_quality import NORMAL_SIDE_PX, edge_width_px, image_quality, normalised_grey


def _page(side: int = 600, *, ink: int = 20, paper: int = 235) -> RgbImage:
    """Lines of letters on paper."""
    page = np.full((side, side, 3), paper, np.uint8)
    for row in range(40, side - 20, 40):
        cv2.putText(page, "IDENTITY 0123456789", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 1, (ink,) * 3, 2)
    return page


def _blurred(page: RgbImage, sigma: float) -> RgbImage:
    return np.asarray(cv2.GaussianBlur(page, (0, 0), sigma), np.uint8)


def test_blur_lowers_sharpness_and_widens_edges_monotonically() -> None:
    """Each stronger blur is seen by all three measures in their stated direction."""
    pages = [_page(), *(_blurred(_page(), sigma) for sigma in (1, 2, 4))]
    sharpness = [image_quality(page).sharpness for page in pages]
    variance = [image_quality(page).laplacian_variance for page in pages]
    widths = [edge_width_px(page) for page in pages]
    assert sharpness == sorted(sharpness, reverse=True)
    assert variance == sorted(variance, reverse=True)
    assert widths == sorted(widths)
    assert widths[0] < 2
    assert widths[2] > 4


def test_sharpness_hardly_depends_on_contrast() -> None:
    """Pale ink is as sharp as black ink; the classical measure says otherwise."""
    black, pale = image_quality(_page(ink=20)), image_quality(_page(ink=150))
    assert pale.sharpness == pytest.approx(black.sharpness, rel=0.15)
    assert pale.laplacian_variance < black.laplacian_variance / 3
    assert edge_width_px(_page(ink=150)) == pytest.approx(edge_width_px(_page(ink=20)), rel=0.15)


def test_an_empty_picture_has_no_sharpness() -> None:
    """A flat and a slightly noisy wall have no detail and no edges."""
    flat = np.full((100, 100, 3), 128, np.uint8)
    assert image_quality(flat).sharpness == 0
    assert edge_width_px(flat) == 15
    noisy = flat + np.random.default_rng(0).integers(0, 2, flat.shape, dtype=np.uint8)
    assert edge_width_px(noisy) == 15


def test_exposure_contrast_and_clipping_are_shares() -> None:
    """Half black and half white: exposure and both shares one half, contrast one."""
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:50] = 255
    quality = image_quality(picture)
    assert quality.exposure == pytest.approx(0.5)
    assert quality.contrast == pytest.approx(1)
    assert (quality.clipped_dark, quality.clipped_bright) == pytest.approx((0.5, 0.5))


def test_pictures_are_measured_at_one_scale_and_never_enlarged() -> None:
    """A picture twice as large is reduced to the normal side; a smaller one stays."""
    assert normalised_grey(np.zeros((2000, 1500, 3), np.uint8)).shape == (NORMAL_SIDE_PX, 750)
    assert normalised_grey(np.zeros((300, 200, 3), np.uint8)).shape == (300, 200)
    assert normalised_grey(np.zeros((5000, 1, 3), np.uint8)).shape == (NORMAL_SIDE_PX, 1)


def test_all_measures_stay_in_their_ranges() -> None:
    """Noise, the sharpest picture there is, stays within the stated bounds."""
    noise = np.random.default_rng(3).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    quality = image_quality(noise)
    assert quality.sharpness == pytest.approx(20 / 64, rel=0.05)
    for share in (quality.exposure, quality.contrast, quality.clipped_dark, quality.clipped_bright):
        assert 0 <= share <= 1
    assert 0 < edge_width_px(noise) <= 15

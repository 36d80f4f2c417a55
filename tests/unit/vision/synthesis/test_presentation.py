"""Simulated screens, prints and cameras."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import Camera, draw_camera, photograph
from idv.vision.synthesis.face_draws import FACE_LAYOUTS, draw_face_camera
from idv.vision.synthesis.presentation import (
    FacePhoto,
    Presentation,
    Species,
    on_paper,
    on_screen,
    replay_whole,
    seen_directly,
)
from idv.vision.synthesis.prints import HELD_OUT_PRINTERS, PROCESSES, TRAINING_PRINTERS, Printer
from idv.vision.synthesis.screens import HELD_OUT_LAYOUTS, Layout, Screen, tile
from idv.vision.synthesis.viewing import View, desaturated, face_view, wrapped

Present = Callable[[FacePhoto, np.random.Generator], Presentation]
CAMERA = Camera(jpeg_quality=95)


def _photo() -> FacePhoto:
    """A bright oval with dark eyes and mouth on a grey ground: a face as far as geometry goes."""
    y, x = np.mgrid[0:160, 0:160]
    pixels = np.full((160, 160, 3), 90, np.uint8)
    pixels[((x - 80) / 45) ** 2 + ((y - 80) / 60) ** 2 < 1] = (210, 170, 150)
    points = np.array([[62, 62], [98, 62], [80, 80], [68, 102], [92, 102]], np.float32)
    for left, top in points.astype(int):
        pixels[top - 3 : top + 3, left - 3 : left + 3] = 20
    return FacePhoto(pixels, points)


def _direct(photo: FacePhoto, rng: np.random.Generator) -> Presentation:
    return seen_directly(photo, rng, camera=CAMERA, inter_eye_px=40)


def _screen(photo: FacePhoto, rng: np.random.Generator) -> Presentation:
    return on_screen(
        photo, rng, layouts=FACE_LAYOUTS, camera=CAMERA, inter_eye_px=40, surroundings=photo.pixels
    )


def _paper(photo: FacePhoto, rng: np.random.Generator) -> Presentation:
    return on_paper(
        photo, rng, printers=TRAINING_PRINTERS, camera=CAMERA, inter_eye_px=40, surroundings=photo.pixels
    )


PRESENTATIONS = pytest.mark.parametrize("present", [_direct, _screen, _paper])


@PRESENTATIONS
def test_the_same_generator_state_gives_the_same_picture(present: Present) -> None:
    """Every draw comes from the generator that is passed in."""
    one, again = (present(_photo(), np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.pixels, again.pixels)
    assert np.array_equal(one.points, again.points)
    assert not np.array_equal(one.pixels, present(_photo(), np.random.default_rng(6)).pixels)


@PRESENTATIONS
@pytest.mark.parametrize("seed", range(6))
def test_a_presentation_is_a_picture_with_the_face_inside(present: Present, seed: int) -> None:
    """Square uint8 RGB, not blank, and all five points lie within, about as large as asked for."""
    seen = present(_photo(), np.random.default_rng(seed))
    height, width, channels = seen.pixels.shape
    assert (height, channels) == (width, 3)
    assert seen.pixels.dtype == np.uint8
    assert seen.pixels.std() > 2
    assert (seen.points > 0).all()
    assert (seen.points < width).all()
    assert 28 < np.linalg.norm(seen.points[1] - seen.points[0]) < 52


def test_points_follow_the_face() -> None:
    """Where the camera is said to see an eye, the picture is dark; between the eyes it is not."""
    for seed in range(5):
        seen = _direct(_photo(), np.random.default_rng(seed))
        grey = seen.pixels.mean(axis=2)
        left, right = seen.points[:2].round().astype(int)
        between = ((left + right) / 2).round().astype(int)
        assert grey[left[1], left[0]] < 0.6 * grey[between[1], between[0]]
        assert grey[right[1], right[0]] < 0.6 * grey[between[1], between[0]]


def test_species_and_instrument_are_named() -> None:
    """The label says what was presented and with what."""
    rng = np.random.default_rng(0)
    assert (_direct(_photo(), rng).species, _direct(_photo(), rng).instrument) == (Species.BONA_FIDE, "")
    assert _screen(_photo(), rng).instrument in set(FACE_LAYOUTS)
    assert _paper(_photo(), rng).species is Species.PRINT
    again = seen_directly(_photo(), rng, camera=CAMERA, inter_eye_px=40, species=Species.PRINT)
    assert again.species is Species.PRINT


def test_no_instrument_is_both_trained_on_and_held_out() -> None:
    """Held-out layouts and printers stay unseen, and every one is in one of the two lists."""
    assert set(FACE_LAYOUTS).isdisjoint(HELD_OUT_LAYOUTS)
    assert {*FACE_LAYOUTS, *HELD_OUT_LAYOUTS} == set(Layout)
    assert set(TRAINING_PRINTERS).isdisjoint(HELD_OUT_PRINTERS)
    assert {*TRAINING_PRINTERS, *HELD_OUT_PRINTERS} == set(Printer) == set(PROCESSES)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_layout_neither_brightens_nor_tints(layout: Layout) -> None:
    """Each colour's emission averages one, so that from afar the grid vanishes."""
    cells = tile(layout)
    assert cells.shape == (24, 24, 3)
    assert cells.min() >= 0
    assert np.allclose(cells.mean(axis=(0, 1)), 1, atol=1e-5)


def test_random_layouts_differ_by_their_seed() -> None:
    """Every seed is another layout, none tints, and one seed is always the same."""
    tiles = [tile(Layout.RANDOM, seed) for seed in range(20)]
    assert len({cells.tobytes() for cells in tiles}) == len(tiles)
    assert all(np.allclose(cells.mean(axis=(0, 1)), 1, atol=1e-5) for cells in tiles)
    assert np.array_equal(tiles[3], tile(Layout.RANDOM, 3))


def test_layouts_differ_from_each_other() -> None:
    """No two layouts are the same pattern."""
    tiles = [tile(layout).tobytes() for layout in Layout]
    assert len(set(tiles)) == len(tiles)


def _fine_contrast(picture: RgbImage) -> float:
    grey = picture.astype(np.float32).mean(axis=2)[30:-30, 30:-30]
    return float(np.abs(np.diff(grey, axis=1)).mean())


def test_a_coarse_display_shows_its_grid_and_a_fine_one_does_not() -> None:
    """On an even picture the contrast from pixel to pixel comes from the sub-pixels alone."""
    even = np.full((120, 120, 3), 180, np.uint8)
    seen = [
        replay_whole(
            even,
            np.random.default_rng(1),
            screen=Screen(Layout.RGB_STRIPE, pixels_per_picture_px=pitch, bezel_px=0),
            camera=Camera(jpeg_quality=100),
        )
        for pitch in (0.4, 8.0)
    ]
    assert _fine_contrast(seen[0]) > 3 * _fine_contrast(seen[1])


def test_a_replay_of_a_whole_picture_keeps_its_size() -> None:
    """The frame has the picture's own height and width, with dark surroundings beyond the bezel allowed."""
    picture = np.full((60, 90, 3), 200, np.uint8)
    shown = replay_whole(picture, np.random.default_rng(0), screen=Screen(Layout.PENTILE), camera=CAMERA)
    assert shown.shape == picture.shape


@pytest.mark.parametrize("draw", [draw_camera, draw_face_camera])
@pytest.mark.parametrize("seed", range(8))
def test_every_camera_gives_a_picture(seed: int, draw: Callable[[np.random.Generator], Camera]) -> None:
    """Any drawn camera turns any light, black included, into uint8 of the size it says."""
    rng = np.random.default_rng(seed)
    camera = draw(rng)
    for light in (np.zeros((40, 50, 3), np.float32), rng.random((40, 50, 3), np.float32) * 50):
        pixels = photograph(light, camera, rng)
        assert pixels.dtype == np.uint8
        assert abs(pixels.shape[0] - 40 * camera.resize) <= 1
        assert abs(pixels.shape[1] - 50 * camera.resize) <= 1


def test_a_perfect_camera_keeps_colours() -> None:
    """Without noise, blur and mosaic, and near-lossless, what comes out is what the exposure says."""
    light = np.full((16, 16, 3), 0.5, np.float32)
    light[..., 0] = 1.0
    seen = photograph(light, Camera(exposure=1.0, jpeg_quality=100), np.random.default_rng(0))
    expected = np.array([1.0, 0.5, 0.5]) ** (1 / 2.2) * 255
    assert np.allclose(seen.reshape(-1, 3).mean(axis=0), expected, atol=3)


def test_a_forwarded_picture_was_compressed_twice() -> None:
    """A second JPEG of low quality costs more than the first of high quality."""
    light = np.random.default_rng(0).random((64, 64, 3), np.float32)
    once, twice = (
        photograph(light, dataclasses.replace(CAMERA, forwarded_quality=quality), np.random.default_rng(0))
        for quality in (0, 30)
    )
    assert once.shape == twice.shape
    assert np.abs(once.astype(float) - twice).mean() > 2


def test_a_careless_camera_aliases_what_it_reduces() -> None:
    """A pattern finer than the output fades in an average and leaves a beat when samples are skipped."""
    columns = np.where(np.arange(128) % 5 < 2, 1.0, 0.1).astype(np.float32)
    light = np.repeat(np.repeat(columns[None, :, None], 128, 0), 3, 2)
    careful, careless = (
        photograph(
            light,
            dataclasses.replace(CAMERA, resize=0.31, careless=careless, jpeg_quality=100),
            np.random.default_rng(0),
        ).std()
        for careless in (False, True)
    )
    assert careless > 1.5 * careful


def test_colours_meet_at_their_mean() -> None:
    """Saturation 0 is grey, 1 leaves the picture alone, 2 doubles what differs from the mean."""
    light = np.array([[[0.2, 0.4, 0.6]]], np.float32)
    assert np.allclose(desaturated(light, 0), 0.4)
    assert desaturated(light, 1) is light
    assert np.allclose(desaturated(light, 2), [[[0.0, 0.4, 0.8]]], atol=1e-6)


def test_noise_grows_with_its_setting() -> None:
    """Read noise alone makes an even light uneven."""
    light = np.full((32, 32, 3), 0.5, np.float32)
    calm, noisy = (
        photograph(light, dataclasses.replace(CAMERA, read_noise=noise), np.random.default_rng(0)).std()
        for noise in (0.0, 0.1)
    )
    assert noisy > calm + 5


def test_a_view_maps_points_there_and_back() -> None:
    """`plane` and `to_camera` are inverse to each other: a camera pixel's picture point projects onto it."""
    points: FloatArray = _photo().points
    view = face_view(points, np.random.default_rng(3), inter_eye_px=50, tilt=0.15)
    plane = view.plane(picture_width=160)
    row, column = 61, 87
    there = np.array([[plane.x[row, column], plane.y[row, column]]], np.float32)
    back = view.to_camera(there)[0]
    assert np.allclose(back, [column + 0.5, row + 0.5], atol=0.05)


def test_the_scale_of_a_straight_view_is_its_magnification() -> None:
    """Two picture px a camera px, whatever the place."""
    view = View(np.diag([2.0, 2.0, 1.0]).astype(np.float32), 10, 10)
    assert view.picture_px_per_camera_px == pytest.approx(2.0)


def test_wrapping_agrees_with_the_modulo() -> None:
    """The fast wrap gives NumPy's modulo within rounding."""
    axis = np.linspace(-50, 50, 997, dtype=np.float32)
    apart = np.abs(wrapped(axis, 12.0) - np.mod(axis, 12.0))
    assert np.minimum(apart, 12 - apart).max() < 1e-4

"""Pose and capture quality of a face."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.domain.arrays import RgbImage
from idv.domain.faces import Box, FaceQuality
from idv.vision.imaging import face_quality

FRONTAL = np.array([(40, 50), (80, 50), (60, 70), (45, 90), (75, 90)], np.float32)
NO_SURFACE = np.zeros((0, 3), np.float32)
WHOLE = Box(20, 20, 80, 100)


def _surface(*, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """A face surface of which only the points that are measured are set, turned by degrees."""
    points = np.zeros((468, 3))
    for index, place in {
        33: (-45, -30, 5),
        133: (-18, -30, 0),
        362: (18, -30, 0),
        263: (45, -30, 5),
        1: (0, 10, -30),
        2: (0, 20, -20),
        61: (-25, 45, 0),
        291: (25, 45, 0),
        10: (0, -80, -13.99818),  # the brow leans forward by 5 degrees
        152: (0, 80, 0),
        159: (-31, -35, 0),
        145: (-31, -25, 0),
        386: (31, -35, 0),
        374: (31, -25, 0),
        13: (0, 45, 0),
        14: (0, 45, 0),
    }.items():
        points[index] = place
    y, p, r = np.deg2rad([yaw, pitch, roll])
    # Seen from the camera: x right, y down, z away. Turning right moves the nose (z < 0) to x > 0.
    turn_y = np.array([(np.cos(y), 0, -np.sin(y)), (0, 1, 0), (np.sin(y), 0, np.cos(y))])
    turn_x = np.array([(1, 0, 0), (0, np.cos(p), np.sin(p)), (0, -np.sin(p), np.cos(p))])
    turn_z = np.array([(np.cos(r), -np.sin(r), 0), (np.sin(r), np.cos(r), 0), (0, 0, 1)])
    turned = points @ (turn_z @ turn_y @ turn_x).T
    return np.asarray(turned + np.array([100, 100, 0]), dtype=np.float32)


def test_a_level_frontal_surface_has_no_pose() -> None:
    """Looking straight ahead is (0, 0, 0)."""
    assert face_quality.pose_of_surface(_surface()) == pytest.approx((0, 0, 0), abs=1e-4)


@given(st.floats(-60, 60))
def test_yaw_is_positive_to_the_right_of_the_image(yaw: float) -> None:
    """Turning by an angle gives that angle, and its sign."""
    assert face_quality.pose_of_surface(_surface(yaw=yaw)).yaw_deg == pytest.approx(yaw, abs=1e-3)


@given(st.floats(-60, 60))
def test_pitch_is_positive_upwards(pitch: float) -> None:
    """Raising the chin gives that angle: the nose rises in the image, to smaller y."""
    assert _surface(pitch=20)[1, 1] < _surface()[1, 1]
    assert face_quality.pose_of_surface(_surface(pitch=pitch)).pitch_deg == pytest.approx(pitch, abs=1e-3)


@given(st.floats(-90, 90))
def test_roll_is_positive_clockwise(roll: float) -> None:
    """Tilting clockwise on the screen gives that angle, from a surface and from five points alike."""
    surface = _surface(roll=roll)
    assert face_quality.pose_of_surface(surface).roll_deg == pytest.approx(roll, abs=1e-3)
    assert face_quality.pose_of_five(face_quality.five_points(surface)).roll_deg == pytest.approx(
        roll, abs=1e-3
    )


def test_five_points_tell_the_side_and_the_height_a_face_turns_to() -> None:
    """A nose right of the middle line is yaw > 0, one above its usual place is pitch > 0."""
    right, up = FRONTAL.copy(), FRONTAL.copy()
    right[2] += (8, 0)
    up[2] -= (0, 8)
    straight = face_quality.pose_of_five(FRONTAL)
    assert abs(straight.yaw_deg) < 1
    assert face_quality.pose_of_five(right).yaw_deg > 10
    assert face_quality.pose_of_five(up).pitch_deg > straight.pitch_deg + 10


def test_five_points_of_a_surface_go_from_left_to_right() -> None:
    """Eye centres lie between their corners; eyes, nose and mouth come in the order of the image."""
    five = face_quality.five_points(_surface())
    assert five[0] == pytest.approx((68.5, 70))
    assert five[1] == pytest.approx((131.5, 70))
    assert five[0][0] < five[2][0] < five[1][0]
    assert five[3][0] < five[4][0]


def _face_image(seed: int = 1) -> RgbImage:
    """Smooth blobs with fine grain, roughly like skin under even light."""
    rng = np.random.default_rng(seed)
    coarse = cv2.GaussianBlur(rng.normal(0, 1, (140, 120)), (0, 0), 9) * 300
    fine = cv2.GaussianBlur(rng.normal(0, 1, (140, 120)), (0, 0), 0.8) * 40
    return np.repeat(np.clip(128 + coarse + fine, 0, 255)[..., None], 3, axis=2).astype(np.uint8)


def _blurred(image: RgbImage, sigma: float) -> RgbImage:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def _measured(image: RgbImage, *, box: Box = WHOLE, scale: float = 1.0) -> FaceQuality:
    return face_quality.measure(image, box=box, five=FRONTAL, landmarks=NO_SURFACE, presence=0.9, scale=scale)


def test_size_is_given_in_pixels_of_the_original() -> None:
    """Decoded at a quarter, 40 px between the eyes were 160."""
    assert _measured(_face_image(), scale=0.25).inter_eye_px == pytest.approx(160)


@settings(max_examples=15)
@given(st.floats(0.8, 4), st.floats(1.3, 3))
def test_blur_lowers_sharpness(sigma: float, factor: float) -> None:
    """The more a picture is blurred the less sharp it measures."""
    image = _face_image()
    less = _measured(_blurred(image, sigma)).sharpness
    more = _measured(_blurred(image, sigma * factor)).sharpness
    assert 0 <= more <= less < _measured(image).sharpness <= 1


def test_strong_blur_is_far_from_sharp() -> None:
    """A picture as it is and one without detail stand well apart."""
    image = _face_image()
    assert _measured(image).sharpness > 0.5
    assert _measured(_blurred(image, 3)).sharpness < 0.3


def test_half_the_contrast_is_not_taken_for_blur() -> None:
    """Sharpness is relative to contrast."""
    image = _face_image()
    faded = (image.astype(int) // 2 + 64).astype(np.uint8)
    assert _measured(faded).sharpness == pytest.approx(_measured(image).sharpness, abs=0.08)


@pytest.mark.parametrize(("level", "exposure"), [(0, 0.0), (128, 0.502), (255, 1.0)])
def test_exposure_is_the_mean_luminance(level: int, exposure: float) -> None:
    """Black is 0, white 1, and an even picture has no dynamic range."""
    quality = _measured(np.full((140, 120, 3), level, np.uint8))
    assert quality.exposure == pytest.approx(exposure, abs=0.01)
    assert quality.dynamic_range == pytest.approx(0, abs=0.01)


def test_half_a_face_outside_the_picture_is_half_inside() -> None:
    """The share of the box that the picture has; a box wholly outside has none of it."""
    image = _face_image()
    assert _measured(image, box=Box(-40, 20, 80, 100)).inside == pytest.approx(0.5)
    assert _measured(image, box=Box(500, 20, 80, 100)).inside == 0


def test_a_face_at_the_edge_is_measured_on_what_is_there() -> None:
    """The black beyond the picture does not darken the exposure."""
    quality = face_quality.measure(
        np.full((140, 120, 3), 200, np.uint8),
        box=WHOLE,
        five=FRONTAL - (45, 0),
        landmarks=NO_SURFACE,
        presence=1.0,
        scale=1.0,
    )
    assert quality.exposure > 0.7


def test_eyes_and_mouth_open_and_close() -> None:
    """Lids that meet are eyes shut; lips far apart are a mouth open; without a surface both count as fine."""
    shut = _surface()
    shut[159], shut[386] = shut[145], shut[374]
    shut[14] += (0, 25, 0)
    image = np.random.default_rng(2).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    five = face_quality.five_points(shut)

    def of(landmarks: np.ndarray) -> FaceQuality:
        return face_quality.measure(image, box=WHOLE, five=five, landmarks=landmarks, presence=0.7, scale=1)

    assert (of(shut).eyes_open, of(shut).mouth_closed) == (0, 0)
    assert (of(_surface()).eyes_open, of(_surface()).mouth_closed) == (1, 1)
    assert (of(NO_SURFACE).eyes_open, of(NO_SURFACE).mouth_closed) == (1, 1)
    assert of(shut).occlusion == pytest.approx(0.3)

"""Capture quality of a face, and its pose; directions and units as in FaceQuality and Pose.

Measures are taken on a level grey crop in which the eyes are `_EYES_PX` apart, so that they mean the same at
every size; ISO/IEC 29794-5:2025 names the same components.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.faces import Box, FaceQuality, Pose
from idv.vision.imaging.alignment import LevelSquare, warp
from idv.vision.imaging.fits import quantile

_SIDE_PX = 112
_EYES_PX = 48.0
# Detail at which sharpness is one half: the median over faces blurred to a third of their pixels (see tests).
_HALF_SHARP = 0.05
# Variance that rounding to whole grey levels adds (1/12), which is no detail.
_ROUNDING = 1 / 12
# Lid distance over eye width of an open eye, and lip distance over mouth width of an open mouth.
_EYE_OPEN, _EYE_SHUT = 0.22, 0.08
_MOUTH_OPEN = 0.35

RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
"""Outer and inner corner of the eye at the image's left; inner and outer corner of the other (FaceMesh)."""
NOSE_TIP, NOSE_BASE, MOUTH_CORNERS = 1, 2, (61, 291)
"""FaceMesh points."""
_LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
_LIPS = (13, 14, 61, 291)
_BROW, _CHIN = 10, 152
_SURFACE_POINTS = 468
# The line from chin to brow leans back on a face that looks straight ahead: the median over 385 press photos.
_BROW_SLOPE_DEG = 5.0


def five_points(landmarks: FloatArray) -> FloatArray:
    """Eye centres, nose tip and mouth corners (5, 2) of a face surface (468, 3), the image's left first."""
    flat = landmarks[:, :2]
    eyes = [flat[list(corners)].mean(axis=0) for corners in (RIGHT_EYE, LEFT_EYE)]
    return np.array([*eyes, flat[NOSE_TIP], *flat[list(MOUTH_CORNERS)]], dtype=np.float32)


def roll_deg(points: FloatArray) -> float:
    """Turn of the line through the eyes, > 0 clockwise, of points that begin with the two eyes."""
    across, down = points[1] - points[0]
    return float(np.degrees(np.arctan2(down, across)))


def pose_of_surface(landmarks: FloatArray) -> Pose:
    """Pose from a face surface (468, 3): the axes through the eye corners and from brow to chin."""
    across = _unit(landmarks[LEFT_EYE[1]] - landmarks[RIGHT_EYE[0]])
    down = landmarks[_CHIN] - landmarks[_BROW]
    down = _unit(down - (down @ across) * across)
    slope = np.deg2rad(_BROW_SLOPE_DEG)
    # Towards the camera, z < 0 on a frontal face.
    forward = np.cos(slope) * _cross(down, across) - np.sin(slope) * down
    yaw = np.arctan2(forward[0], np.hypot(forward[1], forward[2]))
    pitch = np.arctan2(-forward[1], -forward[2])
    return Pose(float(np.degrees(yaw)), float(np.degrees(pitch)), roll_deg(five_points(landmarks)))


def pose_of_five(points: FloatArray) -> Pose:
    """Rough pose from five points (5, 2): how far the nose tip stands off the middle of eyes and mouth.

    An average nose stands out by 0.6 of the distance between the lines of eyes and mouth, and lies 0.58 of
    the way down; good to some ten degrees, enough to tell a turned face.
    """
    eyes, mouth, nose = points[:2].mean(axis=0), points[3:].mean(axis=0), points[2]
    roll = np.deg2rad(roll_deg(points))
    level = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    height = max(float((level @ (mouth - eyes))[1]), 1e-6)
    aside, below = level @ (nose - eyes) - (level @ (mouth - eyes)) * (0.58, 0.58)
    yaw = np.arcsin(np.clip(aside / height / 0.6, -1, 1))
    pitch = np.arcsin(np.clip(-below / height / 0.6, -1, 1))
    return Pose(float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll)))


def measure(
    pixels: RgbImage, *, box: Box, five: FloatArray, landmarks: FloatArray, presence: float, scale: float
) -> FaceQuality:
    """All quality measures of one face; `scale` is decoded over original size.

    `landmarks` may be (0, 3): then the eyes count as open and the mouth as shut. `presence` in [0, 1] is
    the network's own certainty that a whole face is there.
    """
    grey, hull = _level_grey(pixels, five, landmarks)
    inside_hull = grey[hull] / 255
    low, high = (quantile(inside_hull, share) for share in (0.02, 0.98))
    surface = len(landmarks) == _SURFACE_POINTS
    return FaceQuality(
        inter_eye_px=float(np.hypot(*(five[1] - five[0]))) / scale,
        sharpness=_sharpness(grey, hull),
        exposure=float(inside_hull.mean()),
        dynamic_range=high - low,
        inside=_inside(box, pixels.shape),
        occlusion=1.0 - presence,
        eyes_open=_eyes_open(landmarks) if surface else 1.0,
        mouth_closed=_mouth_closed(landmarks) if surface else 1.0,
    )


def _level_grey(
    pixels: RgbImage, five: FloatArray, landmarks: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Level grey crop around the five points, and which of its px belong to the face and the image."""
    eyes = float(np.hypot(*(five[1] - five[0])))
    centre = five.mean(axis=0)
    square = LevelSquare((float(centre[0]), float(centre[1])), eyes * _SIDE_PX / _EYES_PX, roll_deg(five))
    transform = square.transform(_SIDE_PX)
    grey = cv2.cvtColor(warp(pixels, transform, _SIDE_PX), cv2.COLOR_RGB2GRAY).astype(np.float32)
    outline = landmarks[:, :2] if len(landmarks) == _SURFACE_POINTS else _outline(five)
    moved = outline @ transform[:, :2].T + transform[:, 2]
    mask = np.zeros(grey.shape, dtype=np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(moved.astype(np.int32)), 1)
    height, width = pixels.shape[:2]
    image = (
        np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ transform[:, :2].T + transform[:, 2]
    )
    visible = np.zeros(grey.shape, dtype=np.uint8)
    cv2.fillConvexPoly(visible, np.clip(image, -30_000, 30_000).astype(np.int32), 1)
    hull = (mask & visible).astype(bool)
    return grey, hull if hull.any() else np.ones_like(hull)


def _outline(five: FloatArray) -> FloatArray:
    """A hull for five points: themselves, pushed outwards to about where cheeks and brow are."""
    return np.asarray(five.mean(axis=0) + 1.5 * (five - five.mean(axis=0)), dtype=np.float32)


def _sharpness(grey: NDArray[np.float32], hull: NDArray[np.bool_]) -> float:
    """Fine detail over contrast: d / (d + half), d = energy lost by a slight blur over the whole energy."""
    detail = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
    contrast = float(grey[hull].std()) + 2.0  # 2 grey levels of sensor noise are no contrast
    energy = max(float(np.mean(detail[hull] ** 2)) - _ROUNDING, 0.0)
    measured = float(np.sqrt(energy)) / contrast
    return measured / (measured + _HALF_SHARP)


def _inside(box: Box, shape: tuple[int, ...]) -> float:
    width = min(box.left + box.width, shape[1]) - max(box.left, 0.0)
    height = min(box.top + box.height, shape[0]) - max(box.top, 0.0)
    return float(np.clip(width, 0, None) * np.clip(height, 0, None) / max(box.width * box.height, 1e-9))


def _eyes_open(landmarks: FloatArray) -> float:
    """The wider eye counts: the other may be hidden by a turn of the head."""
    ratios = [_ratio(landmarks, *lid) for lid in _LIDS]
    return float(np.clip((max(ratios) - _EYE_SHUT) / (_EYE_OPEN - _EYE_SHUT), 0, 1))


def _mouth_closed(landmarks: FloatArray) -> float:
    return float(np.clip(1 - _ratio(landmarks, *_LIPS) / _MOUTH_OPEN, 0, 1))


def _ratio(landmarks: FloatArray, upper: int, lower: int, one_end: int, other_end: int) -> float:
    opening = np.linalg.norm(landmarks[upper] - landmarks[lower])
    width = np.linalg.norm(landmarks[one_end] - landmarks[other_end])
    return float(opening / max(float(width), 1e-6))


def _cross(one: Array, other: Array) -> Array:
    """`np.cross` of two vectors (3,), which takes a tenth of a millisecond for them."""
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))

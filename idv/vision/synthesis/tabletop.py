"""Where a document lies before a hand-held camera, and on what: poses, outlines, tables, cloths, desks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray

PICTURE_ASPECT = 3 / 4
"""Height over width of a picture."""
_FOCAL = 0.78
"""Focal length in picture widths: a horizontal field of view of 65°, the main camera of a phone."""
_MARGIN = 0.01
_TILT_DEG = 25.0
_ROLL_DEG = 12.0
_CORNER_RADIUS = 0.035
_EASY_FILL = 0.80
_FILL = (0.45, 0.90)


def hand_pose(
    aspect: float, size: tuple[int, int], *, severity: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Corners of the document after a random tilt, roll, size and place, wholly inside the picture."""
    tilt_x, tilt_y = np.radians(rng.uniform(-_TILT_DEG, _TILT_DEG, 2) * severity)
    roll = np.radians(rng.uniform(-_ROLL_DEG, _ROLL_DEG) * severity)
    plane = np.array([[-aspect, -1], [aspect, -1], [aspect, 1], [-aspect, 1]]) / 2
    solid = np.hstack([plane, np.zeros((4, 1))]) @ _rotation(tilt_x, tilt_y, roll).T
    fill = _EASY_FILL + severity * (rng.uniform(*_FILL) - _EASY_FILL)
    shape = _projected(solid, fill=fill)
    spread = np.ptp(shape, axis=0)
    room = np.array([1.0, PICTURE_ASPECT]) * (1 - 2 * _MARGIN)
    shape *= min(1.0, float((room / spread).min()))
    slack = room - np.ptp(shape, axis=0)
    place = np.array([1.0, PICTURE_ASPECT]) * _MARGIN + slack * (0.5 + rng.uniform(-0.5, 0.5, 2) * severity)
    return np.asarray((shape - shape.min(axis=0) + place) * size[0], np.float64)


def outline(width: int, height: int) -> NDArray[np.uint8]:
    """255 inside the document's rounded rectangle."""
    mask = np.zeros((height, width), np.uint8)
    radius = round(_CORNER_RADIUS * width)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1)
    return mask


def background(size: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """A table, a cloth or a desk with things on it; (H, W, 3) float32."""
    base = rng.uniform(30, 215) + rng.uniform(-30, 30, 3)
    kind = int(rng.integers(3))
    if kind == 0:  # wood: noise drawn out along one direction
        texture = _noise((int(rng.integers(40, 90)), 4), size, rng)
    elif kind == 1:  # cloth: fine weave
        texture = 0.6 * _noise((300, 400), size, rng) + 0.4 * _noise((6, 8), size, rng)
    else:
        texture = _noise((6, 8), size, rng)
    image = base.astype(np.float32) + texture[..., None] * np.float32(rng.uniform(8, 26))
    for _ in range(int(rng.integers(0, 7)) if kind == 2 else int(rng.integers(0, 2))):  # noqa: PLR2004 - desk
        _place_thing(image, rng)
    return np.clip(image, 0, 255)


def _projected(solid: NDArray[np.float64], *, fill: float) -> NDArray[np.float64]:
    """Central projection at the distance that makes the document `fill` picture widths wide."""
    distance = _FOCAL * np.ptp(solid[:, 0]) / fill
    shape = _FOCAL * solid[:, :2] / (distance + solid[:, 2:])
    return shape * (fill / np.ptp(shape[:, 0]))


def _rotation(x: float, y: float, z: float) -> NDArray[np.float64]:
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def _noise(shape: tuple[int, int], size: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    coarse = rng.normal(0, 1, shape).astype(np.float32)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _place_thing(image: FloatArray, rng: np.random.Generator) -> None:
    """A sheet of paper, a box or a pen: a filled, turned rectangle with a line or two of its own."""
    height, width = image.shape[:2]
    centre = rng.uniform([0, 0], [width, height])
    sides = rng.uniform([0.02, 0.1], [0.4, 0.7]) * width
    box = cv2.boxPoints(
        ((float(centre[0]), float(centre[1])), (float(sides[0]), float(sides[1])), float(rng.uniform(0, 180)))
    )
    shade = float(rng.uniform(20, 250))
    color = tuple(float(np.clip(shade + tint, 0, 255)) for tint in rng.uniform(-25, 25, 3))
    cv2.fillPoly(image, [np.rint(box).astype(np.int32)], color, cv2.LINE_AA)

"""From which pose a camera sees a flat picture: the map from camera pixels to picture coordinates."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage

PIXEL_SIGMA_PX = 0.29
"""Standard deviation of a pixel's square aperture: what a pixel averages, as a blur before point sampling."""
_LEAST_BLUR_PX = 0.3


class Plane(NamedTuple):
    """Picture coordinates that each camera pixel looks at: two (H, W) float32 maps in px of the picture."""

    x: FloatArray
    y: FloatArray


@dataclass(frozen=True)
class View:
    """A camera's view of a flat picture.

    `to_picture`: (3, 3) homography from camera px to picture px. `height`, `width`: camera px.
    `bend`: sagitta of the picture's curl along its width, as a fraction of that width.
    """

    to_picture: FloatArray
    height: int
    width: int
    bend: float = 0.0

    @property
    def picture_px_per_camera_px(self) -> float:
        """Linear scale at the centre of the view."""
        centre = np.array([[self.width / 2, self.height / 2]], np.float32)
        at, right, below = _project(centre + np.array([[0, 0], [1, 0], [0, 1]]), self.to_picture)
        return float(np.sqrt(abs(np.linalg.det(np.stack([right - at, below - at])))))

    def plane(self, *, picture_width: int) -> Plane:
        """Where the centre of each camera pixel looks, in picture px; the curl spans `picture_width`."""
        x = np.arange(self.width, dtype=np.float32) + np.float32(0.5)
        y = (np.arange(self.height, dtype=np.float32) + np.float32(0.5))[:, None]
        h = self.to_picture.astype(np.float32)
        depth = h[2, 0] * x + h[2, 1] * y + h[2, 2]
        u = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / depth
        v = (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / depth
        if self.bend:
            across = 2 * u / picture_width - 1
            v = v + np.float32(self.bend * picture_width) * (1 - across * across)
        return Plane(u, v)

    def to_camera(self, points: FloatArray) -> FloatArray:
        """Where points (N, 2) of the picture appear, in camera px (a curl is ignored: it is small)."""
        return _project(points, np.linalg.inv(self.to_picture.astype(np.float64)))


def looked_up(picture: RgbImage, curves: Array) -> FloatArray:
    """Each value of (H, W, 3) uint8 through its channel's curve, (256, 3) or (256, 1)."""
    table = np.asarray(np.broadcast_to(curves, (256, 3)), np.float32)[None]
    return np.asarray(cv2.LUT(picture, np.ascontiguousarray(table)), np.float32)


def desaturated(light: FloatArray, saturation: float) -> FloatArray:
    """Colours (H, W, 3) float32 drawn towards their mean; above 1 away from it, 1 leaves them alone."""
    if saturation == 1:
        return light
    mixing = np.full((3, 3), (1 - saturation) / 3) + np.eye(3) * saturation
    return np.asarray(cv2.transform(light, mixing), np.float32)


def blurred(picture: FloatArray, sigma_px: float) -> FloatArray:
    """Gaussian blur of a float32 picture; below 0.3 px there is nothing to blur."""
    if sigma_px < _LEAST_BLUR_PX:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)


def wrapped(axis: FloatArray, period: float) -> FloatArray:
    """`axis` modulo `period`, in [0, period); several times as fast as `np.mod` on float32."""
    turns = np.floor(axis * np.float32(1 / period))
    return np.asarray(axis - turns * np.float32(period), np.float32)


def outside(plane: Plane, *, height: float, width: float) -> FloatArray:
    """How far each pixel looks past the nearest edge of the picture, in its px; negative inside."""
    across = np.maximum(-plane.x, plane.x - np.float32(width))
    return np.asarray(np.maximum(across, np.maximum(-plane.y, plane.y - np.float32(height))), np.float32)


def blurred_light(surroundings: RgbImage, *, size: tuple[int, int], grid: int = 12) -> FloatArray:
    """Linear light of a background out of focus, (height, width, 3) float32; `size` likewise.

    `grid`: how many spots are told apart along a side.
    """
    tiny = cv2.resize(surroundings, (grid, grid), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    light = cv2.resize(np.power(tiny, 2.2, dtype=np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(light, np.float32)


def face_view(points: FloatArray, rng: np.random.Generator, *, inter_eye_px: float, tilt: float) -> View:
    """A square view around a face.

    `points`: (5, 2) px in the picture. `inter_eye_px`: how large the face appears in camera px.
    `tilt`: how strongly the picture leans; 0 is straight on, 0.15 about 30 degrees.
    """
    length, middle = face_unit(points)
    scale = length / inter_eye_px
    side = round(inter_eye_px * rng.uniform(4.2, 4.7))
    centre = np.asarray(middle + rng.normal(0, 0.08, 2) * length, np.float32)
    return View(_homography(centre, rng, scale=scale, side=(side, side), tilt=tilt), side, side)


def face_unit(points: FloatArray) -> tuple[float, FloatArray]:
    """The larger of eye distance and eyes-to-mouth in px, at least 1, and the middle of the face (2,)."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    length = max(float(np.linalg.norm(points[1] - points[0])), float(np.linalg.norm(mouth - eyes)), 1.0)
    return length, np.asarray((eyes + mouth) / 2, np.float32)


def whole_view(
    picture: tuple[int, int], rng: np.random.Generator, *, height: int, width: int, fill: float, tilt: float
) -> View:
    """A view of the whole picture (height, width in px), which fills the share `fill` of the frame."""
    scale = max(picture[0] / (height * fill), picture[1] / (width * fill))
    centre = np.array([picture[1] / 2, picture[0] / 2])
    return View(_homography(centre, rng, scale=scale, side=(height, width), tilt=tilt), height, width)


def _homography(
    centre: FloatArray, rng: np.random.Generator, *, scale: float, side: tuple[int, int], tilt: float
) -> FloatArray:
    # Heads roll as much as hands do: the same for faces and for pictures of them.
    angle = np.deg2rad(rng.normal(0, 8))
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    lean = rng.uniform(-tilt, tilt, 2) / max(side)
    home = np.array([[1, 0, -side[1] / 2], [0, 1, -side[0] / 2], [0, 0, 1]])
    turn = np.array([[c, -s, 0], [s, c, 0], [lean[0], lean[1], 1]])
    away = np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1]])
    return np.asarray(away @ turn @ home, np.float32)


def _project(points: Array, homography: Array) -> FloatArray:
    padded = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ homography.T
    return np.asarray(padded[:, :2] / padded[:, 2:], np.float32)

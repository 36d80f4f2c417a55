"""A document before a phone's camera, as light: table, fingers, fold, shadow, laminate; then the camera.

Everything between ground and sensor is linear light, so a shadow multiplies and a reflection adds. Genuine
documents and forged ones go through this module alike: nothing in it may tell them apart.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import GAMMA, Camera, photograph
from idv.vision.synthesis.prints import Print, print_light
from idv.vision.synthesis.screens import Screen, screen_light
from idv.vision.synthesis.tabletop import PICTURE_ASPECT, background, hand_pose, outline
from idv.vision.synthesis.viewing import View, looked_up

_COARSE = 8
"""Light changes slowly: it is computed at every eighth pixel."""


class Finger(NamedTuple):
    """A fingertip over the edge. `along`: place on the outline, 0..4 by sides from the top left, clockwise.

    `reach`: how far it covers the document; `width`: its own; both in shares of the document's width. `skin`:
    linear RGB.
    """

    along: float
    reach: float
    width: float
    skin: tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """One placement in one light.

    `tilt`: 0 lies straight before the camera, 1 the whole range of `hand_pose`. `gradient`, `gradient_deg`:
    how much light falls off across the picture and in which direction. `shadow`: share of light that a cast
    shadow takes, `shadow_at`, `shadow_deg`, `shadow_soft`: its edge. `haze`: light mirrored evenly by the
    laminate; `lamp`: peak of a mirrored lamp; `lamp_at`: its place in shares of the document; `lamp_size`:
    its extent in widths of the document.
    `fold_at`: place of an upright fold in shares of the width, None for none; `fold_depth`: change of light.
    """

    tilt: float = 0.7
    gradient: float = 0.2
    gradient_deg: float = 0.0
    shadow: float = 0.0
    shadow_at: float = 0.5
    shadow_deg: float = 0.0
    shadow_soft: float = 0.03
    haze: float = 0.01
    lamp: float = 0.0
    lamp_at: tuple[float, float] = (0.5, 0.5)
    lamp_size: float = 0.08
    fold_at: float | None = None
    fold_depth: float = 0.0
    fingers: tuple[Finger, ...] = ()


class Shot(NamedTuple):
    """A photograph and the truth about it: (H, W, 3) uint8 RGB; corners (4, 2) float32 px, clockwise."""

    pixels: RgbImage
    corners: FloatArray


def draw_scene(rng: np.random.Generator) -> Scene:
    """A scene at random: most are plain, some have a shadow, a lamp in the laminate, fingers or a fold."""
    skin = np.array([0.60, 0.40, 0.30]) * rng.uniform(0.25, 1.1)
    fingers = tuple(
        Finger(
            float(rng.uniform(0, 4)),
            float(rng.uniform(0.01, 0.045)),
            float(rng.uniform(0.10, 0.16)),
            (float(skin[0]), float(skin[1]), float(skin[2])),
        )
        for _ in range(int(rng.choice([0, 1, 2], p=[0.7, 0.18, 0.12])))
    )
    return Scene(
        tilt=float(rng.uniform(0.1, 1.0)),
        gradient=float(rng.uniform(0, 0.5)),
        gradient_deg=float(rng.uniform(0, 360)),
        shadow=float(rng.choice([0, rng.uniform(0.1, 0.5)], p=[0.6, 0.4])),
        shadow_at=float(rng.uniform(0.2, 0.8)),
        shadow_deg=float(rng.uniform(0, 360)),
        shadow_soft=float(rng.uniform(0.005, 0.08)),
        haze=float(rng.uniform(0.002, 0.04)),
        lamp=float(rng.choice([0, rng.uniform(0.1, 0.9)], p=[0.65, 0.35])),
        lamp_at=(float(rng.random()), float(rng.random())),
        lamp_size=float(rng.uniform(0.02, 0.10)),
        fold_at=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.08 else None,  # noqa: PLR2004 - one in twelve
        fold_depth=float(rng.uniform(0.05, 0.25)),
        fingers=fingers,
    )


def photographed(
    card: RgbImage, scene: Scene, camera: Camera, rng: np.random.Generator, *, width: int = 1600
) -> Shot:
    """Photograph `card` (H, W, 3) lying in a scene; `width` px of the sensor's picture."""
    size = (width, round(width * PICTURE_ASPECT))
    corners = hand_pose(card.shape[1] / card.shape[0], size, severity=scene.tilt, rng=rng)
    light = _laid_down(card, corners, size, rng=rng)
    light *= _falling(scene, corners, size)
    _fold(light, scene, corners)
    light += _mirrored(scene, corners, size)
    for finger in scene.fingers:
        _cover(light, finger, corners)
    return _recorded(light, corners, camera, rng)


def replayed(
    shown: Shot,
    screen: Screen,
    camera: Camera,
    rng: np.random.Generator,
    *,
    surroundings: RgbImage,
    view: View,
) -> Shot:
    """A photograph of a photograph on a screen; `view` is the camera's view of the shown picture."""
    light = screen_light(shown.pixels, screen, view=view, surroundings=surroundings)
    return _recorded(light, view.to_camera(shown.corners).astype(np.float64), camera, rng)


def reprinted(
    shown: Shot, copy: Print, camera: Camera, rng: np.random.Generator, *, surroundings: RgbImage, view: View
) -> Shot:
    """A photograph of a print of a picture."""
    light = print_light(shown.pixels, copy, view=view, surroundings=surroundings, rng=rng)
    return _recorded(light, view.to_camera(shown.corners).astype(np.float64), camera, rng)


def _recorded(
    light: FloatArray, corners: NDArray[np.float64], camera: Camera, rng: np.random.Generator
) -> Shot:
    pixels = photograph(light, camera, rng)
    scale = pixels.shape[1] / light.shape[1]
    return Shot(pixels, (corners * scale).astype(np.float32))


# --- things ---------------------------------------------------------------------------------------------


def _laid_down(
    card: RgbImage, corners: NDArray[np.float64], size: tuple[int, int], *, rng: np.random.Generator
) -> FloatArray:
    """The document on its background with the shadow under its edge; linear light."""
    tall, wide = card.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    curve = np.linspace(0, 1, 256)[:, None] ** GAMMA
    shrink = wide / float(np.linalg.norm(corners[1] - corners[0]))
    paper = looked_up(card, curve)
    if shrink > 1:  # without this low-pass the warp would alias where it makes the card smaller
        paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), 0.40 * shrink), np.float32)
    warped = cv2.warpPerspective(paper, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(outline(wide, tall), matrix, size, flags=cv2.INTER_LINEAR)
    alpha = mask.astype(np.float32)[..., None] / 255
    move = np.array([[1, 0, rng.normal(0, 0.004) * size[0]], [0, 1, rng.normal(0, 0.004) * size[0]]])
    contact = cv2.GaussianBlur(cv2.warpAffine(mask, move, size), (0, 0), 0.004 * size[0])
    ground = looked_up(np.asarray(background(size, rng), np.uint8), curve)
    ground *= 1 - 0.6 * contact.astype(np.float32)[..., None] / 255
    return np.asarray(ground * (1 - alpha) + np.clip(warped, 0, None) * alpha, np.float32)


def _cover(light: FloatArray, finger: Finger, corners: NDArray[np.float64]) -> None:
    """Lay a fingertip over the document's edge, rounded by shading, in place."""
    side, share = int(finger.along) % 4, finger.along % 1
    start, end = corners[side], corners[(side + 1) % 4]
    edge = start + (end - start) * share
    inward = corners.mean(axis=0) - edge
    inward /= max(float(np.linalg.norm(inward)), 1e-6)
    wide = float(np.linalg.norm(corners[1] - corners[0]))
    radius = finger.width * wide / 2
    tip = edge + inward * (finger.reach * wide - radius)
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32)
    behind = np.minimum((x - tip[0]) * inward[0] + (y - tip[1]) * inward[1], 0)
    ahead = (x - tip[0]) * inward[0] + (y - tip[1]) * inward[1] - behind
    across = (x - tip[0]) * -inward[1] + (y - tip[1]) * inward[0]
    away = np.hypot(across, ahead) / radius
    shade = np.sqrt(np.clip(1 - 0.8 * away**2, 0.05, 1))[..., None]
    alpha = np.clip((1 - away) * radius / 2, 0, 1)[..., None]
    under = np.clip(1.25 - away, 0, 1)[..., None]
    light *= 1 - 0.5 * under
    light += alpha * (np.array(finger.skin, np.float32) * shade - light)


# --- light ----------------------------------------------------------------------------------------------


def _falling(scene: Scene, corners: NDArray[np.float64], size: tuple[int, int]) -> FloatArray:
    """Share of the light that arrives, (H, W, 1) float32."""
    x, y = _grid(size)
    angle = np.deg2rad(scene.gradient_deg)
    across = ((x / size[0] - 0.5) * np.cos(angle) + (y / size[1] - 0.5) * np.sin(angle)).astype(np.float32)
    arriving = 1 + np.float32(scene.gradient) * across
    if scene.shadow:
        angle = np.deg2rad(scene.shadow_deg)
        middle = corners.mean(axis=0)
        edge = ((x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)) / size[0]
        edge = edge - (scene.shadow_at - 0.5) * 0.5
        arriving = arriving * (1 - scene.shadow / (1 + np.exp(np.clip(-edge / scene.shadow_soft, -40, 40))))
    return _fine(arriving, size)


def _fold(light: FloatArray, scene: Scene, corners: NDArray[np.float64]) -> None:
    """A fold across the document: one side darker, its ridge bright, in place."""
    if scene.fold_at is None:
        return
    height, width = light.shape[:2]
    top = corners[0] + (corners[1] - corners[0]) * scene.fold_at
    foot = corners[3] + (corners[2] - corners[3]) * scene.fold_at
    along = (foot - top) / max(float(np.linalg.norm(foot - top)), 1e-6)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = ((x - top[0]) * along[1] - (y - top[1]) * along[0]) / width
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
    change = scene.fold_depth * (1 / (1 + np.exp(np.clip(-away / 0.002, -40, 40))) - 0.5)
    ridge = 0.6 * scene.fold_depth * np.exp(-((away / 0.0012) ** 2))
    light *= (1 + (change + ridge) * inside).astype(np.float32)[..., None]


def _mirrored(scene: Scene, corners: NDArray[np.float64], size: tuple[int, int]) -> FloatArray:
    """What the laminate mirrors, (H, W, 1) float32: an even haze and a lamp, on the document only."""
    x, y = _grid(size)
    inside = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 255)
    across = corners[0] + (corners[1] - corners[0]) * scene.lamp_at[0]
    centre = across + (corners[3] - corners[0]) * scene.lamp_at[1]
    reach = scene.lamp_size * float(np.linalg.norm(corners[1] - corners[0]))
    away = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / reach**2
    # A sharp core in a wide skirt: polished laminate with fine scratches.
    lamp = scene.lamp * (0.7 * np.exp(-away) + 0.3 / (1 + away))
    return np.asarray(_fine(scene.haze + lamp, size) * (inside[..., None] > 0), np.float32)


def _grid(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    width, height = size
    y, x = np.mgrid[0 : height // _COARSE, 0 : width // _COARSE].astype(np.float32) * _COARSE
    return x, y


def _fine(coarse: NDArray[np.floating], size: tuple[int, int]) -> FloatArray:
    fine = cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[..., None], np.float32)

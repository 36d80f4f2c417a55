"""Presentation attacks and bona fide captures made from photographs of faces.

A photograph is shown on a simulated screen or printed on simulated paper and photographed again by the same
cameras that photograph the bona fide face, so that neither resolution nor codec tells them apart.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import GAMMA, Camera, photograph
from idv.vision.synthesis.copies import copied, furnished, texture
from idv.vision.synthesis.face_draws import draw_face_print, draw_face_screen
from idv.vision.synthesis.prints import Printer, print_light
from idv.vision.synthesis.screens import Layout, Screen, screen_light
from idv.vision.synthesis.viewing import View, blurred, face_view, looked_up, whole_view


class Species(StrEnum):
    """Presentation attack instrument species, and the bona fide presentation."""

    BONA_FIDE = "bona_fide"
    PRINT = "print"
    SCREEN = "screen"


@dataclass(frozen=True)
class FacePhoto:
    """A photograph of one face: (H, W, 3) uint8 RGB and its five points (5, 2) float32 px."""

    pixels: RgbImage
    points: FloatArray


@dataclass(frozen=True)
class Presentation:
    """What a camera recorded of a presentation: pixels, the five points in them, and what was presented.

    `instrument`: the layout or printer behind an attack, empty for a bona fide presentation.
    """

    pixels: RgbImage
    points: FloatArray
    species: Species
    instrument: str = ""


def seen_directly(
    photo: FacePhoto,
    rng: np.random.Generator,
    *,
    camera: Camera,
    inter_eye_px: float,
    species: Species = Species.BONA_FIDE,
) -> Presentation:
    """What the photograph shows before another camera: the picture stands for the light of the scene.

    A bona fide photograph stays bona fide; a real capture of an attack keeps its `species`.
    """
    view = face_view(photo.points, rng, inter_eye_px=inter_eye_px, tilt=0.05)
    seen = _direct_light(furnished(photo.pixels, photo.points, rng), view)
    light = _lit(seen * texture(seen.shape[:2], rng), rng)
    return _recorded(light, photo.points, view, camera=camera, rng=rng, species=species)


def on_screen(
    photo: FacePhoto,
    rng: np.random.Generator,
    *,
    layouts: tuple[Layout, ...],
    camera: Camera,
    inter_eye_px: float,
    surroundings: RgbImage,
    pitch: tuple[float, float] = (0.3, 1.0),
) -> Presentation:
    """A copy of the photograph replayed on a screen of one of `layouts`; `pitch` as in `draw_face_screen`."""
    pixels, points = copied(furnished(photo.pixels, photo.points, rng), photo.points, rng)
    view = face_view(points, rng, inter_eye_px=inter_eye_px, tilt=0.2)
    screen = draw_face_screen(rng, layouts=layouts, view=view, picture_px=pixels.shape[1], pitch=pitch)
    light = screen_light(pixels, screen, view=view, surroundings=surroundings)
    # The display's own pixels take from its texture what is finer than they are.
    coarse = 0.4 / (view.picture_px_per_camera_px * screen.pixels_per_picture_px)
    light = light * texture(light.shape[:2], rng, blur_px=coarse)
    return _recorded(
        light,
        points,
        view,
        camera=camera,
        rng=rng,
        species=Species.SCREEN,
        instrument=screen.layout.value,
    )


def on_paper(
    photo: FacePhoto,
    rng: np.random.Generator,
    *,
    printers: tuple[Printer, ...],
    camera: Camera,
    inter_eye_px: float,
    surroundings: RgbImage,
) -> Presentation:
    """A copy of the photograph as a print of one of `printers`, sometimes curled."""
    pixels, points = copied(furnished(photo.pixels, photo.points, rng), photo.points, rng)
    straight = face_view(points, rng, inter_eye_px=inter_eye_px, tilt=0.2)
    bend = float(rng.choice([0.0, rng.uniform(-0.1, 0.1)]))
    view = View(straight.to_picture, straight.height, straight.width, bend)
    copy = draw_face_print(rng, printers=printers, view=view, picture_px=pixels.shape[1])
    light = print_light(pixels, copy, view=view, surroundings=surroundings, rng=rng)
    light = light * texture(light.shape[:2], rng, blur_px=1.0)
    return _recorded(
        light,
        points,
        view,
        camera=camera,
        rng=rng,
        species=Species.PRINT,
        instrument=copy.printer.value,
    )


def replay_whole(
    picture: RgbImage, rng: np.random.Generator, *, screen: Screen, camera: Camera, fill: float = 0.9
) -> RgbImage:
    """A photograph of a whole picture on one given screen, in the picture's own size.

    `screen.pixels_per_picture_px` says how fine the display is; `fill` which share of the frame it takes.
    """
    height, width = picture.shape[:2]
    view = whole_view((height, width), rng, height=height, width=width, fill=fill, tilt=0.08)
    light = screen_light(picture, screen, view=view, surroundings=picture)
    return photograph(light, camera, rng)


def _direct_light(picture: RgbImage, view: View) -> FloatArray:
    plane = view.plane(picture_width=picture.shape[1])
    light = looked_up(picture, np.linspace(0, 1, 256)[:, None] ** GAMMA)
    light = blurred(light, 0.35 * view.picture_px_per_camera_px)
    x, y = (axis - np.float32(0.5) for axis in plane)
    seen = cv2.remap(light, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(seen, 0, None), np.float32)


def _lit(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The same face in another light: a gradient, and now and then a lamp or window that hazes the lens.

    Attacks show gradients and hazes too, so those alone must not tell an attack.
    """
    height, width = light.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    lit = light * (1 + rng.uniform(0, 0.7) * along)[..., None].astype(np.float32)
    haze = rng.exponential(0.06) * rng.choice([0, 1], p=[0.65, 0.35])
    return np.asarray(lit + haze, np.float32)


def _recorded(
    light: FloatArray,
    points: FloatArray,
    view: View,
    *,
    camera: Camera,
    rng: np.random.Generator,
    species: Species,
    instrument: str = "",
) -> Presentation:
    pixels = photograph(light, camera, rng)
    seen = view.to_camera(points) * (pixels.shape[1] / view.width)
    return Presentation(pixels, seen.astype(np.float32), species, instrument)

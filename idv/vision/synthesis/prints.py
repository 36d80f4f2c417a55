"""A picture printed on paper, as light in front of a camera: ink, halftone, paper, curl, sheen, edges."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import GAMMA
from idv.vision.synthesis.viewing import (
    Plane,
    View,
    blurred,
    blurred_light,
    desaturated,
    looked_up,
    outside,
    wrapped,
)

_TILE = 128
"""Side of the halftone and paper tiles, in their own samples."""
_BARE = 0.02
"""Coverage below which paper counts as bare: a head leaves no streaks there."""
_DOTS = 16
"""Halftone cells along a tile."""


class Printer(StrEnum):
    """How ink comes onto the paper."""

    INKJET = "inkjet"
    LASER = "laser"
    PHOTO_LAB = "photo_lab"
    OFFICE_COLOUR = "office_colour"
    OFFSET = "offset"


TRAINING_PRINTERS = (Printer.INKJET, Printer.LASER, Printer.PHOTO_LAB)
"""Printers that training may draw from."""
HELD_OUT_PRINTERS = (Printer.OFFICE_COLOUR, Printer.OFFSET)
"""Printers that no training ever sees."""


@dataclass(frozen=True)
class Process:
    """What kind of dots a printer sets: ordered by angle (AM) or scattered (FM), and how strongly.

    `angles_deg`: screen angles of cyan, magenta, yellow; `None` scatters the dots. `strength`: 0 is
    continuous tone.
    `streaks`: strength of bands along the head's path. `gamut`: saturation that the inks reach.
    """

    angles_deg: tuple[float, float, float] | None
    strength: float
    streaks: float
    gamut: float


PROCESSES = {
    Printer.INKJET: Process(None, strength=0.55, streaks=0.04, gamut=0.85),
    Printer.LASER: Process((15.0, 75.0, 0.0), strength=0.8, streaks=0.015, gamut=0.7),
    Printer.PHOTO_LAB: Process(None, strength=0.08, streaks=0.0, gamut=0.95),
    Printer.OFFICE_COLOUR: Process((30.0, 60.0, 45.0), strength=0.6, streaks=0.05, gamut=0.6),
    Printer.OFFSET: Process((15.0, 45.0, 0.0), strength=1.0, streaks=0.0, gamut=0.75),
}


@dataclass(frozen=True)
class Print:
    """One print in one hand.

    `cells_per_picture_px`: halftone cells along one pixel of the picture. `paper`: reflectance of R, G, B of
    the bare paper; `ink_black`: reflectance of full ink. `gamut`: saturation left. `dot_gain`: exponent,
    above 1 darkens. `grain`: contrast of the paper's fibres. `sheen`: peak of the mirrored lamp, at
    `sheen_at` with `sheen_size`, in shares of the view. `shading`: change of light across the view, along
    `shading_deg`. `margin_px`: white border in px of the picture. `behind`: brightness of the room behind, of
    which `grid` spots a side are told apart.
    """

    printer: Printer
    cells_per_picture_px: float = 2.0
    paper: tuple[float, float, float] = (0.9, 0.9, 0.88)
    ink_black: float = 0.04
    gamut: float = 0.8
    dot_gain: float = 1.1
    grain: float = 0.01
    sheen: float = 0.0
    sheen_at: tuple[float, float] = (0.5, 0.5)
    sheen_size: float = 0.4
    shading: float = 0.1
    shading_deg: float = 0.0
    margin_px: float = 10.0
    behind: float = 1.0
    grid: int = 12


def print_light(
    picture: RgbImage, copy: Print, *, view: View, surroundings: RgbImage, rng: np.random.Generator
) -> FloatArray:
    """Linear light (H, W, 3) float32 off the printed picture; bare paper is about 1.

    `surroundings`: any picture, shown blurred where the view goes past the paper. `rng` scatters dots and
    fibres.
    """
    plane = view.plane(picture_width=picture.shape[1])
    inked = _inked(picture, copy, scale=view.picture_px_per_camera_px)
    cover = _sampled(inked, plane)
    cover = cover + _halftone(cover, copy, plane, scale=view.picture_px_per_camera_px, rng=rng)
    reflected = np.asarray(cv2.exp(np.float32(np.log(copy.ink_black)) * np.clip(cover, 0, 1)), np.float32)
    reflected *= np.array(copy.paper, np.float32)
    past = outside(plane, height=picture.shape[0], width=picture.shape[1])
    if float(past.max()) > 0:
        _frame(
            reflected, copy, past=past, behind=blurred_light(surroundings, size=past.shape, grid=copy.grid)
        )
    light = reflected * _paper(copy, view, rng) * _shading(copy, view) + _sheen(copy, view)
    return np.asarray(light, np.float32)


def _inked(picture: RgbImage, copy: Print, *, scale: float) -> FloatArray:
    """Ink coverage of C, M, Y in [0, 1] on the picture's grid."""
    reflectance = looked_up(picture, np.linspace(0, 1, 256)[:, None] ** (GAMMA * copy.dot_gain))
    dulled = np.clip(desaturated(reflectance, copy.gamut), copy.ink_black, 1)
    cover = cv2.log(dulled) / np.float32(np.log(copy.ink_black))
    return blurred(np.asarray(cover, np.float32), 0.35 * scale)


def _sampled(inked: FloatArray, plane: Plane) -> FloatArray:
    x, y = (axis - np.float32(0.5) for axis in plane)
    return np.asarray(cv2.remap(inked, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _halftone(
    cover: FloatArray, copy: Print, plane: Plane, *, scale: float, rng: np.random.Generator
) -> FloatArray:
    """Deviation of the coverage from continuous tone: the dots, as far as the lens can tell them apart."""
    process = PROCESSES[copy.printer]
    angles = process.angles_deg or (0.0, 0.0, 0.0)
    blur = 0.4 * scale * copy.cells_per_picture_px * _TILE / _DOTS
    # Dots are most visible in the middle tones: none on bare paper, all merged in full ink.
    deviation = np.float32(2 * process.strength) * cover * (1 - np.clip(cover, 0, 1))
    for channel, angle_deg in enumerate(angles):
        pattern = _spots() if process.angles_deg else _scatter(rng)
        deviation[..., channel] *= _tiled(pattern, copy, plane, angle_deg=angle_deg, blur=blur)
    if process.streaks:
        rows = np.sin(plane.y * np.float32(2 * np.pi * copy.cells_per_picture_px / 11))
        deviation += (np.float32(process.streaks) * rows)[..., None] * (cover > _BARE)
    return np.asarray(deviation, np.float32)


def _tiled(pattern: FloatArray, copy: Print, plane: Plane, *, angle_deg: float, blur: float) -> FloatArray:
    """One channel's pattern at every sample, turned by its screen angle and blurred by the lens."""
    soft = blurred(np.tile(pattern, (3, 3)), min(max(blur, 0.5), 64.0))
    middle = np.ascontiguousarray(soft[_TILE : 2 * _TILE, _TILE : 2 * _TILE])
    step = copy.cells_per_picture_px * _TILE / _DOTS
    c, s = (np.float32(f(np.deg2rad(angle_deg)) * step) for f in (np.cos, np.sin))
    x = wrapped(plane.x * c - plane.y * s, _TILE)
    y = wrapped(plane.x * s + plane.y * c, _TILE)
    return np.asarray(cv2.remap(middle, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def _spots() -> FloatArray:
    axis = np.cos(2 * np.pi * _DOTS * np.arange(_TILE) / _TILE)
    return np.clip((axis + axis[:, None]) * 1.2, -1, 1).astype(np.float32)


def _scatter(rng: np.random.Generator) -> FloatArray:
    """Dots that avoid each other: noise without its low frequencies, mean 0, variance 1."""
    noise = rng.standard_normal((_TILE, _TILE), np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 1.5, borderType=cv2.BORDER_REFLECT)
    blue = fine - cv2.GaussianBlur(noise, (0, 0), 5.0, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blue / max(float(blue.std()), 1e-6), np.float32)


def _frame(reflected: FloatArray, copy: Print, *, past: FloatArray, behind: FloatArray) -> None:
    """Draw the white margin around the picture and what lies behind the paper, in place."""
    np.copyto(reflected, np.array(copy.paper, np.float32), where=(past > 0)[..., None])
    np.copyto(reflected, np.float32(copy.behind) * behind, where=(past > copy.margin_px)[..., None])


def _paper(copy: Print, view: View, rng: np.random.Generator) -> FloatArray:
    fibres = rng.standard_normal((view.height, view.width), np.float32)
    coarse = blurred(fibres, 2.0)
    coarse = coarse / max(float(coarse.std()), 1e-6)
    return np.asarray(1 + copy.grain * (0.5 * fibres + coarse), np.float32)[..., None]


def _shading(copy: Print, view: View) -> FloatArray:
    y, x = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    angle = np.deg2rad(copy.shading_deg)
    along = (x / view.width - 0.5) * np.cos(angle) + (y / view.height - 0.5) * np.sin(angle)
    bent = along + 8 * view.bend * (along * along)
    return np.asarray(np.clip(1 + copy.shading * 2 * bent, 0.1, None), np.float32)[..., None]


def _sheen(copy: Print, view: View) -> FloatArray:
    y, x = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    dx = (x / view.width - copy.sheen_at[0]) / copy.sheen_size
    dy = (y / view.height - copy.sheen_at[1]) / copy.sheen_size
    spot = copy.sheen * np.exp(-0.5 * (dx * dx + dy * dy))
    return np.asarray(spot, np.float32)[..., None]

"""A picture shown on a screen, as light in front of a camera: sub-pixels, backlight, reflections, bezel."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.viewing import (
    PIXEL_SIGMA_PX,
    Plane,
    View,
    blurred,
    blurred_light,
    desaturated,
    looked_up,
    outside,
    wrapped,
)

_CELL = 12
"""Samples along one display pixel in a layout's tile."""
_TILE_PX = 2
"""Display pixels along one side of a tile: the period of every layout."""


class Layout(StrEnum):
    """Arrangements of sub-pixels."""

    RGB_STRIPE = "rgb_stripe"
    BGR_STRIPE = "bgr_stripe"
    TURNED_STRIPE = "turned_stripe"
    PENTILE = "pentile"
    S_STRIPE = "s_stripe"
    DIAMOND = "diamond"
    CHEVRON = "chevron"
    RANDOM = "random"
    DELTA = "delta"
    RGBW = "rgbw"


TRAINING_LAYOUTS = (
    Layout.RGB_STRIPE,
    Layout.BGR_STRIPE,
    Layout.TURNED_STRIPE,
    Layout.PENTILE,
    Layout.S_STRIPE,
)
"""Layouts that training may draw from."""
HELD_OUT_LAYOUTS = (Layout.DELTA, Layout.RGBW)
"""Layouts that no training ever sees."""


@dataclass(frozen=True)
class Screen:
    """One screen in one room.

    `layout_seed`: which of the random layouts. `pixels_per_picture_px`: display pixels along one pixel of
    the shown picture. `saturation`: of the display, 1 leaves colours alone.
    `gamma`, `white`: of the display, not of the picture. `black`: light leaking through a black pixel.
    `ambient`: room light mirrored evenly; `glare`: peak of a mirrored lamp (both of the display's white).
    `glare_at`: its place in the view, `glare_size`: its extent, in shares of the view.
    `banding`, `band_period`, `band_phase`: strength, period (share of the view) and phase of dark bars from
    a pulsed backlight under a rolling shutter. `falloff`: loss of light across the view towards
    `falloff_deg`, as displays seen at an angle have it. `letterbox_px`, `bezel_px`: widths around the picture
    in picture px; `letterbox`, `bezel`: their light. `behind`: brightness of the room behind, of which `grid`
    spots a side are told apart. `optics_px`: sigma of the lens in camera px.
    """

    layout: Layout
    layout_seed: int = 0
    pixels_per_picture_px: float = 0.5
    saturation: float = 1.0
    gamma: float = 2.2
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    black: float = 0.002
    ambient: float = 0.01
    glare: float = 0.0
    glare_at: tuple[float, float] = (0.5, 0.5)
    glare_size: float = 0.3
    banding: float = 0.0
    band_period: float = 0.3
    band_phase: float = 0.0
    falloff: float = 0.0
    falloff_deg: float = 0.0
    letterbox_px: float = 0.0
    letterbox: float = 0.0
    bezel_px: float = 40.0
    bezel: float = 0.015
    behind: float = 0.4
    grid: int = 12
    optics_px: float = 0.3


def screen_light(picture: RgbImage, screen: Screen, *, view: View, surroundings: RgbImage) -> FloatArray:
    """Linear light (H, W, 3) float32 of the picture on the screen; display white is about 1.

    `surroundings`: any picture, shown blurred where the view goes past the screen.
    """
    plane = view.plane(picture_width=picture.shape[1])
    pitch = view.picture_px_per_camera_px * screen.pixels_per_picture_px
    sigma_px = float(np.hypot(screen.optics_px, PIXEL_SIGMA_PX)) * pitch
    emitted = _emission(picture, screen, plane, scale=view.picture_px_per_camera_px)
    emitted *= _sub_pixels(screen, plane, sigma_px=sigma_px)
    past = outside(plane, height=picture.shape[0], width=picture.shape[1])
    if float(past.max()) > 0:
        _frame(
            emitted, screen, past=past, behind=blurred_light(surroundings, size=past.shape, grid=screen.grid)
        )
    light = emitted * _bars(screen, view.height) * _falloff(screen, view) + _reflections(screen, view)
    return np.asarray(light, np.float32)


def tile(layout: Layout, seed: int = 0) -> FloatArray:
    """One period of a layout: (24, 24, 3) float32 emission of R, G and B, each with mean 1.

    `seed`: which of the random layouts; the others have one form.
    """
    cells = np.zeros((_TILE_PX * _CELL, _TILE_PX * _CELL, 3), np.float32)
    if layout is Layout.RANDOM:
        _scattered(cells, np.random.default_rng(seed))
    else:
        _DRAW[layout](cells)
    return np.asarray(cells / cells.mean(axis=(0, 1)), np.float32)


def _emission(picture: RgbImage, screen: Screen, plane: Plane, *, scale: float) -> FloatArray:
    """The shown picture as linear light at every camera pixel.

    It keeps its own resolution, however coarse the sub-pixel grid: the grid stands for what a camera of
    many pixels leaves of it after it made the picture small, and that camera saw the face sharp.
    """
    response = (np.linspace(0, 1, 256) ** screen.gamma * (1 - screen.black) + screen.black)[:, None]
    light = blurred(looked_up(picture, response * np.array(screen.white)), 0.35 * scale)
    light = np.clip(desaturated(light, screen.saturation), 0, None)
    x, y = (axis - np.float32(0.5) for axis in plane)
    # Past the picture the display is white; the frame dims it to what its letterbox shows.
    white = (*screen.white, 0.0)
    return np.asarray(cv2.remap(light, x, y, cv2.INTER_LINEAR, borderValue=white), np.float32)


def _sub_pixels(screen: Screen, plane: Plane, *, sigma_px: float) -> FloatArray:
    repeated = np.asarray(np.tile(tile(screen.layout, screen.layout_seed), (3, 3, 1)), np.float32)
    size = _TILE_PX * _CELL
    sigma = min(sigma_px * _CELL, 3.0 * size)
    smooth = blurred(repeated, sigma)
    # The lens blurs the tile as it blurs the screen; its period is kept by cutting the middle copy.
    middle = np.ascontiguousarray(smooth[size : 2 * size, size : 2 * size])
    k = np.float32(screen.pixels_per_picture_px)
    x, y = (wrapped(axis * k, _TILE_PX) * np.float32(_CELL) - np.float32(0.5) for axis in plane)
    return np.asarray(cv2.remap(middle, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def _frame(emitted: FloatArray, screen: Screen, *, past: FloatArray, behind: FloatArray) -> None:
    """Draw letterbox, bezel and what lies behind them around the emitted picture, in place."""
    # A letterbox is part of the display and shows its grid; black leaks.
    outer = screen.letterbox_px + screen.bezel_px
    dimmed = emitted * np.float32(screen.letterbox) + np.float32(screen.black)
    np.copyto(emitted, dimmed, where=(past > 0)[..., None])
    np.copyto(emitted, np.float32(screen.bezel), where=(past > screen.letterbox_px)[..., None])
    np.copyto(emitted, np.float32(screen.behind) * behind, where=(past > outer)[..., None])


def _bars(screen: Screen, height: int) -> FloatArray:
    rows = np.arange(height, dtype=np.float32) / height
    wave = np.sin(2 * np.pi * rows / screen.band_period + screen.band_phase)
    return np.asarray(1 - screen.banding * (0.5 + 0.5 * wave), np.float32)[:, None, None]


def _falloff(screen: Screen, view: View) -> FloatArray:
    """Dimming across the view, (H, W, 1) float32."""
    y, x = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    angle = np.deg2rad(screen.falloff_deg)
    along = (x / view.width - 0.5) * np.cos(angle) + (y / view.height - 0.5) * np.sin(angle)
    return np.asarray(np.clip(1 - screen.falloff * (0.5 + along), 0.1, None), np.float32)[..., None]


def _reflections(screen: Screen, view: View) -> FloatArray:
    y, x = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    dx = (x / view.width - screen.glare_at[0]) / screen.glare_size
    dy = (y / view.height - screen.glare_at[1]) / screen.glare_size
    spot = screen.glare * np.exp(-0.5 * (dx * dx + dy * dy))
    return np.asarray(screen.ambient + spot, np.float32)[..., None]


def _stripes(order: tuple[int, int, int]) -> Callable[[FloatArray], None]:
    def draw(cells: FloatArray) -> None:
        third = _CELL // 3
        for column in range(_TILE_PX):
            for place, channel in enumerate(order):
                left = column * _CELL + place * third
                cells[:, left : left + third - 1, channel] = 1
        _black_rows(cells)

    return draw


def _black_rows(cells: FloatArray) -> None:
    for row in range(_TILE_PX):
        cells[(row + 1) * _CELL - 2 : (row + 1) * _CELL] = 0


def _turned(cells: FloatArray) -> None:
    upright = np.zeros_like(cells)
    _stripes((0, 1, 2))(upright)
    cells[:] = upright.transpose(1, 0, 2)


def _pentile(cells: FloatArray) -> None:
    """Green in every pixel, red and blue in turn, each a round dot."""
    for row in range(_TILE_PX):
        for column in range(_TILE_PX):
            _dot(cells, (row * _CELL + 3, column * _CELL + 3), radius=2, channel=1)
            channel = 0 if (row + column) % 2 == 0 else 2
            _dot(cells, (row * _CELL + 8, column * _CELL + 8), radius=3, channel=channel)


def _s_stripe(cells: FloatArray) -> None:
    """A tall blue bar beside red above green."""
    for row in range(0, _TILE_PX * _CELL, _CELL):
        for column in range(0, _TILE_PX * _CELL, _CELL):
            cells[row + 1 : row + 11, column + 7 : column + 11, 2] = 1
            cells[row + 1 : row + 5, column + 1 : column + 6, 0] = 1
            cells[row + 7 : row + 11, column + 1 : column + 6, 1] = 1


def _delta(cells: FloatArray) -> None:
    """Stripes whose second row is shifted by half a pixel."""
    _stripes((0, 1, 2))(cells)
    cells[_CELL:] = np.roll(cells[_CELL:], _CELL // 2, axis=1)


def _rgbw(cells: FloatArray) -> None:
    """Four squares a pixel: red, green, blue, white."""
    half = _CELL // 2
    for row in range(0, _TILE_PX * _CELL, _CELL):
        for column in range(0, _TILE_PX * _CELL, _CELL):
            for place, channels in enumerate(([0], [1], [2], [0, 1, 2])):
                top, left = row + half * (place // 2), column + half * (place % 2)
                for channel in channels:
                    cells[top : top + half - 1, left : left + half - 1, channel] = 1


def _diamond(cells: FloatArray) -> None:
    """Green small at the corners, red and blue large in turn at the centres, as on many phones."""
    for row in range(_TILE_PX):
        for column in range(_TILE_PX):
            _dot(cells, (row * _CELL + 3, column * _CELL + 9), radius=2, channel=1)
            channel = 0 if (row + column) % 2 == 0 else 2
            _dot(cells, (row * _CELL + 7, column * _CELL + 3), radius=3, channel=channel)


def _chevron(cells: FloatArray) -> None:
    """Stripes that lean one way in one row and the other way in the next."""
    _stripes((0, 1, 2))(cells)
    for line in range(cells.shape[0]):
        lean = line if line < _CELL else 2 * _CELL - line
        cells[line] = np.roll(cells[line], lean // 3, axis=0)


def _scattered(cells: FloatArray, rng: np.random.Generator) -> None:
    """A bar or dot of any size at any place for each colour, in every pixel, rows sometimes shifted."""
    pixel = np.zeros((_CELL, _CELL, 3), np.float32)
    for channel in range(3):
        high, wide = rng.integers(3, _CELL + 1, 2)
        pixel[:high, :wide, channel] = 1
        pixel[..., channel] = np.roll(pixel[..., channel], rng.integers(0, _CELL, 2), axis=(0, 1))
    pixel[: int(rng.integers(0, 3))] = 0
    pixel[-1] += np.float32(1e-3)  # a colour that the black rows took away leaks
    cells[:] = np.tile(pixel, (_TILE_PX, _TILE_PX, 1))
    cells[_CELL:] = np.roll(cells[_CELL:], int(rng.choice([0, _CELL // 2])), axis=1)


def _dot(cells: FloatArray, centre: tuple[int, int], *, radius: int, channel: int) -> None:
    y, x = np.mgrid[0 : cells.shape[0], 0 : cells.shape[1]]
    cells[..., channel][(y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2] = 1


_DRAW: dict[Layout, Callable[[FloatArray], None]] = {
    Layout.RGB_STRIPE: _stripes((0, 1, 2)),
    Layout.BGR_STRIPE: _stripes((2, 1, 0)),
    Layout.TURNED_STRIPE: _turned,
    Layout.PENTILE: _pentile,
    Layout.S_STRIPE: _s_stripe,
    Layout.DIAMOND: _diamond,
    Layout.CHEVRON: _chevron,
    Layout.DELTA: _delta,
    Layout.RGBW: _rgbw,
}

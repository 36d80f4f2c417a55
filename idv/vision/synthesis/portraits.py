"""Drawn heads for the portraits of drawn documents: like nobody, so that no photo of a person is needed."""

import cv2
import numpy as np

from idv.domain.arrays import RgbImage

_SKINS = ((241, 208, 184), (224, 178, 146), (198, 146, 110), (158, 108, 76), (112, 74, 52), (82, 54, 40))
_HAIRS = ((32, 26, 24), (74, 48, 32), (128, 88, 48), (196, 160, 98), (150, 150, 152), (120, 52, 30))
_GROUNDS = ((206, 212, 220), (222, 222, 216), (190, 204, 214))
_CLOTHES = ((60, 60, 110), (40, 80, 70), (110, 46, 52), (52, 52, 56), (150, 140, 120))
_SIZE = (400, 300)

Color = tuple[int, int, int]


def draw_portrait(rng: np.random.Generator) -> RgbImage:
    """A head with shoulders, (400, 300, 3) uint8 RGB; all that varies comes from `rng`."""
    skin, hair = _one_of(_SKINS, rng), _one_of(_HAIRS, rng)
    image = np.full((*_SIZE, 3), _one_of(_GROUNDS, rng), np.uint8)
    half_width, half_height = int(rng.integers(74, 92)), int(rng.integers(104, 122))
    centre = (150 + int(rng.integers(-6, 7)), 178 + int(rng.integers(-8, 9)))
    long_hair = bool(rng.integers(2))
    if long_hair:
        _ellipse(image, (centre[0], centre[1] + 30), (half_width + 22, half_height + 34), hair)
    _ellipse(image, (centre[0], 430), (142, 128), _one_of(_CLOTHES, rng))
    _ellipse(image, (centre[0], centre[1] + half_height), (34, 48), _darker(skin))
    _ellipse(image, centre, (half_width, half_height), skin)
    _ellipse(image, (centre[0], centre[1] - half_height + 34), (half_width + 3, 52), hair, upper_half=True)
    _draw_features(image, centre, half_width, skin, rng)
    return image


def _draw_features(
    image: RgbImage, centre: tuple[int, int], half_width: int, skin: Color, rng: np.random.Generator
) -> None:
    x, y = centre
    apart = round(half_width * 0.44)
    for eye in (x - apart, x + apart):
        _ellipse(image, (eye, y - 12), (14, 8), (245, 245, 245))
        _ellipse(image, (eye, y - 12), (7, 7), (50, 40, 36))
        cv2.line(image, (eye - 17, y - 34), (eye + 17, y - 36), _darker(_darker(skin)), 5, cv2.LINE_AA)
    cv2.line(image, (x, y - 4), (x - 6, y + 30), _darker(skin), 4, cv2.LINE_AA)
    mouth = int(rng.integers(18, 32))
    _ellipse(image, (x, y + 58), (mouth, 7), (176, 84, 84))


def _ellipse(
    image: RgbImage,
    centre: tuple[int, int],
    axes: tuple[int, int],
    color: Color,
    *,
    upper_half: bool = False,
) -> None:
    start, end = (180, 360) if upper_half else (0, 360)
    cv2.ellipse(image, centre, axes, 0, start, end, color, -1, cv2.LINE_AA)


def _one_of(colors: tuple[Color, ...], rng: np.random.Generator) -> Color:
    return colors[int(rng.integers(len(colors)))]


def _darker(color: Color) -> Color:
    return (color[0] * 4 // 5, color[1] * 4 // 5, color[2] * 4 // 5)

"""Drawn heads with light and texture, for eval sets of documents: like nobody, yet no two alike.

Richer than those of `portraits`: light falls from one side, skin, hair and cloth have a grain, features
vary. All arithmetic is 64 bits wide until it is rounded, so that machines come to the same bytes.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import RgbImage

_HEIGHT, _WIDTH = 480, 360
_SKINS = ((243, 212, 190), (229, 186, 154), (205, 154, 118), (166, 116, 82), (120, 80, 56), (88, 58, 44))
_HAIRS = ((30, 26, 24), (70, 46, 32), (122, 84, 48), (192, 158, 100), (150, 150, 150), (116, 54, 32))
_IRISES = ((70, 46, 30), (90, 74, 44), (66, 92, 116), (84, 104, 78))
_SHARE_GLASSES, _SHARE_BEARD, _SHARE_LONG = 0.22, 0.25, 0.5
_FRACTION_BITS = 4

Plane = NDArray[np.float64]
Color = tuple[int, int, int]


class _Face(NamedTuple):
    """Where the head is, in px: centre, half axes, half distance of the eyes, height of eyes and mouth."""

    x: float
    y: float
    wide: float
    tall: float
    eyes: float
    eye_y: float
    mouth_y: float


def draw_head(rng: np.random.Generator) -> RgbImage:
    """A head with shoulders, (480, 360, 3) uint8 RGB; all that varies comes from `rng`."""
    face = _face(rng)
    skin, hair = (_varied(_one_of(colors, rng), rng) for colors in (_SKINS, _HAIRS))
    image = _ground(rng)
    if rng.random() < _SHARE_LONG:
        long = rng.uniform(1.15, 1.35)
        _lay(image, _oval(face.x, face.y + 30, face.wide * long, face.tall * long), _hair(hair, rng))
    cloth = _textured(_varied((90, 90, 110), rng, 70), rng, depth=10, grain=(60, 46))
    _lay(image, _oval(face.x, _HEIGHT + 40, rng.uniform(150, 185), rng.uniform(120, 165)), cloth)
    lit = _light(face, rng)
    flesh = _textured(skin, rng, depth=5, grain=(24, 18))
    _lay(image, _oval(face.x, face.y + face.tall, face.wide * 0.45, face.tall * 0.55), flesh * 0.82)
    for side in (-1, 1):
        _lay(image, _oval(face.x + side * face.wide, face.eye_y + 14, 12, 26), flesh * 0.88)
    _lay(image, _oval(face.x, face.y, face.wide, face.tall), flesh * lit)
    _fringe(image, face, _hair(hair, rng), rng)
    _features(image, face, skin, hair, rng)
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.0))), np.float64)
    return np.clip(np.rint(soft + rng.normal(0, 1.6, soft.shape)), 0, 255).astype(np.uint8)


def _face(rng: np.random.Generator) -> _Face:
    wide, tall = rng.uniform(84, 106), rng.uniform(122, 146)
    x, y = 180 + rng.uniform(-8, 8), 214 + rng.uniform(-10, 10)
    return _Face(
        x, y, wide, tall, wide * rng.uniform(0.38, 0.47), y - rng.uniform(4, 20), y + rng.uniform(60, 80)
    )


def _features(image: Plane, face: _Face, skin: Color, hair: Color, rng: np.random.Generator) -> None:
    dark = (skin[0] * 0.62, skin[1] * 0.55, skin[2] * 0.55)
    if rng.random() < _SHARE_BEARD:
        chin = _oval(face.x, face.mouth_y + 26, face.wide * 0.72, 58) * _oval(
            face.x, face.y, face.wide, face.tall
        )
        _lay(image, chin * rng.uniform(0.35, 0.85), _hair(hair, rng))
    _eyes(image, face, hair, rng)
    length, width = rng.uniform(44, 62), rng.uniform(12, 22)
    _lay(image, 0.30 * _oval(face.x + width, face.eye_y + length * 0.6, width, length * 0.6), dark)
    _lay(
        image, 0.25 * _oval(face.x - 2, face.eye_y + length * 0.6, width * 0.5, length * 0.6), (255, 245, 235)
    )
    for side in (-1, 1):
        _lay(image, 0.8 * _oval(face.x + side * width * 0.7, face.eye_y + length, 5, 3.5), dark)
    lips = _varied((172, 92, 90), rng, 22)
    mouth, full = rng.uniform(24, 42), rng.uniform(5, 10)
    _lay(image, _oval(face.x, face.mouth_y + full * 0.7, mouth * 0.9, full), lips)
    _lay(image, _oval(face.x, face.mouth_y - full * 0.4, mouth, full * 0.8), tuple(0.85 * c for c in lips))
    _lay(image, _oval(face.x, face.mouth_y, mouth, 1.6), (70, 34, 34))
    if rng.random() < _SHARE_GLASSES:
        _glasses(image, face, rng)


def _eyes(image: Plane, face: _Face, hair: Color, rng: np.random.Generator) -> None:
    iris, wide, open_px = _one_of(_IRISES, rng), rng.uniform(15, 20), rng.uniform(6, 10)
    brow, thick, slope = rng.uniform(22, 32), rng.uniform(3, 7), rng.uniform(-0.15, 0.2)
    for side in (-1, 1):
        x = face.x + side * face.eyes
        eye = _oval(x, face.eye_y, wide, open_px)
        _lay(image, 0.35 * _oval(x, face.eye_y - 2, wide * 1.5, open_px * 2.2), tuple(0.5 * c for c in hair))
        _lay(image, eye, (236, 232, 228))
        _lay(image, eye * _oval(x, face.eye_y, 8.5, 8.5), iris)
        _lay(image, eye * _oval(x, face.eye_y, 3.8, 3.8), (14, 12, 12))
        _lay(image, _oval(x + 3, face.eye_y - 3, 1.8, 1.8), (250, 250, 250))
        _lay(image, _oval(x, face.eye_y - open_px, wide, 2.2), (44, 32, 30))
        over = _oval(x, face.eye_y - 25, brow, thick, lean=side * slope)
        _lay(image, 0.85 * over, tuple(0.8 * c for c in hair))


def _glasses(image: Plane, face: _Face, rng: np.random.Generator) -> None:
    color, reach, tall = _varied((60, 50, 50), rng, 40), face.eyes * 0.78, rng.uniform(22, 32)
    for side in (-1, 1):
        x = face.x + side * face.eyes
        rim = _oval(x, face.eye_y + 2, reach, tall) - _oval(x, face.eye_y + 2, reach - 4, tall - 4)
        _lay(image, rim, color)
    _lay(image, _oval(face.x, face.eye_y - 4, face.eyes * 0.3, 2.5), color)


def _fringe(image: Plane, face: _Face, hair: Plane, rng: np.random.Generator) -> None:
    """Hair above a hairline of random height and side."""
    top = _oval(face.x, face.y - 6, face.wide + rng.uniform(3, 12), face.tall + rng.uniform(4, 18))
    aside, line = rng.uniform(-40, 40), rng.uniform(0.35, 0.62)
    below = _oval(face.x + aside, face.y + face.tall * line, face.wide * 1.5, face.tall * 1.1)
    _lay(image, top * (1 - below), hair)


# --- surfaces -------------------------------------------------------------------------------------------


def _ground(rng: np.random.Generator) -> Plane:
    base = _varied((206, 210, 214), rng, 9)
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    fall = 1 + rng.uniform(-0.12, 0.12) * (x / _WIDTH - 0.5) + rng.uniform(-0.1, 0.1) * (y / _HEIGHT - 0.5)
    return np.asarray(np.array(base, np.float64) * fall[..., None], np.float64)


def _light(face: _Face, rng: np.random.Generator) -> Plane:
    """Lambert's share of the light on an ellipsoid, (H, W, 1)."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    u, v = (x - face.x) / face.wide, (y - face.y) / face.tall
    depth = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    aside, above = rng.uniform(-0.6, 0.6), rng.uniform(-0.5, -0.1)
    facing = (u * aside + v * above + depth) / np.sqrt(aside * aside + above * above + 1)
    return np.asarray((0.62 + 0.42 * np.clip(facing, 0, 1))[..., None], np.float64)


def _hair(color: Color, rng: np.random.Generator) -> Plane:
    """Strands: a grain drawn out downwards."""
    return _textured(color, rng, depth=16, grain=(7, 120))


def _textured(color: Color, rng: np.random.Generator, *, depth: float, grain: tuple[int, int]) -> Plane:
    coarse = np.rint(rng.normal(0, depth, grain)).astype(np.float32)
    cells = cv2.resize(coarse, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.array(color, np.float64) + np.asarray(cells, np.float64)[..., None]


def _oval(x: float, y: float, wide: float, tall: float, *, lean: float = 0.0) -> Plane:
    """1 inside an ellipse, 0 outside, its edge smooth; (H, W)."""
    unit = 1 << _FRACTION_BITS
    cover = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    centre, axes = (round(x * unit), round(y * unit)), (round(wide * unit), round(tall * unit))
    cv2.ellipse(cover, centre, axes, lean * 57.3, 0, 360, 255, -1, cv2.LINE_AA, _FRACTION_BITS)
    return np.asarray(cover, np.float64) / 255


def _lay(image: Plane, cover: Plane, paint: Plane | tuple[float, ...]) -> None:
    """Lay paint, a colour or a picture, over the image in place."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not rows.size:
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    over = np.asarray(paint, np.float64)
    image[window] += cover[window][..., None] * (
        (over[window] if over.ndim == image.ndim else over) - image[window]
    )


def _one_of(colors: tuple[Color, ...], rng: np.random.Generator) -> Color:
    return colors[int(rng.integers(len(colors)))]


def _varied(color: Color, rng: np.random.Generator, spread: int = 12) -> Color:
    red, green, blue = np.clip(np.array(color) + rng.integers(-spread, spread + 1, 3), 0, 255)
    return int(red), int(green), int(blue)

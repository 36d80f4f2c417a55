"""A stroke font in the manner of OCR-B for machine-readable zones: own outlines, no font file.

Every glyph is one path of straight and cubic strokes in a cell 60 wide and 100 high, 0 at the top, drawn
with a round pen. Proportions follow ISO 1073-2 size I: capitals 2.40 mm high, pen 0.35 mm, pitch 2.54 mm.
"""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import FloatArray

CAP_HEIGHT_MM = 2.40
PEN_MM = 0.35
PITCH_MM = 2.54
_CELL_WIDTH = 60.0
_CELL_HEIGHT = 100.0
_OVERSAMPLING = 4
_CURVE_STEPS = 12
_SUBPIXEL_BITS = 4

_PATHS = {
    "0": "M30 0 C46 0 54 22 54 50 C54 78 46 100 30 100 C14 100 6 78 6 50 C6 22 14 0 30 0",
    "1": "M11 22 L33 0 L33 100 M14 100 L52 100",
    "2": "M7 22 C10 7 19 0 31 0 C45 0 54 10 54 25 C54 48 28 62 6 100 L55 100",
    "3": "M8 16 C13 5 21 0 30 0 C43 0 51 9 51 22 C51 38 41 47 24 47 C43 47 54 57 54 73 C54 90 43 100 28 100 "
    "C17 100 9 94 5 84",
    "4": "M36 0 L5 70 L57 70 M43 42 L43 100",
    "5": "M51 0 L14 0 L11 43 C17 37 23 35 30 35 C45 35 54 48 54 67 C54 87 44 100 28 100 C17 100 9 95 5 87",
    "6": "M40 0 C24 16 6 42 6 68 C6 88 15 100 30 100 C45 100 54 88 54 69 "
    "C54 51 45 39 31 39 C20 39 12 45 8 56",
    "7": "M5 0 L55 0 C38 32 25 64 22 100",
    "8": "M30 47 C17 43 10 35 10 23 C10 9 18 0 30 0 C42 0 50 9 50 23 C50 35 43 43 30 47 C15 51 6 60 6 74 "
    "C6 90 16 100 30 100 C44 100 54 90 54 74 C54 60 45 51 30 47",
    "9": "M20 100 C36 84 54 58 54 32 C54 12 45 0 30 0 C15 0 6 12 6 31 C6 49 15 61 29 61 C40 61 48 55 52 44",
    "A": "M1 100 L30 0 L59 100 M11 66 L49 66",
    "B": "M6 47 L32 47 C51 47 51 0 32 0 L6 0 L6 100 L33 100 C60 100 60 47 32 47",
    "C": "M55 20 C51 7 43 0 33 0 C14 0 4 20 4 50 C4 80 14 100 33 100 C43 100 51 93 55 80",
    "D": "M6 0 L6 100 L24 100 C46 100 56 80 56 50 C56 20 46 0 24 0 L6 0",
    "E": "M54 0 L8 0 L8 100 L54 100 M8 47 L45 47",
    "F": "M55 0 L9 0 L9 100 M9 48 L46 48",
    "G": "M54 20 C50 7 42 0 32 0 C14 0 4 20 4 50 C4 80 14 100 32 100 C43 100 51 94 55 86 L55 55 L33 55",
    "H": "M6 0 L6 100 M54 0 L54 100 M6 47 L54 47",
    "I": "M30 0 L30 100 M13 0 L47 0 M13 100 L47 100",
    "J": "M20 0 L46 0 L46 70 C46 91 38 100 26 100 C14 100 7 92 6 79",
    "K": "M8 0 L8 100 M54 0 L8 56 M24 38 L56 100",
    "L": "M9 0 L9 100 L54 100",
    "M": "M4 100 L4 0 L30 52 L56 0 L56 100",
    "N": "M6 100 L6 0 L54 100 L54 0",
    "O": "M30 0 C52 0 59 12 59 50 C59 88 52 100 30 100 C8 100 1 88 1 50 C1 12 8 0 30 0",
    "P": "M8 100 L8 0 L31 0 C61 0 61 55 31 55 L8 55",
    "Q": "M30 0 C52 0 59 12 59 50 C59 88 52 100 30 100 C8 100 1 88 1 50 C1 12 8 0 30 0 M32 72 L57 106",
    "R": "M8 100 L8 0 L31 0 C60 0 60 54 31 54 L8 54 M30 54 L56 100",
    "S": "M52 17 C47 6 40 0 30 0 C15 0 7 10 7 24 C7 40 18 45 30 49 C45 54 55 60 55 76 C55 91 44 100 30 100 "
    "C17 100 9 93 4 81",
    "T": "M3 0 L57 0 M30 0 L30 100",
    "U": "M6 0 L6 66 C6 90 14 100 30 100 C46 100 54 90 54 66 L54 0",
    "V": "M2 0 L30 100 L58 0",
    "W": "M1 0 L14 100 L30 42 L46 100 L59 0",
    "X": "M3 0 L57 100 M57 0 L3 100",
    "Y": "M3 0 L30 47 L57 0 M30 47 L30 100",
    "Z": "M6 0 L54 0 L6 100 L55 100",
    "<": "M53 18 L9 50 L53 82",
}


class RowGeometry(NamedTuple):
    """Size of a printed row in px; `pitch` is the distance from one character to the next."""

    cap_height: float
    pitch: float
    pen: float

    @classmethod
    def at(cls, px_per_mm: float) -> "RowGeometry":
        """The nominal size of OCR-B size I at a resolution."""
        return cls(CAP_HEIGHT_MM * px_per_mm, PITCH_MM * px_per_mm, PEN_MM * px_per_mm)


def glyph_names() -> frozenset[str]:
    """The characters that can be drawn: the MRZ alphabet."""
    return frozenset(_PATHS)


def row_coverage(text: str, geometry: RowGeometry) -> FloatArray:
    """Ink coverage of a row of MRZ characters: (H, W) float32 in [0, 1].

    The cell of the first character begins `pen` px from the left and top, so that no stroke is cut;
    H = cap height + 2 pens + the descent of Q, W = pitch × characters + 2 pens, rounded up.
    Raises KeyError for a character outside the alphabet.
    """
    scale = float(_OVERSAMPLING)
    height = int(np.ceil(geometry.cap_height * 1.08 + 2 * geometry.pen))
    width = int(np.ceil(geometry.pitch * len(text) + 2 * geometry.pen))
    canvas = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING), np.uint8)
    unit = geometry.cap_height / _CELL_HEIGHT * scale
    inset = (geometry.pitch - _CELL_WIDTH * geometry.cap_height / _CELL_HEIGHT) / 2
    thickness = max(1, round(geometry.pen * scale))
    for index, character in enumerate(text):
        origin = np.array([geometry.pen + inset + index * geometry.pitch, geometry.pen]) * scale
        strokes = [_fixed_point(stroke * unit + origin) for stroke in _strokes(character)]
        cv2.polylines(canvas, strokes, False, 255, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0


@cache
def _strokes(character: str) -> tuple[NDArray[np.float64], ...]:
    """The pen's ways as polylines, each (N, 2) in cell units."""
    strokes: list[list[tuple[float, float]]] = []
    for command, numbers in _commands(_PATHS[character]):
        if command == "M":
            strokes.append([(numbers[0], numbers[1])])
        elif command == "L":
            strokes[-1].append((numbers[0], numbers[1]))
        else:
            strokes[-1].extend(_curve(strokes[-1][-1], numbers))
    return tuple(np.array(stroke) for stroke in strokes)


def _commands(path: str) -> list[tuple[str, list[float]]]:
    commands: list[tuple[str, list[float]]] = []
    for token in path.split():
        if token[0].isalpha():
            commands.append((token[0], [float(token[1:])]))
        else:
            commands[-1][1].append(float(token))
    return commands


def _curve(start: tuple[float, float], numbers: list[float]) -> list[tuple[float, float]]:
    """Points of a cubic Bézier curve after its start."""
    points = np.array([start, numbers[0:2], numbers[2:4], numbers[4:6]])
    t = np.linspace(0, 1, _CURVE_STEPS + 1)[1:, None]
    blend = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return [(float(x), float(y)) for x, y in blend @ points]


def _fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)

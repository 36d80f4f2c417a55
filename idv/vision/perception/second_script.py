"""The part of a printed name that stands in Latin letters, of names printed in two scripts.

Documents print `ИВАНОВА / IVANOVA` (ICAO Doc 9303-3, section 3.1). The recogniser knows no Cyrillic letter,
and beside Cyrillic ones it loses Latin ones too; what follows the stroke it reads as well as any other print.
"""

import cv2
import numpy as np

from idv.domain.arrays import RgbImage

_ROWS = slice(6, 44)
_GROUND_PX = 31
_DARKEST = 6
_INK = 0.45
_LETTER_GAP_PX, _STROKE_PX = 7, 24
_MARGIN_PX = 2


def after_stroke(print_px: RgbImage) -> RgbImage | None:
    """What stands right of the stroke in a line of print, (48, W, 3) uint8 RGB; None when none is seen.

    The stroke is the narrow word nearest the middle: both spellings are about as long.
    """
    words = _words(print_px)
    middle = print_px.shape[1] / 2
    strokes = [word for word in words[1:-1] if word[1] - word[0] <= _STROKE_PX]
    if not strokes:
        return None
    end = min(strokes, key=lambda word: abs(sum(word) / 2 - middle))[1]
    return np.ascontiguousarray(print_px[:, end + _MARGIN_PX :])


def _words(print_px: RgbImage) -> list[tuple[int, int]]:
    """First and last column of each run of ink, letters joined."""
    grey = cv2.cvtColor(print_px, cv2.COLOR_RGB2GRAY)[_ROWS].astype(np.float32)
    ground = cv2.dilate(grey, np.ones((_GROUND_PX // 2, _GROUND_PX), np.uint8))
    ground = cv2.blur(ground, (_GROUND_PX, _GROUND_PX))
    depth = np.sort(np.clip(ground - grey, 0, None), axis=0)[-_DARKEST:].mean(axis=0)
    ink = depth > _INK * np.percentile(depth, 90)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ink.astype(np.int8), [0]])))
    words: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if words and start - words[-1][1] < _LETTER_GAP_PX:
            words[-1] = words[-1][0], end
        else:
            words.append((start, end))
    return words

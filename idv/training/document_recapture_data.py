"""What the recapture network learns from: squares of the corpus' pictures, wide enough to be varied."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.training.document_corpus import Item
from idv.vision.models.document_recapture import PATCH_PX, PLACES, cut, outline_of
from idv.vision.synthesis.forgeries.species import ForgeryType
from idv.vision.synthesis.uploads import TRAINING_ENCODERS, encoded

LEAST_SCALE = 0.6
"""How far a square may be reduced so that a patch can still be cut from it."""
SQUARE_PX = round(PATCH_PX / LEAST_SCALE) + 1
RECAPTURES = (
    ForgeryType.SCREEN_RECAPTURE,
    ForgeryType.PRINT_RECAPTURE,
    ForgeryType.GREY_COPY,
    ForgeryType.DIGITAL_COMPOSITE,
)
"""Documents that are not there; edits of a genuine photograph are another network's matter."""
_PHOTO, _SCAN = "photo", "scan"
_VALIDATED_FROM = 8
"""Cases whose last digit is at least this are validated on."""
_LOW_WIDTHS, _LOW_QUALITIES = (300.0, 900.0), (40, 81)
_LOW_SHARES = {True: 0.6, False: 0.3}
"""Of genuine pictures and of recaptures, how many are also shown small and strongly compressed."""


@dataclass(frozen=True)
class Stock:
    """Squares of pictures and what they are, columns of equal length.

    `squares`: (N, 9, SQUARE_PX, SQUARE_PX, 3) uint8 RGB, mapped from disk. `kind`: `photo`, `scan` or a
    forgery type; `low`: shown small and compressed; `case`: its number. (N,) each. `outline`: (N, 2).
    """

    squares: Array
    kind: Array
    low: Array
    case: Array
    outline: Array

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def genuine(self) -> Array:
        """(N,) bool: whether the document itself was captured."""
        return np.isin(self.kind, (_PHOTO, _SCAN))

    @property
    def validated(self) -> Array:
        """(N,) bool: rows that are not trained on."""
        held: Array = self.case % 10 >= _VALIDATED_FROM
        return held


class Row(NamedTuple):
    """One picture before its squares are cut."""

    pixels: RgbImage
    corners: FloatArray
    kind: str
    low: bool
    case: int


def make_stock(items: Iterable[Item], folder: Path, *, seed: int) -> Stock:
    """Cut the squares of all pictures that count here into `folder`, unless they are there, and open them."""
    index = folder / "rows.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        entries = []
        with (folder / "squares.bin").open("wb") as squares:
            for row in _rows(items, seed=seed):
                squares.write(cut(row.pixels, row.corners, side=SQUARE_PX).tobytes())
                entries.append((row.kind, row.low, row.case, *outline_of(row.corners).tolist()))
        index.write_text(json.dumps(entries))
    return _opened(folder)


def _opened(folder: Path) -> Stock:
    kind, low, case, *outline = zip(*json.loads((folder / "rows.json").read_text()), strict=True)
    shape = (len(kind), len(PLACES), SQUARE_PX, SQUARE_PX, 3)
    squares = np.memmap(folder / "squares.bin", np.uint8, mode="r", shape=shape)
    return Stock(squares, np.array(kind), np.array(low), np.array(case), np.array(outline, np.float32).T)


def _rows(items: Iterable[Item], *, seed: int) -> Iterator[Row]:
    for item in items:
        if item.species is not None and item.species not in RECAPTURES:
            continue
        kind = item.species or item.capture
        row = Row(item.pixels(), item.corners, kind, low=False, case=item.case)
        yield row
        rng = np.random.default_rng([seed, item.case, int(item.path.stem)])
        if rng.random() < _LOW_SHARES[item.species is None]:
            yield _lowered(row, rng)


def _lowered(row: Row, rng: np.random.Generator) -> Row:
    """The same picture as old web sites and messengers show it: small and strongly compressed."""
    wide = float(np.linalg.norm(row.corners[1] - row.corners[0]))
    factor = min(1.0, float(rng.uniform(*_LOW_WIDTHS)) / wide)
    small = cv2.resize(row.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    encoder = TRAINING_ENCODERS[int(rng.integers(len(TRAINING_ENCODERS)))]
    data = encoded(np.asarray(small, np.uint8), encoder, quality=int(rng.integers(*_LOW_QUALITIES)))
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return row._replace(
        pixels=np.asarray(pixels, np.uint8), corners=(row.corners * factor).astype(np.float32), low=True
    )

"""Reads the machine-readable zone of a level document: finds its rows, recognises each, proves the result."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from idv.documents.document_types import DocumentTypes
from idv.documents.mrz_alignment import looks_like_mrz_row
from idv.documents.mrz_layouts import LAYOUTS, Layout
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import MrzFormat, MrzReading
from idv.vision.models.ppocr_det import TextBox, TextDetector
from idv.vision.models.ppocr_rec import TextRecogniser, greedy
from idv.vision.perception.mrz_band import Band, find_bands
from idv.vision.perception.mrz_proof import proven, refuted
from idv.vision.perception.mrz_rows import MrzFolding, Row, places, read_row
from idv.vision.perception.text_lines import Strip, cut, find_strips

_ROW_HEIGHT_PX = 48
# A row is cut out with some ground around it: the recogniser was trained on such crops.
_ACROSS = 1.7
_ALONG_CHARACTERS = 1.0
_TD1_ROWS = 3
_TD1_COLUMNS = 30
_COUNT_TOLERANCE = 6
_BANDS_TRIED = 4
_WORK_WIDTHS = (1000, 600)
_PAGE_SIDE_PX = 960
_MIN_CONFIDENCE = 0.55
_CLEAR = 0.97
_CLEAR_WEAKEST = 0.5


@dataclass(frozen=True)
class MrzFound:
    """A zone as read and where: `rows` in px of the image it was read from, `confidence` in [0, 1].

    `weakest`: the lowest confidence of any of its characters. `by_page`: found by the full-page pass.
    """

    reading: MrzReading
    rows: tuple[Strip, ...]
    confidence: float
    weakest: float
    by_page: bool = False


class _Seen(NamedTuple):
    text: str
    folded: FloatArray


class _Read(NamedTuple):
    layout: Layout
    rows: tuple[Row, ...]

    @property
    def confidence(self) -> float:
        return float(np.mean([row.confidence for row in self.rows]))


class MrzReader:
    """Cuts rows and recognises them; only where no row is found it asks the text detector for the page's."""

    def __init__(
        self,
        recogniser: TextRecogniser,
        detector: TextDetector | None = None,
        *,
        types: DocumentTypes | None = None,
    ) -> None:
        self._recogniser = recogniser
        self._types = types
        self._detector = detector
        self._folding = MrzFolding(recogniser.alphabet)

    def read(self, pixels: RgbImage, *, today: dt.date) -> MrzFound | None:
        """The zone in a level image (H, W, 3) uint8 RGB, the best proven one; None when there is none."""
        best: MrzFound | None = None
        for bands, by_page in self._supposed(pixels):
            for band in bands[:_BANDS_TRIED]:
                found = self.read_band(pixels, band, today=today, by_page=by_page)
                best = _better(best, found)
                if best is not None and _settled(best):
                    return best
        return best

    def read_band(
        self, pixels: RgbImage, band: Band, *, today: dt.date, by_page: bool = False
    ) -> MrzFound | None:
        """The zone in one supposed place, or None when what stands there is no zone."""
        first = self._see(pixels, band.rows[0], len(band.rows))
        if not looks_like_mrz_row(first.text):
            return None
        seen = [first, *(self._see(pixels, row, len(band.rows)) for row in band.rows[1:])]
        rows = band.rows
        if len(rows) < _TD1_ROWS and _median_count(seen) <= _TD1_COLUMNS + 3:
            rows, seen = self._with_third(pixels, rows, seen)
        read = _best_layout(seen)
        if read is None:
            return None
        reading = proven(read.layout, read.rows, today=today, types=self._types)
        weakest = float(min(row.confidences.min() for row in read.rows))
        return MrzFound(reading, rows, read.confidence, weakest, by_page)

    def _supposed(self, pixels: RgbImage) -> Iterator[tuple[list[Band], bool]]:
        """Supposed zones, the cheap ways of finding them first."""
        width = pixels.shape[1]
        for work_width in _WORK_WIDTHS:
            yield find_bands(find_strips(pixels, work_width=work_width), width=width), False
        if self._detector is not None:
            lines = self._detector.lines(pixels, max_side_px=_PAGE_SIDE_PX)
            yield find_bands([_strip(line) for line in lines], width=width), True

    def _see(self, pixels: RgbImage, row: Strip, rows: int) -> _Seen:
        pitch = row.length / (_TD1_COLUMNS if rows == _TD1_ROWS else 40)
        crop = cut(
            pixels, row.corners(along=_ALONG_CHARACTERS * pitch, across=_ACROSS), height=_ROW_HEIGHT_PX
        )
        posteriors = self._recogniser.posteriors(crop)
        return _Seen(greedy(posteriors, self._recogniser.alphabet).text, self._folding.fold(posteriors))

    def _with_third(
        self, pixels: RgbImage, rows: tuple[Strip, ...], seen: list[_Seen]
    ) -> tuple[tuple[Strip, ...], list[_Seen]]:
        """Two rows of thirty characters want a third, above or below, that was not found."""
        upper, lower = rows
        gap = lower.y_at(lower.left[0]) - upper.y_at(upper.left[0])
        below = self._see(pixels, _moved(lower, gap), _TD1_ROWS)
        if looks_like_mrz_row(below.text):
            return (*rows, _moved(lower, gap)), [*seen, below]
        above = self._see(pixels, _moved(upper, -gap), _TD1_ROWS)
        if looks_like_mrz_row(above.text):
            return (_moved(upper, -gap), *rows), [above, *seen]
        return rows, seen


def _settled(found: MrzFound) -> bool:
    """Whether looking elsewhere is in vain: the digits hold, or what refutes them is clearly printed so."""
    if found.reading.valid:
        return found.confidence >= _MIN_CONFIDENCE
    return found.confidence >= _CLEAR and found.weakest >= _CLEAR_WEAKEST


def _better(one: MrzFound | None, other: MrzFound | None) -> MrzFound | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda found: (-refuted(found.reading), found.confidence))


def _best_layout(seen: Sequence[_Seen]) -> _Read | None:
    """The rows by the layout that suits them best: their number, their lengths, a leading V for visas."""
    is_visa = seen[0].text[:1] in ("V", "v")
    options = []
    for layout in LAYOUTS.values():
        fits = layout.rows == len(seen) and abs(_median_count(seen) - layout.columns) <= _COUNT_TOLERANCE
        if not fits or is_visa != (layout.format in (MrzFormat.MRV_A, MrzFormat.MRV_B)):
            continue
        if min(len(row.folded) for row in seen) < layout.columns:
            continue
        rows = tuple(read_row(row.folded, places(layout, k)) for k, row in enumerate(seen))
        options.append(_Read(layout, rows))
    return max(options, key=_suitability, default=None)


def _suitability(read: _Read) -> float:
    return float(np.mean([row.confidence * row.evenness for row in read.rows]))


def _median_count(seen: Sequence[_Seen]) -> float:
    return float(np.median([len(row.text) for row in seen]))


def _moved(row: Strip, down: float) -> Strip:
    (x0, y0), (x1, y1) = row.left, row.right
    return Strip((x0, y0 + down), (x1, y1 + down), row.height)


def _strip(line: TextBox) -> Strip:
    """A detected line as a strip; the detector's boxes are taller than the print."""
    top_left, top_right, bottom_right, bottom_left = line.corners
    left, right = (top_left + bottom_left) / 2, (top_right + bottom_right) / 2
    height = float(np.linalg.norm(bottom_left - top_left))
    return Strip((float(left[0]), float(left[1])), (float(right[0]), float(right[1])), 0.65 * height)

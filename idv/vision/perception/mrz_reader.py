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
from idv.domain.documents import DigitState, MrzFormat, MrzReading
from idv.vision.models.ppocr_det import TextBox
from idv.vision.models.ppocr_rec import TextRecogniser, greedy
from idv.vision.perception.effort import Effort
from idv.vision.perception.mrz_band import Band, find_bands
from idv.vision.perception.mrz_proof import proven, refuted
from idv.vision.perception.mrz_rows import MrzFolding, Row, places, read_row
from idv.vision.perception.text_lines import Strip, cut, find_strips

_ROW_HEIGHT_PX = 48
# A row is cut out with some ground around it: the recogniser was trained on such crops.
_ACROSS = 1.7
# Where digits are refuted or a character left no trace, the same rows are cut tighter, then looser: what was
# doubtful often falls otherwise, and an end that was cut off comes back. Height × print, characters beside.
_OTHER_LOOKS = ((1.4, 1.0), (2.0, 3.0))
_ALONG = 1.0
_TD1_ROWS = 3
_TD1_COLUMNS = 30
_COUNT_TOLERANCE = 6
_BANDS_TRIED = 4
# Print blurred into its neighbour comes apart, and print that fell apart joins, at another size.
_COARSER_WIDTH = 600
_MIN_CONFIDENCE = 0.55
_TRACE = 0.05
_READ = 0.9
_CLEAR = 0.97
_CLEAR_WEAKEST = 0.5
# A misprint refutes one element and the composite; where hardly any digit holds, the row was cut wrongly.
_VERIFIED_IF_MISPRINTED = 2


@dataclass(frozen=True)
class MrzFound:
    """A zone as read and where: `rows` in px of the image it was read from.

    `confidences`: one array a row, (columns,) float32 in [0, 1], a number for each character.
    """

    reading: MrzReading
    rows: tuple[Strip, ...]
    confidences: tuple[FloatArray, ...]

    @property
    def confidence(self) -> float:
        """Mean over all characters."""
        return float(np.concatenate(self.confidences).mean())

    @property
    def weakest(self) -> float:
        """The lowest of any character."""
        return float(np.concatenate(self.confidences).min())

    @property
    def settled(self) -> bool:
        """Whether looking again is in vain: the digits hold, or what refutes them is clearly printed so."""
        if self.reading.valid:
            return self.confidence >= _MIN_CONFIDENCE and self.weakest >= _TRACE
        verified = list(self.reading.digits.values()).count(DigitState.VERIFIED)
        clear = self.confidence >= _CLEAR and self.weakest >= _CLEAR_WEAKEST
        return clear and verified >= _VERIFIED_IF_MISPRINTED


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
    """Cuts out the rows and recognises them; `types` narrow what may stand in the numbers of known types."""

    def __init__(self, recogniser: TextRecogniser, *, types: DocumentTypes | None = None) -> None:
        self._recogniser = recogniser
        self._types = types
        self._folding = MrzFolding(recogniser.alphabet)

    def read(
        self,
        pixels: RgbImage,
        *,
        today: dt.date,
        effort: Effort,
        strips: Sequence[Strip] | None = None,
    ) -> MrzFound | None:
        """The zone in a level image (H, W, 3) uint8 RGB, its rows found by their print; None without one.

        `strips`: the rows of print where somebody looked for them before, as `find_strips` gives them. What
        was read best so far is given when the effort is spent.
        """
        best: MrzFound | None = None
        for rows in _looks(pixels, strips):
            bands = find_bands(rows, width=pixels.shape[1])
            best = better(best, self._best_of(pixels, bands, today=today, effort=effort))
            if best is not None and best.settled:
                break
        return best

    def read_among(
        self, pixels: RgbImage, lines: Sequence[TextBox], *, today: dt.date, effort: Effort
    ) -> MrzFound | None:
        """The zone among lines that the text detector found on the whole page."""
        bands = find_bands([_strip(line) for line in lines], width=pixels.shape[1])
        return self._best_of(pixels, bands, today=today, effort=effort)

    def _best_of(
        self, pixels: RgbImage, bands: Sequence[Band], *, today: dt.date, effort: Effort
    ) -> MrzFound | None:
        best: MrzFound | None = None
        for band in bands[:_BANDS_TRIED]:
            best = better(best, self.read_band(pixels, band, today=today, effort=effort))
            if best is not None and (best.settled or best.confidence >= _READ):
                break  # rows that were read but do not hold are not read better as part of another band
        return best

    def read_band(self, pixels: RgbImage, band: Band, *, today: dt.date, effort: Effort) -> MrzFound | None:
        """The zone in one supposed place, or None when what stands there is no zone."""
        if not effort.spend(1):
            return None
        first = self._see(pixels, band.rows[0], len(band.rows))
        if not looks_like_mrz_row(first.text) or not effort.spend(len(band.rows) - 1):
            return None
        seen = [first, *(self._see(pixels, row, len(band.rows)) for row in band.rows[1:])]
        rows = band.rows
        if len(rows) < _TD1_ROWS and _median_count(seen) <= _TD1_COLUMNS + 3:
            rows, seen = self._with_third(pixels, rows, seen)
        best = self._decided(rows, seen, today=today)
        for across, along in _OTHER_LOOKS:
            if best is None or best.settled or not effort.spend(len(rows)):
                break
            seen = [self._see(pixels, row, len(rows), across=across, along=along) for row in rows]
            best = better(best, self._decided(rows, seen, today=today))
        return best

    def _decided(self, rows: tuple[Strip, ...], seen: Sequence[_Seen], *, today: dt.date) -> MrzFound | None:
        read = _best_layout(seen)
        if read is None:
            return None
        reading = proven(read.layout, read.rows, today=today, types=self._types)
        return MrzFound(reading, rows, tuple(row.confidences for row in read.rows))

    def _see(
        self, pixels: RgbImage, row: Strip, rows: int, *, across: float = _ACROSS, along: float = _ALONG
    ) -> _Seen:
        pitch = row.length / (_TD1_COLUMNS if rows == _TD1_ROWS else 40)
        corners = row.corners(along=along * pitch, across=across)
        posteriors = self._recogniser.posteriors(cut(pixels, corners, height=_ROW_HEIGHT_PX))
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


def _looks(pixels: RgbImage, strips: Sequence[Strip] | None) -> Iterator[Sequence[Strip]]:
    """Rows of print at the usual working size, then coarser, each when asked for."""
    yield find_strips(pixels) if strips is None else strips
    yield find_strips(pixels, work_width=_COARSER_WIDTH)


def better(one: MrzFound | None, other: MrzFound | None) -> MrzFound | None:
    """The reading with fewer refuted digits, then with a trace of every character, then the surer one."""
    if one is None or other is None:
        return one or other
    return max(
        one, other, key=lambda found: (-refuted(found.reading), found.weakest >= _TRACE, found.confidence)
    )


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

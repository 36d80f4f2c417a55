"""Turns the recogniser's posteriors of one row of a machine-readable zone into characters of fixed number.

Print in a machine-readable zone is monospaced and every row has 30, 36 or 44 characters (ICAO Doc 9303-3),
so a row is the best path with exactly that many characters whose places advance evenly. That settles what
an OCR alone cannot: how many fillers a run has, and whether a round character is a letter or a digit where
the layout says which.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from idv.documents.check_digits import ALPHABET, DIGITS, FILLER, LETTERS
from idv.documents.mrz_layouts import Kind, Layout
from idv.domain.arrays import Array, FloatArray
from idv.vision.models.ppocr_rec import BLANK

_INDEX = {character: k for k, character in enumerate(ALPHABET)}
_FILLER_LIKE = "<＜〈‹«《≤⟨くㄑ巜∠"
# In OCR-B the I has serifs: a bare stroke, as in `l`, is an L whose foot is faint.
_LETTER_LIKE = {
    "l": "L",
    "|": "I",
    "×": "X",
    "А": "A",
    "В": "B",
    "Е": "E",
    "К": "K",
    "М": "M",
    "Н": "H",
    "О": "O",
}
_FLOOR = 1e-4
_FILLER_MISREAD = frozenset("CEKSLGXR")
_RUN = re.compile(r"(.)\1\1")
_INFERRED = 0.5
# What a character of the wrong kind costs: e⁻⁴ leaves it standing where the print is clear, since real
# documents do print a digit where the standard wants a letter.
_WRONG_KIND = np.float32(-4.0)
_NEVER = np.float32(-30.0)
_OUTSIDE = np.float32(-2.0)
# A place without any trace of print is sooner a faint filler than anything else.
_FOR_FILLER = np.float32(0.3)
_PITCH_WEIGHT = np.float32(2.0)
# Share of a look-alike's probability that counts for the character which the place demands.
_FOR_DIGIT = {"O": ("0", 1.0), "Q": ("0", 0.5), "D": ("0", 0.5), "I": ("1", 1.0), "L": ("1", 1.0),
              "Z": ("2", 0.5), "S": ("5", 0.5), "G": ("6", 0.5), "B": ("8", 0.5)}  # fmt: skip
_FOR_LETTER = {"0": ("O", 1.0)}
_FOR_NAME = {
    "0": ("O", 1.0),
    "1": ("I", 1.0),
    "2": ("Z", 0.5),
    "5": ("S", 0.5),
    "6": ("G", 0.5),
    "8": ("B", 0.5),
}


class Row(NamedTuple):
    """One row as read.

    `confidences`: (N,) in [0, 1], one a character. `choices`: (N, 37) probability of each MRZ character at
    each place, as the recogniser saw it. `evenness`: 1 where the places advance exactly evenly, 0 where
    they scatter by half a pitch.
    """

    text: str
    confidences: FloatArray
    choices: FloatArray
    evenness: float

    def __repr__(self) -> str:
        """Length only: the text is personal data."""
        return f"Row(<{len(self.text)} characters>, confidence={self.confidence:.2f})"

    @property
    def confidence(self) -> float:
        """Mean over the characters."""
        return float(self.confidences.mean()) if len(self.confidences) else 0.0


class Place(NamedTuple):
    """What may stand at one position.

    `weights`: (37,) log-weights to add. `shares`: (37, 37) whose probability counts for whom.
    """

    weights: FloatArray
    shares: FloatArray


class MrzFolding:
    """Sums the recogniser's classes into the 37 characters of the MRZ alphabet."""

    def __init__(self, alphabet: Sequence[str]) -> None:
        pairs = [(k, _INDEX[c]) for k, name in enumerate(alphabet) if (c := _folded(name)) is not None]
        pairs.sort(key=lambda pair: pair[1])
        self._classes = np.array([k for k, _ in pairs])
        self._present, self._starts = np.unique([target for _, target in pairs], return_index=True)

    def fold(self, posteriors: FloatArray) -> FloatArray:
        """(T, K) probabilities of all classes to (T, 38): the MRZ alphabet, then the blank."""
        folded = np.zeros((len(posteriors), len(ALPHABET) + 1), np.float32)
        # Sums of runs: the product with a matrix of ones and zeros takes twenty times as long.
        folded[:, self._present] = np.add.reduceat(posteriors[:, self._classes], self._starts, axis=1)
        folded[:, -1] = posteriors[:, BLANK]
        return folded


def places(layout: Layout, row: int) -> tuple[Place, ...]:
    """What may stand at each position of one row of a layout."""
    kinds = list(layout.kinds()[row])
    names = range(layout.names.start, layout.names.stop) if layout.names.row == row else range(0)
    return tuple(
        _NAME if column in names else _CODE if (row, column) == (0, 1) else _place(kind)
        for column, kind in enumerate(kinds)
    )


def read_row(folded: FloatArray, row_places: Sequence[Place]) -> Row:
    """The best row of exactly `len(row_places)` characters. `folded`: (T, 38) probabilities.

    Raises ValueError when there are fewer columns than characters.
    """
    if len(folded) < len(row_places):
        msg = f"{len(folded)} columns cannot hold {len(row_places)} characters"
        raise ValueError(msg)
    scores = _scores(folded, row_places)
    blank = np.log(folded[:, -1] + _FLOOR).astype(np.float32)
    centres, path = _best_path(scores, blank, None)
    grid, scatter = _fit(centres)
    if scatter > 0.25:  # noqa: PLR2004 - of a pitch: some filler was lost or doubled
        drawn, drawn_path = _best_path(scores, blank, _pull(len(folded), grid))
        _, drawn_scatter = _fit(drawn)
        if drawn_scatter < scatter:
            centres, path, scatter = drawn, drawn_path, drawn_scatter
    read = _row(folded, row_places, centres, path, evenness=max(0.0, 1.0 - 2.0 * scatter))
    return closed(read) if row_places[-1] is _NAME else read


def closed(row: Row) -> Row:
    """A row of names with its closing fillers put back where blur made them look like a run of letters.

    Blurred fillers are read as C, E or K in long runs; no name has three such letters running. What is put
    back so has the confidence 0.5: it is inferred, not seen.
    """
    end = len(row.text)
    for token in reversed(list(re.finditer(f"[^{FILLER}]+", row.text))):
        if set(token[0]) - _FILLER_MISREAD or _RUN.search(token[0]) is None:
            break
        end = token.start()
    inferred = [index for index in range(end, len(row.text)) if row.text[index] != FILLER]
    if not inferred:
        return row
    confidences = row.confidences.copy()
    confidences[inferred] = _INFERRED
    return row._replace(text=row.text[:end].ljust(len(row.text), FILLER), confidences=confidences)


def _row(
    folded: Array,
    row_places: Sequence[Place],
    centres: Array,
    path: Array,
    *,
    evenness: float,
) -> Row:
    text = "".join(ALPHABET[c] for c in path)
    columns = np.clip(centres.round().astype(int)[:, None] + np.arange(-1, 2), 0, len(folded) - 1)
    around = folded[columns, :-1].max(axis=1)
    shared = np.stack([probs @ place.shares for probs, place in zip(around, row_places, strict=True)])
    chosen = shared[np.arange(len(path)), path]
    return Row(text, np.clip(chosen, 0.0, 1.0).astype(np.float32), around, evenness)


def _scores(folded: Array, row_places: Sequence[Place]) -> Array:
    """(T, N, 37) log-scores of each character at each position."""
    kinds: dict[int, Array] = {}
    for place in row_places:
        if id(place) not in kinds:
            kinds[id(place)] = np.log(folded[:, :-1] @ place.shares + _FLOOR) + place.weights
    return np.stack([kinds[id(place)] for place in row_places], axis=1).astype(np.float32)


def _best_path(scores: Array, blank: Array, pull: Array | None) -> tuple[Array, Array]:
    """Viterbi over the CTC lattice with exactly N characters: (N,) columns where they stand, (N,) characters.

    Between two equal characters a blank must stand. `pull`: (T, N) log-prior of the place of each character.
    """
    columns, count, size = scores.shape
    if pull is not None:
        scores = scores + pull[:, :, None]
    silence = np.repeat(blank[:, None], count + 1, axis=1)
    silence[:, [0, count]] = np.maximum(blank, _OUTSIDE)[:, None]
    at_char = np.full((count, size), _NEVER * columns, np.float32)
    at_blank = np.full(count + 1, _NEVER * columns, np.float32)
    at_blank[0] = 0.0
    steps = _Steps.over(scores.shape)
    rows = np.arange(count)
    for t in range(columns):
        best = at_char.argmax(axis=1)
        leaving = at_char[rows, best]
        arrive = _arrivals(at_blank, leaving, steps.direct[t])
        entering = np.repeat(arrive, size).reshape(count, size)
        # The best predecessor cannot follow itself directly; its runner-up is as good as a blank: left out.
        entering[rows[1:], best[:-1]] = at_blank[1:-1]
        np.greater_equal(at_char, entering, out=steps.stays[t])
        np.greater(leaving, at_blank[1:], out=steps.leaves[t])
        steps.best[t] = best
        at_blank[1:] = np.maximum(leaving, at_blank[1:])
        at_blank += silence[t]
        np.maximum(at_char, entering, out=at_char)
        at_char += scores[t]
    return _backtrack(at_char, at_blank, steps)


class _Steps(NamedTuple):
    """The choices at every column, by position n; the best character is that of the column before.

    `best` (T, N): the best character. `leaves` (T, N): whether the blank behind n is entered from it now.
    `stays` (T, N, 37): whether a character goes on. `direct` (T, N): whether n is entered from the best
    character before it rather than from the blank.
    """

    best: Array
    leaves: Array
    stays: Array
    direct: Array

    @classmethod
    def over(cls, shape: tuple[int, ...]) -> "_Steps":
        """Room for the choices on scores of shape (T, N, 37)."""
        flags = (np.zeros(shape[:2], bool) for _ in range(2))
        return cls(np.zeros(shape[:2], np.int8), next(flags), np.zeros(shape, bool), next(flags))

    def origin(self, column: int, position: int, character: int) -> int:
        """From where a character is entered: -1 the blank, else the character before."""
        if position == 0 or not self.direct[column, position]:
            return -1
        before = int(self.best[column, position - 1])
        return -1 if before == character else before


def _arrivals(at_blank: Array, leaving: Array, direct: Array) -> Array:
    """(N,) score of entering each position now; `direct` is told from where."""
    np.greater(leaving[:-1], at_blank[1:-1], out=direct[1:])
    arrive = at_blank[:-1].copy()
    np.maximum(arrive[1:], leaving[:-1], out=arrive[1:])
    return arrive


def _backtrack(at_char: Array, at_blank: Array, steps: _Steps) -> tuple[Array, Array]:
    columns, count, _ = steps.stays.shape
    last = int(at_char[-1].argmax())
    state = last if at_char[-1, last] > at_blank[-1] else -1
    position = count - 1
    first, final = np.zeros(count), np.zeros(count)
    path = np.zeros(count, np.int64)
    for t in range(columns - 1, -1, -1):
        if position < 0:
            break
        if state == -1:
            state = int(steps.best[t, position]) if steps.leaves[t, position] else -1
            continue
        if final[position] == 0:
            final[position] = t
        path[position] = state
        if steps.stays[t, position, state]:
            continue
        first[position] = t
        state = steps.origin(t, position, state)
        position -= 1
    return (first + final) / 2, path


def _fit(centres: Array) -> tuple[Array, float]:
    """Smoothly advancing places through the centres, and how far they scatter as a share of the pitch.

    A parabola: in a picture not laid quite flat the pitch shrinks from one end to the other.
    """
    index = np.arange(len(centres))
    curve = np.polyfit(index, centres, 2)
    residual = np.abs(centres - np.polyval(curve, index))
    kept = residual <= max(float(np.percentile(residual, 70)), 1e-6)
    curve = np.polyfit(index[kept], centres[kept], 2)
    grid = np.polyval(curve, index)
    pitch = max(float(np.median(np.diff(grid))), 1e-3)
    return grid, float(np.percentile(np.abs(centres - grid), 90)) / pitch


def _pull(columns: int, grid: Array) -> Array:
    """(T, N) log-prior that draws each character to its place."""
    pitch = np.maximum(np.gradient(grid), 1e-3)
    distance = (np.arange(columns)[:, None] - grid[None, :]) / pitch[None, :]
    return np.asarray(-_PITCH_WEIGHT * distance**2, np.float32)


def _folded(name: str) -> str | None:
    """The MRZ character that a class of the recogniser stands for, if any."""
    if name in _INDEX:
        return name
    if name and name in _FILLER_LIKE:
        return FILLER
    if name in _LETTER_LIKE:
        return _LETTER_LIKE[name]
    base = unicodedata.normalize("NFKD", name)[:1].upper()
    return base if base in LETTERS + DIGITS and base else None


def _place(kind: Kind) -> Place:
    if kind is Kind.ANY:
        return _ANY
    if not kind.characters & set(DIGITS):
        return _SEX if kind is Kind.SEX else _LETTER
    return _DIGIT if FILLER not in kind.characters else _DIGIT_OR_FILLER


def _made(allowed: Iterable[str], shares: dict[str, tuple[str, float]], wrong: np.float32) -> Place:
    weights = np.full(len(ALPHABET), wrong, np.float32)
    weights[[_INDEX[c] for c in allowed]] = 0.0
    if weights[_INDEX[FILLER]] == 0.0:
        weights[_INDEX[FILLER]] = _FOR_FILLER
    matrix = np.eye(len(ALPHABET), dtype=np.float32)
    for source, (target, share) in shares.items():
        matrix[_INDEX[source], _INDEX[target]] = share
    return Place(weights, matrix)


_ANY = _made(ALPHABET, {}, _WRONG_KIND)
_DIGIT = _made(DIGITS, _FOR_DIGIT, _WRONG_KIND)
_DIGIT_OR_FILLER = _made(DIGITS + FILLER, _FOR_DIGIT, _WRONG_KIND)
# The second letter of the document code: some cards print a digit, but none prints the `0` read for a D.
_CODE = _made(ALPHABET.replace("0", ""), {"0": ("D", 1.0)}, _WRONG_KIND)
_LETTER = _made(LETTERS + FILLER, _FOR_LETTER, _WRONG_KIND)
_NAME = _made(LETTERS + FILLER, _FOR_NAME, _WRONG_KIND * 2)
_SEX = _made("MFX" + FILLER, {}, _WRONG_KIND)

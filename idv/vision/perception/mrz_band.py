"""Picks the rows of print that can be a machine-readable zone: two or three alike, evenly spaced."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from idv.vision.perception.text_lines import Strip

_MIN_ELONGATION = 11.0
_MIN_SHARE = 0.22
_MAX_SLOPE_DIFFERENCE = 0.03
_SPACING = (1.05, 5.0)
_END_TOLERANCE = 0.06
_CLIP_TOLERANCE = 0.3


class Band(NamedTuple):
    """Rows of a supposed machine-readable zone, from top to bottom, ends made equal."""

    rows: tuple[Strip, ...]
    rank: float


def find_bands(strips: Sequence[Strip], *, width: int) -> list[Band]:
    """Supposed zones in an image `width` px wide, most promising first."""
    long = [s for s in strips if s.length >= _MIN_SHARE * width and s.length >= _MIN_ELONGATION * s.height]
    pairs = [pair for pair in itertools.permutations(long, 2) if _follows(*pair)]
    triples = [(a, b, c) for a, b in pairs for d, c in pairs if b is d and _even(a, b, c)]
    covered = {frozenset((id(x), id(y))) for t in triples for x, y in itertools.pairwise(t)}
    bands = [Band(_aligned(rows), _rank(rows, width)) for rows in triples]
    bands += [
        Band(_aligned(pair), _rank(pair, width) - (0.5 if frozenset(map(id, pair)) in covered else 0.0))
        for pair in pairs
    ]
    return sorted(bands, key=lambda band: -band.rank)


def _follows(upper: Strip, lower: Strip) -> bool:
    """Whether `lower` may be the next row below `upper`."""
    if abs(upper.slope - lower.slope) > _MAX_SLOPE_DIFFERENCE:
        return False
    height = max(upper.height, lower.height)
    gap = _gap(upper, lower)
    if (
        not _SPACING[0] * height <= gap <= _SPACING[1] * height
        or min(upper.height, lower.height) < 0.5 * height
    ):
        return False
    overlap = min(upper.right[0], lower.right[0]) - max(upper.left[0], lower.left[0])
    return overlap >= (1 - _CLIP_TOLERANCE) * max(upper.length, lower.length)


def _gap(upper: Strip, lower: Strip) -> float:
    middle = (max(upper.left[0], lower.left[0]) + min(upper.right[0], lower.right[0])) / 2
    return lower.y_at(middle) - upper.y_at(middle)


def _even(first: Strip, second: Strip, third: Strip) -> bool:
    above, below = _gap(first, second), _gap(second, third)
    return max(above, below) <= 1.3 * min(above, below)


def _aligned(rows: Sequence[Strip]) -> tuple[Strip, ...]:
    """Rows with common ends: the farthest that are near each other, or the nearest where one runs away."""
    length = min(s.length for s in rows)
    tolerance = _END_TOLERANCE * length
    lefts, rights = sorted(s.left[0] for s in rows), sorted(s.right[0] for s in rows)
    left = lefts[0] if lefts[-1] - lefts[0] <= tolerance else lefts[-1]
    right = rights[-1] if rights[-1] - rights[0] <= tolerance else rights[0]
    height = sorted(s.height for s in rows)[len(rows) // 2]
    return tuple(Strip((left, s.y_at(left)), (right, s.y_at(right)), height) for s in rows)


def _rank(rows: Sequence[Strip], width: int) -> float:
    """Length counts, so do three rows and ends that agree."""
    lengths = [s.length for s in rows]
    ragged = (max(lengths) - min(lengths)) / max(lengths)
    spread = max(abs(a.left[0] - b.left[0]) for a, b in itertools.pairwise(rows)) / max(lengths)
    return max(lengths) / width + (0.3 if len(rows) == 3 else 0.0) - ragged - spread  # noqa: PLR2004

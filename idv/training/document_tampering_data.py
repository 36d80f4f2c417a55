"""What the tampering network is fitted to: the corpus as maps of traces, with what was altered by cell.

A picture goes in as it is and again, re-encoded; genuine ones also with edits of no particular forger. Traces
are fixed, so each map is made once and kept: fitting then takes minutes.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from idv.domain.arrays import RgbImage
from idv.training.document_corpus import Item, items
from idv.training.document_tampering_edits import blurred, edit, encoded_again, encoded_otherwise, grained
from idv.training.document_tampering_network import Traces
from idv.vision.imaging.squares import planes
from idv.vision.models.document_tampering import CELL_PX, by_cell, framed
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.species import ForgeryType

GENERIC = "generic"
"""The species of edits of no particular forger."""
_LOW_SCAN_PX = (420, 900)


@dataclass(frozen=True)
class Sample:
    """One side as the judge sees it.

    `traces` (TRACES, h, w) float16. `inside`, `altered` (h, w) uint8 of 0 and 1, by cell. `species`: empty
    for a genuine one. `capture`: `photo` or `scan`; `again`: whether it was re-encoded after its upload.
    """

    case: int
    document_type: str
    species: str
    capture: str
    again: bool
    traces: torch.Tensor = field(repr=False)
    inside: torch.Tensor = field(repr=False)
    altered: torch.Tensor = field(repr=False)


class Treated:
    """A picture, where its document lies and what in it was altered (a mask of 0 and 255)."""

    def __init__(self, item: Item, *, again: bool = False, species: str | None = None) -> None:
        self.item, self.again = item, again
        self.species = (item.species.value if item.species else "") if species is None else species
        self.pixels = item.pixels()
        self.corners = item.corners
        self.mask = np.zeros(self.pixels.shape[:2], np.uint8)
        for quad in item.altered:
            cv2.fillConvexPoly(self.mask, np.rint(quad).astype(np.int32), 255)

    def sample(self, traces: Traces) -> Sample:
        """The map of it."""
        frame = framed(self.pixels, self.corners)
        with torch.no_grad():
            found = traces(torch.from_numpy(planes(frame.pixels[None])))[0]
        mask = framed(np.repeat(self.mask[..., None], 3, axis=2), self.corners).pixels[..., 0]
        altered = by_cell(np.ascontiguousarray(mask)) > 0.5  # noqa: PLR2004 - most of a cell
        return Sample(
            self.item.case,
            self.item.document_type,
            self.species,
            self.item.capture,
            self.again,
            found.half(),
            torch.from_numpy(frame.inside.astype(np.uint8)),
            torch.from_numpy(altered.astype(np.uint8)),
        )

    def resized(self, factor: float) -> None:
        """Make it smaller."""
        size = round(self.pixels.shape[1] * factor), round(self.pixels.shape[0] * factor)
        self.pixels = np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        self.mask = np.asarray(cv2.resize(self.mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        self.corners = self.corners * np.float32(factor)

    def cropped(self) -> None:
        """Leave out what is not needed, in whole cells, so that encoding takes less time."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        x, y = (int(max(0, at)) // CELL_PX * CELL_PX for at in low - CELL_PX)
        right, below = (int(at) + CELL_PX for at in high)
        self.pixels = np.ascontiguousarray(self.pixels[y:below, x:right])
        self.mask = np.ascontiguousarray(self.mask[y:below, x:right])
        self.corners = self.corners - np.array([x, y], np.float32)

    def moved(self, y: int, x: int) -> None:
        """Cut some pixels off above and at the left: the blocks of its encoding lie elsewhere then."""
        self.pixels = np.ascontiguousarray(self.pixels[y:, x:])
        self.mask = np.ascontiguousarray(self.mask[y:, x:])
        self.corners = self.corners - np.array([x, y], np.float32)


def make_maps(corpus: Path, work: Path, *, seed: int, plain: bool = False) -> None:
    """Write the maps of every case that is drawn and not mapped yet, one file a case.

    `plain`: of every picture as it is, with no variations.
    """
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    traces = Traces()
    donors: list[RgbImage] = []
    species = (*EDITED, ForgeryType.PORTRAIT_PRINTED_OVER) if plain else tuple(EDITED)
    for number, pictures in _cases(corpus, species):
        path = work / f"{number:06d}.pt"
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        shown = map(Treated, pictures) if plain else _treated(pictures, donors, rng)
        made = [one.sample(traces) for one in shown]
        partial = path.with_suffix(".partial")
        torch.save([vars(sample) for sample in made], partial)
        partial.rename(path)


def load(path: Path) -> list[Sample]:
    """The maps of one case."""
    return [Sample(**entry) for entry in torch.load(path, weights_only=True, mmap=True)]


def _cases(corpus: Path, species: Collection[ForgeryType]) -> Iterator[tuple[int, list[Item]]]:
    """Genuine pictures and edits of each case; what was photographed again belongs to another network."""
    found: dict[int, list[Item]] = {}
    for item in items(corpus):
        if item.species is None or item.species in species:
            found.setdefault(item.case, []).append(item)
    yield from sorted(found.items())


def _treated(pictures: Sequence[Item], donors: list[RgbImage], rng: np.random.Generator) -> Iterator[Treated]:
    for item in pictures:
        yield Treated(item)
        if item.species is None:
            yield _varied(Treated(item, again=True), rng)
            yield _edited(item, donors, rng)
        elif rng.random() < 0.4:  # noqa: PLR2004 - two in five
            yield _varied(Treated(item, again=True), rng)
        if item.species is None or rng.integers(2):
            yield _sent_otherwise(Treated(item, again=True), rng)
        if item.capture == "photo" and item.species is None:
            yield _edited(item, donors, rng)
            donors.append(item.pixels())
            del donors[:-12]


def _edited(item: Item, donors: Sequence[RgbImage], rng: np.random.Generator) -> Treated:
    made = Treated(item, again=True, species=GENERIC)
    if item.capture == "scan" and rng.integers(2):
        made = _varied(made, rng)
    donor = donors[int(rng.integers(len(donors)))] if donors else made.pixels[::-1, ::-1]
    made.pixels, made.mask = edit(made.pixels, made.corners, donor, rng)
    made.pixels = encoded_again(made.pixels, rng, qualities=(70, 98))
    return made


def _sent_otherwise(made: Treated, rng: np.random.Generator) -> Treated:
    """Through an encoder that treats places differently, then perhaps a JPEG."""
    made.cropped()
    made.pixels = encoded_otherwise(made.pixels, rng)
    if rng.integers(2):
        made.pixels = encoded_again(made.pixels, rng, qualities=(70, 98))
    return made


def _varied(made: Treated, rng: np.random.Generator) -> Treated:
    """As it may come by other ways: smaller, of other phase, out of focus, noisy, compressed once more."""
    longest = float(np.ptp(made.corners, axis=0).max())
    if made.item.capture == "scan":
        made.resized(min(1.0, float(rng.uniform(*_LOW_SCAN_PX)) / longest))
    elif rng.random() < 0.35:  # noqa: PLR2004 - a third
        made.resized(float(rng.uniform(0.6, 1.0)))
    elif rng.random() < 0.3:  # noqa: PLR2004 - likewise
        made.moved(int(rng.integers(8)), int(rng.integers(8)))
    if rng.random() < 0.15:  # noqa: PLR2004 - one in seven
        made.pixels = blurred(made.pixels, rng)
    if rng.random() < 0.15:  # noqa: PLR2004 - likewise
        made.pixels = grained(made.pixels, rng)
    strong = made.item.capture == "scan" and rng.integers(2)
    made.pixels = encoded_again(made.pixels, rng, qualities=(40, 80) if strong else (60, 98))
    return made


def as_planes(sample: Sample) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Traces (1, TRACES, h, w), inside and altered (1, 1, h, w), float32."""
    return (
        sample.traces.float()[None],
        sample.inside.float()[None, None],
        sample.altered.float()[None, None],
    )

"""Training data of the PAD network: captured and simulated presentations, cut as at run time."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.vision.models.pad import Cuts, cut
from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.face_draws import draw_face_camera
from idv.vision.synthesis.presentation import (
    FacePhoto,
    Presentation,
    Species,
    on_paper,
    on_screen,
    seen_directly,
)
from idv.vision.synthesis.prints import Printer
from idv.vision.synthesis.screens import Layout

_SMALLEST_PX, _LARGEST_PX = 34.0, 150.0
"""Range of the unit of the face in what simulated cameras deliver."""
_LARGEST_ON_SENSOR_PX = 150.0
"""Largest unit on a simulated sensor; a larger one teaches nothing more and costs its square."""

_COARSE, _FINE = (0.3, 1.0), (1.0, 3.0)
"""Display px a camera px of screens whose pixels a camera can tell apart, and of those too fine for it."""
CAPTURED = "captured"
"""The instrument of a presentation that a real camera recorded."""
PointsFinder = Callable[[RgbImage], FloatArray | None]
"""Finds the five points (5, 2) float32 px of the largest face, or None."""


class Part(StrEnum):
    """Which photographs an item was made from; no person is in two parts."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Source(NamedTuple):
    """One picture on disk: its data set, its person, and what it shows."""

    path: Path
    dataset: str
    person: str
    species: Species


@dataclass(frozen=True)
class Table:
    """Cut presentations as columns of equal length.

    `context`: (N, 96, 96, 3), `detail`: (N, 112, 112, 3), `native`: (N, 2, 128, 128, 3) uint8 RGB, as
    `idv.vision.models.pad.cut` makes them. `genuine`: (N,) bool. The rest: (N,) str:
    `dataset`, `person`, `species`, `instrument` (`captured` for a real capture).
    """

    context: Array
    detail: Array
    native: Array
    genuine: Array
    dataset: Array
    person: Array
    species: Array
    instrument: Array

    def __len__(self) -> int:
        return len(self.genuine)

    def where(self, chosen: Array) -> "Table":
        """The rows that a boolean mask or an index array names."""
        return Table(*(getattr(self, name)[chosen] for name in _COLUMNS))

    def save(self, path: Path) -> None:
        """Write all columns into one NPZ file."""
        np.savez(path, **{name: getattr(self, name) for name in _COLUMNS})

    @classmethod
    def load(cls, path: Path) -> "Table":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as columns:
            return cls(*(columns[name] for name in _COLUMNS))

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """Tables one below another."""
        return cls(*(np.concatenate([getattr(t, name) for t in tables]) for name in _COLUMNS))


_COLUMNS = ("context", "detail", "native", "genuine", "dataset", "person", "species", "instrument")


class Instruments(NamedTuple):
    """What simulated attacks are made with.

    `fine_share`: of the screens whose pixels are too fine for the camera, in [0, 1].
    """

    layouts: tuple[Layout, ...]
    printers: tuple[Printer, ...]
    fine_share: float = 0.0


def sources(data: Path) -> list[Source]:
    """Every picture used: NUAA captures, and LFW and FFHQ photographs for bona fide faces.

    `data`: the folder that holds `nuaa/`, `lfw/` and `generated_faces/`; an absent one is left out.
    """
    return [*_nuaa(data / "nuaa"), *_lfw(data / "lfw"), *_ffhq(data / "generated_faces")]


def part_of(source: Source) -> Part:
    """The part a simulated presentation of this photograph belongs to: by person, by hash, for good.

    NUAA is split by subject in its own folds, so its photographs are all training photographs here.
    """
    if source.dataset == "nuaa":
        return Part.TRAIN
    bucket = int(hashlib.sha256(source.person.encode()).hexdigest()[:8], 16) % 100
    return Part.TEST if bucket < 20 else Part.VALIDATION if bucket < 30 else Part.TRAIN  # noqa: PLR2004 - shares in %


def captured(found: Iterable[tuple[Source, FacePhoto]]) -> Table:
    """Real captures as they are, one row each."""
    return _table((source, _as_is(source, photo)) for source, photo in found)


def captured_again(found: Sequence[tuple[Source, FacePhoto]], *, seed: int, rounds: int) -> Table:
    """Real captures as other cameras would have recorded the same scenes, `rounds` rows each."""
    return _table(
        (source, _seen_again(photo, source.species, np.random.default_rng([seed, turn, index])))
        for turn in range(rounds)
        for index, (source, photo) in enumerate(found)
    )


def simulated(
    found: Sequence[tuple[Source, FacePhoto]],
    *,
    instruments: Instruments,
    seed: int,
    shown: Sequence[Species] = tuple(Species),
) -> Table:
    """Per photograph one capture of each species in `shown` (as often as it is named), each with its camera.

    Reproducible by item: every draw depends on `seed` and the picture's place in `found` alone.
    """
    return _table(_simulations(found, instruments=instruments, seed=seed, shown=shown))


def read(path: Path) -> RgbImage:
    """A picture from disk: (H, W, 3) uint8 RGB. Raises ValueError for what OpenCV cannot read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError(f"not a picture: {path.name}")
    return np.asarray(pixels, np.uint8)


def _simulations(
    found: Sequence[tuple[Source, FacePhoto]],
    *,
    instruments: Instruments,
    seed: int,
    shown: Sequence[Species],
) -> Iterator[tuple[Source, Presentation]]:
    for index, (source, photo) in enumerate(found):
        rng = np.random.default_rng([seed, index])
        for species in shown:
            other = found[int(rng.integers(len(found)))][1].pixels
            yield source, _simulation(photo, species, rng=rng, instruments=instruments, other=other)


def _simulation(
    photo: FacePhoto, species: Species, *, rng: np.random.Generator, instruments: Instruments, other: RgbImage
) -> Presentation:
    camera = draw_face_camera(rng)
    size = _size(camera, rng)
    if species is Species.SCREEN:
        return on_screen(
            photo,
            rng,
            layouts=instruments.layouts,
            camera=camera,
            inter_eye_px=size,
            surroundings=other,
            pitch=_FINE if rng.random() < instruments.fine_share else _COARSE,
        )
    if species is Species.PRINT:
        return on_paper(
            photo, rng, printers=instruments.printers, camera=camera, inter_eye_px=size, surroundings=other
        )
    return seen_directly(photo, rng, camera=camera, inter_eye_px=size)


def _seen_again(photo: FacePhoto, species: Species, rng: np.random.Generator) -> Presentation:
    camera = draw_face_camera(rng)
    seen = seen_directly(photo, rng, camera=camera, inter_eye_px=_size(camera, rng), species=species)
    return Presentation(seen.pixels, seen.points, species, CAPTURED)


def _size(camera: Camera, rng: np.random.Generator) -> float:
    """Unit of the face on the sensor, so that what the camera delivers is within its range."""
    delivered = float(np.exp(rng.uniform(np.log(_SMALLEST_PX), np.log(_LARGEST_PX))))
    return min(delivered / camera.resize, _LARGEST_ON_SENSOR_PX)


def _as_is(source: Source, photo: FacePhoto) -> Presentation:
    return Presentation(photo.pixels, photo.points, source.species, CAPTURED)


def _table(rows: Iterable[tuple[Source, Presentation]]) -> Table:
    kept: list[tuple[Source, Presentation, Cuts]] = []
    for source, seen in rows:
        # Keep the cuts alone: whole captures of a large set do not fit into memory.
        bare = Presentation(seen.pixels[:0], seen.points, seen.species, seen.instrument)
        kept.append((source, bare, cut(seen.pixels, seen.points)))
    return Table(
        context=np.stack([cuts.context for _, _, cuts in kept]),
        detail=np.stack([cuts.detail for _, _, cuts in kept]),
        native=np.stack([cuts.native for _, _, cuts in kept]),
        genuine=np.array([seen.species is Species.BONA_FIDE for _, seen, _ in kept]),
        dataset=np.array([source.dataset for source, _, _ in kept]),
        person=np.array([source.person for source, _, _ in kept]),
        species=np.array([seen.species.value for _, seen, _ in kept]),
        instrument=np.array([seen.instrument for _, seen, _ in kept]),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def _nuaa(folder: Path) -> list[Source]:
    return [
        Source(
            folder / row["path"], "nuaa", f"nuaa-{row['subject']}", Species(row["species"] or row["label"])
        )
        for row in _rows(folder / "items.csv")
    ]


def _lfw(folder: Path) -> list[Source]:
    """One photograph a person: more of the same face teach little about screens."""
    rows = _rows(folder / "pairs.csv")
    paths = {row[f"path_{side}"]: row[f"subject_{side}"] for row in rows for side in "ab"}
    first = {person: path for path, person in sorted(paths.items(), reverse=True)}
    return [
        Source(folder / path, "lfw", f"lfw-{person}", Species.BONA_FIDE)
        for person, path in sorted(first.items())
    ]


def _ffhq(folder: Path) -> list[Source]:
    return [
        Source(folder / row["path"], "ffhq", f"ffhq-{Path(row['path']).stem}", Species.BONA_FIDE)
        for row in _rows(folder / "items.csv")
        if row["source"] == "ffhq"
    ]

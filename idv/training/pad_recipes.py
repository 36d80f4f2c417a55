"""Which tables the PAD network is trained and measured on, and how each is made; made once, kept on disk."""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from idv.domain.arrays import FloatArray
from idv.training.pad_data import (
    Instruments,
    Part,
    PointsFinder,
    Source,
    Table,
    captured,
    captured_again,
    part_of,
    read,
    simulated,
    sources,
)
from idv.vision.synthesis.face_draws import FACE_LAYOUTS
from idv.vision.synthesis.presentation import FacePhoto, Species
from idv.vision.synthesis.prints import HELD_OUT_PRINTERS, TRAINING_PRINTERS
from idv.vision.synthesis.screens import HELD_OUT_LAYOUTS

_PRACTICE = Instruments(FACE_LAYOUTS, TRAINING_PRINTERS, fine_share=0.25)
_SEEN = Instruments(FACE_LAYOUTS, TRAINING_PRINTERS)
_UNSEEN = Instruments(HELD_OUT_LAYOUTS, HELD_OUT_PRINTERS)
_FINE = Instruments(FACE_LAYOUTS, TRAINING_PRINTERS, fine_share=1.0)
_BONA_FIDE, _PRINT, _SCREEN = Species.BONA_FIDE, Species.PRINT, Species.SCREEN


@dataclass(frozen=True)
class Recipe:
    """One table: presentations of the photographs of one part, or (`part` None) NUAA captures.

    `shown`: the presentations simulated of each photograph; none takes the photographs as they are.
    `rounds`: of captures, how often each is seen again; 0 takes them as they are.
    `half`: only every second photograph, so that two processes share the work.
    """

    name: str
    part: Part | None
    seed: int
    rounds: int = 1
    instruments: Instruments = _SEEN
    shown: tuple[Species, ...] = (_BONA_FIDE, _PRINT, _SCREEN)
    half: int | None = None


_PRACTISED = (_BONA_FIDE, _PRINT, _SCREEN, _BONA_FIDE, _SCREEN)
RECIPES = (
    Recipe("captured", None, seed=0, rounds=0),
    Recipe("captured_again", None, seed=11, rounds=2),
    Recipe("train_even", Part.TRAIN, seed=12, half=0, instruments=_PRACTICE, shown=_PRACTISED),
    Recipe("train_odd", Part.TRAIN, seed=13, half=1, instruments=_PRACTICE, shown=_PRACTISED),
    Recipe("validation", Part.VALIDATION, seed=14, instruments=_PRACTICE),
    Recipe("test", Part.TEST, seed=15),
    Recipe("test_held_out", Part.TEST, seed=16, instruments=_UNSEEN),
    Recipe("test_fine", Part.TEST, seed=17, instruments=_FINE, shown=(_BONA_FIDE, _SCREEN)),
    Recipe("photographs", Part.TEST, seed=0, shown=()),
)
SIMULATED = ("train_even", "train_odd")
SIMULATED_TESTS = ("validation", "test", "test_held_out", "test_fine", "photographs")
"""The tables that no training reads, of photographs apart from training."""
TRAINING = ("captured", "captured_again", *SIMULATED)
"""The tables that training reads: what is simulated, and real captures beside it."""


def locate_faces(data: Path, work: Path, finder: PointsFinder) -> None:
    """Find the face in every picture once; `points.json` in `work` keeps them by relative path."""
    path = work / "points.json"
    if path.exists():
        return
    found = {str(s.path.relative_to(data)): finder(read(s.path)) for s in sources(data)}
    listed = {name: points.tolist() for name, points in found.items() if points is not None}
    work.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(listed))


def make_tables(data: Path, work: Path, *, jobs: int) -> None:
    """Make every table that `work` does not hold yet. Raises FileNotFoundError before `locate_faces` ran."""
    missing = [recipe for recipe in RECIPES if not _file(work, recipe.name).exists()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_make, data, work, recipe) for recipe in missing]:
            done.result()


def load(work: Path, *names: str) -> Table:
    """Tables by name, one below another."""
    return Table.joined([Table.load(_file(work, name)) for name in names])


def _make(data: Path, work: Path, recipe: Recipe) -> None:
    cv2.setNumThreads(1)
    found = _found(data, json.loads((work / "points.json").read_text()), recipe)
    table = _presented(found, recipe)
    partial = work / f"{recipe.name}.partial.npz"
    table.save(partial)
    partial.rename(_file(work, recipe.name))


def _presented(found: Sequence[tuple[Source, FacePhoto]], recipe: Recipe) -> Table:
    if recipe.part is not None and recipe.shown:
        return simulated(found, instruments=recipe.instruments, seed=recipe.seed, shown=recipe.shown)
    if recipe.part is not None or recipe.rounds == 0:
        return captured(found)
    return captured_again(found, seed=recipe.seed, rounds=recipe.rounds)


def _found(data: Path, points: dict[str, FloatArray], recipe: Recipe) -> list[tuple[Source, FacePhoto]]:
    chosen: list[tuple[Source, FacePhoto]] = []
    for source in sources(data):
        known = points.get(str(source.path.relative_to(data)))
        if known is not None and _belongs(source, recipe):
            chosen.append((source, FacePhoto(read(source.path), np.array(known, np.float32))))
    return chosen if recipe.half is None else chosen[recipe.half :: 2]


def _belongs(source: Source, recipe: Recipe) -> bool:
    if recipe.part is None:
        return source.dataset == "nuaa"
    return source.species is Species.BONA_FIDE and part_of(source) is recipe.part


def _file(work: Path, name: str) -> Path:
    return work / f"{name}.npz"

"""Draws what the document networks learn from: genuine fronts and what a first forger makes of them.

`python -m idv.training.document_corpus` writes one folder a case into the work folder; a broken run goes on
where it stopped. The designs, the forger, the screens, printers and encoders kept for tests are never drawn.
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import Shot, draw_scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.make import forge
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait
from idv.vision.synthesis.scans import scanned
from idv.vision.synthesis.uploads import TRAINING_ENCODERS, Encoder, uploaded

CASES = 501
SEED = 2026
_TODAY = dt.date(2026, 6, 1)
_EDITS_A_CASE = 3
_DRAWN_PORTRAITS = 0.15
_RECAPTURES = (
    ForgeryType.SCREEN_RECAPTURE,
    ForgeryType.PRINT_RECAPTURE,
    ForgeryType.GREY_COPY,
    ForgeryType.DIGITAL_COMPOSITE,
)
_REPRESENTATIVES = 2
_INDEX = "items.json"
_JPEG = b"\xff\xd8"
_NONE_ALTERED = np.empty((0, 4, 2), np.float32)


class Picture(NamedTuple):
    """What is written of a case: `species` None for a genuine `capture` (`photo` or `scan`)."""

    species: ForgeryType | None
    capture: str
    shot: Shot
    altered: FloatArray = _NONE_ALTERED


@dataclass(frozen=True)
class Item:
    """One picture of a case.

    `species` None: genuine, by `capture` `photo` or `scan`; otherwise the type of forgery, and `capture` says
    `photo` as well. `corners` (4, 2) and `altered` (K, 4, 2): px in the picture. Edited pictures and the
    case's first genuine one share a photograph.
    """

    path: Path
    case: int
    document_type: str
    species: ForgeryType | None
    capture: str
    corners: FloatArray = field(repr=False)
    altered: FloatArray = field(repr=False)

    def pixels(self) -> RgbImage:
        """The decoded picture."""
        return np.asarray(cv2.imread(str(self.path), cv2.IMREAD_COLOR_RGB), np.uint8)


def items(work: Path) -> Iterator[Item]:
    """All pictures drawn so far, by case."""
    for index in sorted(work.glob(f"*/{_INDEX}")):
        for entry in json.loads(index.read_text()):
            yield Item(
                path=index.parent / entry["file"],
                case=int(index.parent.name),
                document_type=entry["document_type"],
                species=ForgeryType(entry["species"]) if entry["species"] else None,
                capture=entry["capture"],
                corners=np.array(entry["corners"], np.float32),
                altered=np.array(entry["altered"], np.float32).reshape(-1, 4, 2),
            )


def draw_case(number: int, work: Path, portraits: Sequence[Path], *, seed: int) -> None:
    """Draw all pictures of one case, unless they are there; depends on the seed and the number alone."""
    if is_drawn(work, number):
        return
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, number])
    case = case_of(number, portraits, rng)
    write_case(work, number, case, _pictures(case, rng), encoders=TRAINING_ENCODERS, rng=rng)


def is_drawn(work: Path, number: int) -> bool:
    """Whether all pictures of a case are in the work folder."""
    return (work / f"{number:05d}" / _INDEX).exists()


def write_case(
    work: Path,
    number: int,
    case: Case,
    pictures: Iterable[Picture],
    *,
    encoders: tuple[Encoder, ...],
    rng: np.random.Generator,
) -> None:
    """Encode the pictures of a case into its folder and list them beside."""
    folder = work / f"{number:05d}"
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for position, picture in enumerate(pictures):
        data = uploaded(picture.shot.pixels, encoders, rng)
        name = f"{position:02d}{'.jpg' if data.startswith(_JPEG) else '.webp'}"
        (folder / name).write_bytes(data)
        entries.append(
            {
                "file": name,
                "document_type": case.document_type.id,
                "species": picture.species,
                "capture": picture.capture,
                "corners": picture.shot.corners.round(2).tolist(),
                "altered": picture.altered.round(2).tolist(),
            }
        )
    (folder / _INDEX).write_text(json.dumps(entries))


def known_designs() -> tuple[DocumentType, ...]:
    """The designs that training may draw."""
    return tuple(known for known in load_document_types() if known.id not in HELD_OUT_DESIGNS)


def case_of(number: int, portraits: Sequence[Path], rng: np.random.Generator) -> Case:
    """The holder, portraits and camera of a case; the designs take turns."""
    designs = known_designs()
    design = designs[number % len(designs)]

    def take(side: RgbImage) -> Shot:
        return photographed(side, draw_scene(rng), draw_camera(rng), rng)

    return Case(
        document_type=design,
        holder=make_holder(design, rng, today=_TODAY),
        stranger=make_holder(design, rng, today=_TODAY),
        portrait=_portrait(portraits, rng),
        strange_portrait=_portrait(portraits, rng),
        photograph=take,
    )


def _portrait(portraits: Sequence[Path], rng: np.random.Generator) -> RgbImage:
    if not portraits or rng.random() < _DRAWN_PORTRAITS:
        return draw_portrait(rng)
    chosen = cv2.imread(str(portraits[int(rng.integers(len(portraits)))]), cv2.IMREAD_COLOR_RGB)
    return np.asarray(chosen, np.uint8)


def _pictures(case: Case, rng: np.random.Generator) -> Iterator[Picture]:
    card = case.genuine(rng)
    shot = case.photograph(card.front.image)
    yield Picture(None, "photo", shot)
    for species in rng.choice(np.array(list(EDITED)), _EDITS_A_CASE, replace=False):
        made = EDITED[ForgeryType(species)](case, card, shot, Forger.FIRST, rng)
        yield Picture(ForgeryType(species), "photo", made.shot, made.altered)
    yield Picture(None, "scan", scanned(card.front.image, rng))
    chosen = rng.choice(np.array(_RECAPTURES), _REPRESENTATIVES, replace=False, p=[0.4, 0.3, 0.1, 0.2])
    others = [ForgeryType(species) for species in chosen]
    if rng.random() < 0.3:  # noqa: PLR2004 - three in ten
        others.append(ForgeryType.PORTRAIT_PRINTED_OVER)
    for species in others:
        made_up = forge(case, species, Forger.FIRST, rng, sides=(SideName.FRONT,))
        yield Picture(species, "photo", made_up.shots[SideName.FRONT], made_up.altered[SideName.FRONT])


def portraits_in(data: Path) -> list[Path]:
    """Bona fide faces for the documents: photographs of FFHQ and LFW; none where the folder is absent."""
    ffhq = sorted((data / "generated_faces" / "real").glob("*.jpg"))
    return [*ffhq, *sorted((data / "lfw").rglob("*.jpg"))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the cases that the work folder does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the face photographs")
    parser.add_argument("--work", type=Path, default=Path("var/training/documents"))
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args(arguments)
    portraits = portraits_in(asked.data)
    draw = partial(draw_case, work=asked.work, portraits=portraits, seed=SEED)
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        for done, _ in enumerate(pool.map(draw, range(asked.cases)), 1):
            if done % 50 == 0:
                print(f"{done} of {asked.cases} cases", flush=True)


if __name__ == "__main__":
    main()

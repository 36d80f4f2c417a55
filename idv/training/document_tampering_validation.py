"""Draws pictures to look at while the tampering network is made: the second forger, the held-out encoders.

`python -m idv.training.document_tampering_validation` writes cases as `idv.training.document_corpus` does,
numbered from 110000. Nothing is fitted to them. The designs are those of training: the two kept for the test
are never drawn.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from idv.documents.document_types import SideName
from idv.training.document_corpus import SEED, Picture, case_of, is_drawn, portraits_in, write_case
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.in_photo import EDITED
from idv.vision.synthesis.forgeries.make import forge
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.scans import scanned
from idv.vision.synthesis.uploads import HELD_OUT_ENCODERS

FIRST_CASE = 110_000
CASES = 60
_PORTRAITS = (ForgeryType.PORTRAIT_PASTED, ForgeryType.PORTRAIT_BLENDED, ForgeryType.FACE_MORPH)
_PRINT = tuple(species for species in EDITED if species not in _PORTRAITS)


def draw_case(number: int, work: Path, portraits: Sequence[Path], *, seed: int) -> None:
    """Draw a genuine photograph, two edits of it, now and then a scan; depends on seed and number alone."""
    if is_drawn(work, number):
        return
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, number])
    case = case_of(number, portraits, rng)
    write_case(work, number, case, _pictures(case, number, rng), encoders=HELD_OUT_ENCODERS, rng=rng)


def _pictures(case: Case, number: int, rng: np.random.Generator) -> Iterator[Picture]:
    card = case.genuine(rng)
    shot = case.photograph(card.front.image)
    yield Picture(None, "photo", shot)
    # Not in step with the designs, which take turns by tens.
    for species in (_PORTRAITS[number % len(_PORTRAITS)], _PRINT[number // 2 % len(_PRINT)]):
        made = EDITED[species](case, card, shot, Forger.SECOND, rng)
        yield Picture(species, "photo", made.shot, made.altered)
    if number % 2:
        yield Picture(None, "scan", scanned(card.front.image, rng))
    elif number % 4 == 0:
        over = ForgeryType.PORTRAIT_PRINTED_OVER
        made_up = forge(case, over, Forger.SECOND, rng, sides=(SideName.FRONT,))
        yield Picture(over, "photo", made_up.shots[SideName.FRONT])


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the cases that the work folder does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("IDV_DATA"), help="default: $IDV_DATA")
    parser.add_argument("--work", type=Path, default=Path("var/training/documents-validation-edits"))
    parser.add_argument("--cases", type=int, default=CASES)
    asked = parser.parse_args(arguments)
    portraits = portraits_in(asked.data)
    for number in range(FIRST_CASE, FIRST_CASE + asked.cases):
        draw_case(number, asked.work, portraits, seed=SEED)


if __name__ == "__main__":
    main()

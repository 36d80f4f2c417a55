"""Finds documents in simulated captures and in the public specimens, and prints how well corners fit.

    IDV_DATA=... python -m scripts.bench.rectification [--count 400] [--first-seed 900000]

A capture counts when the found quadrilateral and the true one share 90 % of what they cover together (IoU).
All types and sides take turns, scenes and cameras are drawn as eval sets draw them. Specimens are compared
with corners marked by hand (`tests/data/specimen_quads.toml`), where the whole document is visible.
"""

import argparse
import os
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.images import DecodedImage, MediaType
from idv.metrics.intervals import wilson
from idv.vision.perception.document import DocumentFinder
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.document_scenes import draw_scene, photographed
from idv.vision.synthesis.forgeries.case import side_of
from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.holders import ISSUED_FROM, make_holder
from scripts.bench.mrz_captures import parts
from scripts.bench.mrz_specimens import opened

QUADS = Path("tests/data/specimen_quads.toml")
_ENOUGH = 0.9


class Attempt(NamedTuple):
    """One picture: overlap with the truth, whether the document's top was found to be it, CPU to find it."""

    name: str
    overlap: float
    upright: bool
    cpu_s: float

    @property
    def good(self) -> bool:
        """Whether the quadrilateral is near enough."""
        return self.overlap >= _ENOUGH


def main() -> None:
    """Print captures and specimens that fail, and both counts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=400)
    arguments.add_argument("--first-seed", type=int, default=900_000)
    options = arguments.parse_args()
    finder = parts().finder
    sides = [(known, name) for known in load_document_types() for name in known.sides]
    done = []
    for number in range(options.count):
        seed = options.first_seed + number
        done.append(_captured(finder, seed, *sides[number % len(sides)]))
        _say(done[-1])
        if number % 50 == 49:
            print(f"after {len(done)}: {sum(attempt.good for attempt in done)}", flush=True)
    if done:
        _sum_up("captures", done)
    if "IDV_DATA" in os.environ:
        _sum_up("specimens", _specimens(finder, Path(os.environ["IDV_DATA"]) / "mrz_specimens"))
    else:
        print("specimens: left out, IDV_DATA is not set")


def _captured(finder: DocumentFinder, seed: int, known: DocumentType, side: SideName) -> Attempt:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    card = draw_card(known, make_holder(known, rng, today=ISSUED_FROM), draw_head(rng), rng, dpi=400)
    shot = photographed(side_of(card, side).image, draw_scene(rng), draw_camera(rng), rng)
    return _attempted(finder, f"seed {seed} {known.id} {side}", shot.pixels, shot.corners)


def _specimens(finder: DocumentFinder, folder: Path) -> list[Attempt]:
    done = []
    for name, shares in tomllib.loads(QUADS.read_text(encoding="utf-8"))["quads"].items():
        image = opened(folder / name)
        size = np.array([image.pixels.shape[1], image.pixels.shape[0]], np.float32)
        truth = np.asarray(np.array(shares, np.float32) * size, np.float32)
        done.append(_attempted(finder, name, image.pixels, truth))
        _say(done[-1])
    return done


def _attempted(finder: DocumentFinder, name: str, pixels: RgbImage, truth: FloatArray) -> Attempt:
    image = DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])
    started = time.process_time()
    view = finder.find(image)
    spent = time.process_time() - started
    if view is None:
        return Attempt(name, 0.0, upright=False, cpu_s=spent)
    return Attempt(name, overlap(view.corners, truth), upright=_upright(view.corners, truth), cpu_s=spent)


def overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two convex quadrilaterals (4, 2), in [0, 1]."""
    both = float(cv2.intersectConvexConvex(one, other)[0])
    areas = [abs(float(cv2.contourArea(quad))) for quad in (one, other)]
    return both / max(sum(areas) - both, 1e-9)


def _upright(found: FloatArray, truth: FloatArray) -> bool:
    """Whether the found corner order is the true one nearer than any other turn of it."""
    away = [float(np.abs(np.roll(found, turn, axis=0) - truth).sum()) for turn in range(4)]
    return away[0] == min(away)


def _say(attempt: Attempt) -> None:
    if not attempt.good or not attempt.upright:
        turned = "" if attempt.upright else ", not upright"
        print(f"{attempt.name}: IoU {attempt.overlap:.3f}{turned}", flush=True)


def _sum_up(what: str, done: list[Attempt]) -> None:
    good, upright = (
        sum(values) for values in zip(*((a.good, a.good and a.upright) for a in done), strict=True)
    )
    bounds = wilson(good, len(done))
    shares = np.array([attempt.overlap for attempt in done])
    print(f"{what}: IoU >= {_ENOUGH} on {good} of {len(done)} = {100 * good / len(done):.1f} % "
          f"[{100 * bounds.low:.1f}, {100 * bounds.high:.1f}], upright too {upright}; "
          f"IoU median {np.median(shares):.3f}, 5th percentile {np.quantile(shares, 0.05):.3f}; "
          f"CPU median {1000 * np.median([a.cpu_s for a in done]):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

"""What each template signal tells on drawn documents: forged fronts against genuine photos and scans.

`python -m scripts.bench.template_fit --cases 20` draws cases of the known designs by both forgers, finds and
lays flat every picture as the service does, and prints by signal and species how many are caught at the
threshold that flags 1 % of the genuine ones (or the lowest of fewer than a hundred). `--held-out` draws the
designs kept for tests. Portraits are drawn: no photos of people are needed.
"""

import argparse
import datetime as dt
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from idv import bootstrap
from idv.documents.document_types import DocumentType, SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading
from idv.domain.images import DecodedImage, MediaType
from idv.infra.inference.local import LocalInference
from idv.settings import Settings
from idv.vision.models.ppocr_rec import alphabet_of
from idv.vision.perception.document import DocumentFinder
from idv.vision.perception.template_fit import TemplateFitter
from idv.vision.perception.template_references import load_references
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.document_scenes import draw_scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.held_out import HELD_OUT_DESIGNS
from idv.vision.synthesis.forgeries.make import applies, forge, present
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.holders import make_holder
from idv.vision.synthesis.portraits import draw_portrait
from idv.vision.synthesis.scans import scanned
from idv.vision.synthesis.uploads import TRAINING_ENCODERS, uploaded

_SEED = 4711
_TODAY = dt.date(2026, 6, 1)
_SIDE_PX = 1600
_TOLD_BY = {
    "template_ground": (ForgeryType.GENERATED_DOCUMENT,),
    "template_colour": (ForgeryType.GREY_COPY,),
    "template_layout": (ForgeryType.TEMPLATE_MOVED_FIELD,),
    "template_print": (ForgeryType.TEMPLATE_FONT,),
    "template_ghost": (ForgeryType.TEMPLATE_NO_GHOST,),
}
_SPECIES = tuple(species for group in _TOLD_BY.values() for species in group)


class _Seen(NamedTuple):
    kind: str
    signals: dict[str, float]
    cpu_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--held-out", action="store_true")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    types = load_document_types()
    inference = LocalInference(bootstrap.model_store(Settings()).files("open"))
    finder = DocumentFinder(inference, alphabet_of(inference.metadata("ppocr_rec")))
    fitter = TemplateFitter(types, load_references(types))
    seen, lost = [], 0
    for kind, side, identifier, pixels in _pictures(asked.cases, held_out=asked.held_out):
        view = finder.find(pixels)
        if view is None:
            lost += 1
            continue
        started = time.process_time()
        fit = fitter.fit(view, DocumentReading(document_type=identifier), side=side)
        seen.append(_Seen(kind, dict(fit.signals) if fit else {}, (time.process_time() - started) * 1000))
    print(f"{len(seen)} pictures, {lost} more without a document found; CPU of a fit, ms: "
          f"median {np.median([s.cpu_ms for s in seen]):.0f}")  # fmt: skip
    for name in _TOLD_BY:
        _print_signal(name, seen)


def _pictures(count: int, *, held_out: bool) -> Iterator[tuple[str, SideName, str, DecodedImage]]:
    designs = [known for known in load_document_types() if (known.id in HELD_OUT_DESIGNS) is held_out]
    for number in range(count):
        rng = np.random.default_rng([_SEED, number])
        case = _case(designs[number % len(designs)], rng)
        for kind, side, pixels in _shots(case, rng):
            data = np.frombuffer(uploaded(pixels, TRAINING_ENCODERS, rng), np.uint8)
            yield kind, side, case.document_type.id, _decoded(data)


def _case(design: DocumentType, rng: np.random.Generator) -> Case:
    return Case(
        document_type=design,
        holder=make_holder(design, rng, today=_TODAY),
        stranger=make_holder(design, rng, today=_TODAY),
        portrait=draw_portrait(rng),
        strange_portrait=draw_portrait(rng),
        photograph=lambda side: photographed(side, draw_scene(rng), draw_camera(rng), rng),
    )


def _shots(case: Case, rng: np.random.Generator) -> Iterator[tuple[str, SideName, RgbImage]]:
    for side, shot in present(case, rng).shots.items():
        yield "genuine", side, shot.pixels
    yield "genuine", SideName.FRONT, scanned(case.genuine(rng).front.image, rng).pixels
    for species in _SPECIES:
        for forger in Forger:
            # The second forger's ghost is there; it shows somebody else.
            other_face = species is ForgeryType.TEMPLATE_NO_GHOST and forger is Forger.SECOND
            if applies(species, case.document_type) and not other_face:
                forged = forge(case, species, forger, rng, sides=(SideName.FRONT,))
                yield f"{species} by {forger}", SideName.FRONT, forged.shots[SideName.FRONT].pixels


def _decoded(data: np.ndarray) -> DecodedImage:
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE_PX / max(width, height))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return DecodedImage(np.asarray(small, np.uint8), MediaType.JPEG, width, height)


def _print_signal(name: str, seen: Sequence[_Seen]) -> None:
    genuine = [s.signals for s in seen if s.kind == "genuine"]
    told = np.sort([signals[name] for signals in genuine if name in signals])
    if not told.size:
        return
    threshold = told[int(0.01 * told.size)]
    print(f"{name}: told on {told.size} of {len(genuine)} genuine, threshold {threshold:.3f}")
    for kind in sorted({s.kind for s in seen if s.kind.split(" by ")[0] in _TOLD_BY[name]}):
        own = [s.signals for s in seen if s.kind == kind]
        scores = np.array([signals[name] for signals in own if name in signals])
        caught = int((scores < threshold).sum())
        area = float((told[:, None] > scores[None]).mean()) if scores.size else float("nan")
        print(f"    {kind:34s} caught {caught} of {len(own)} ({scores.size} told), AUC {area:.4f}")


if __name__ == "__main__":
    main()

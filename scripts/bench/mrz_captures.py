"""Reads simulated phone captures of the project's own cards and prints how many zones are read exactly.

    python -m scripts.bench.mrz_captures [--count 1000] [--severity 1.0] [--first-seed 70000]

Severity 1.0 was fixed in `idv.vision.synthesis.capture` before the reader was tuned. Every capture is found,
laid flat and read by the same code as a verification. Seeds 10000 to 50999 were looked at while the reader
was written, so the default begins beyond them. One that is not read exactly is listed with the
reasons that the reader gave, and one without any reason is counted as silent.
"""

import argparse
import datetime as dt
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import platformdirs

from idv.documents.document_types import DocumentType, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.infra.clock import ManualClock
from idv.infra.inference.local import LocalInference
from idv.packs.store import ModelStore
from idv.vision.models.ppocr_rec import alphabet_of
from idv.vision.perception.document import DocumentFinder
from idv.vision.perception.reading import DocumentReader
from idv.vision.synthesis.capture import capture
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.holders import make_holder

TODAY = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


class Parts(NamedTuple):
    """Finder and reader over the open pack."""

    finder: DocumentFinder
    reader: DocumentReader


class Attempt(NamedTuple):
    """How one capture went: CPU s for finding and reading, reasons where the zone was not read exactly."""

    exact: bool
    reasons: tuple[str, ...]
    valid: bool
    cpu_s: float


def parts() -> Parts:
    """Finder and reader with the models of the open pack."""
    store = ModelStore(Path("model_repository"), Path(platformdirs.user_cache_dir("idv")) / "models")
    inference = LocalInference(store.files("open"))
    alphabet = alphabet_of(inference.metadata("ppocr_rec"))
    types = load_document_types()
    reader = DocumentReader(inference, alphabet, types=types, clock=ManualClock(TODAY))
    return Parts(DocumentFinder(inference, alphabet), reader)


def portrait() -> RgbImage:
    """A drawn head, so that no person's photo is needed."""
    image = np.full((400, 300, 3), 200, np.uint8)
    cv2.ellipse(image, (150, 420), (140, 130), 0, 0, 360, (60, 60, 110), -1)
    cv2.ellipse(image, (150, 170), (85, 115), 0, 0, 360, (205, 160, 130), -1)
    cv2.ellipse(image, (150, 110), (90, 70), 0, 180, 360, (60, 40, 30), -1)
    return image


def attempt(seed: int, known: DocumentType, tools: Parts, *, severity: float) -> Attempt:
    """Draw, photograph, find and read one card."""
    rng = np.random.default_rng(seed)
    holder = make_holder(known, rng, today=TODAY.date())
    card = draw_card(known, holder, portrait(), rng, dpi=400)
    pixels = capture(card.mrz_side.image, severity=severity, rng=rng).pixels
    started = time.process_time()
    image = DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])
    view = tools.finder.find(image)
    reading = tools.reader.read(view) if view else DocumentReading(reasons=(Reason.NO_DOCUMENT,))
    spent = time.process_time() - started
    exact = reading.mrz is not None and reading.mrz.lines == card.mrz_lines
    valid = reading.mrz is not None and reading.mrz.valid
    return Attempt(exact, tuple(r.value for r in reading.reasons), valid, spent)


def main() -> None:
    """Run all captures and print the summary."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--severity", type=float, default=1.0)
    arguments.add_argument("--first-seed", type=int, default=70_000)
    options = arguments.parse_args()
    tools, types = parts(), [known for known in load_document_types() if known.mrz]
    done: list[Attempt] = []
    for k in range(options.count):
        seed = options.first_seed + k
        result = attempt(seed, types[k % len(types)], tools, severity=options.severity)
        done.append(result)
        if not result.exact:
            name = types[k % len(types)].id
            print(f"seed {seed} {name}: not exact, digits {'hold' if result.valid else 'refuted'}, "
                  f"reasons {', '.join(result.reasons) or 'none'}", flush=True)  # fmt: skip
        if len(done) % 100 == 0:
            print(f"after {len(done)}: {sum(a.exact for a in done)} exact", flush=True)
    summary(done)


def summary(done: list[Attempt]) -> None:
    """Print counts, reasons and CPU time."""
    exact = sum(a.exact for a in done)
    failed = [a for a in done if not a.exact]
    silent = sum(not a.reasons and a.valid for a in failed)
    refuted = sum(not a.valid for a in failed)
    print(f"exact: {exact} of {len(done)} = {100 * exact / len(done):.1f} %")
    print(f"not exact: {len(failed)}; with a refuted digit or no zone {refuted}; "
          f"wrong without any sign {silent}")  # fmt: skip
    print("reasons of those not exact:", dict(Counter(r for a in failed for r in a.reasons)))
    print(f"CPU to find and read: median {1000 * float(np.median([a.cpu_s for a in done])):.0f} ms, "
          f"p95 {1000 * float(np.percentile([a.cpu_s for a in done], 95)):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

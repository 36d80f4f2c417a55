"""Compares reading by cropped rows with a full-page pass on the same flat documents, in CPU time of one run.

    python -m scripts.bench.reading_speed [--count 12]

*Crops*: find the rows of the machine-readable zone by their print and recognise them, as the reader does.
*Full page*: detect all lines with PP-OCR's detector and recognise every line, as an OCR package does.
Both read the same pictures, with the same models, alternately.
"""

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np

from idv.documents.document_types import load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.images import DecodedImage, MediaType
from idv.infra.clock import ManualClock
from idv.vision.perception.effort import Effort
from idv.vision.perception.text_lines import cut
from idv.vision.synthesis.capture import capture
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.holders import make_holder
from scripts.bench.mrz_captures import TODAY, parts, portrait

_PAGE_SIDE_PX = 960


def flat_documents(count: int) -> list[RgbImage]:
    """Documents found in simulated captures and laid flat."""
    types, finder = [known for known in load_document_types() if known.mrz], parts().finder
    flat = []
    for k in range(count):
        rng = np.random.default_rng(90_000 + k)
        known = types[k % len(types)]
        holder = make_holder(known, rng, today=TODAY.date())
        card = draw_card(known, holder, portrait(), rng, dpi=400)
        pixels = capture(card.mrz_side.image, severity=1.0, rng=rng).pixels
        view = finder.find(DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0]))
        if view is not None:
            flat.append(view.rectified)
    return flat


def timed(work: Callable[[RgbImage], None], pixels: RgbImage) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work(pixels)
    return time.process_time() - started


def main() -> None:
    """Print both medians and their ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=12)
    cv2.setNumThreads(1)
    reader = parts().reader
    recogniser, detector, zone = reader.recogniser, reader.detector, reader.mrz

    def by_page(pixels: RgbImage) -> None:
        for line in detector.lines(pixels, max_side_px=_PAGE_SIDE_PX):
            recogniser.read(cut(pixels, line.corners, height=48))

    documents = flat_documents(arguments.parse_args().count)

    def by_crops(pixels: RgbImage) -> None:
        zone.read(pixels, today=TODAY.date(), effort=Effort(ManualClock(TODAY), seconds=60.0))

    pairs = [(timed(by_crops, pixels), timed(by_page, pixels)) for pixels in documents]
    crops, pages = (np.array(column) for column in zip(*pairs, strict=True))
    print(f"documents: {len(documents)}")
    print(f"rows cropped: median {1000 * np.median(crops):.0f} ms CPU")
    print(f"full page:    median {1000 * np.median(pages):.0f} ms CPU")
    print(f"ratio of the sums: {crops.sum() / pages.sum():.2f} (to reach: at most 0.5)")


if __name__ == "__main__":
    main()

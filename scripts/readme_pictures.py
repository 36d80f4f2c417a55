"""Draws the three pictures of the README: a genuine document, a swapped portrait and a screen, as judged.

    python -m scripts.readme_pictures [docs/pictures]

Each is the photo with the document's outline and what speaks against it, and the map of likely alterations;
the verdict is printed. Portraits are drawn, so nobody is shown.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from idv import bootstrap, settings
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.cli.document.page import heated
from idv.documents.document_types import SideName, load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.ports import Perception
from idv.domain.results import CheckName, CheckResult
from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.document_scenes import Scene, photographed
from idv.vision.synthesis.forgeries.case import Case
from idv.vision.synthesis.forgeries.make import forge, present
from idv.vision.synthesis.forgeries.species import Forger, ForgeryType
from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.holders import ISSUED_FROM, lately_issued, make_holder
from idv.vision.synthesis.uploads import Encoder, encoded

_TYPE = "xka_identity_card"
_WIDTH_PX = 560
_ROLE = ImageRole.DOCUMENT_FRONT
_SHOWN = {
    "genuine": None,
    "portrait_swap": ForgeryType.PORTRAIT_BLENDED,
    "screen": ForgeryType.SCREEN_RECAPTURE,
}


def main() -> None:
    """Draw, judge, mark and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/pictures"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with bootstrap.judges(settings.load()) as judges:
        check = next(c for c in judges.runner.checks if c.name is CheckName.DOCUMENT_AUTHENTICITY)
        for name, species in _SHOWN.items():
            evidence = Evidence({_ROLE: EncodedImage(_photo(species))})
            seen = judges.perceiver.perceive(evidence)
            deadline = judges.clock.monotonic() + judges.settings.deadline_s
            result = judges.runner.run_one(check, evidence, seen, deadline=deadline)
            marked = _marked(seen, result)
            if isinstance(check, DocumentAuthenticity):
                marked = np.vstack([marked, _map(seen, check)])
            _, data = cv2.imencode(".jpg", marked[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
            (out / f"{name}.jpg").write_bytes(bytes(data))
            print(f"{name}: {result.outcome} {result.score} {' '.join(result.reasons)}")


def _photo(species: ForgeryType | None) -> bytes:
    """A document of a known design by the second forger, or the genuine one."""
    rng = np.random.default_rng(42)
    known = next(known for known in load_document_types() if known.id == _TYPE)
    holder, stranger = (
        lately_issued(make_holder(known, rng, today=ISSUED_FROM), known, rng) for _ in range(2)
    )
    camera = Camera(mosaic=True, shot_noise=0.008, read_noise=0.002, sharpening=0.4, jpeg_quality=94)
    case = Case(
        known,
        holder,
        stranger,
        draw_head(rng),
        draw_head(rng),
        lambda side: photographed(side, Scene(tilt=0.4), camera, rng),
    )
    made = present(case, rng) if species is None else forge(case, species, Forger.SECOND, rng)
    return encoded(made.shots[SideName.FRONT].pixels, Encoder.JPEG_420, quality=92)


def _marked(seen: Perception, result: CheckResult) -> RgbImage:
    pixels = seen.image(_ROLE).pixels.copy()
    view = seen.document(_ROLE)
    size = np.array([pixels.shape[1], pixels.shape[0]])
    if view is not None:
        cv2.polylines(pixels, [np.rint(view.corners).astype(np.int32)], True, (255, 159, 10), 5)
    for region in result.regions:
        corners = np.rint(np.array(region.outline) * size).astype(np.int32)
        cv2.polylines(pixels, [corners], True, (255, 55, 95), 6)
    return _resized(pixels)


def _map(seen: Perception, check: DocumentAuthenticity) -> RgbImage:
    view = seen.document(_ROLE)
    if view is None or check.parts.tampering is None:
        return np.zeros((0, _WIDTH_PX, 3), np.uint8)
    return _resized(
        heated(view.rectified, check.parts.tampering.predict(seen.image(_ROLE).pixels, view.corners))
    )


def _resized(pixels: RgbImage) -> RgbImage:
    height = round(pixels.shape[0] * _WIDTH_PX / pixels.shape[1])
    return np.asarray(cv2.resize(pixels, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()

"""Reads the public specimens through finder and reader and compares with the transcripts made by hand.

    IDV_DATA=... python -m scripts.bench.mrz_specimens

A specimen counts only when every character of every row is right. One transcript has an `Ñ`, which is
outside the alphabet of ICAO Doc 9303 and so cannot be read as printed: it is compared as `N`, and the figure
without that folding is printed beside.
"""

import os
import time
import tomllib
from pathlib import Path

import cv2
import numpy as np

from idv.domain.documents import DocumentReading
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from scripts.bench.mrz_captures import parts

TRANSCRIPTS = Path("tests/data/mrz_specimens.toml")


def opened(path: Path) -> DecodedImage:
    """The picture at full size. Raises FileNotFoundError."""
    stored = cv2.imread(str(path))
    if stored is None:
        raise FileNotFoundError(path.name)
    pixels = np.ascontiguousarray(stored[:, :, ::-1], np.uint8)
    return DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])


def main() -> None:
    """Print one line a specimen, and the count."""
    folder = Path(os.environ["IDV_DATA"]) / "mrz_specimens"
    tools = parts()
    exact = strict = 0
    specimens = tomllib.loads(TRANSCRIPTS.read_text(encoding="utf-8"))["specimen"]
    for specimen in specimens:
        image = opened(folder / specimen["file"])
        started = time.process_time()
        view = tools.finder.find(image)
        reading = tools.reader.read(view) if view else DocumentReading(reasons=(Reason.NO_DOCUMENT,))
        spent = time.process_time() - started
        lines = reading.mrz.lines if reading.mrz else ()
        printed = tuple(specimen["lines"])
        right = lines == tuple(line.replace("Ñ", "N") for line in printed)
        exact += right
        strict += lines == printed
        digits = (
            "no zone" if reading.mrz is None else "digits hold" if reading.mrz.valid else "digits refuted"
        )
        reasons = ", ".join(r.value for r in reading.reasons) or "none"
        print(f"{specimen['file']:18} {'exact' if right else 'WRONG'}  {digits}, reasons {reasons}, "
              f"CPU {1000 * spent:.0f} ms")  # fmt: skip
    print(f"exact: {exact} of {len(specimens)} (with Ñ taken as outside the alphabet: {strict})")


if __name__ == "__main__":
    main()

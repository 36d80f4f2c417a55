"""Draws the reference pictures of the project's own document types from their data, without any holder.

`python -m scripts.draw_references` writes one `<type>-<side>.webp` a side into the folder of references.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2

from idv.documents.document_types import load_document_types
from idv.vision.perception.template_references import ENDING, REFERENCES, WIDTH_PX
from idv.vision.synthesis.cards import draw_blank

_QUALITY = 75


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw every side of every type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REFERENCES)
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for known in load_document_types():
        for name, side in known.sides.items():
            size = (WIDTH_PX, round(WIDTH_PX / known.aspect_ratio))
            small = cv2.resize(draw_blank(known, side), size, interpolation=cv2.INTER_AREA)
            path = asked.out / f"{known.id}-{name}{ENDING}"
            cv2.imwrite(str(path), small[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
            print(path)


if __name__ == "__main__":
    main()

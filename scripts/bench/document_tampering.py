"""What the tampering network says of the public specimens, and what a side costs.

    IDV_DATA=... python -m scripts.bench.document_tampering

The specimens are genuine layouts, scanned and photographed by others: their scores should not be those of
edits. The cost is CPU time on one thread, with that of a JPEG decode of the same picture beside it.
"""

import os
import time
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from idv.domain.images import DecodedImage
from idv.domain.models import ModelFile
from idv.infra.inference.local import LocalInference
from idv.packs.lock_files import read_lock
from idv.vision.models.document_tampering import DocumentTamperingNet, framed
from scripts.bench.mrz_captures import parts
from scripts.bench.mrz_specimens import TRANSCRIPTS, opened

_RUNS = 20
_MODEL = "document_tampering"


def network(repository: Path = Path("model_repository")) -> DocumentTamperingNet:
    """The committed network, by the digest in its lock."""
    (locked,) = [model for model in read_lock(repository, "open").models if model.name == _MODEL]
    path = repository / _MODEL / "1" / "model.onnx"
    return DocumentTamperingNet(LocalInference({_MODEL: ModelFile(_MODEL, path, locked.sha256)}))


def main() -> None:
    """Print a line a specimen, then the cost of a photograph of 1,600 px."""
    net = network()
    finder = parts().finder
    folder = Path(os.environ["IDV_DATA"]) / "mrz_specimens"
    for specimen in tomllib.loads(TRANSCRIPTS.read_text(encoding="utf-8"))["specimen"]:
        image: DecodedImage = opened(folder / specimen["file"])
        view = finder.find(image)
        if view is None:
            print(f"{specimen['file']:18} no document found")
            continue
        frame = framed(image.pixels, view.corners)
        found = net.predict(image.pixels, view.corners)
        print(
            f"{specimen['file']:18} {frame.pixels.shape[1]:4} px  logit {found.logit:6.2f}  "
            f"hottest {found.heat.max():.2f}"
        )
    _cost(net)


def _cost(net: DocumentTamperingNet) -> None:
    pixels = np.random.default_rng(0).integers(60, 200, (1200, 1600, 3)).astype(np.uint8)
    pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.0), np.uint8)
    _, data = cv2.imencode(".jpg", pixels)
    for width in (800, 1120, 1500):
        height = round(width / 1.586)
        corners = np.array(
            [[50, 60], [50 + width, 60], [50 + width, 60 + height], [50, 60 + height]], np.float32
        )
        net.predict(pixels, corners)
        spent = _each(partial(net.predict, pixels, corners))
        decode = _each(lambda: cv2.imdecode(data, cv2.IMREAD_COLOR))
        print(f"document of {width} px: {1000 * spent:.0f} ms of CPU, {spent / decode:.1f} times its decode")


def _each(run: Callable[[], object]) -> float:
    """CPU time of the quickest run: on a busy machine the others pay for what their neighbours do."""
    spent = []
    for _ in range(_RUNS):
        started = time.process_time()
        run()
        spent.append(time.process_time() - started)
    return min(spent)


if __name__ == "__main__":
    main()

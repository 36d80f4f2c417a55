"""Pictures for the service benches: the demo's sample photos and card, at the sizes phones make them."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import platformdirs

from idv.cli.demo.cases import cases
from idv.cli.demo.samples import Samples, sample_photos
from idv.domain.arrays import RgbImage

_DOCUMENT = (4000, 3000)
_SELFIE_PIXELS = 2_000_000
_CACHE = Path(platformdirs.user_cache_dir("idv")) / "samples"


class Pictures(NamedTuple):
    """JPEG bytes: a 12-megapixel photo of a document and a 2-megapixel selfie of its holder."""

    document: bytes
    selfie: bytes


def samples() -> Samples:
    """The sample photos, fetched on first use."""
    return sample_photos(_CACHE)


def pictures() -> Pictures:
    """The demo's first onboarding, enlarged; a little noise keeps the files as hard to decode as photos."""
    first = cases(samples(), today=dt.date(2026, 1, 1))[0]
    selfie = _decoded(first.parts["selfie"])
    factor = (_SELFIE_PIXELS / (selfie.shape[0] * selfie.shape[1])) ** 0.5
    size = (round(selfie.shape[1] * factor), round(selfie.shape[0] * factor))
    return Pictures(_enlarged(_decoded(first.parts["document_front"]), _DOCUMENT), _enlarged(selfie, size))


def _enlarged(image: RgbImage, size: tuple[int, int]) -> bytes:
    if image.shape[0] > image.shape[1]:
        size = (min(size), max(size))
    large = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.int16)
    noise = np.random.default_rng(3).normal(0, 2, large.shape).astype(np.int16)
    encoded = cv2.imencode(
        ".jpg", np.clip(large + noise, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90]
    )[1]
    return encoded.tobytes()


def _decoded(data: bytes) -> RgbImage:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)

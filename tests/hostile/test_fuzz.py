"""Damaged files give pixels or a named fault, nothing else, and leave the worker as it was."""

from collections import Counter

import numpy as np
import pytest

from idv.domain.errors import MediaError
from idv.vision.imaging.decoder import BoundedDecoder
from idv.vision.imaging.limits import DecodeLimits
from tests.hostile.fuzzing import mutants

LIMITS = DecodeLimits(max_pixels=2_000_000)


def _outcomes(count: int, *, seed: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    with BoundedDecoder(LIMITS, workers=1) as decoder:
        for data in mutants(count, seed=seed):
            try:
                image = decoder.decode(data, max_side_px=100)
            except MediaError as error:
                seen[error.fault] += 1
            else:
                seen["decoded"] += 1
                assert image.pixels.dtype == np.uint8
                assert image.pixels.shape[2] == 3
                assert image.full_width * image.full_height <= LIMITS.max_pixels
    return seen


def test_damaged_files_are_decoded_or_refused() -> None:
    """Three hundred mutants: every outcome is an image or a MediaError, and both occur."""
    seen = _outcomes(300, seed=1)
    assert seen.total() == 300
    assert 0 < seen["decoded"] < 300
    assert not seen["media_decoder_crashed"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_damaged_files_are_decoded_or_refused() -> None:
    """The same over ten thousand."""
    seen = _outcomes(10_000, seed=2)
    assert seen.total() == 10_000
    assert not seen["media_decoder_crashed"]

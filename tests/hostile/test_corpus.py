"""Every file of the corpus has exactly its named outcome, and none takes the decoder down."""

from collections.abc import Iterator

import pytest

from idv.domain.errors import MediaError, MediaFault
from idv.domain.ports import ImageDecoder
from idv.vision.imaging.decoder import BoundedDecoder, InProcessDecoder
from tests.hostile.corpus import CORPUS, SEEN_BY_WORKER_ONLY


@pytest.fixture(scope="module")
def bounded() -> Iterator[BoundedDecoder]:
    """One worker for all files: a file that broke it would show in the next."""
    with BoundedDecoder(workers=1) as decoder:
        yield decoder


def _outcome(decoder: ImageDecoder, data: bytes) -> MediaFault | None:
    try:
        image = decoder.decode(data)
    except MediaError as error:
        return error.fault
    assert image.pixels.ndim == 3
    return None


@pytest.mark.parametrize("name", CORPUS)
def test_the_worker_gives_the_named_outcome(bounded: BoundedDecoder, name: str) -> None:
    """The fault is the one in the table, and the worker is the one that was there before."""
    before = bounded.worker_pids
    assert _outcome(bounded, CORPUS[name].data) == CORPUS[name].fault
    assert bounded.worker_pids == before


@pytest.mark.parametrize("name", CORPUS.keys() - SEEN_BY_WORKER_ONLY)
def test_the_decoder_in_process_agrees(name: str) -> None:
    """Both decoders give the same outcome but for what only the worker can see."""
    assert _outcome(InProcessDecoder(), CORPUS[name].data) == CORPUS[name].fault


def test_the_corpus_is_as_large_as_promised() -> None:
    """At least sixty files, no two alike, every fault that a file alone can cause among them."""
    assert len({file.data for file in CORPUS.values()}) == len(CORPUS) >= 60
    by_limits_or_accident = {
        MediaFault.TOO_LARGE,
        MediaFault.PAGES,
        MediaFault.DECODER_TIMEOUT,
        MediaFault.DECODER_MEMORY,
        MediaFault.DECODER_CRASHED,
    }
    assert {file.fault for file in CORPUS.values()} >= set(MediaFault) - by_limits_or_accident

"""Facts about hostile files sent to the API: each is a recorded verification or its own named 4xx."""

from collections.abc import Iterator

import pytest

from idv.vision.imaging.decoder import BoundedDecoder, DecodeLimits
from tests.hostile.corpus import CORPUS
from tests.unit.service.harness import Harness, error


@pytest.fixture(name="harness", scope="module")
def _harness() -> Iterator[Harness]:
    with BoundedDecoder(DecodeLimits(), workers=1) as decoder:
        yield Harness(decoder=decoder)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_a_hostile_file_has_its_named_answer(harness: Harness, name: str) -> None:
    """What decodes is recorded; what does not is a 4xx with its fault's code and its part's name."""
    good, (data, fault) = CORPUS["jpeg"].data, CORPUS[name]
    response = harness.verify(document=good, selfie=data)
    if fault is None:
        assert response.status_code == 201
        return
    status, code, field = error(response)
    assert status in (413, 415, 422)
    assert (code, field) == (fault.value, "selfie")


def test_the_corpus_is_large_enough() -> None:
    """At least sixty files."""
    assert len(CORPUS) >= 60

"""Facts about what cannot be fitted, and about a whole side fitted with the real models."""

from collections.abc import Mapping
from typing import NoReturn

import numpy as np
import pytest

from idv import bootstrap, settings
from idv.documents.document_types import SideName
from idv.domain.arrays import Array, RgbImage
from idv.domain.documents import DocumentView
from idv.domain.errors import ModelError, RequestError
from idv.domain.images import DecodedImage, MediaType
from idv.infra.clock import ManualClock
from idv.vision.models.ppocr_det import TextDetector
from idv.vision.models.ppocr_rec import TextRecogniser
from idv.vision.perception.mrz_reader import MrzReader
from idv.vision.perception.type_fitting import FittingParts, SideFitter
from tests.unit.vision.perception.drawn_samples import a_type, fronts

TYPE = "uto_passport"
FLAT_CORNERS = np.array([[0, 0], [99, 0], [99, 69], [0, 69]], np.float32)


class NoModels:
    """Runs nothing: what is refused is refused before any network is asked."""

    def infer(self, model: str, inputs: Mapping[str, Array]) -> NoReturn:
        """Fail."""
        raise AssertionError(f"{model} was asked")

    def digest(self, model: str) -> str:
        """The name."""
        return model


def decoded(pixels: RgbImage) -> DecodedImage:
    """As a decoder gives it."""
    return DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])


def as_it_is(image: DecodedImage) -> DocumentView | None:
    """The picture is the document; a black one shows none."""
    return DocumentView(FLAT_CORNERS, image.pixels, 1.0) if image.pixels.any() else None


def fitter() -> SideFitter:
    """Finds documents without models."""
    models = NoModels()
    recogniser = TextRecogniser(models, ("", "A"))
    parts = FittingParts(
        as_it_is, lambda _: (), TextDetector(models), recogniser, MrzReader(recogniser), ManualClock()
    )
    return SideFitter(parts)


def refusal(photos: list[DecodedImage]) -> RequestError:
    """Why these photos are refused."""
    with pytest.raises(RequestError) as refused:
        fitter().fit(photos, {}, aspect=1.42, state_name="X")
    return refused.value


def test_one_sample_and_six_are_refused() -> None:
    """One does not tell what varies; more than five are not laid on each other."""
    photo = decoded(np.full((70, 100, 3), 200, np.uint8))
    assert refusal([photo]).code == "samples_too_few"
    assert refusal([photo] * 6).code == "samples_too_many"


def test_a_sample_without_a_document_is_named() -> None:
    """By its number, from 1."""
    photos = [decoded(fronts(TYPE)[0]), decoded(np.zeros((70, 100, 3), np.uint8))]
    refused = refusal(photos)
    assert (refused.code, refused.message) == ("sample_without_document", "sample 2 shows no document")


def test_a_sample_of_another_side_is_named() -> None:
    """The other one is the second."""
    refused = refusal([decoded(fronts(TYPE)[0]), decoded(fronts("uto_identity_card")[0])])
    assert refused.code == "sample_mismatch"
    assert "sample 2" in refused.message


@pytest.mark.slow
def test_a_drawn_side_is_fitted() -> None:
    """Every field, the portrait and the zone of a passport within 1.25 % of where the type has them."""
    known = a_type(TYPE)
    truth = known.sides[SideName.FRONT]
    labels = {zone.name: zone.label for zone in truth.fields}
    try:
        with bootstrap.side_fitter(settings.load()) as (real, _):
            photos = [decoded(picture) for picture in fronts(TYPE)]
            fitted = real.fit(photos, labels, aspect=known.aspect_ratio, state_name=known.state_name)
    except ModelError as error:
        pytest.skip(f"models are absent: {error}")
    assert fitted.missing == ()
    for zone in truth.fields:
        found = fitted.side.field(zone.name)
        assert found is not None
        off = np.abs(
            np.array([found.box.left, found.box.top, found.box.height]) - np.array(zone.box)[[0, 1, 3]]
        )
        assert off.max() <= 0.0125, zone.name
    assert fitted.side.portrait is not None
    assert truth.portrait is not None
    assert np.abs(np.array(fitted.side.portrait) - truth.portrait).max() < 0.01
    assert fitted.side.mrz is not None
    assert truth.mrz is not None
    assert fitted.side.mrz.format is truth.mrz.format
    assert np.abs(np.array(fitted.side.mrz.box) - truth.mrz.box).max() < 0.015

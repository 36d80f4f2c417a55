from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from idv.domain.arrays import Array, RgbImage
from idv.domain.faces import Box, Face, FaceQuality, Pose
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.vision.perception.document import DocumentFinder

ALPHABET = ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", " ")
CORNERS = np.array([[250, 200], [1050, 215], [1035, 715], [262, 700]], np.float32)
ROWS = ("IDUTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")


class Ocr:
    """Sees text in every crop with contrast, no lines on a page; upright unless told otherwise."""

    def __init__(self, *, upside_down: float = 0.02) -> None:
        self.upside_down = upside_down

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answers by model."""
        tensor = inputs["x"]
        if model == "ppocr_cls":
            flipped = np.full(len(tensor), self.upside_down, np.float32)
            return {"scores": np.stack([1 - flipped, flipped], axis=1)}
        if model == "ppocr_det":
            return {"map": np.zeros((1, 1, *tensor.shape[2:]), np.float32)}
        columns = tensor.shape[3] // 8
        posteriors = np.zeros((1, columns, len(ALPHABET)), np.float32)
        posteriors[:, :, 0] = 1.0
        if float(tensor.std()) > 0.15:
            posteriors[:, 1::2] = 0.0
            posteriors[:, 1::2, 1] = 0.95
        return {"posteriors": posteriors}

    def digest(self, model: str) -> str:
        """Any digest."""
        return f"digest of {model}"


def drawn(*, blank: bool = False) -> RgbImage:
    """A flat card with a headline and a machine-readable zone."""
    card = np.full((540, 856, 3), 220, np.uint8)
    if blank:
        return card
    cv2.putText(card, "REPUBLIC OF UTOPIA", (60, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (30, 30, 30), 2)
    for k, row in enumerate(ROWS):
        for i, character in enumerate(row):
            place = (45 + round(i * 25.6), 395 + 45 * k)
            cv2.putText(card, character, place, cv2.FONT_HERSHEY_SIMPLEX, 0.85, (25, 25, 25), 2)
    return card


def photo(card: RgbImage, corners: Array = CORNERS, *, turns: int = 0) -> DecodedImage:
    """The card on a dark table, the picture then turned by quarters."""
    tall, wide = card.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    image = np.full((900, 1300, 3), 60, np.uint8)
    cv2.warpPerspective(card, matrix, (1300, 900), image, borderMode=cv2.BORDER_TRANSPARENT)
    noise = np.random.default_rng(3).normal(0, 3, image.shape)
    pixels = np.ascontiguousarray(np.rot90(np.clip(image + noise, 0, 255).astype(np.uint8), turns))
    return DecodedImage(pixels, MediaType.JPEG, pixels.shape[1], pixels.shape[0])


def face_at(box: Box) -> Face:
    """A face of which only the box matters here."""
    quality = FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1)
    return Face(
        box, 0.9, np.zeros((468, 3), np.float32), np.zeros((5, 2), np.float32), Pose(0, 0, 0), quality
    )


def test_a_card_in_a_photo_is_laid_flat() -> None:
    """Corners within a few px, proportions of ID-1, about its own resolution."""
    view = DocumentFinder(Ocr(), ALPHABET).find(photo(drawn()))
    assert view is not None
    assert np.abs(view.corners - CORNERS).max() < 5
    height, width = view.rectified.shape[:2]
    assert width / height == pytest.approx(85.6 / 53.98, rel=0.02)
    assert width == pytest.approx(800, abs=15)
    assert view.reasons == ()
    assert view.confidence > 0.8


def test_a_card_on_its_head_is_turned_upright() -> None:
    """The first corner is the document's own top left, whichever way it lay."""
    view = DocumentFinder(Ocr(upside_down=0.98), ALPHABET).find(photo(drawn(), turns=2))
    assert view is not None
    expected = np.array([1300, 900], np.float32) - CORNERS
    assert np.abs(view.corners - expected).max() < 6
    dark = (cv2.cvtColor(view.rectified, cv2.COLOR_RGB2GRAY) < 110).sum(axis=1)
    assert dark[len(dark) // 2 :].sum() > dark[: len(dark) // 2].sum()


def test_a_card_lying_across_is_laid_along() -> None:
    """A quarter turn shows in the corners, not in the flat picture."""
    view = DocumentFinder(Ocr(), ALPHABET).find(photo(drawn(), turns=1))
    assert view is not None
    assert view.rectified.shape[1] > 1.5 * view.rectified.shape[0]


def test_a_blank_card_is_no_document() -> None:
    """Four perfect sides with nothing printed between them."""
    assert DocumentFinder(Ocr(), ALPHABET).find(photo(drawn(blank=True))) is None


def test_noise_is_no_document() -> None:
    """Nothing with sides, nothing with print."""
    pixels = np.random.default_rng(1).normal(128, 20, (600, 800, 3)).clip(0, 255).astype(np.uint8)
    assert DocumentFinder(Ocr(), ALPHABET).find(DecodedImage(pixels, MediaType.PNG, 800, 600)) is None


def test_a_scan_that_is_the_document_is_taken_whole() -> None:
    """No sides to be seen, but a machine-readable zone: the picture is the document."""
    card = drawn()
    view = DocumentFinder(Ocr(), ALPHABET).find(DecodedImage(card, MediaType.PNG, 856, 540))
    assert view is not None
    assert view.rectified.shape[:2] == (540, 856)
    assert np.array_equal(view.corners[0], [0, 0])


def test_size_is_judged_in_px_of_the_original() -> None:
    """The decoder may have halved the picture: only the original tells whether it was too small."""
    card = np.asarray(cv2.resize(drawn(), (240, 151), interpolation=cv2.INTER_AREA), np.uint8)
    finder = DocumentFinder(Ocr(), ALPHABET)
    small = finder.find(DecodedImage(card, MediaType.PNG, 240, 151))
    halved = finder.find(DecodedImage(card, MediaType.PNG, 480, 302))
    assert small is not None
    assert halved is not None
    assert Reason.DOCUMENT_TOO_SMALL in small.reasons
    assert Reason.DOCUMENT_TOO_SMALL not in halved.reasons


def test_a_card_that_leaves_the_picture_is_cut_off() -> None:
    """Its right end lies outside; what is seen is still laid flat, and the reason says so."""
    outside = CORNERS + np.array([[330, 0]], np.float32)
    view = DocumentFinder(Ocr(), ALPHABET).find(photo(drawn(), outside))
    assert view is not None
    assert Reason.DOCUMENT_CUT_OFF in view.reasons


def test_the_portrait_is_framed_around_the_largest_face() -> None:
    """The analyser gives the largest first; a ghost portrait after it is left out."""
    large, ghost = face_at(Box(90, 180, 120, 130)), face_at(Box(700, 300, 40, 44))
    finder = DocumentFinder(Ocr(), ALPHABET, faces=lambda _: (large, ghost))
    view = finder.find(photo(drawn()))
    assert view is not None
    assert view.portrait_box is not None
    left, top, width, height = view.portrait_box
    assert left < 90
    assert top < 180
    assert left + width > 210
    assert top + height > 310
    assert left + width < 400


def test_the_digest_names_every_network() -> None:
    """A new model or a new version of the code makes other check digests."""
    parts = DocumentFinder(Ocr(), ALPHABET).digest_parts()
    assert parts["ppocr_rec"] == "digest of ppocr_rec"
    assert set(parts) == {"ppocr_cls", "ppocr_rec", "ppocr_det", "document"}

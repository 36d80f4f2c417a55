"""Facts about `idv document check`: what the JSON and the page hold, and what is refused."""

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from idv.checks.document_authenticity.calibration import AuthenticityCalibration
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Parts
from idv.cli import document
from idv.cli.document.page import Seen, render
from idv.documents.document_types import load_document_types
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView, TamperingMap
from idv.domain.errors import RequestError
from idv.domain.evidence import EncodedImage, ImageRole
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Region, Signal
from idv.infra.clock import ManualClock
from idv.service.trial import TrialPerception

NOW = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
FRONT = ImageRole.DOCUMENT_FRONT
CORNERS = np.array([[40, 30], [360, 30], [360, 230], [40, 230]], np.float32)
RESULT = CheckResult(
    CheckName.DOCUMENT_AUTHENTICITY,
    Outcome.FAIL,
    "open",
    "d",
    NOW,
    score=-3.5,
    threshold=1.0,
    operating_point="run-1",
    reasons=(Reason.DOCUMENT_TAMPERED,),
    signals=(Signal("recapture", 4.0), Signal("tampering", -2.5, (Reason.DOCUMENT_TAMPERED,))),
    regions=(Region(FRONT, "tampering", ((0.2, 0.2), (0.4, 0.2), (0.4, 0.5))),),
)


@dataclasses.dataclass(frozen=True)
class OnePhoto(TrialPerception):
    """A photo of 400 × 300 px with a document of a known type in it, or with none."""

    images: Mapping[ImageRole, EncodedImage] = dataclasses.field(default_factory=dict)
    empty: bool = False

    def image(self, role: ImageRole) -> DecodedImage:
        """Grey."""
        del role
        return DecodedImage(np.full((300, 400, 3), 128, np.uint8), MediaType.JPEG, 800, 600)

    def document(self, role: ImageRole) -> DocumentView | None:
        """In the middle."""
        del role
        return None if self.empty else DocumentView(CORNERS, np.full((200, 320, 3), 90, np.uint8), 0.9)

    def reading(self, role: ImageRole) -> DocumentReading:
        """A card that is known."""
        del role
        return DocumentReading(document_type=None if self.empty else "xar_identity_card")


class HotSpot:
    """Sees an alteration in the top left corner."""

    def predict(self, pixels: RgbImage, corners: FloatArray) -> TamperingMap:
        """Always the same."""
        del pixels, corners
        heat = np.zeros((10, 16), np.float32)
        heat[:3, :4] = 1.0
        return TamperingMap(-2.5, heat)


def _check() -> DocumentAuthenticity:
    return DocumentAuthenticity(
        parts=Parts(tampering=HotSpot()),
        types=load_document_types(),
        calibration=AuthenticityCalibration({}, "c"),
        point=None,
        clock=ManualClock(),
        provider="open",
        looks={},
    )


def test_the_json_has_the_documented_fields() -> None:
    """Outcome, score and threshold, reasons in words, signals, regions, each side with place and type."""
    shown = json.loads(json.dumps(document.to_json(RESULT, OnePhoto(), (FRONT,))))
    assert (shown["outcome"], shown["score"], shown["threshold"]) == ("fail", -3.5, 1.0)
    assert shown["reasons"] == [
        {"code": "document_tampered", "kind": "attack", "sentence": Reason.DOCUMENT_TAMPERED.sentence}
    ]
    assert shown["signals"][1] == {"name": "tampering", "score": -2.5, "reasons": ["document_tampered"]}
    assert shown["regions"][0]["outline"] == [[0.2, 0.2], [0.4, 0.2], [0.4, 0.5]]
    side = shown["sides"]["document_front"]
    assert (side["document_type"], side["quadrilateral"][0]) == ("xar_identity_card", [0.1, 0.1])


def test_the_page_shows_document_zones_regions_and_heat() -> None:
    """One polygon each for the document, every field and zone of its type, and what speaks against it."""
    page = render(RESULT, Seen(_check(), OnePhoto(), (FRONT,)), made_at=NOW)
    front = next(iter(load_document_types().get("xar_identity_card").sides.values()))  # type: ignore[union-attr] # known
    assert page.count('class="document"') == 1
    assert page.count('class="field"') == len(front.fields) + bool(front.portrait) + bool(front.ghost)
    assert re.findall(r'class="region" points="([^"]*)"', page) == ["80.0,60.0 160.0,60.0 160.0,150.0"]
    assert "map of likely alterations" in page
    assert Reason.DOCUMENT_TAMPERED.sentence in page


def test_the_page_fetches_and_runs_nothing() -> None:
    """Pictures are inside; there is no script and no address."""
    page = render(RESULT, Seen(_check(), OnePhoto(), (FRONT,)), made_at=NOW)
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)


def test_a_picture_without_a_document_is_shown_as_such() -> None:
    """No outline, no map, no type: only the picture and the words."""
    result = dataclasses.replace(
        RESULT, outcome=Outcome.INCONCLUSIVE, score=None, reasons=(Reason.NO_DOCUMENT,), regions=()
    )
    page = render(result, Seen(_check(), OnePhoto(empty=True), (FRONT,)), made_at=NOW)
    assert "no document was found" in page
    assert "<polygon" not in page


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says which side cannot be read."""
    with pytest.raises(RequestError) as refused:
        document.check(tmp_path / "absent.jpg")
    assert (refused.value.code, refused.value.field) == ("file_unreadable", "document_front")

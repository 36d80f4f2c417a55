"""Facts about `idv documents`: the catalogue, what a picture is taken for, and what capturing writes."""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from idv.cli.documents import app, capture, trial
from idv.documents.document_types import (
    FieldZone,
    RelativeBox,
    Side,
    SideName,
    load_document_types,
    parse_document_type,
)
from idv.documents.type_drafts import TypeDraft, parse_draft
from idv.domain.documents import DocumentReading, DocumentView, FieldName, FieldReading, Zone
from idv.domain.errors import RequestError
from idv.domain.evidence import EncodedImage, ImageRole
from idv.domain.reasons import Reason
from idv.service.trial import TrialPerception
from idv.vision.perception.template_references import load_references
from idv.vision.perception.type_fitting import FittedSide

FRONT, BACK = ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK
CORNERS = np.array([[0, 0], [99, 0], [99, 69], [0, 69]], np.float32)
TYPES = load_document_types()
DRAFT = {
    "title": "Card",
    "state_name": "Nowhere",
    "category": "identity_card",
    "issuing_state": "XNO",
    "document_code": "I",
    "size_mm": [85.6, 53.98],
    "validity_years": 5,
    "number_mask": "A9",
    "date_format": "DD.MM.YYYY",
    "labels": {"front": {"surname": "Name"}, "back": {"address": "Address"}},
}


@dataclasses.dataclass(frozen=True)
class OneReading(TrialPerception):
    """A picture with a document of which this was read, or without one."""

    images: Mapping[ImageRole, EncodedImage] = dataclasses.field(default_factory=dict)
    read: DocumentReading = dataclasses.field(default_factory=DocumentReading)
    found: bool = True

    def document(self, role: ImageRole) -> DocumentView | None:
        """Flat and grey."""
        del role
        return DocumentView(CORNERS, np.full((70, 100, 3), 90, np.uint8), 0.9) if self.found else None

    def reading(self, role: ImageRole) -> DocumentReading:
        """The given one."""
        del role
        return self.read


@dataclasses.dataclass(frozen=True)
class OneFit:
    """Every picture looks like the front of that type."""

    document_type: str = "uto_passport"
    side: SideName = SideName.FRONT
    signals: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"template_ground": 0.9})
    regions: Mapping[str, tuple[RelativeBox, ...]] = dataclasses.field(default_factory=dict)

    def fit(self, view: DocumentView, reading: DocumentReading, *, side: SideName | None) -> "OneFit":
        """Itself."""
        del view, reading, side
        return self


def run(*arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.exception
    return result.stdout


# --- list and show --------------------------------------------------------------------------------------


def test_the_list_names_every_type() -> None:
    """As JSON: identifier, sides and format of the zone; the table has a row for each too."""
    listed = {known["id"]: known for known in json.loads(run("list", "--json"))}
    assert set(listed) == {known.id for known in TYPES}
    assert (listed["uto_identity_card"]["mrz"], listed["uto_identity_card"]["sides"]) == (
        "TD1",
        ["front", "back"],
    )
    assert listed["xca_driving_licence"]["mrz"] is None
    assert all(known.id in run("list") for known in TYPES)


def test_a_type_is_shown_with_its_rules_and_zones() -> None:
    """Rules by name, each side's zones with their boxes; microprint, ghost and zone among them."""
    shown = json.loads(run("show", "xel_residence_permit", "--json"))
    assert (shown["validity_years"], shown["number_mask"]) == (5, "A99999999")
    zones = {zone["zone"]: zone for zone in shown["sides"]["front"]["zones"]}
    assert zones["surname"]["label"] == "NAME / SURNAME"
    assert zones["ghost"]["box"] == [0.825, 0.3, 0.13, 0.3]
    assert {zone["zone"] for zone in shown["sides"]["back"]["zones"]} >= {"mrz", "microprint", "address"}


def test_a_type_that_is_not_known_is_refused() -> None:
    """The error names those that there are."""
    result = CliRunner().invoke(app, ["show", "nowhere_card"])
    assert isinstance(result.exception, RequestError)
    assert result.exception.code == "document_type_unknown"
    assert "uto_passport" in result.exception.message


# --- test -----------------------------------------------------------------------------------------------

READ = DocumentReading(
    document_type="uto_passport",
    fields=(
        FieldReading(FieldName.SURNAME, "ERIKSSON", Zone.VIZ, 0.98),
        FieldReading(FieldName.SEX, "F", Zone.MRZ, 0.99),
    ),
)


def test_a_picture_is_told_by_what_was_read_and_how_it_fits() -> None:
    """Type and side, each zone of it read in print or not, the template signals."""
    told = trial.tell(OneReading(read=READ), FRONT, TYPES, OneFit())
    assert (told.document_type, told.side, told.signals) == (
        "uto_passport",
        "front",
        {"template_ground": 0.9},
    )
    zones = {zone.zone: zone.confidence for zone in told.zones}
    assert (zones["surname"], zones["sex"], zones["mrz"]) == (0.98, None, None)


def test_values_are_told_only_where_they_are_asked_for() -> None:
    """Without it nothing of the holder is in the reply."""
    quiet = trial.tell(OneReading(read=READ), FRONT, TYPES, None)
    open_ = trial.tell(OneReading(read=READ), FRONT, TYPES, None, values=True)
    assert "ERIKSSON" not in repr(quiet)
    assert next(zone for zone in open_.zones if zone.zone == "surname").value == "ERIKSSON"


def test_a_picture_of_no_known_type_is_told_as_such() -> None:
    """Nothing read and nothing that looks alike; without a document the reason is there."""
    unknown = trial.tell(OneReading(), FRONT, TYPES, None)
    assert (unknown.document_found, unknown.document_type, unknown.zones) == (True, None, ())
    empty = OneReading(read=DocumentReading(reasons=(Reason.NO_DOCUMENT,)), found=False)
    assert trial.tell(empty, BACK, TYPES, None) == trial.SideTold(False, reasons=("no_document",))


def test_what_cannot_be_read_may_still_be_recognised() -> None:
    """A picture that looks like a type's side is taken for it."""
    told = trial.tell(OneReading(), BACK, TYPES, OneFit())
    assert (told.document_type, told.side) == ("uto_passport", "front")


def test_the_exit_code_tells_another_type_from_none() -> None:
    """0 as wanted, 10 for none, 12 for another, which weighs more."""
    assert trial.exit_code(["a", "a"], "a") == 0
    assert trial.exit_code(["a", "b"], None) == 0
    assert trial.exit_code(["a", None], "a") == 10
    assert trial.exit_code([None, "b"], "a") == 12


# --- capture --------------------------------------------------------------------------------------------


def draft() -> TypeDraft:
    """A card with a front and a back."""
    return parse_draft("xno_card", DRAFT)


def fitted(name: FieldName, label: str) -> FittedSide:
    """A side with one field, its reference plain grey."""
    side = Side((FieldZone(name, label, RelativeBox(0.1, 0.2, 0.5, 0.1)),))
    return FittedSide(side, {"value": (1, 2, 3)}, np.full((757, 1200, 3), 180, np.uint8), ())


def test_a_captured_type_is_read_as_any_other(tmp_path: Path) -> None:
    """The folder loads beside the built-in types, and its reference has the form of theirs."""
    target = capture.target_of(draft(), tmp_path, Path("draft.toml"))
    made = capture.written(draft(), SideName.FRONT, fitted(FieldName.SURNAME, "Name"), target)
    types = load_document_types(also=tmp_path)
    assert types.get("xno_card") == made
    assert made.look.value == (1, 2, 3)
    reference = load_references(types, also=tmp_path).get("xno_card", SideName.FRONT)
    assert reference is not None
    assert cv2.mean(reference.picture)[:3] == pytest.approx((180, 180, 180), abs=2)


def test_the_second_side_keeps_the_first(tmp_path: Path) -> None:
    """Its zones, and the inks that were measured on it; a side captured again is replaced."""
    target = tmp_path / "xno_card.toml"
    capture.written(draft(), SideName.FRONT, fitted(FieldName.SURNAME, "Name"), target)
    other = fitted(FieldName.ADDRESS, "Address")._replace(look={"value": (200, 0, 0)})
    capture.written(draft(), SideName.BACK, other, target)
    made = parse_document_type("xno_card", tomllib.loads(target.read_text(encoding="utf-8")))
    assert list(made.sides) == [SideName.FRONT, SideName.BACK]
    assert made.look.value == (1, 2, 3)
    capture.written(draft(), SideName.BACK, fitted(FieldName.PERSONAL_NUMBER, "No."), target)
    made = parse_document_type("xno_card", tomllib.loads(target.read_text(encoding="utf-8")))
    assert [zone.name for zone in made.sides[SideName.BACK].fields] == [FieldName.PERSONAL_NUMBER]


def test_a_name_that_is_taken_and_a_draft_in_the_way_are_refused(tmp_path: Path) -> None:
    """Neither a built-in type nor the draft itself is written over."""
    with pytest.raises(RequestError) as taken:
        capture.target_of(parse_draft("uto_passport", DRAFT), tmp_path, Path("draft.toml"))
    assert taken.value.code == "document_type_exists"
    own = tmp_path / "xno_card.toml"
    own.write_text("")
    with pytest.raises(RequestError) as in_the_way:
        capture.target_of(draft(), tmp_path, own)
    assert in_the_way.value.code == "draft_in_the_way"

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from idv.documents.document_types import (
    DocumentType,
    DocumentTypes,
    RelativeBox,
    SideName,
    load_document_types,
    parse_document_type,
)
from idv.documents.mrz import parse
from idv.domain.documents import FieldName, MrzFormat
from idv.domain.errors import ConfigurationError

MINIMAL: dict[str, Any] = {
    "title": "Card",
    "state_name": "Nowhere",
    "category": "identity_card",
    "issuing_state": "XNO",
    "document_code": "I",
    "size_mm": [85.6, 53.98],
    "validity_years": 5,
    "number_mask": "A9",
    "date_format": "DD.MM.YYYY",
    "sides": {"front": {"fields": [{"name": "surname", "label": "Name", "box": [0.1, 0.2, 0.5, 0.1]}]}},
}


def test_the_folder_is_the_catalogue() -> None:
    """Ten types and more, each named after its file; the three formats of documents are covered."""
    types = load_document_types()
    assert {known.id for known in types} >= {"uto_identity_card", "uto_passport", "xar_identity_card"}
    assert len(list(types)) >= 10
    formats = {known.mrz.format for known in types if known.mrz}
    assert formats == {MrzFormat.TD1, MrzFormat.TD2, MrzFormat.TD3}


@pytest.mark.parametrize("known", list(load_document_types()), ids=lambda known: known.id)
def test_each_type_is_complete(known: DocumentType) -> None:
    """A portrait, the needed fields, and no field on top of another or of its label."""
    front = known.sides[SideName.FRONT]
    assert front.portrait is not None
    fields = {zone.name for side in known.sides.values() for zone in side.fields}
    assert fields >= {
        FieldName.SURNAME,
        FieldName.GIVEN_NAMES,
        FieldName.DATE_OF_BIRTH,
        FieldName.DATE_OF_EXPIRY,
        FieldName.DOCUMENT_NUMBER,
    }
    for side in known.sides.values():
        boxes = [box for zone in side.fields for box in (zone.box, zone.label_box)]
        printed = (side.portrait, side.ghost, side.mrz and side.mrz.box, side.barcode and side.barcode.box)
        boxes += [box for box in printed if box]
        for index, first in enumerate(boxes):
            for second in boxes[index + 1 :]:
                assert not _overlap(first, second), (known.id, first, second)


def _overlap(first: RelativeBox, second: RelativeBox) -> bool:
    slack = 1e-9
    across = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    down = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    return across > slack and down > slack


def test_the_zone_of_a_known_type_is_recognised() -> None:
    """Format, issuing state and document code together name the type; another state does not."""
    types = load_document_types()
    rows = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
    other = (rows[0].replace("P<UTO", "P<XXA"), rows[1])
    today = dt.date(2011, 1, 1)
    found = types.by_mrz(parse(rows, today=today))
    assert found is not None
    assert found.id == "uto_passport"
    assert found.mrz_side is SideName.FRONT
    assert types.by_mrz(parse(other, today=today)) is None
    assert types.get("uto_passport") is found
    assert types.get("nothing") is None


def test_boxes_scale_to_pixels_and_rows() -> None:
    """Relative boxes become px of any size; the rows of a zone share its height."""
    assert RelativeBox(0.1, 0.5, 0.2, 0.25).pixels(1000, 400) == (100, 200, 200, 100)
    passport = load_document_types().get("uto_passport")
    assert passport is not None
    assert passport.mrz is not None
    first, second = passport.mrz.row_boxes()
    assert first.top + first.height == pytest.approx(second.top)
    assert second.top + second.height == pytest.approx(passport.mrz.box.top + passport.mrz.box.height)
    assert passport.aspect_ratio == pytest.approx(125 / 88)


def test_all_faults_of_a_folder_are_reported_at_once(tmp_path: Path) -> None:
    """Every broken file is named in one error."""
    (tmp_path / "one.toml").write_text('title = "x"\n')
    (tmp_path / "two.toml").write_text("not toml")
    with pytest.raises(ConfigurationError) as caught:
        load_document_types(tmp_path)
    assert len(caught.value.faults) == 2
    assert caught.value.faults[0].startswith("one.toml")


@pytest.mark.parametrize(
    "box", [[0.9, 0.1, 0.2, 0.1], [-0.1, 0.1, 0.2, 0.1], [0.1, 0.1, 0.0, 0.1], [0.1, 0.95, 0.2, 0.1]]
)
def test_a_box_outside_the_document_is_refused(box: list[float]) -> None:
    """Boxes lie inside the side and have a size."""
    data = {**MINIMAL, "sides": {"front": {"portrait": box}}}
    with pytest.raises(ValueError, match="leaves"):
        parse_document_type("x", data)


def test_a_type_without_a_zone() -> None:
    """A card may have no machine-readable zone and no portrait."""
    known = parse_document_type("x", MINIMAL)
    assert known.mrz is None
    assert known.mrz_side is None
    zone = known.sides[SideName.FRONT].field(FieldName.SURNAME)
    assert zone is not None
    assert zone.label == "Name"
    assert known.sides[SideName.FRONT].field(FieldName.SEX) is None


def test_the_digest_follows_the_content() -> None:
    """Moving one box changes what a check that depends on the types calls itself."""
    moved = {**MINIMAL, "validity_years": 6}
    first = DocumentTypes([parse_document_type("x", MINIMAL)]).digest_parts()
    assert first == DocumentTypes([parse_document_type("x", MINIMAL)]).digest_parts()
    assert first != DocumentTypes([parse_document_type("x", moved)]).digest_parts()


def _write_type(folder: Path, name: str) -> None:
    text = (
        'title = "Card"\nstate_name = "Nowhere"\ncategory = "identity_card"\nissuing_state = "XNO"\n'
        'document_code = "I"\nsize_mm = [85.6, 53.98]\nvalidity_years = 5\nnumber_mask = "A9"\n'
        'date_format = "DD.MM.YYYY"\n[sides.front]\n'
    )
    (folder / f"{name}.toml").write_text(text)


def test_types_of_a_second_folder_stand_beside_the_first(tmp_path: Path) -> None:
    """The built-in ones are all there, and the new one."""
    _write_type(tmp_path, "xno_card")
    names = {known.id for known in load_document_types(also=tmp_path)}
    assert names == {known.id for known in load_document_types()} | {"xno_card"}


def test_a_second_folder_that_is_missing_or_repeats_a_name_is_refused(tmp_path: Path) -> None:
    """Both are faults of the configuration, and say what is wrong."""
    with pytest.raises(ConfigurationError, match="no folder"):
        load_document_types(also=tmp_path / "absent")
    _write_type(tmp_path, "uto_passport")
    with pytest.raises(ConfigurationError, match=r"uto_passport\.toml: there is a type of that name"):
        load_document_types(also=tmp_path)

"""The blank sides of known types as pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from idv.documents.document_types import DocumentTypes, SideName, load_document_types
from idv.domain.errors import ConfigurationError
from idv.vision.perception.template_references import (
    WIDTH_PX,
    load_references,
    reference_of,
    varying_boxes,
)

TYPES = load_document_types()
KNOWN = next(known for known in TYPES if known.id == "xbo_identity_card")
ONE = DocumentTypes([KNOWN])
BLANK = np.full((404, WIDTH_PX, 3), 230, np.uint8)


def test_every_side_of_every_built_in_type_has_a_reference() -> None:
    """What is shipped is complete: a type without a reference would not be compared."""
    references = load_references(TYPES)
    sides = {(known.id, name) for known in TYPES for name in known.sides}
    assert {(reference.type.id, reference.name) for reference in references} == sides


def test_a_reference_holds_nothing_of_a_holder() -> None:
    """Where values, portrait and rows stand, the shipped pictures show the ground: no dark print."""
    for reference in load_references(TYPES):
        for zone in reference.side.fields:
            left, top, width, height = zone.box.pixels(*reference.size)
            inner = reference.picture[top + 6 : top + height - 2, left : left + width]
            assert inner.size == 0 or int(inner.min()) > 60, f"{reference.type.id} {zone.name}"


def test_what_varies_is_left_out() -> None:
    """Portrait, ghost, rows and codes are no part of what is compared, nor is the rim."""
    reference = reference_of(KNOWN, SideName.FRONT, BLANK)
    for box in varying_boxes(reference.side):
        left, top, width, height = box.pixels(*reference.size)
        assert not reference.steady[top : top + height, left : left + width].any()
    assert not reference.steady[0].any()
    assert reference.steady.any()


def test_a_larger_picture_is_taken_at_the_width_of_references() -> None:
    """A picture of twice the size becomes one of 640 px."""
    large = np.full((808, 2 * WIDTH_PX, 3), 230, np.uint8)
    assert reference_of(KNOWN, SideName.FRONT, large).size == (WIDTH_PX, 404)


def test_a_picture_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    """A square picture and a file that is none are both told, each by its file."""
    cv2.imwrite(str(tmp_path / f"{KNOWN.id}-front.webp"), np.zeros((100, 100, 3), np.uint8))
    (tmp_path / f"{KNOWN.id}-back.webp").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError) as refused:
        load_references(ONE, tmp_path)
    assert f"{KNOWN.id}-front.webp" in str(refused.value)
    assert f"{KNOWN.id}-back.webp" in str(refused.value)


def test_references_of_a_second_folder_are_read_beside_its_types(tmp_path: Path) -> None:
    """A team's own types bring their references in a folder beside them; a side without a file has none."""
    own, empty = tmp_path / "own", tmp_path / "empty"
    (own / "references").mkdir(parents=True)
    empty.mkdir()
    cv2.imwrite(str(own / "references" / f"{KNOWN.id}-front.webp"), BLANK)
    found = load_references(ONE, empty, also=own)
    assert found.get(KNOWN.id, SideName.FRONT) is not None
    assert found.get(KNOWN.id, SideName.BACK) is None

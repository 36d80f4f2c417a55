"""Facts about drafts of document types."""

from pathlib import Path
from typing import Any

import pytest

from idv.documents.document_types import Side, SideName
from idv.documents.type_drafts import load_draft, parse_draft
from idv.domain.documents import FieldName
from idv.domain.errors import ConfigurationError

RULES: dict[str, Any] = {
    "title": "Card",
    "state_name": "Nowhere",
    "category": "identity_card",
    "issuing_state": "XNO",
    "document_code": "I",
    "size_mm": [85.6, 53.98],
    "validity_years": 5,
    "number_mask": "A9",
    "date_format": "DD.MM.YYYY",
}
LABELS = {"front": {"surname": "Name", "date_of_birth": "Born"}}


def test_a_draft_states_rules_and_the_words_of_labels() -> None:
    """A type without sides, and the labels by side and field in their order."""
    draft = parse_draft("xno_card", {**RULES, "labels": LABELS})
    assert (draft.type.id, draft.type.issuing_state, dict(draft.type.sides)) == ("xno_card", "XNO", {})
    assert list(draft.labels[SideName.FRONT].items()) == [
        (FieldName.SURNAME, "Name"),
        (FieldName.DATE_OF_BIRTH, "Born"),
    ]


def test_what_was_measured_fills_in_what_the_draft_leaves_open() -> None:
    """A stated ink stays, another takes the measured colour; the sides are those given."""
    draft = parse_draft("xno_card", {**RULES, "labels": LABELS, "look": {"value": "#102030"}})
    made = draft.finished({SideName.FRONT: Side(())}, {"value": (9, 9, 9), "label": (1, 2, 3)})
    assert (made.look.value, made.look.label) == ((16, 32, 48), (1, 2, 3))
    assert list(made.sides) == [SideName.FRONT]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (RULES, "labels"),
        ({**RULES, "labels": {"edge": {}}}, "edge"),
        ({**RULES, "labels": {"front": {"shoe_size": "Shoes"}}}, "shoe_size"),
        ({"labels": LABELS}, "size_mm"),
        ({**RULES, "labels": LABELS, "look": {"colour": "#000000"}}, "colour"),
    ],
)
def test_a_faulty_draft_names_its_fault(data: dict[str, Any], fault: str) -> None:
    """No labels, an unknown side, field or look, missing rules."""
    with pytest.raises((KeyError, ValueError), match=fault):
        parse_draft("xno_card", data)


def test_a_draft_that_cannot_be_read_is_a_fault_of_configuration(tmp_path: Path) -> None:
    """Absent, or not TOML: the file is named."""
    with pytest.raises(ConfigurationError, match="absent"):
        load_draft(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = ")
    with pytest.raises(ConfigurationError, match=r"broken\.toml"):
        load_draft(broken)

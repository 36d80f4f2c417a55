"""Facts about writing document types: what is written is read back the same."""

import dataclasses
import tomllib
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.documents.document_types import DocumentType, RelativeBox, SideName, load_document_types
from idv.documents.document_types import parse_document_type as parse
from idv.documents.type_writer import as_toml

TYPES = list(load_document_types())


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.id)
def test_every_known_type_comes_back_the_same(known: DocumentType) -> None:
    """Rules, look, zones of all kinds, headings, microprint and scripts survive the file."""
    assert parse(known.id, tomllib.loads(as_toml(known, opening="A type."))) == known


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20))
def test_any_title_survives(title: str) -> None:
    """Quotes, backslashes, control characters and other scripts are escaped where TOML wants it."""
    known = dataclasses.replace(TYPES[0], title=title)
    assert parse(known.id, tomllib.loads(as_toml(known, opening="A type."))).title == title


def test_boxes_are_rounded_to_four_decimals() -> None:
    """No box is written to more than a hundredth of a millimetre."""
    front = dataclasses.replace(TYPES[0].sides[SideName.FRONT], portrait=RelativeBox(0.123456, 0.2, 0.3, 0.4))
    known = dataclasses.replace(TYPES[0], sides=MappingProxyType({SideName.FRONT: front}))
    assert "portrait = [0.1235, 0.2, 0.3, 0.4]" in as_toml(known, opening="A type.")


def test_the_opening_is_a_comment() -> None:
    """Each of its lines begins with a hash."""
    assert as_toml(TYPES[0], opening="One.\nTwo.").startswith("# One.\n# Two.\ntitle = ")

"""What a person states about a new document type before its zones are fitted: rules and the labels' words.

A draft is a TOML file with the rules of a type's file and, in place of `sides`, a table `labels` that names
the fields of each side by the words printed above or before them. The file's stem becomes the identifier.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from idv.documents.document_types import DocumentType, Look, Side, SideName, parse_document_type
from idv.domain.documents import FieldName
from idv.domain.errors import ConfigurationError


@dataclass(frozen=True)
class TypeDraft:
    """A type without sides, the labels of each side, and which parts of its look were stated."""

    type: DocumentType
    labels: Mapping[SideName, Mapping[FieldName, str]]
    stated_look: frozenset[str] = frozenset()

    def finished(self, sides: Mapping[SideName, Side], look: Mapping[str, Any]) -> DocumentType:
        """The type with its sides; `look` fills in what the draft leaves open."""
        open_parts = {name: value for name, value in look.items() if name not in self.stated_look}
        return replace(
            self.type, sides=MappingProxyType(dict(sides)), look=replace(self.type.look, **open_parts)
        )


def load_draft(path: Path) -> TypeDraft:
    """The draft in a file. Raises ConfigurationError naming the fault."""
    try:
        return parse_draft(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise ConfigurationError([f"{path}: {fault.strerror}"]) from fault
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ConfigurationError([f"{path.name}: {type(fault).__name__}: {fault}"]) from fault


def parse_draft(identifier: str, data: Mapping[str, Any]) -> TypeDraft:
    """A draft from the content of its file. Raises KeyError, TypeError or ValueError naming the fault."""
    labels = {
        SideName(side): MappingProxyType({FieldName(name): str(label) for name, label in fields.items()})
        for side, fields in data["labels"].items()
    }
    stated = frozenset(data.get("look", {}))
    unknown = stated - set(Look.__dataclass_fields__)
    if unknown:
        msg = f"a look has no {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    return TypeDraft(parse_document_type(identifier, {**data, "sides": {}}), labels, stated)

"""`idv documents list` and `show`: the types that are known, and what is known of each."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from idv import settings
from idv.documents.document_types import DocumentType, DocumentTypes, Side, load_document_types
from idv.domain.errors import RequestError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def list_types(*, as_json: AsJson = False) -> None:
    """List every known type of document."""
    types = catalogue()
    if as_json:
        print(json.dumps([_outline(known) for known in types]))
        return
    table = Table(Column("type", no_wrap=True), "title", "state", "size", "MRZ", "sides", "fields", box=None)
    for known in types:
        told = _outline(known)
        size = " × ".join(f"{length:g}" for length in known.size_mm)
        sides = ", ".join(told["sides"])
        table.add_row(
            known.id, known.title, known.issuing_state, size, told["mrz"] or "–", sides, str(told["fields"])
        )
    Console().print(table)


def show(
    identifier: Annotated[str, typer.Argument(help="A type, as `list` names it.", metavar="TYPE")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what is known of one type: its rules, and where everything stands on each side."""
    known = found(catalogue(), identifier)
    if as_json:
        print(json.dumps(to_json(known)))
        return
    console = Console()
    console.print(f"[bold]{known.title}[/bold] ({known.id})", highlight=False)
    rules = Table(box=None, show_header=False)
    for name, value in _rules(known).items():
        rules.add_row(name.replace("_", " "), _told(value))
    console.print(rules)
    print_zones(console, known)


def print_zones(console: Console, known: DocumentType) -> None:
    """Print a table of zones for each side."""
    for name, side in known.sides.items():
        zones = Table(
            "zone", "label", "left", "top", "width", "height", box=None, title=f"{name}, in % of the side"
        )
        for zone in zones_of(side):
            zones.add_row(zone["zone"], zone["label"], *(f"{100 * number:.1f}" for number in zone["box"]))
        console.print(zones)


def catalogue() -> DocumentTypes:
    """Every type: those that come with the project, and those of the settings' own folder."""
    return load_document_types(also=settings.load().document_types)


def found(types: DocumentTypes, identifier: str) -> DocumentType:
    """The type of that name. Raises RequestError naming those that there are."""
    known = types.get(identifier)
    if known is None:
        names = ", ".join(each.id for each in types)
        raise RequestError("document_type_unknown", f"no type {identifier}; there are {names}", field="type")
    return known


def to_json(known: DocumentType) -> dict[str, Any]:
    """A type as JSON: its rules, its look, and the zones of each side."""
    sides = {name: {"zones": zones_of(side), "heading": side.heading} for name, side in known.sides.items()}
    return {"id": known.id, **_rules(known), "look": asdict(known.look), "sides": sides}


def _outline(known: DocumentType) -> dict[str, Any]:
    return {
        "id": known.id,
        "title": known.title,
        "category": known.category,
        "issuing_state": known.issuing_state,
        "size_mm": list(known.size_mm),
        "mrz": known.mrz.format if known.mrz else None,
        "sides": list(known.sides),
        "fields": sum(len(side.fields) for side in known.sides.values()),
    }


def _rules(known: DocumentType) -> dict[str, Any]:
    names = (
        "title", "state_name", "category", "issuing_state", "document_code", "size_mm", "validity_years",
        "number_mask", "personal_number_mask", "date_format", "script",
    )  # fmt: skip
    return {name: getattr(known, name) for name in names}


def zones_of(side: Side) -> list[dict[str, Any]]:
    """Every zone of a side: what it is, its label or what it carries, its box."""
    zones: list[tuple[str, str, Any]] = [(zone.name, zone.label, zone.box) for zone in side.fields]
    zones += [(name, "", box) for name, box in (("portrait", side.portrait), ("ghost", side.ghost)) if box]
    if side.mrz is not None:
        zones.append(("mrz", side.mrz.format, side.mrz.box))
    if side.barcode is not None:
        zones.append(("barcode", f"{side.barcode.format}, {side.barcode.content}", side.barcode.box))
    zones += [("microprint", print_.text, print_.box) for print_ in side.microprint]
    return [{"zone": str(name), "label": str(label), "box": list(box)} for name, label, box in zones]


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return " × ".join(f"{number:g}" for number in value)
    return "–" if value is None else str(value)

"""`idv documents test`: the type a picture is taken for, the zones read on it, how it fits the type."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from idv import bootstrap, settings
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Templates
from idv.cli.documents.catalogue import AsJson, found
from idv.documents.document_types import DocumentType, DocumentTypes, SideName
from idv.domain.documents import DocumentReading, DocumentView, Zone
from idv.domain.errors import RequestError
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.ports import Perception

_SIDES = {ImageRole.DOCUMENT_FRONT: SideName.FRONT, ImageRole.DOCUMENT_BACK: SideName.BACK}
_UNKNOWN, _ANOTHER = 10, 12


@dataclass(frozen=True)
class ZoneTold:
    """A zone of the type: how surely it was read, None for not at all; its value where it is asked for."""

    zone: str
    confidence: float | None
    value: str | None = None


@dataclass(frozen=True)
class SideTold:
    """What a picture was taken for, what was read of it, and how it fits."""

    document_found: bool
    document_type: str | None = None
    side: SideName | None = None
    zones: tuple[ZoneTold, ...] = ()
    signals: Mapping[str, float] | None = None
    reasons: tuple[str, ...] = ()


def try_out(
    front: Annotated[Path, typer.Argument(help="Photo of the front.", metavar="IMAGE")],
    back: Annotated[Path | None, typer.Option(help="Photo of the back.")] = None,
    wanted: Annotated[str | None, typer.Option("--type", help="The type that it shows.")] = None,
    *,
    values: Annotated[
        bool, typer.Option("--values", help="Print what was read, not only how surely.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell which type a picture is taken for and what is read of it. Nothing is judged and nothing stored.

    Exit 0: every picture is taken for a type, with --type for that one; 10: one for none; 12: for another.
    """
    checked = settings.load()
    with bootstrap.judges(checked) as judges:
        types, templates = _known(judges)
        if wanted is not None:
            found(types, wanted)
        evidence = Evidence(_images(front, back))
        perception = judges.perceiver.perceive(evidence)
        told = {role: tell(perception, role, types, templates, values=values) for role in evidence.images}
    if as_json:
        print(json.dumps({role: _json(side) for role, side in told.items()}))
    else:
        _show(told)
    raise typer.Exit(exit_code([side.document_type for side in told.values()], wanted))


def tell(
    perception: Perception,
    role: ImageRole,
    types: DocumentTypes,
    templates: Templates | None,
    *,
    values: bool = False,
) -> SideTold:
    """What one picture shows. `values`: whether what was read is told."""
    view, reading = perception.document(role), perception.reading(role)
    if view is None:
        return SideTold(document_found=False, reasons=tuple(reading.reasons))
    known, side = _type_of(view, reading, types, templates)
    if known is None:
        return SideTold(document_found=True, reasons=tuple(reading.reasons))
    claimed = replace(reading, document_type=known.id)
    fit = templates.fit(view, claimed, side=side) if templates else None
    shown = fit.side if fit else side or _side_of(known, role)
    return SideTold(
        document_found=True,
        document_type=known.id,
        side=shown,
        zones=_zones(known, shown, reading, values=values),
        signals=dict(fit.signals) if fit else None,
        reasons=tuple(reading.reasons),
    )


def exit_code(taken_for: list[str | None], wanted: str | None) -> int:
    """0 for pictures of a type, the wanted one where one is; 10 where one is of none, 12 of another."""
    if any(each is not None and wanted is not None and each != wanted for each in taken_for):
        return _ANOTHER
    return _UNKNOWN if None in taken_for else 0


def _known(judges: bootstrap.Judges) -> tuple[DocumentTypes, Templates | None]:
    check = next(c for c in judges.runner.checks if isinstance(c, DocumentAuthenticity))
    return check.types, check.parts.templates


def _type_of(
    view: DocumentView, reading: DocumentReading, types: DocumentTypes, templates: Templates | None
) -> tuple[DocumentType | None, SideName | None]:
    """What the reading says, or else what the picture looks like."""
    if reading.document_type is not None:
        known = types.get(reading.document_type)
        side = known.mrz_side if known and reading.mrz is not None else None
        return known, side
    fit = templates.fit(view, reading, side=None) if templates else None
    return (types.get(fit.document_type), fit.side) if fit else (None, None)


def _side_of(known: DocumentType, role: ImageRole) -> SideName:
    side = _SIDES[role]
    return side if side in known.sides else next(iter(known.sides))


def _zones(
    known: DocumentType, name: SideName, reading: DocumentReading, *, values: bool
) -> tuple[ZoneTold, ...]:
    side = known.sides[name]
    told = []
    for zone in side.fields:
        read = next((f for f in reading.fields if f.name is zone.name and f.zone is Zone.VIZ), None)
        shown = read.value if read and values else None
        told.append(ZoneTold(zone.name, round(read.confidence, 3) if read else None, shown))
    if side.mrz is not None:
        sure = None if reading.mrz is None else float(reading.mrz.valid)
        lines = "\n".join(reading.mrz.lines) if reading.mrz and values else None
        told.append(ZoneTold("mrz", sure, lines))
    if side.barcode is not None:
        told.append(ZoneTold("barcode", 1.0 if reading.barcodes else None))
    return tuple(told)


def _images(front: Path, back: Path | None) -> dict[ImageRole, EncodedImage]:
    paths = {ImageRole.DOCUMENT_FRONT: front, ImageRole.DOCUMENT_BACK: back}
    return {role: EncodedImage(_read(path, role)) for role, path in paths.items() if path is not None}


def _read(path: Path, role: ImageRole) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError("file_unreadable", f"{path}: {error.strerror}", field=role) from error


def _json(side: SideTold) -> dict[str, Any]:
    told = asdict(side)
    for zone in told["zones"]:
        if zone["value"] is None:
            del zone["value"]
    return told


def _show(told: Mapping[ImageRole, SideTold]) -> None:
    console = Console()
    for role, side in told.items():
        name = role.replace("_", " ")
        taken = f"{side.document_type}, {side.side}" if side.document_type else "no type that is known"
        console.print(f"[bold]{name}[/bold]: {taken if side.document_found else 'no document found'}")
        if side.reasons:
            console.print(f"  {', '.join(side.reasons)}")
        table = Table("zone", "read", "value", box=None)
        for zone in side.zones:
            sure = "–" if zone.confidence is None else f"{zone.confidence:.2f}"
            table.add_row(zone.zone, sure, zone.value or "")
        for signal, score in (side.signals or {}).items():
            table.add_row(signal, f"{score:.2f}", "")
        if table.row_count:
            console.print(table)

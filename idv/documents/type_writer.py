"""Writes a document type as the TOML file that `document_types` reads: the same type comes back."""

import json
from collections.abc import Iterable, Iterator

from idv.documents.document_types import BarcodeZone, Color, DocumentType, Look, MrzZone, Side

_DECIMALS = 4


def as_toml(known: DocumentType, *, opening: str) -> str:
    """The file's text; `opening` is the comment it begins with, a line of plain words.

    Boxes are rounded to four decimals: a hundredth of a millimetre on a card.
    """
    rules = [f"# {line}" for line in opening.splitlines()]
    rules += [f"{name} = {_text(getattr(known, name))}" for name in ("title", "state_name", "category")]
    rules += [f"{name} = {_text(getattr(known, name))}" for name in ("issuing_state", "document_code")]
    rules += [f"size_mm = {_numbers(known.size_mm)}", f"validity_years = {known.validity_years}"]
    rules.append(f"number_mask = {_text(known.number_mask)}")
    if known.personal_number_mask is not None:
        rules.append(f"personal_number_mask = {_text(known.personal_number_mask)}")
    rules.append(f"date_format = {_text(known.date_format)}")
    if known.script != "latin":
        rules.append(f"script = {_text(known.script)}")
    tables = [rules, ["[look]", *_look(known.look)]]
    tables += [[f"[sides.{name}]", *_side(side)] for name, side in known.sides.items()]
    return "\n\n".join("\n".join(table) for table in tables) + "\n"


def _look(look: Look) -> Iterator[str]:
    first, last = look.ground
    yield f"ground = [{_color(first)}, {_color(last)}]"
    for name in ("line", "rosette", "title", "label", "value"):
        yield f"{name} = {_color(getattr(look, name))}"
    yield f"pattern = {_text(look.pattern)}"
    yield f"seed = {look.seed}"
    for name in ("rainbow", "slanted"):
        if getattr(look, name):
            yield f"{name} = true"


def _side(side: Side) -> Iterator[str]:
    if side.portrait is not None:
        yield f"portrait = {_numbers(side.portrait)}"
    if side.ghost is not None:
        yield f"ghost = {_numbers(side.ghost)}"
    if side.heading is not None and (side.portrait is None or side.heading != (0.0, 0.0)):
        yield f"heading = {_numbers(side.heading)}"
    if side.mrz is not None:
        yield f"mrz = {_mrz(side.mrz)}"
    if side.barcode is not None:
        yield f"barcode = {_barcode(side.barcode)}"
    if side.microprint:
        yield "microprint = ["
        for line in side.microprint:
            yield f"  {{ text = {_text(line.text)}, box = {_numbers(line.box)} }},"
        yield "]"
    yield "fields = ["
    for zone in side.fields:
        label = _text(zone.label)
        yield f"  {{ name = {_text(zone.name)}, label = {label}, box = {_numbers(zone.box)} }},"
    yield "]"


def _mrz(zone: MrzZone) -> str:
    return f"{{ format = {_text(zone.format)}, box = {_numbers(zone.box)} }}"


def _barcode(zone: BarcodeZone) -> str:
    kind = f"format = {_text(zone.format)}, content = {_text(zone.content)}"
    return f"{{ {kind}, box = {_numbers(zone.box)} }}"


def _text(text: str) -> str:
    """A basic string: JSON escapes what TOML wants escaped, DEL apart."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _numbers(numbers: Iterable[float]) -> str:
    return "[" + ", ".join(_number(number) for number in numbers) + "]"


def _number(number: float) -> str:
    shown = f"{number:.{_DECIMALS}f}".rstrip("0")
    return shown + "0" if shown.endswith(".") else shown


def _color(color: Color) -> str:
    return f'"#{color[0]:02x}{color[1]:02x}{color[2]:02x}"'

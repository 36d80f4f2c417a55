"""Document types: where their fields stand, how they are printed and look, one TOML file each in `types/`.

The file's stem is the type's identifier. All boxes are relative to the rectified side: left, top, width,
height in [0, 1]. The label of a field stands directly above its box.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from idv.documents.check_digits import FILLER
from idv.documents.mrz_layouts import LAYOUTS
from idv.domain.documents import FieldName, MrzFormat, MrzReading
from idv.domain.errors import ConfigurationError

_FOLDER = Path(__file__).parent / "types"
_LABEL_HEIGHT = 0.62


class SideName(StrEnum):
    """Which side of the document."""

    FRONT = "front"
    BACK = "back"


class RelativeBox(NamedTuple):
    """Rectangle in units of the rectified side's width and height, each number in [0, 1]."""

    left: float
    top: float
    width: float
    height: float

    def pixels(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """Left, top, width, height in px of a side of that size, rounded."""
        return (
            round(self.left * width_px),
            round(self.top * height_px),
            round(self.width * width_px),
            round(self.height * height_px),
        )


class FieldZone(NamedTuple):
    """One printed field: its label as printed and where its value stands."""

    name: FieldName
    label: str
    box: RelativeBox

    @property
    def label_box(self) -> RelativeBox:
        """Where the label stands: directly above the value, lower than it."""
        height = self.box.height * _LABEL_HEIGHT
        return RelativeBox(self.box.left, self.box.top - height, self.box.width, height)


class MrzZone(NamedTuple):
    """The machine-readable zone: `box` bounds its characters, first row to last."""

    format: MrzFormat
    box: RelativeBox

    def row_boxes(self) -> tuple[RelativeBox, ...]:
        """Equal shares of the zone, top to bottom; a row's characters fill the middle of its share."""
        rows = LAYOUTS[self.format].rows
        share = self.box.height / rows
        return tuple(
            RelativeBox(self.box.left, self.box.top + index * share, self.box.width, share)
            for index in range(rows)
        )


class BarcodeFormat(StrEnum):
    """Symbologies that types carry."""

    PDF417 = "PDF417"
    QR_CODE = "QRCode"


class BarcodeContent(StrEnum):
    """What a barcode states: an AAMVA DL/ID subfile, or the rows of a machine-readable zone."""

    AAMVA = "aamva"
    MRZ = "mrz"


class BarcodeZone(NamedTuple):
    """A barcode: its symbology, what it states and the box it fills."""

    format: BarcodeFormat
    content: BarcodeContent
    box: RelativeBox


class Microprint(NamedTuple):
    """A line of print too small for copiers: the text, repeated from end to end of its box."""

    text: str
    box: RelativeBox


@dataclass(frozen=True)
class Side:
    """What stands on one side.

    `ghost`: the second, pale portrait. `heading`: left and top of state name, title and emblem, or None where
    the side has no heading.
    """

    fields: tuple[FieldZone, ...]
    portrait: RelativeBox | None = None
    mrz: MrzZone | None = None
    ghost: RelativeBox | None = None
    barcode: BarcodeZone | None = None
    microprint: tuple[Microprint, ...] = ()
    heading: tuple[float, float] | None = None

    def field(self, name: FieldName) -> FieldZone | None:
        """The zone of a field, or None."""
        return next((zone for zone in self.fields if zone.name is name), None)


class GroundPattern(StrEnum):
    """Families of security lines under the print."""

    WAVES = "waves"
    MESH = "mesh"
    RAYS = "rays"
    LATTICE = "lattice"


Color = tuple[int, int, int]
"""R, G, B in 0..255."""


@dataclass(frozen=True)
class Look:
    """Colours and patterns of the genuine article.

    `ground`: the tint at the left and at the right edge; `line`, `rosette`: inks of the security lines;
    `title`, `label`, `value`: inks of the print. `seed` fixes the lines, which are alike on every copy.
    `rainbow`: the line ink runs into the rosette ink across the document. `slanted`: values in italics.
    """

    ground: tuple[Color, Color] = ((230, 232, 238), (240, 236, 230))
    line: Color = (160, 170, 190)
    rosette: Color = (190, 170, 160)
    title: Color = (40, 50, 90)
    label: Color = (85, 90, 110)
    value: Color = (28, 28, 36)
    pattern: GroundPattern = GroundPattern.WAVES
    seed: int = 0
    rainbow: bool = False
    slanted: bool = False


@dataclass(frozen=True)
class DocumentType:
    """One kind of document. Masks: `A` stands for a letter, `9` for a digit.

    `date_format` is made of `DD`, `MM` or `MMM`, and `YYYY`, as printed in the visual zone. `script`: the
    alphabet that names are printed in, `latin` or `cyrillic`; the machine-readable zone transliterates.
    """

    id: str
    title: str
    state_name: str
    category: str
    issuing_state: str
    document_code: str
    size_mm: tuple[float, float]
    validity_years: int
    number_mask: str
    date_format: str
    sides: Mapping[SideName, Side]
    personal_number_mask: str | None = None
    script: str = "latin"
    look: Look = Look()

    @property
    def aspect_ratio(self) -> float:
        """Width over height."""
        return self.size_mm[0] / self.size_mm[1]

    @property
    def mrz(self) -> MrzZone | None:
        """The machine-readable zone, on whichever side."""
        return next((side.mrz for side in self.sides.values() if side.mrz), None)

    @property
    def mrz_side(self) -> SideName | None:
        """The side that carries the machine-readable zone."""
        return next((name for name, side in self.sides.items() if side.mrz), None)


class DocumentTypes:
    """The known types; the folder's listing is the catalogue."""

    def __init__(self, types: Iterable[DocumentType]) -> None:
        self._types = MappingProxyType({known.id: known for known in types})

    def __iter__(self) -> Iterator[DocumentType]:
        return iter(self._types.values())

    def digest_parts(self) -> dict[str, str]:
        """SHA-256 over everything the types state, for the digest of a check that depends on them."""
        return {"document_types": hashlib.sha256(repr(tuple(self._types.items())).encode()).hexdigest()}

    def get(self, identifier: str) -> DocumentType | None:
        """The type of that identifier, or None."""
        return self._types.get(identifier)

    def by_mrz(self, reading: MrzReading) -> DocumentType | None:
        """The type whose format, issuing state and document code the zone states, or None."""
        state = reading.fields.get(FieldName.ISSUING_STATE)
        code = reading.fields.get(FieldName.DOCUMENT_CODE, "").rstrip(FILLER)
        for known in self._types.values():
            same_format = known.mrz is not None and known.mrz.format is reading.format
            if same_format and known.issuing_state == state and known.document_code == code:
                return known
        return None


def load_document_types(folder: Path = _FOLDER, *, also: Path | None = None) -> DocumentTypes:
    """All types of a folder, and those of a second one. Raises ConfigurationError listing every fault.

    A type of the second folder that is called as one of the first is a fault: either could be meant.
    """
    types: dict[str, DocumentType] = {}
    faults: list[str] = (
        [] if also is None or also.is_dir() else [f"IDV_DOCUMENT_TYPES: there is no folder {also}"]
    )
    for path in (path for each in (folder, also) if each for path in sorted(each.glob("*.toml"))):
        if path.stem in types:
            faults.append(f"{path.name}: there is a type of that name already")
            continue
        try:
            known = parse_document_type(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
        except (KeyError, TypeError, ValueError) as fault:
            faults.append(f"{path.name}: {type(fault).__name__}: {fault}")
        else:
            types[known.id] = known
    if faults:
        raise ConfigurationError(faults)
    return DocumentTypes(types.values())


def parse_document_type(identifier: str, data: Mapping[str, Any]) -> DocumentType:
    """A type from the content of its file. Raises KeyError, TypeError or ValueError naming the fault."""
    width_mm, height_mm = data["size_mm"]
    return DocumentType(
        id=identifier,
        title=str(data["title"]),
        state_name=str(data["state_name"]),
        category=str(data["category"]),
        issuing_state=str(data["issuing_state"]),
        document_code=str(data["document_code"]),
        size_mm=(float(width_mm), float(height_mm)),
        validity_years=int(data["validity_years"]),
        number_mask=str(data["number_mask"]),
        date_format=str(data["date_format"]),
        sides=MappingProxyType({SideName(name): _side(side) for name, side in data["sides"].items()}),
        personal_number_mask=data.get("personal_number_mask"),
        script=str(data.get("script", "latin")),
        look=_look(data.get("look", {})),
    )


def _look(data: Mapping[str, Any]) -> Look:
    first, last = data.get("ground", ("#e6e8ee", "#f0ece6"))
    inks = {
        name: _color(data[name]) for name in ("line", "rosette", "title", "label", "value") if name in data
    }
    return Look(
        ground=(_color(first), _color(last)),
        pattern=GroundPattern(data.get("pattern", GroundPattern.WAVES)),
        seed=int(data.get("seed", 0)),
        rainbow=bool(data.get("rainbow", False)),
        slanted=bool(data.get("slanted", False)),
        **inks,
    )


def _color(text: str) -> Color:
    """`#rrggbb`. Raises ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-f]{6}", text):
        msg = f"a colour is written #rrggbb, not {text}"
        raise ValueError(msg)
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _side(data: Mapping[str, Any]) -> Side:
    mrz = data.get("mrz")
    return Side(
        fields=tuple(
            FieldZone(FieldName(item["name"]), str(item["label"]), _box(item["box"]))
            for item in data.get("fields", ())
        ),
        portrait=_box(data["portrait"]) if "portrait" in data else None,
        mrz=MrzZone(MrzFormat(mrz["format"]), _box(mrz["box"])) if mrz else None,
        ghost=_box(data["ghost"]) if "ghost" in data else None,
        barcode=_barcode(data["barcode"]) if "barcode" in data else None,
        microprint=tuple(
            Microprint(str(item["text"]), _box(item["box"])) for item in data.get("microprint", ())
        ),
        heading=_heading(data),
    )


def _heading(data: Mapping[str, Any]) -> tuple[float, float] | None:
    """As stated; a side with a portrait has one in the corner unless it says otherwise."""
    if "heading" in data:
        left, top = data["heading"]
        return float(left), float(top)
    return (0.0, 0.0) if "portrait" in data else None


def _barcode(data: Mapping[str, Any]) -> BarcodeZone:
    return BarcodeZone(BarcodeFormat(data["format"]), BarcodeContent(data["content"]), _box(data["box"]))


def _box(numbers: Iterable[float]) -> RelativeBox:
    box = RelativeBox(*(float(number) for number in numbers))
    inside = min(box) >= 0 and box.left + box.width <= 1 and box.top + box.height <= 1
    if not inside or box.width <= 0 or box.height <= 0:
        msg = f"box {list(box)} leaves the document"
        raise ValueError(msg)
    return box

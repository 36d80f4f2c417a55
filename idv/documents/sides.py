"""The sides of one document taken together, as far as they were sent and could be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from idv.documents.document_types import BarcodeContent, DocumentType, DocumentTypes, SideName
from idv.domain.documents import DocumentReading, FieldName, FieldReading, MrzReading, Zone
from idv.domain.errors import MediaError
from idv.domain.evidence import ImageRole
from idv.domain.ports import Perception
from idv.domain.reasons import Reason

_MARK = 10
"""A zone or a barcode tells a side more surely than all its fields."""
_ROLES = (ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK)


@dataclass(frozen=True)
class Sides:
    """Readings by role, and every reason that a picture or a reading gave, each once."""

    readings: dict[ImageRole, DocumentReading]
    reasons: tuple[Reason, ...]

    @property
    def mrz(self) -> MrzReading | None:
        """The machine-readable zone, on whichever side."""
        return next((reading.mrz for reading in self.readings.values() if reading.mrz is not None), None)

    @property
    def document_type(self) -> str | None:
        """Identifier of the type that a side was recognised as."""
        return next((r.document_type for r in self.readings.values() if r.document_type), None)

    def fields(self, name: FieldName) -> tuple[FieldReading, ...]:
        """All readings of a field, the machine-readable zone first, then the most confident."""
        return tuple(
            sorted(self._of(name), key=lambda field: (field.zone is not Zone.MRZ, -field.confidence))
        )

    def _of(self, name: FieldName) -> Iterator[FieldReading]:
        for reading in self.readings.values():
            yield from (field for field in reading.fields if field.name is name)


def read_sides(context: Perception) -> Sides:
    """What was read from each side that was sent, now or earlier in the verification."""
    readings: dict[ImageRole, DocumentReading] = {}
    reasons: list[Reason] = []
    for role in _ROLES:
        try:
            readings[role] = context.reading(role)
        except KeyError:
            continue
        except MediaError:
            reasons.append(Reason.MEDIA_UNDECODABLE)
        else:
            reasons.extend(readings[role].reasons)
    return Sides(readings, tuple(dict.fromkeys(reasons)))


class KnownSide(NamedTuple):
    """A side of a known type: the type's identifier and which side."""

    document_type: str
    side: SideName


def known_side(reading: DocumentReading, types: DocumentTypes) -> KnownSide | None:
    """Which side of which type was read, by its zones, its barcode and its fields; None when that is open."""
    known = types.get(reading.document_type) if reading.document_type else _by_barcode(reading, types)
    if known is None:
        return None
    side = _side_of(reading, known)
    return KnownSide(known.id, side) if side is not None else None


def _by_barcode(reading: DocumentReading, types: DocumentTypes) -> DocumentType | None:
    """The type with such a barcode that the state has which it names; None unless there is just one."""
    state = reading.value(FieldName.ISSUING_STATE, Zone.BARCODE)
    found = [known for known in types if state == known.issuing_state and _carries_aamva(known)]
    return found[0] if len(found) == 1 else None


def _carries_aamva(known: DocumentType) -> bool:
    codes = [side.barcode for side in known.sides.values() if side.barcode]
    return any(code.content is BarcodeContent.AAMVA for code in codes)


def _side_of(reading: DocumentReading, known: DocumentType) -> SideName | None:
    """The side with what was read; fields that both sides print do not count."""
    if len(known.sides) == 1:
        return next(iter(known.sides))
    read = {field.name for field in reading.fields if field.zone is Zone.VIZ}
    points = dict.fromkeys(known.sides, 0)
    for name, side in known.sides.items():
        others = {zone.name for other, at in known.sides.items() if other is not name for zone in at.fields}
        points[name] += len(read & ({zone.name for zone in side.fields} - others))
        points[name] += _MARK * (side.mrz is not None and reading.mrz is not None)
        points[name] += _MARK * (side.barcode is not None and bool(reading.barcodes))
    best = max(points, key=lambda name: points[name])
    return best if list(points.values()).count(points[best]) == 1 else None

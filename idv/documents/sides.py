"""The sides of one document taken together, as far as they were sent and could be read."""

from collections.abc import Iterator
from dataclasses import dataclass

from idv.domain.documents import DocumentReading, FieldName, FieldReading, MrzReading, Zone
from idv.domain.errors import MediaError
from idv.domain.evidence import ImageRole
from idv.domain.ports import Perception
from idv.domain.reasons import Reason

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

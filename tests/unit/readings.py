"""What tests of checks over read documents share: readings by role, a clock that stands still, a passport."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from idv.documents.mrz import field_readings, parse
from idv.documents.mrz_writer import MrzRecord, write
from idv.domain.documents import DocumentReading, DocumentView, FieldName, FieldReading, MrzFormat, Zone
from idv.domain.errors import MediaError
from idv.domain.evidence import ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
RECORD = MrzRecord(
    "P", "UTO", "L3499OC43", "Eriksson", "Anna", "UTO", dt.date(1974, 8, 12), "F", dt.date(2031, 4, 15)
)


class StillClock:
    """Always `NOW`."""

    def now(self) -> dt.datetime:
        """`NOW`."""
        return NOW

    def monotonic(self) -> float:
        """Zero."""
        return 0.0


@dataclass
class Readings:
    """Readings by role, and nothing else; a fault is raised. Implements ports.Perception."""

    readings: Mapping[ImageRole, DocumentReading | MediaError]
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    def reading(self, role: ImageRole) -> DocumentReading:
        """The reading, or its fault."""
        found = self.readings[role]
        if isinstance(found, MediaError):
            raise found
        return found

    def image(self, role: ImageRole) -> DecodedImage:
        """Nobody may ask."""
        raise NotImplementedError

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """Nobody may ask."""
        raise NotImplementedError

    def subject(self, role: ImageRole) -> SubjectFace:
        """Nobody may ask."""
        raise NotImplementedError

    def template(self, role: ImageRole) -> FaceTemplate:
        """Nobody may ask."""
        raise NotImplementedError

    def document(self, role: ImageRole) -> DocumentView | None:
        """Nobody may ask."""
        raise NotImplementedError


def zone_only(record: MrzRecord, *, confidence: float = 0.95) -> DocumentReading:
    """A reading of a machine-readable zone without any print."""
    zone = parse(write(MrzFormat.TD3, record), today=NOW.date())
    return DocumentReading(mrz=zone, fields=field_readings(zone, confidence=confidence))


def passport(
    record: MrzRecord = RECORD,
    *,
    rows: tuple[str, ...] | None = None,
    printed: Mapping[FieldName, str] | None = None,
    confidence: float = 0.95,
    document_type: str | None = "uto_passport",
) -> DocumentReading:
    """A reading whose print says what its zone says, but for `printed`; `rows` replace the zone's."""
    zone = parse(rows or write(MrzFormat.TD3, record), today=NOW.date())
    values = {
        FieldName.SURNAME: record.surname.upper(),
        FieldName.GIVEN_NAMES: record.given_names.upper(),
        FieldName.DOCUMENT_NUMBER: record.document_number,
        FieldName.DATE_OF_BIRTH: record.date_of_birth.isoformat(),
        FieldName.DATE_OF_EXPIRY: record.date_of_expiry.isoformat(),
        **(printed or {}),
    }
    fields = tuple(FieldReading(name, value, Zone.VIZ, confidence) for name, value in values.items())
    return DocumentReading(
        document_type=document_type,
        mrz=zone,
        fields=(*field_readings(zone, confidence=confidence), *fields),
    )

"""What holds against a document: its inconsistencies, less those that may be the reader's fault."""

import datetime as dt
from collections.abc import Sequence

from idv.documents.consistency import Inconsistency, inconsistencies
from idv.documents.document_types import DocumentTypes
from idv.documents.repair import explained_by_look_alikes
from idv.documents.sides import Sides
from idv.domain.documents import DigitState, Zone
from idv.domain.reasons import Reason

_DOCUMENT_CODES = frozenset("ACIPV")
"""What a zone can begin with (ICAO Doc 9303-4 to 9303-7); another letter is the middle of a longer row."""


def contradictions(
    sides: Sides, *, today: dt.date, types: DocumentTypes, minimum_confidence: float = 0.80
) -> tuple[Inconsistency, ...]:
    """Everything read with at least that confidence that contradicts something else."""
    found = inconsistencies(
        tuple(sides.readings.values()), today=today, minimum_confidence=minimum_confidence, types=types
    )
    return held_against(found, in_doubt=refutation_in_doubt(sides, minimum_confidence=minimum_confidence))


def held_against(found: Sequence[Inconsistency], *, in_doubt: bool) -> tuple[Inconsistency, ...]:
    """Those that count; refuted check digits only where the reader is sure of what it read."""
    return tuple(item for item in found if not (in_doubt and item.reason is Reason.MRZ_CHECK_DIGIT_REFUTED))


def refutation_in_doubt(sides: Sides, *, minimum_confidence: float) -> bool:
    """Whether refuted check digits may be the reader's fault rather than the document's."""
    if sides.mrz is None or sides.mrz.valid:
        return False
    refuted = {name for name, state in sides.mrz.digits.items() if state is DigitState.REFUTED}
    doubtful = any(
        reading.confidence < minimum_confidence
        for side in sides.readings.values()
        for reading in side.fields
        if reading.zone is Zone.MRZ and reading.name.value in refuted
    )
    torn = sides.mrz.lines[0][0] not in _DOCUMENT_CODES
    return torn or doubtful or Reason.MRZ_UNREADABLE in sides.reasons or explained_by_look_alikes(sides.mrz)

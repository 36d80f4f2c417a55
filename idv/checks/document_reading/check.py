"""The judgement whether a document was read completely and agrees with itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from idv.documents.consistency import Inconsistency, inconsistencies
from idv.documents.contradictions import held_against, refutation_in_doubt
from idv.documents.document_types import DocumentType, DocumentTypes, SideName
from idv.documents.sides import Sides, read_sides
from idv.documents.viz import fits_type
from idv.domain.documents import DigitState, FieldName, FieldReading, MrzReading, Zone
from idv.domain.errors import DeadlineExceeded
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.ports import Clock, Perception
from idv.domain.reasons import Reason, ReasonKind
from idv.domain.results import CheckName, CheckResult, Outcome, Signal, check_digest

RULES_VERSION = "document-reading-3"
"""Changes whenever a rule below changes what the check answers."""
_REQUIRED = (
    FieldName.DOCUMENT_NUMBER,
    FieldName.SURNAME,
    FieldName.DATE_OF_BIRTH,
    FieldName.DATE_OF_EXPIRY,
)
_COMPARED = (*_REQUIRED, FieldName.GIVEN_NAMES)
"""What must be read in print too, where it is printed and another zone states it."""
_BLOCKING = frozenset({Reason.NO_DOCUMENT, Reason.MEDIA_UNDECODABLE})
"""What a side may not be, even when everything needed was read from the other one."""
_BETWEEN_ZONES = frozenset({Reason.MRZ_VIZ_MISMATCH, Reason.BARCODE_MISMATCH, Reason.SIDES_MISMATCH})
_BARE_REFUTATION = frozenset({Reason.MRZ_CHECK_DIGIT_REFUTED})


def document_reading_digest(*parts: Mapping[str, str]) -> str:
    """The check digest: parts of the document finder, the reader and the types, and the rules' version."""
    return check_digest(dict(chain.from_iterable(part.items() for part in parts)) | {"rules": RULES_VERSION})


@dataclass(frozen=True)
class DocumentReadingCheck:
    """Passes a document whose needed fields were read and whose zones, digits and dates agree.

    Rule-based, so there is no threshold. The score is (share of the printed check digits that verify, 1 on a
    type without a machine-readable zone) × (mean confidence of the needed fields, 0 for one not read), and 0
    once anything contradicts: in [0, 1], higher = more genuine. `minimum_confidence`: a field read with less
    is evidence neither for nor against. Implements ports.Check.
    """

    types: DocumentTypes
    clock: Clock
    provider: str
    digest: str
    minimum_confidence: float = 0.80
    name: CheckName = field(default=CheckName.DOCUMENT_READING, init=False)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:  # noqa: ARG002 - the port
        """Read, contradictory, or what stands in the way of reading. Raises DeadlineExceeded, ModelError."""
        if self.clock.monotonic() >= deadline:
            raise DeadlineExceeded("deadline_exceeded", "no time left to read the document")
        sides = read_sides(context)
        if not sides.readings and not sides.reasons:
            return self._result(Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))
        found = self._inconsistencies(sides, minimum_confidence=self.minimum_confidence)
        in_doubt = refutation_in_doubt(sides, minimum_confidence=self.minimum_confidence)
        against = tuple(dict.fromkeys(item.reason for item in held_against(found, in_doubt=in_doubt)))
        obstacles = self.obstacles(sides)
        signals = _signals(sides.mrz, found)
        if against:
            return self._result(Outcome.FAIL, against, score=0.0, signals=signals)
        score = _digit_share(sides.mrz) * self._confidence(sides)
        outcome = Outcome.INCONCLUSIVE if obstacles else Outcome.PASS
        return self._result(outcome, obstacles, score=score, signals=signals)

    def obstacles(self, sides: Sides) -> tuple[Reason, ...]:
        """Why the document cannot be said to have been read; none when nothing needed is missing."""
        needed = list(self._mrz_obstacles(sides))
        unread = not all(self._readable(sides, name) for name in _REQUIRED)
        if unread or self._print_unread(sides) or self._doubtful_contradiction(sides):
            needed.append(Reason.FIELD_UNREADABLE)
        captured = [reason for reason in sides.reasons if reason.kind is not ReasonKind.MISMATCH]
        if needed:
            return tuple(dict.fromkeys([*captured, *needed]))
        return tuple(reason for reason in captured if reason in _BLOCKING)

    def _mrz_obstacles(self, sides: Sides) -> tuple[Reason, ...]:
        """A type without a zone needs its barcode; a type with one, and an unknown type, need a valid one."""
        known = self.types.get(sides.document_type) if sides.document_type else None
        if known is not None and known.mrz is None:
            return _barcode_obstacles(known, sides)
        if sides.mrz is not None:
            sure = sides.mrz.valid and (sides.mrz.repairs == 0 or self._confirmed(sides))
            return () if sure else (Reason.MRZ_UNREADABLE,)
        on_missing_side = (
            known is not None
            and known.mrz_side is SideName.BACK
            and ImageRole.DOCUMENT_BACK not in sides.readings
        )
        return (Reason.EVIDENCE_MISSING if on_missing_side else Reason.MRZ_NOT_FOUND,)

    def _confirmed(self, sides: Sides) -> bool:
        """Whether every digit-checked field was also read in another zone; that they agree is judged apart.

        A digit is right by chance once in ten, so a repair alone proves little against an altered document.
        """
        return all(
            any(
                f.zone is not Zone.MRZ and f.confidence >= self.minimum_confidence for f in sides.fields(name)
            )
            for name in _REQUIRED
            if name is not FieldName.SURNAME
        )

    def _print_unread(self, sides: Sides) -> bool:
        """Whether a field that a known type prints, and that is to be compared, was not read in the print.

        Zones that were not compared do not agree: what is not checked never passes.
        """
        known = self.types.get(sides.document_type) if sides.document_type else None
        if known is None:
            return False
        printed = {zone.name for side in known.sides.values() for zone in side.fields}
        compared = {
            reading.name
            for side in sides.readings.values()
            for reading in side.fields
            if reading.zone is Zone.VIZ
            and reading.confidence >= self.minimum_confidence
            and (fits_type(reading.name, reading.value, known) or _is_stated(reading, sides))
        }
        stated = any(reading.zone is not Zone.VIZ for reading in sides.fields(FieldName.GIVEN_NAMES))
        return not printed.intersection(_COMPARED if stated else _REQUIRED) <= compared

    def _doubtful_contradiction(self, sides: Sides) -> bool:
        """Whether a needed field differs between zones in readings too poor to be held against anybody.

        It may be a misread field or an altered document: a better picture will tell.
        """
        found = self._inconsistencies(sides, minimum_confidence=0.0)
        return any(item.reason in _BETWEEN_ZONES and item.field in _COMPARED for item in found)

    def _inconsistencies(self, sides: Sides, *, minimum_confidence: float) -> tuple[Inconsistency, ...]:
        return inconsistencies(
            tuple(sides.readings.values()),
            today=self.clock.now().date(),
            minimum_confidence=minimum_confidence,
            types=self.types,
        )

    def _readable(self, sides: Sides, name: FieldName) -> bool:
        return any(reading.confidence >= self.minimum_confidence for reading in sides.fields(name))

    def _confidence(self, sides: Sides) -> float:
        best = [max((r.confidence for r in sides.fields(name)), default=0.0) for name in _REQUIRED]
        return sum(best) / len(best)

    def _result(
        self,
        outcome: Outcome,
        reasons: Sequence[Reason],
        *,
        score: float | None = None,
        signals: tuple[Signal, ...] = (),
    ) -> CheckResult:
        return CheckResult(
            name=self.name,
            outcome=outcome,
            provider=self.provider,
            check_digest=self.digest,
            produced_at=self.clock.now(),
            score=score,
            reasons=tuple(reasons),
            signals=signals,
        )


def _is_stated(printed: FieldReading, sides: Sides) -> bool:
    """Whether another zone states the same."""
    others = (field for field in sides.fields(printed.name) if field.zone is not printed.zone)
    return any(field.value == printed.value for field in others)


def _barcode_obstacles(known: DocumentType, sides: Sides) -> tuple[Reason, ...]:
    """Why nothing that a barcode states could be compared, where the type has one."""
    carrier = next((name for name, side in known.sides.items() if side.barcode is not None), None)
    fields = (field for side in sides.readings.values() for field in side.fields)
    if carrier is None or any(field.zone is Zone.BARCODE for field in fields):
        return ()
    missing = carrier is SideName.BACK and ImageRole.DOCUMENT_BACK not in sides.readings
    return (Reason.EVIDENCE_MISSING if missing else Reason.FIELD_UNREADABLE,)


def _signals(mrz: MrzReading | None, found: Sequence[Inconsistency]) -> tuple[Signal, ...]:
    reasons = tuple(dict.fromkeys(item.reason for item in found))
    zones = tuple(r for r in reasons if r in _BETWEEN_ZONES)
    dates = tuple(r for r in reasons if r in (Reason.DOCUMENT_EXPIRED, Reason.DATE_IMPOSSIBLE))
    refuted = tuple(r for r in reasons if r in _BARE_REFUTATION)
    return (
        Signal("check_digits", _digit_share(mrz), refuted),
        Signal("zone_consistency", 0.0 if zones else 1.0, zones),
        Signal("dates", 0.0 if dates else 1.0, dates),
    )


def _digit_share(mrz: MrzReading | None) -> float:
    """Verified over printed check digits; 1 without a zone, 0 for a zone that prints none."""
    if mrz is None:
        return 1.0
    states = [state for state in mrz.digits.values() if state is not DigitState.NOT_PRINTED]
    return states.count(DigitState.VERIFIED) / len(states) if states else 0.0

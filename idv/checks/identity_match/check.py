"""The judgement whether the name and date of birth claimed are those on the document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from idv.documents.dates import agree
from idv.documents.mrz import names_truncated
from idv.documents.names import NameSimilarity, PersonName, compare_full_name, compare_names
from idv.documents.sides import Sides, read_sides
from idv.domain.documents import DigitState, FieldName, FieldReading, Zone
from idv.domain.errors import DeadlineExceeded
from idv.domain.evidence import ClaimedIdentity, Evidence
from idv.domain.ports import Clock, Perception
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, Signal, check_digest

RULES_VERSION = "identity-match-1"
"""Changes whenever a rule below, or the comparison of names, changes what the check answers."""


def identity_match_digest(*parts: Mapping[str, str]) -> str:
    """The check digest: parts of the document finder and the reader, and the version of the rules."""
    return check_digest(dict(chain.from_iterable(part.items() for part in parts)) | {"rules": RULES_VERSION})


class _Comparison(NamedTuple):
    """One claimed thing against what was read: `score` in [0, 1], None when it could not be read."""

    name: str
    score: float | None
    mismatch: Reason


@dataclass(frozen=True)
class IdentityMatch:
    """Compares each claimed part with the document; a part that was not claimed is not compared.

    Rule-based, so there is no threshold. The score is the worst of the parts in [0, 1]: likeness of the names
    (`idv.documents.names`), and 1 or 0 for the date of birth. A name matches in any zone, since zones that
    contradict each other are the business of `document_reading`; a date is taken from the zone whose check
    digit verifies, if there is one. Implements ports.Check.
    """

    clock: Clock
    provider: str
    digest: str
    minimum_confidence: float = 0.80
    name: CheckName = field(default=CheckName.IDENTITY_MATCH, init=False)

    def judge(self, evidence: Evidence, context: Perception, *, deadline: float) -> CheckResult:
        """Same identity, another one, or what is missing to say so. Raises DeadlineExceeded, ModelError."""
        claimed = evidence.claimed
        if claimed is None or not _states_anything(claimed):
            return self._result(Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))
        if self.clock.monotonic() >= deadline:
            raise DeadlineExceeded("deadline_exceeded", "no time left to compare the claimed identity")
        sides = read_sides(context)
        if not sides.readings and not sides.reasons:
            return self._result(Outcome.NOT_RUN, (Reason.EVIDENCE_MISSING,))
        return self._judged(tuple(self._comparisons(claimed, sides)), sides)

    def _judged(self, comparisons: tuple[_Comparison, ...], sides: Sides) -> CheckResult:
        signals = tuple(Signal(c.name, c.score) for c in comparisons if c.score is not None)
        mismatches = tuple(c.mismatch for c in comparisons if c.score == 0)
        if mismatches:
            return self._result(Outcome.FAIL, mismatches, score=0.0, signals=signals)
        if any(c.score is None for c in comparisons):
            reasons = dict.fromkeys([*sides.reasons, Reason.FIELD_UNREADABLE])
            return self._result(Outcome.INCONCLUSIVE, tuple(reasons), signals=signals)
        score = min(c.score for c in comparisons if c.score is not None)
        return self._result(Outcome.PASS, (), score=score, signals=signals)

    def _comparisons(self, claimed: ClaimedIdentity, sides: Sides) -> Iterator[_Comparison]:
        if claimed.full_name or claimed.surname or claimed.given_names:
            yield _Comparison("name", self._name_score(claimed, sides), Reason.NAME_MISMATCH)
        if claimed.date_of_birth is not None:
            born = self._date_of_birth(sides)
            score = None if born is None else float(agree(born, claimed.date_of_birth.isoformat()))
            yield _Comparison("date_of_birth", score, Reason.DATE_OF_BIRTH_MISMATCH)

    def _name_score(self, claimed: ClaimedIdentity, sides: Sides) -> float | None:
        """The likeness in the zone that agrees best; None when no zone has all that was claimed."""
        scores = [_name_score(claimed, name) for name in self._names(sides)]
        return max((score for score in scores if score is not None), default=None)

    def _names(self, sides: Sides) -> Iterator[PersonName]:
        truncated = sides.mrz is not None and names_truncated(sides.mrz)
        for zone in Zone:
            surname, given_names = (
                next((f.value for f in self._trusted(sides, name) if f.zone is zone), "")
                for name in (FieldName.SURNAME, FieldName.GIVEN_NAMES)
            )
            if surname or given_names:
                yield PersonName(surname, given_names, truncated=truncated and zone is Zone.MRZ)

    def _date_of_birth(self, sides: Sides) -> str | None:
        digits = sides.mrz.digits if sides.mrz is not None else {}
        refuted = digits.get(FieldName.DATE_OF_BIRTH.value) is DigitState.REFUTED
        readings = self._trusted(sides, FieldName.DATE_OF_BIRTH)
        return next((f.value for f in readings if not (refuted and f.zone is Zone.MRZ)), None)

    def _trusted(self, sides: Sides, name: FieldName) -> tuple[FieldReading, ...]:
        return tuple(f for f in sides.fields(name) if f.confidence >= self.minimum_confidence)

    def _result(
        self,
        outcome: Outcome,
        reasons: tuple[Reason, ...],
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
            reasons=reasons,
            signals=signals,
        )


def _states_anything(claimed: ClaimedIdentity) -> bool:
    names = (claimed.full_name, claimed.surname, claimed.given_names)
    return claimed.date_of_birth is not None or any(name and name.strip() for name in names)


def _name_score(claimed: ClaimedIdentity, read: PersonName) -> float | None:
    """The worst likeness of what was claimed; None when a claimed part was not read in this zone."""
    parts: list[float | None] = []
    if claimed.surname or claimed.given_names:
        found = compare_names(PersonName(claimed.surname or "", claimed.given_names or ""), read)
        parts += [found.surname] if claimed.surname else []
        parts += [found.given_names] if claimed.given_names else []
    if claimed.full_name:
        parts += list(_known(compare_full_name(claimed.full_name, read)))
    scores = [part for part in parts if part is not None]
    return min(scores) if scores and len(scores) == len(parts) else None


def _known(similarity: NameSimilarity) -> Iterator[float | None]:
    """A document may lack given names altogether; a surname it must have."""
    yield similarity.surname
    if similarity.given_names is not None:
        yield similarity.given_names

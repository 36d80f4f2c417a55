"""The rates a report can hold: which trials count, and which of them are errors. ADDING_A_METRIC.md adds one.

A decision at a threshold accepts a score at or above it, refuses a finite score below it, and has no answer
where there is no score. Without a threshold the candidate's own outcome decides: pass, fail, neither.
Every rate is errors over the trials that count, so intervals and paired tests need nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Trials

Mask = NDArray[np.bool_]

FACES = frozenset({CheckName.FACE_MATCH})
PRESENTATIONS = frozenset({CheckName.LIVENESS, CheckName.DEEPFAKE, CheckName.INJECTION})
DOCUMENTS = frozenset({CheckName.DOCUMENT_AUTHENTICITY, CheckName.DOCUMENT_READING})


@dataclass(frozen=True)
class Decided:
    """What became of each trial, (N,) bool each; exactly one of the three holds."""

    accepted: Mask
    refused: Mask
    unanswered: Mask


def decided(trials: Trials, threshold: float | None) -> Decided:
    """Decide every trial at a threshold, or as the candidate itself did."""
    if threshold is None:
        accepted = trials.outcome == OUTCOMES.index(Outcome.PASS)
        refused = trials.outcome == OUTCOMES.index(Outcome.FAIL)
    else:
        accepted = trials.score >= threshold
        refused = np.isfinite(trials.score) & ~accepted
    return Decided(accepted, refused, ~accepted & ~refused)


@dataclass(frozen=True)
class Rate:
    """One error rate: `counts` says which trials are its denominator, `errors` which are its numerator.

    `per_species`: also reported for each species, and as the maximum over them (ISO/IEC 30107-3).
    `source` names the standard that defines it.
    """

    name: str
    title: str
    source: str
    checks: frozenset[CheckName]
    counts: Callable[[Trials], Mask]
    errors: Callable[[Decided], Mask]
    per_species: bool = False


def _genuine(trials: Trials) -> Mask:
    return trials.genuine


def _not_genuine(trials: Trials) -> Mask:
    return ~trials.genuine


def _accepted(made: Decided) -> Mask:
    return made.accepted


def _refused(made: Decided) -> Mask:
    return made.refused


def _unanswered(made: Decided) -> Mask:
    return made.unanswered


def _not_accepted(made: Decided) -> Mask:
    return ~made.accepted


_ISO_19795 = "ISO/IEC 19795-1"
_ISO_30107 = "ISO/IEC 30107-3"
_OWN = "after ISO/IEC 30107-3, for documents"

RATES: Sequence[Rate] = (
    Rate("fmr", "False match rate", _ISO_19795, FACES, _not_genuine, _accepted),
    Rate("fnmr", "False non-match rate", _ISO_19795, FACES, _genuine, _not_accepted),
    Rate("fta", "Failure-to-acquire rate of mated comparisons", _ISO_19795, FACES, _genuine, _unanswered),
    Rate(
        "apcer",
        "Attack presentation classification error rate",
        _ISO_30107,
        PRESENTATIONS,
        _not_genuine,
        _accepted,
        per_species=True,
    ),
    Rate(
        "bpcer",
        "Bona fide presentation classification error rate",
        _ISO_30107,
        PRESENTATIONS,
        _genuine,
        _refused,
    ),
    Rate(
        "apnrr",
        "Attack presentation non-response rate",
        _ISO_30107,
        PRESENTATIONS,
        _not_genuine,
        _unanswered,
        per_species=True,
    ),
    Rate(
        "bpnrr", "Bona fide presentation non-response rate", _ISO_30107, PRESENTATIONS, _genuine, _unanswered
    ),
    Rate("dfar", "Document false accept rate", _OWN, DOCUMENTS, _not_genuine, _accepted, per_species=True),
    Rate("dfrr", "Document false reject rate", _OWN, DOCUMENTS, _genuine, _refused),
    Rate("dnrr", "Genuine document non-response rate", _OWN, DOCUMENTS, _genuine, _unanswered),
)


def rates_of(check: CheckName) -> tuple[Rate, ...]:
    """The rates that make sense for a check, in the order of a report."""
    return tuple(rate for rate in RATES if check in rate.checks)


def errors_of(rate: Rate, trials: Trials, threshold: float | None) -> tuple[Trials, Mask]:
    """The trials that count for a rate, and which of them are errors at a threshold.

    Raises ValueError when none count: the rate is undefined on them.
    """
    counted = trials.where(rate.counts(trials))
    if len(counted) == 0:
        raise ValueError(f"{rate.name} is undefined: no trial counts for it")
    return counted, rate.errors(decided(counted, threshold))

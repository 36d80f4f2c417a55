"""What a check says: an outcome, a score, reasons, and where its threshold came from."""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from idv.domain.evidence import ImageRole
from idv.domain.reasons import Reason


class CheckName(StrEnum):
    """The judgements the project knows."""

    DOCUMENT_AUTHENTICITY = "document_authenticity"
    DOCUMENT_READING = "document_reading"
    IDENTITY_MATCH = "identity_match"
    FACE_MATCH = "face_match"
    FACE_SEARCH = "face_search"
    LIVENESS = "liveness"
    DEEPFAKE = "deepfake"
    INJECTION = "injection"


class Outcome(StrEnum):
    """`inconclusive`: tried, could not say. `not_run`: was not asked. Neither is ever a pass."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Signal:
    """A part of a check with its own score (higher = more genuine) and reasons, but no outcome of its own."""

    name: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Region:
    """Where in an image a signal saw what it scored.

    `outline`: corners of a polygon, each (x, y) in shares of the upright image's width and height, [0, 1].
    """

    role: ImageRole
    signal: str
    outline: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ShadowVerdict:
    """What a shadow operating point (`operating_point`: its run) would have made of the same score.

    `inconclusive` as well where the check did not come to comparing its score with a threshold.
    """

    operating_point: str
    threshold: float
    outcome: Outcome


@dataclass(frozen=True)
class CheckResult:
    """One check's judgement of one verification.

    `score`: higher = more genuine; `None` when there is none; never NaN once it left the runner.
    `threshold` and `operating_point` (its run id) stand together or not at all.
    `check_digest`: SHA-256 over all models, preprocessing and calibration behind the score.
    `regions`: where in the evidence the signals saw what speaks against it.
    `shadows`: what points without effect would have said; no decision ever reads them.
    """

    name: CheckName
    outcome: Outcome
    provider: str
    check_digest: str
    produced_at: dt.datetime
    score: float | None = None
    threshold: float | None = None
    operating_point: str | None = None
    reasons: tuple[Reason, ...] = ()
    signals: tuple[Signal, ...] = ()
    regions: tuple[Region, ...] = ()
    latency_ms: float = 0.0
    shadows: tuple[ShadowVerdict, ...] = ()

    @property
    def has_usable_score(self) -> bool:
        """Whether the score is a finite number."""
        return self.score is not None and math.isfinite(self.score)


def check_digest(parts: Mapping[str, str]) -> str:
    """Digest of everything a check's score depends on: model digests, calibration, code version.

    Returns the lower-case hexadecimal SHA-256 of the parts as canonical JSON.
    """
    canonical = json.dumps(dict(parts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

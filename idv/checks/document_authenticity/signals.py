"""The signals of document authenticity: what each is called, what a low score of it means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from idv.domain.reasons import Reason
from idv.domain.results import Region, Signal


class SignalName(StrEnum):
    """Everything that the score may be made of, and three that only tell: see `TELLING`."""

    ZONE_CONSISTENCY = "zone_consistency"
    DATES = "dates"
    GHOST_PORTRAIT = "ghost_portrait"
    RECAPTURE = "recapture"
    TAMPERING = "tampering"
    TEMPLATE_GROUND = "template_ground"
    TEMPLATE_LAYOUT = "template_layout"
    TEMPLATE_PRINT = "template_print"
    TEMPLATE_GHOST = "template_ghost"
    TEMPLATE_COLOUR = "template_colour"
    PROVENANCE = "provenance"
    CAPTURE_QUALITY = "capture_quality"
    DOCUMENT_TYPE = "document_type"


TELLING = frozenset({SignalName.CAPTURE_QUALITY, SignalName.DOCUMENT_TYPE})
"""Signals that no calibration weighs: they decide whether there is anything to be judged."""

MEANING = MappingProxyType(
    {
        SignalName.GHOST_PORTRAIT: Reason.GHOST_PORTRAIT_MISMATCH,
        SignalName.RECAPTURE: Reason.DOCUMENT_RECAPTURE,
        SignalName.TAMPERING: Reason.DOCUMENT_TAMPERED,
        SignalName.TEMPLATE_GROUND: Reason.DOCUMENT_TEMPLATE_MISMATCH,
        SignalName.TEMPLATE_LAYOUT: Reason.DOCUMENT_TEMPLATE_MISMATCH,
        SignalName.TEMPLATE_PRINT: Reason.DOCUMENT_TEMPLATE_MISMATCH,
        SignalName.TEMPLATE_GHOST: Reason.DOCUMENT_TEMPLATE_MISMATCH,
        SignalName.TEMPLATE_COLOUR: Reason.DOCUMENT_TEMPLATE_MISMATCH,
        SignalName.PROVENANCE: Reason.SOFTWARE_TRACE,
    }
)
"""The reason that a low score of a weighed signal stands for."""


@dataclass(frozen=True)
class Finding:
    """What one signal says of one side; `score` higher = more genuine, in the signal's own unit.

    `reasons`: what the finding means whatever the score is; of a weighed signal see `MEANING`. `regions`:
    where it was seen.
    """

    name: SignalName
    score: float
    reasons: tuple[Reason, ...] = ()
    regions: tuple[Region, ...] = ()


def worst(findings: Iterable[Finding]) -> dict[SignalName, Finding]:
    """The lowest finding of each signal over the sides; a document is as genuine as its worse side."""
    lowest: dict[SignalName, Finding] = {}
    for finding in findings:
        known = lowest.get(finding.name)
        if known is None or finding.score < known.score:
            lowest[finding.name] = finding
    return {name: lowest[name] for name in SignalName if name in lowest}


def shown(findings: Mapping[SignalName, Finding], against: Mapping[SignalName, Reason]) -> tuple[Signal, ...]:
    """The signals of a result; `against` says which of them speak against the document, and how."""
    return tuple(
        Signal(name, found.score, tuple(dict.fromkeys((*found.reasons, *filter(None, (against.get(name),))))))
        for name, found in findings.items()
    )

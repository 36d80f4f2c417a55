"""Which verifications were ever labelled: by decision, and by score; so that selection bias has a name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idv.domain.labels import Truth
from idv.domain.live import LiveCase
from idv.domain.operating_points import Interval
from idv.evaluation.monitoring.observations import Observed, observe
from idv.metrics.intervals import wilson

FIFTHS = 5
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Stratum:
    """Verifications that have something in common, and how many of them carry a label in force."""

    name: str
    total: int
    labelled: int
    fraud: int

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the labelled share."""
        return wilson(self.labelled, self.total)


@dataclass(frozen=True)
class Coverage:
    """`strata`: `decision`, and `score of CHECK` in fifths of the live scores, lowest first."""

    total: int
    labelled: int
    fraud: int
    strata: Mapping[str, tuple[Stratum, ...]]

    @property
    def biased(self) -> tuple[str, ...]:
        """The ways of dividing along which labels were given to some much rather than to others.

        That is: the intervals of the least and the most labelled stratum do not touch.
        """
        return tuple(name for name, found in self.strata.items() if _apart(found))


def coverage(cases: Iterable[LiveCase]) -> Coverage:
    """Count who was labelled among all these verifications."""
    every = list(cases)
    truths = [case.truth for case in every]
    decisions = [case.decision or UNDECIDED for case in every]
    strata = {"decision": tuple(_strata(decisions, truths))}
    rows = [row for row in observe(every) if np.isfinite(row.score)]
    for check in sorted({row.check for row in rows}):
        strata[f"score of {check}"] = _by_score([row for row in rows if row.check is check])
    return Coverage(
        len(every), sum(t is not None for t in truths), truths.count(Truth.FRAUD_CONFIRMED), strata
    )


def _by_score(rows: Sequence[Observed]) -> tuple[Stratum, ...]:
    scores = np.array([row.score for row in rows])
    edges = np.unique(np.quantile(scores, np.arange(1, FIFTHS) / FIFTHS, method="inverted_cdf"))
    fifths = np.searchsorted(edges, scores, side="left")
    names = [_range_of(edges, int(fifth)) for fifth in fifths]
    found = {stratum.name: stratum for stratum in _strata(names, [row.truth for row in rows])}
    ordered = [_range_of(edges, fifth) for fifth in range(edges.size + 1)]
    return tuple(found[name] for name in ordered if name in found)


def _range_of(edges: np.ndarray[tuple[int], np.dtype[np.float64]], fifth: int) -> str:
    if fifth == 0:
        return f"up to {edges[0]:.3g}"
    return f"above {edges[fifth - 1]:.3g}"


def _strata(names: Sequence[str], truths: Sequence[Truth | None]) -> Iterable[Stratum]:
    for name in sorted(set(names)):
        inside = [truth for known, truth in zip(names, truths, strict=True) if known == name]
        labelled = [truth for truth in inside if truth is not None]
        yield Stratum(str(name), len(inside), len(labelled), labelled.count(Truth.FRAUD_CONFIRMED))


def _apart(strata: Sequence[Stratum]) -> bool:
    ends = [stratum.interval for stratum in strata]
    return len(ends) > 1 and max(end.low for end in ends) > min(end.high for end in ends)

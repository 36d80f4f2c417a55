"""Live distributions against a reference: scores, signals, outcomes, reasons, novelty, embedding distance."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import numpy as np

from idv.domain.faces import COHORT_SIMILARITY
from idv.domain.labels import Truth
from idv.domain.operating_points import Interval
from idv.domain.results import CheckName, Outcome
from idv.evaluation.monitoring.novelty import BEYOND, far_from_cohort, novel
from idv.evaluation.monitoring.observations import Observed
from idv.evaluation.monitoring.samples import Reference, Sample, sample_of
from idv.metrics.drift import ks, psi, psi_of_counts
from idv.metrics.intervals import wilson
from idv.metrics.paired import holm

BINS = 10
Name = TypeVar("Name", bound=str)


class Alarm(StrEnum):
    """What moved."""

    SCORE_PSI = "score_psi"
    SCORE_KS = "score_ks"
    OUTCOME_PSI = "outcome_psi"
    REASON_PSI = "reason_psi"
    INCONCLUSIVE = "inconclusive_share"
    NOVELTY = "novelty"
    EMBEDDING_DISTANCE = "embedding_distance"
    SIGNAL_PSI = "signal_psi"


@dataclass(frozen=True)
class Limits:
    """When a movement is an alarm. Groups of fewer than `least` results are not judged at all.

    A stability index counts from `psi` on, and only above three times what chance alone makes of it; a
    Kolmogorov-Smirnov distance from `ks_distance` on, with a p-value of at most `ks_p` after Holm over all
    groups. A share counts when its interval lies wholly above the reference's; one of `novelty` also above
    that limit.
    """

    least: int = 100
    psi: float = 0.25
    ks_distance: float = 0.1
    ks_p: float = 0.001
    novelty: float = 3 * BEYOND


@dataclass(frozen=True)
class EmbeddingDistance:
    """How many live faces are far from the reference embeddings: their distance is beyond `limit`.

    Distance: 1 - cohort similarity (`domain.faces.COHORT_SIMILARITY`), in [0, 2]. `signal` says which face of
    the two. `share` of `faces` with its interval; `own`: the interval of the reference's own share.
    """

    signal: str
    faces: int
    limit: float
    share: float
    interval: Interval
    own: Interval


@dataclass(frozen=True)
class SignalDrift:
    """How far one signal moved, for instance the sharpness of selfies. `live`, `reference`: how many have it.

    `moved`: whether `psi` is too large, both as it is and for so few results.
    """

    signal: str
    live: int
    reference: int
    psi: float
    moved: bool


@dataclass(frozen=True)
class LabelledErrors:
    """Errors on live results whose truth was told since: fraud that passed, genuine that did not.

    `wrong` of `total` with the interval of their share. Nobody drew lots about which were labelled, so this
    is no alarm: `idv labels coverage` says how those differ from all.
    """

    truth: Truth
    wrong: int
    total: int
    interval: Interval


@dataclass(frozen=True)
class GroupDrift:
    """One check and provider, all countries (None) or one. Shares are (live, reference) with intervals.

    `judged` is False for too few results; figures are then None. `same_models`: whether the reference was
    scored with the same check digest.
    """

    check: CheckName
    provider: str
    country: str | None
    live: int
    reference: int
    same_models: bool
    judged: bool = False
    score_psi: float | None = None
    score_ks: float | None = None
    ks_p: float | None = None
    outcome_psi: float | None = None
    reason_psi: float | None = None
    inconclusive: tuple[Interval, Interval] | None = None
    inconclusive_share: float | None = None
    novelty: Interval | None = None
    novelty_share: float | None = None
    embedding_distances: tuple[EmbeddingDistance, ...] = ()
    signals: tuple[SignalDrift, ...] = ()
    labelled: tuple[LabelledErrors, ...] = ()
    alarms: tuple[Alarm, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Its alarms by name, for telling which are new."""
        place = f"{self.check}/{self.provider}/{self.country or '*'}"
        return tuple(f"{place}/{alarm}" for alarm in self.alarms)


def measure_drift(
    rows: Sequence[Observed], references: Mapping[CheckName, Reference], limits: Limits | None = None
) -> tuple[GroupDrift, ...]:
    """Every group of live results whose check has a reference, by check, provider and country."""
    chosen = limits or Limits()
    groups = [
        (country, members, references[check])
        for (check, _, country), members in sorted(_groups(rows).items(), key=_order)
        if check in references
    ]
    measured = [_measured(country, members, reference, chosen) for country, members, reference in groups]
    return tuple(_judged(measured, chosen))


Key = tuple[CheckName, str, str | None]


def _groups(rows: Iterable[Observed]) -> dict[Key, list[Observed]]:
    groups: dict[Key, list[Observed]] = {}
    for row in rows:
        groups.setdefault((row.check, row.provider, None), []).append(row)
        if row.country is not None:
            groups.setdefault((row.check, row.provider, row.country), []).append(row)
    return groups


def _order(group: tuple[Key, list[Observed]]) -> tuple[str, str, str]:
    check, provider, country = group[0]
    return check, provider, country or ""


def _measured(
    country: str | None, rows: Sequence[Observed], reference: Reference, limits: Limits
) -> GroupDrift:
    before = reference.of(country)
    now = sample_of(rows, before.signals)
    group = GroupDrift(
        check=now.check,
        provider=now.provider,
        country=country,
        live=now.total,
        reference=before.total,
        same_models=now.check_digest == before.check_digest,
        labelled=tuple(_labelled(rows)),
    )
    if now.total < limits.least or before.total < limits.least:
        return group
    return _with_figures(group, before, now, limits)


def _labelled(rows: Sequence[Observed]) -> Iterator[LabelledErrors]:
    for truth in (Truth.FRAUD_CONFIRMED, Truth.GENUINE_CONFIRMED):
        passed = [row.outcome is Outcome.PASS for row in rows if row.truth is truth]
        if passed:
            wrong = sum(passed) if truth is Truth.FRAUD_CONFIRMED else len(passed) - sum(passed)
            yield LabelledErrors(truth, wrong, len(passed), wilson(wrong, len(passed)))


def _with_figures(group: GroupDrift, before: Sample, now: Sample, limits: Limits) -> GroupDrift:
    distance = ks(before.scores, now.scores)
    moved = _count_psi(before.outcomes, now.outcomes)
    share = [(sample.inconclusive, sample.total) for sample in (now, before)]
    found = novel(before.vectors, now.vectors)
    return dataclasses.replace(
        group,
        judged=True,
        score_psi=psi(before.scores, now.scores, bins=BINS),
        score_ks=distance.statistic,
        ks_p=distance.p_value,
        # A reference without thresholds has no outcomes to compare with.
        outcome_psi=moved if sum(before.outcomes.values()) == before.total else None,
        reason_psi=_reason_psi(before, now),
        inconclusive=(wilson(*share[0]), wilson(*share[1])),
        inconclusive_share=share[0][0] / share[0][1],
        novelty=wilson(found.far, found.total) if found else None,
        novelty_share=found.far / found.total if found else None,
        embedding_distances=tuple(_embedding_distances(before, now)),
        signals=tuple(_signal_drifts(before, now, limits)),
    )


def _signal_drifts(before: Sample, now: Sample, limits: Limits) -> Iterator[SignalDrift]:
    # Of other models, signals are other numbers.
    if now.check_digest != before.check_digest:
        return
    for signal, live in now.noted.items():
        reference = before.noted_of(signal)
        if min(live.size, reference.size) >= limits.least:
            found = psi(reference, live, bins=BINS)
            moved = found >= _least_psi(live.size, reference.size, limits)
            yield SignalDrift(signal, live.size, reference.size, found, moved)


def _embedding_distances(before: Sample, now: Sample) -> Iterator[EmbeddingDistance]:
    # Another model, or another cohort, measures another distance.
    if now.check_digest != before.check_digest:
        return
    for signal, similarities in now.noted.items():
        if not signal.endswith(COHORT_SIMILARITY):
            continue
        found = far_from_cohort(before.noted_of(signal), similarities)
        if found:
            share = found.far / found.total
            interval, own = wilson(found.far, found.total), wilson(found.own, found.known)
            yield EmbeddingDistance(signal, found.total, found.limit, share, interval, own)


def _judged(measured: Sequence[GroupDrift], limits: Limits) -> Iterable[GroupDrift]:
    """With the alarms of each group; p-values are corrected over all groups that were tested."""
    p_values = [group.ks_p for group in measured if group.ks_p is not None]
    adjusted = iter(holm(p_values).tolist() if p_values else ())
    for group in measured:
        if not group.judged:
            yield group
        else:
            yield dataclasses.replace(group, alarms=_alarms(group, next(adjusted), limits))


def _alarms(group: GroupDrift, p: float, limits: Limits) -> tuple[Alarm, ...]:
    least_psi = _least_psi(group.live, group.reference, limits)
    now, before = group.inconclusive or (Interval(0, 0), Interval(0, 0))
    raised = {
        Alarm.SCORE_PSI: _at_least(group.score_psi, least_psi),
        Alarm.SCORE_KS: _at_least(group.score_ks, limits.ks_distance) and p <= limits.ks_p,
        Alarm.OUTCOME_PSI: _at_least(group.outcome_psi, least_psi),
        Alarm.REASON_PSI: _at_least(group.reason_psi, least_psi),
        Alarm.INCONCLUSIVE: now.low > before.high,
        Alarm.NOVELTY: group.novelty is not None and group.novelty.low > limits.novelty,
        Alarm.EMBEDDING_DISTANCE: any(
            side.interval.low > max(limits.novelty, side.own.high) for side in group.embedding_distances
        ),
        Alarm.SIGNAL_PSI: any(signal.moved for signal in group.signals),
    }
    return tuple(alarm for alarm, rang in raised.items() if rang)


def _least_psi(live: int, reference: int, limits: Limits) -> float:
    by_chance = (BINS - 1) * (1 / live + 1 / reference)
    return max(limits.psi, 3 * by_chance)


def _at_least(value: float | None, limit: float) -> bool:
    return value is not None and value >= limit


def _reason_psi(before: Sample, now: Sample) -> float:
    """Of reasons, with a category for results that gave none."""
    counts = [
        {**sample.reasons, "": max(sample.total - sum(sample.reasons.values()), 0)}
        for sample in (before, now)
    ]
    return _count_psi(*counts)


def _count_psi(before: Mapping[Name, int], now: Mapping[Name, int]) -> float:
    names = sorted({*before, *now})
    if not sum(before.values()) or not sum(now.values()):
        return 0.0
    return psi_of_counts(*(np.array([side.get(name, 0) for name in names]) for side in (before, now)))

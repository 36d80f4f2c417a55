"""A sequential test over live traffic that may be looked at as often as one likes; its state is kept between.

Two streams a check and provider: whether a result could not say, and whether its score lies in the lowest
tenth of the reference, which is asked of the reference's own models only. Each is an e-detector
(`metrics.sequential.EProcess` with a memory) against the upper end of the reference's own interval, so that
a small reference raises no alarm by its own uncertainty.
A vendor's canary watches the same streams.
"""

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from idv.domain.errors import IntegrityError
from idv.domain.live import Mark
from idv.domain.results import CheckName, Outcome
from idv.evaluation.monitoring.observations import Observed
from idv.evaluation.monitoring.samples import Reference
from idv.metrics.intervals import wilson
from idv.metrics.sequential import EProcess

INCONCLUSIVE, LOW_SCORE = "inconclusive", "low_score"
LOWEST = 0.1
MEMORY = 200.0
"""Results after which an old one has faded to a third: longer, and a good past hides what comes after it."""
_LEAST_NULL, _MOST_NULL = 0.001, 0.95


class Rang(NamedTuple):
    """An alarm of one stream: after how many results, and the share seen since it began or rang last."""

    stream: str
    results: int
    share: float
    expected: float


@dataclass(frozen=True)
class Stream:
    """One indicator of one check and provider: its process, and what was counted since it rang last."""

    process: EProcess
    results: int = 0
    hits: int = 0

    def after(self, *, hit: bool) -> "Stream":
        """The stream after one more result."""
        return Stream(self.process.after(float(hit)), self.results + 1, self.hits + hit)

    def begun_again(self) -> "Stream":
        """After an alarm: what continues will ring again."""
        fresh = EProcess(self.process.null_mean, self.process.memory)
        return Stream(fresh)


@dataclass(frozen=True)
class SequenceState:
    """What is kept between two looks: how far was read, every stream, and the alarms already told."""

    mark: Mark | None = None
    streams: Mapping[str, Stream] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    def to_json(self) -> str:
        """For the store."""
        body: dict[str, Any] = {"told": list(self.told), "mark": None, "streams": {}}
        if self.mark is not None:
            body["mark"] = [self.mark.created_at.isoformat(), self.mark.verification_id]
        for name, stream in self.streams.items():
            body["streams"][name] = {
                "process": dataclasses.asdict(stream.process),
                "results": stream.results,
                "hits": stream.hits,
            }
        return json.dumps(body, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "SequenceState":
        """From the store. Raises IntegrityError `monitor_unreadable`."""
        try:
            body = json.loads(text)
            mark = body["mark"] and Mark(dt.datetime.fromisoformat(body["mark"][0]), str(body["mark"][1]))
            streams = {
                name: Stream(EProcess(**kept["process"]), int(kept["results"]), int(kept["hits"]))
                for name, kept in body["streams"].items()
            }
            return cls(mark, streams, tuple(body["told"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError("monitor_unreadable", "the kept state of a monitor is broken") from error


def advance(
    state: SequenceState,
    rows: Iterable[Observed],
    references: Mapping[CheckName, Reference],
    *,
    false_alarm_every: float,
) -> tuple[SequenceState, tuple[Rang, ...]]:
    """Feed live results in their order; returns the state to keep and what rang.

    `false_alarm_every`: results of a stream between two false alarms on average, at least; above 1.
    The mark moves to the last row fed.
    """
    limit, streams, rang, mark = math.log(false_alarm_every), dict(state.streams), [], state.mark
    expected = {check: _expected(reference) for check, reference in references.items()}
    for row in rows:
        mark = Mark(row.created_at, row.verification)
        if row.check not in expected:
            continue
        for name, hit, null_mean in _indicators(row, expected[row.check]):
            stream = streams.get(name) or Stream(EProcess(null_mean, MEMORY))
            stream = stream.after(hit=hit)
            if stream.process.log_wealth >= limit:
                rang.append(Rang(name, stream.results, stream.hits / stream.results, null_mean))
                stream = stream.begun_again()
            streams[name] = stream
    return dataclasses.replace(state, mark=mark, streams=streams), tuple(rang)


class _Expected(NamedTuple):
    """What a reference leads one to expect: shares of results that cannot say and that score below `cut`.

    `check_digest`: the models whose scores `cut` is a place on.
    """

    check_digest: str
    inconclusive: float
    cut: float
    low_score: float


def _expected(reference: Reference) -> _Expected:
    sample = reference.all
    finite = sample.scores[np.isfinite(sample.scores)]
    unsure = _null(sample.inconclusive, sample.total)
    if finite.size == 0:
        return _Expected(sample.check_digest, unsure, -math.inf, _MOST_NULL)
    cut = float(np.quantile(finite, LOWEST, method="inverted_cdf"))
    return _Expected(sample.check_digest, unsure, cut, _null(int(np.sum(finite < cut)), finite.size))


def _indicators(row: Observed, expected: _Expected) -> Iterable[tuple[str, bool, float]]:
    place = f"{row.check}/{row.provider}"
    yield f"{place}/{INCONCLUSIVE}", row.outcome is Outcome.INCONCLUSIVE, expected.inconclusive
    if math.isfinite(row.score) and row.check_digest == expected.check_digest:
        yield f"{place}/{LOW_SCORE}", row.score < expected.cut, expected.low_score


def _null(hits: int, total: int) -> float:
    """The highest share the reference is compatible with."""
    return min(max(wilson(hits, total).high, _LEAST_NULL), _MOST_NULL)

"""Distributions to hold against each other: of a reference run, or of live results of some window."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Factor, Run
from idv.evaluation.monitoring.observations import Observed

COUNTRY_SLICES = ("country", "issuing_state")
"""Slices of an eval set that say where a document is from."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """N results of one check by one provider.

    `scores` (N,) with -inf for none; `outcomes` and `reasons`: how often each; `vectors` (M, D) what novelty
    looks at, of the rows that have all of it: the score and the `signals`, in that order.
    """

    check: CheckName
    provider: str
    check_digest: str
    scores: Floats
    outcomes: Mapping[Outcome, int]
    reasons: Mapping[str, int]
    signals: tuple[str, ...] = ()
    vectors: Floats = field(default_factory=lambda: np.empty((0, 1)))

    @property
    def total(self) -> int:
        """N."""
        return self.scores.size

    @property
    def inconclusive(self) -> int:
        """How many could not say; zero for comparisons without a threshold that have a score."""
        return self.outcomes.get(Outcome.INCONCLUSIVE, 0)


@dataclass(frozen=True)
class Reference:
    """What live results are held against: all of it, and by country where it knows countries."""

    name: str
    all: Sample
    by_country: Mapping[str, Sample] = field(default_factory=dict)

    def of(self, country: str | None) -> Sample:
        """The sample of a country, or all where there is none."""
        return self.all if country is None else self.by_country.get(country, self.all)


def reference_of_run(run: Run, point: OperatingPoint | None = None) -> Reference:
    """A bench run's genuine trials: what most live applicants are.

    Comparisons have no outcome of their own: they get the point's, if it was made for the run's models.
    """
    record, trials = run.record, run.table.trials()
    trials = trials.where(trials.genuine)
    if len(trials) == 0:
        raise ValueError("the reference run holds no genuine trial")
    outcomes = trials.outcome
    if run.table.pairs is not None:
        outcomes = _outcomes(trials.score, record.check_digest, point)
    rows = _Rows(record.check, record.provider, record.check_digest, trials.score, outcomes)
    reasons = [_codes(run.table.items.reasons[row]) for row in trials.row_a]
    column = next((run.table.items.slices[n] for n in COUNTRY_SLICES if n in run.table.items.slices), None)
    countries = {} if column is None else _by_country(rows, reasons, column, trials.row_a)
    return Reference(record.run_id, rows.sample(reasons, np.ones(len(trials), bool)), countries)


def sample_of(rows: Sequence[Observed], signals: Sequence[str] | None = None) -> Sample:
    """Live results of one check and provider; `signals` are those that novelty looks at, all if not given.

    Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("there are no live results")
    names = tuple(sorted({name for row in rows for name in row.signals}) if signals is None else signals)
    whole = [row for row in rows if np.isfinite(row.score) and row.signals.keys() >= set(names)]
    vectors = np.array([[row.score, *(row.signals[name] for name in names)] for row in whole])
    return Sample(
        check=rows[0].check,
        provider=rows[0].provider,
        check_digest=rows[-1].check_digest,
        scores=np.array([row.score for row in rows]),
        outcomes=Counter(row.outcome for row in rows),
        reasons=Counter(reason for row in rows for reason in row.reasons),
        signals=names,
        vectors=vectors.reshape(len(whole), 1 + len(names)),
    )


def reference_of_window(name: str, rows: Sequence[Observed]) -> Reference:
    """Live results of an earlier window. Raises ValueError for none."""
    countries = sorted({row.country for row in rows if row.country})
    return Reference(
        name, sample_of(rows), {c: sample_of([row for row in rows if row.country == c]) for c in countries}
    )


@dataclass(frozen=True)
class _Rows:
    """Trials of a run as columns; `outcomes` (N,) positions in OUTCOMES, -1 for none."""

    check: CheckName
    provider: str
    check_digest: str
    scores: Floats
    outcomes: NDArray[np.int8]

    def sample(self, reasons: Sequence[Sequence[str]], keep: NDArray[np.bool_]) -> Sample:
        """The rows that `keep` (N,) selects."""
        scores = self.scores[keep]
        counts = Counter(self.outcomes[keep].tolist())
        return Sample(
            check=self.check,
            provider=self.provider,
            check_digest=self.check_digest,
            scores=scores,
            outcomes={OUTCOMES[code]: n for code, n in counts.items() if code >= 0},
            reasons=Counter(code for row in np.flatnonzero(keep).tolist() for code in reasons[row]),
            vectors=scores[np.isfinite(scores)][:, None],
        )


def _by_country(
    rows: _Rows, reasons: Sequence[Sequence[str]], column: Factor, row_a: NDArray[np.int32]
) -> dict[str, Sample]:
    codes = column.codes[row_a]
    found = {name: codes == code for code, name in enumerate(column.names)}
    return {name: rows.sample(reasons, keep) for name, keep in found.items() if keep.any()}


def _outcomes(scores: Floats, digest: str, point: OperatingPoint | None) -> NDArray[np.int8]:
    unsure = OUTCOMES.index(Outcome.INCONCLUSIVE)
    if point is None or point.check_digest != digest:
        return np.where(np.isfinite(scores), -1, unsure).astype(np.int8)
    found = [OUTCOMES.index(point.outcome_of(s)) if np.isfinite(s) else unsure for s in scores.tolist()]
    return np.array(found, np.int8)


def _codes(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(";")) if joined else ()

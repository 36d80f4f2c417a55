"""Distributions to hold against each other: of a reference run, or of live results of some window."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import OperatingPoint
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Factor, Run, RunRecord, Trials
from idv.evaluation.monitoring.observations import Observed

COUNTRY_SLICES = ("country", "issuing_state")
"""Slices of an eval set that say where a document is from."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """N results of one check by one provider.

    `scores` (N,) with -inf for none; `outcomes` and `reasons`: how often each; `vectors` (M, D) what novelty
    looks at, of the rows that have all of it: the score and the `signals`, in that order. `noted`: name of
    any signal -> its scores (K,) where there is one, for comparisons of each face once.
    """

    check: CheckName
    provider: str
    check_digest: str
    scores: Floats
    outcomes: Mapping[Outcome, int]
    reasons: Mapping[str, int]
    signals: tuple[str, ...] = ()
    vectors: Floats = field(default_factory=lambda: np.empty((0, 1)))
    noted: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """N."""
        return self.scores.size

    @property
    def inconclusive(self) -> int:
        """How many could not say; zero for comparisons without a threshold that have a score."""
        return self.outcomes.get(Outcome.INCONCLUSIVE, 0)

    def noted_of(self, signal: str) -> Floats:
        """What a live signal is held against: the same, or every face's where faces have no sides."""
        return self.noted.get(signal, self.noted.get(signal.partition("_")[2], np.empty(0)))


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

    Comparisons have no outcome of their own: they get the point's, if it was made for the run's models. Nor
    have they signals: what is noted of faces counts once a face, whichever side of a comparison it stands on.
    """
    record, trials = run.record, run.table.trials()
    trials = trials.where(trials.genuine)
    if len(trials) == 0:
        raise ValueError("the reference run holds no genuine trial")
    outcomes = trials.outcome
    if run.table.pairs is not None:
        outcomes = _outcomes(trials.score, record.check_digest, point)
    items = run.table.items
    reasons = [_codes(items.reasons[row]) for row in trials.row_a]
    rows = _Rows(record, trials, outcomes, reasons, items.signals, pairs=run.table.pairs is not None)
    column = next((items.slices[name] for name in COUNTRY_SLICES if name in items.slices), None)
    countries = {} if column is None else _by_country(rows, column)
    return Reference(record.run_id, rows.sample(np.ones(len(trials), bool)), countries)


def sample_of(rows: Sequence[Observed], signals: Sequence[str] | None = None) -> Sample:
    """Live results of one check and provider; `signals` are those that novelty looks at, all if not given.

    Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("there are no live results")
    scored = [row for row in rows if np.isfinite(row.score)]
    names = _usual([row.signals for row in scored]) if signals is None else tuple(signals)
    whole = [row for row in scored if row.signals.keys() >= set(names)]
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
        noted=_noted(rows),
    )


def reference_of_window(name: str, rows: Sequence[Observed]) -> Reference:
    """Live results of an earlier window. Raises ValueError for none."""
    countries = sorted({row.country for row in rows if row.country})
    return Reference(
        name, sample_of(rows), {c: sample_of([row for row in rows if row.country == c]) for c in countries}
    )


def _usual(signals: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """Those that most results have: a rare one would leave next to no result that has all of them."""
    counts = Counter(name for row in signals for name in row)
    return tuple(sorted(name for name, count in counts.items() if 2 * count > len(signals)))


def _noted(rows: Sequence[Observed]) -> dict[str, Floats]:
    names = {name for row in rows for name in row.signals}
    return {
        name: np.array([row.signals[name] for row in rows if name in row.signals]) for name in sorted(names)
    }


@dataclass(frozen=True)
class _Rows:
    """Trials of a run as columns; `outcomes` (N,) positions in OUTCOMES, -1 for none; `signals` of items."""

    record: RunRecord
    trials: Trials
    outcomes: NDArray[np.int8]
    reasons: Sequence[Sequence[str]]
    signals: Mapping[str, Floats]
    pairs: bool

    def sample(self, keep: NDArray[np.bool_]) -> Sample:
        """The rows that `keep` (N,) selects."""
        scores = self.trials.score[keep]
        counts = Counter(self.outcomes[keep].tolist())
        usual = self._usual(keep)
        names, columns = tuple(usual), np.column_stack([scores, *usual.values()])
        return Sample(
            check=self.record.check,
            provider=self.record.provider,
            check_digest=self.record.check_digest,
            scores=scores,
            outcomes={OUTCOMES[code]: n for code, n in counts.items() if code >= 0},
            reasons=Counter(code for row in np.flatnonzero(keep).tolist() for code in self.reasons[row]),
            signals=names,
            vectors=columns[np.isfinite(columns).all(axis=1)],
            noted=self._noted(keep),
        )

    def _usual(self, keep: NDArray[np.bool_]) -> dict[str, Floats]:
        """The signals (N,) that most scored trials have; of comparisons none."""
        if self.pairs:
            return {}
        rows = self.trials.row_a[keep & np.isfinite(self.trials.score)]
        usual = {
            name: column
            for name, column in self.signals.items()
            if 2 * np.isfinite(column[rows]).sum() > rows.size
        }
        return {name: column[self.trials.row_a[keep]] for name, column in sorted(usual.items())}

    def _noted(self, keep: NDArray[np.bool_]) -> dict[str, Floats]:
        """By signal, of every item that occurs, once."""
        rows = np.unique(np.concatenate([self.trials.row_a[keep], self.trials.row_b[keep]]))
        columns = {name: column[rows] for name, column in self.signals.items()}
        return {name: column[np.isfinite(column)] for name, column in columns.items()}


def _by_country(rows: _Rows, column: Factor) -> dict[str, Sample]:
    codes = column.codes[rows.trials.row_a]
    found = {name: codes == code for code, name in enumerate(column.names)}
    return {name: rows.sample(keep) for name, keep in found.items() if keep.any()}


def _outcomes(scores: Floats, digest: str, point: OperatingPoint | None) -> NDArray[np.int8]:
    unsure = OUTCOMES.index(Outcome.INCONCLUSIVE)
    if point is None or point.check_digest != digest:
        return np.where(np.isfinite(scores), -1, unsure).astype(np.int8)
    found = [OUTCOMES.index(point.outcome_of(s)) if np.isfinite(s) else unsure for s in scores.tolist()]
    return np.array(found, np.int8)


def _codes(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(";")) if joined else ()

"""What a run measured: one row an item, for comparisons one more table of pairs; and the run's record."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idv.domain.eval_sets import Comparisons, Part
from idv.domain.results import CheckName, Outcome

Codes = NDArray[np.int32]
OUTCOMES: Sequence[Outcome] = tuple(Outcome)
"""An outcome is stored as its position here."""
METRIC_VERSION = "1"
"""Changes whenever a metric's definition changes; figures of two versions are never compared."""


@dataclass(frozen=True)
class Factor:
    """A categorical column: `codes` (N,) int32 are positions in `names`, -1 where nothing is known."""

    codes: Codes
    names: tuple[str, ...]

    def equals(self, name: str) -> NDArray[np.bool_]:
        """(N,) bool: which rows have this value. Raises ValueError for a value that never occurs."""
        rows: NDArray[np.bool_] = self.codes == self.names.index(name)
        return rows


@dataclass(frozen=True)
class ItemTable:
    """One row an item, in the set's order.

    `score` (N,) float64, higher = more genuine, -inf where the check gave none (never NaN); for an item that
    is only compared with others, 0 where there is something to compare: -inf is a failure to acquire.
    `outcome` (N,)
    int8 positions in OUTCOMES. `genuine` (N,) int8: 1, 0, or -1 where the label is unknown, sealed or a
    matter of comparison. `correct` (N,) int8: whether what was read equals the truth, -1 where nothing was
    to be read.
    `latency_ms`, `cost` (N,) float32; cost in units of the run record's currency.
    `slices`: name of the slice -> its values. `reasons` (N,): codes joined by `;`. `signals`: name of the
    signal -> its scores (N,) float64, NaN where an item has none; runs made before they were kept have none.
    """

    ids: tuple[str, ...]
    part: Factor
    subject: Factor
    species: Factor
    genuine: NDArray[np.int8]
    outcome: NDArray[np.int8]
    score: NDArray[np.float64]
    correct: NDArray[np.int8]
    latency_ms: NDArray[np.float32]
    cost: NDArray[np.float32]
    reasons: tuple[str, ...]
    slices: Mapping[str, Factor] = field(default_factory=dict)
    signals: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def rows_of(self, part: Part | None) -> NDArray[np.bool_]:
        """(N,) bool: rows of a part; with None, of every part but the sealed one."""
        names = np.array([*self.part.names, ""])[self.part.codes]
        kept: NDArray[np.bool_] = names != Part.SEALED if part is None else names == part
        return kept

    @property
    def subjects(self) -> Codes:
        """(N,) int32: the subject of each row; an item whose subject nobody knows is one of its own."""
        known = self.subject.codes
        return np.where(known >= 0, known, -1 - np.arange(known.size)).astype(np.int32)


@dataclass(frozen=True)
class PairTable:
    """Comparisons: `a`, `b` (P,) int32 item rows; `score` (P,) float64, -inf where a template was missing."""

    a: Codes
    b: Codes
    score: NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """What every metric is computed from: N decisions that have a truth.

    `score` (N,) float64 with -inf for none; `genuine` (N,) bool (mated, bona fide, genuine). `outcome` (N,)
    int8 positions in OUTCOMES, as the candidate itself decided; -1 for pairs, on which it decided nothing.
    `subject_a`, `subject_b` (N,) int32, equal for single items: what a bootstrap resamples. `species` of the
    attacks. `row_a`, `row_b` (N,) int32: rows of the item table, equal for single items.
    """

    score: NDArray[np.float64]
    genuine: NDArray[np.bool_]
    outcome: NDArray[np.int8]
    subject_a: Codes
    subject_b: Codes
    species: Factor
    row_a: Codes
    row_b: Codes

    def __len__(self) -> int:
        """N."""
        return self.score.size

    def where(self, keep: NDArray[np.bool_]) -> "Trials":
        """The trials that `keep` (N,) selects."""
        return Trials(
            self.score[keep],
            self.genuine[keep],
            self.outcome[keep],
            self.subject_a[keep],
            self.subject_b[keep],
            Factor(self.species.codes[keep], self.species.names),
            self.row_a[keep],
            self.row_b[keep],
        )


@dataclass(frozen=True)
class ScoreTable:
    """Everything one run measured: `pairs` is None for a check that judges each item by itself."""

    items: ItemTable
    pairs: PairTable | None = None

    @property
    def scores_are_sound(self) -> bool:
        """Whether every score is a finite number or -inf, which stands for none."""
        columns = [self.items.score] + ([] if self.pairs is None else [self.pairs.score])
        return not any(np.isnan(scores).any() or np.isposinf(scores).any() for scores in columns)

    def trials(self, part: Part | None = None) -> Trials:
        """The rows that have a truth, of one part or of all that are not sealed.

        A pair belongs to a part when both of its items do. Items without a label, and pairs with an unknown
        subject, are left out.
        """
        items = self.items
        wanted = items.rows_of(part)
        if self.pairs is None:
            rows = np.flatnonzero(wanted & (items.genuine >= 0)).astype(np.int32)
            a = b = rows
            score, genuine = items.score[rows], items.genuine[rows] == 1
            outcome = items.outcome[rows]
        else:
            known = wanted & (items.subject.codes >= 0)
            same_part = items.part.codes[self.pairs.a] == items.part.codes[self.pairs.b]
            keep = known[self.pairs.a] & known[self.pairs.b] & same_part
            a, b, score = self.pairs.a[keep], self.pairs.b[keep], self.pairs.score[keep]
            genuine = items.subject.codes[a] == items.subject.codes[b]
            outcome = np.full(a.size, -1, np.int8)
        subjects = items.subjects
        return Trials(
            score=score,
            genuine=genuine,
            outcome=outcome,
            subject_a=subjects[a],
            subject_b=subjects[b],
            species=Factor(items.species.codes[a], items.species.names),
            row_a=a,
            row_b=b,
        )


@dataclass(frozen=True)
class RunRecord:
    """What was run on what, with which code: enough to run it again and to know what may be compared.

    `set_digest` and `metric_version` must agree before two runs are compared, `check_digest` before a
    threshold chosen on this run is used. `settings` holds no secret.
    """

    run_id: str
    set_name: str
    set_version: str
    set_digest: str
    comparisons: Comparisons
    limits: tuple[str, ...]
    check: CheckName
    candidate: str
    provider: str
    check_digest: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    commit: str
    dirty: bool
    executor: str
    seed: int
    packages: Mapping[str, str]
    models: Mapping[str, str]
    settings: Mapping[str, str]
    currency: str = "EUR"
    metric_version: str = METRIC_VERSION


@dataclass(frozen=True)
class Run:
    """A finished run: its record and what it measured."""

    record: RunRecord
    table: ScoreTable

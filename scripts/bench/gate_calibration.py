"""How often the gate fails a candidate that is no worse, and how surely one that is, on simulated runs.

    python scripts/bench/gate_calibration.py                    1,000 comparisons a design
    python scripts/bench/gate_calibration.py --comparisons 200  quicker
    python scripts/bench/gate_calibration.py --only faces       one design

Base and candidate judge the same items: their scores share what is particular to the subject and to the item,
and each has noise of its own for both. In a null comparison both are equally good. Then the candidate's
genuine scores are lowered until its true rate is worse by a multiple of the mean width of the interval that
the null comparisons had on the whole set. Every gate makes several tests: the whole set, each of four
regions, and where there are attacks each species.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName, Outcome
from idv.domain.score_tables import OUTCOMES, Factor, ItemTable, PairTable, Run, ScoreTable
from idv.evaluation.gate.compare import GateReport, compare
from idv.evaluation.gate.rules import GateRule, GateRules
from idv.evaluation.runs.record import drawn_record

Floats = NDArray[np.float64]
_SHARED, _OWN = 0.8, 0.6  # of each effect: what both candidates see alike, and what each adds
_SUBJECTS = 300
_EACH = 4  # items of a subject
_REGIONS = ("north", "east", "south", "west")
_SPECIES = ("print", "screen", "mask")
_THRESHOLD = 0.0
_RATE = 0.05  # of errors, on either side
_COMPARED = 12_000  # pairs of different subjects


class Effects:
    """Normal effects of subjects and items with variance 1 in all, partly shared by the two candidates."""

    def __init__(self, rng: np.random.Generator, subject: NDArray[np.int32]) -> None:
        """Draw what both share; `subject` (N,) of each item."""
        self._rng, self._subject = rng, subject
        self._common = self._draw()

    def scores(self) -> Floats:
        """One candidate's scores (N,), standard normal."""
        return _SHARED * self._common + _OWN * self._draw()

    def _draw(self) -> Floats:
        of_subjects = self._rng.normal(size=int(self._subject.max()) + 1)[self._subject]
        of_items = self._rng.normal(size=self._subject.size)
        return np.asarray((of_subjects + of_items) / np.sqrt(2), dtype=np.float64)


@dataclass(frozen=True)
class Design:
    """What is compared: rules, and how to draw a base and a candidate whose genuine scores are lowered."""

    name: str
    rules: GateRules
    pair: Callable[[np.random.Generator, float], tuple[Run, Run]]


def presentations(rng: np.random.Generator, loss: float) -> tuple[Run, Run]:
    """Half of the subjects bona fide, half attackers of one species each."""
    subject = np.repeat(np.arange(_SUBJECTS, dtype=np.int32), _EACH)
    genuine = subject % 2 == 0
    effects = Effects(rng, subject)
    apart = -NormalDist().inv_cdf(_RATE)
    middle = np.where(genuine, apart, -apart)
    species = np.where(genuine, -1, subject // 2 % len(_SPECIES)).astype(np.int32)
    runs = [
        _run(
            CheckName.LIVENESS,
            ScoreTable(_items(subject, middle - lowered + effects.scores(), genuine, species)),
        )
        for lowered in (0.0, loss * genuine)
    ]
    return runs[0], runs[1]


def faces(rng: np.random.Generator, loss: float) -> tuple[Run, Run]:
    """All mated pairs of each subject's images, and random pairs of people of any region."""
    subject = np.repeat(np.arange(_SUBJECTS, dtype=np.int32), _EACH)
    rows = np.arange(subject.size)
    mated = np.array([(i, j) for i in rows for j in range(i + 1, (i // _EACH + 1) * _EACH)])
    # Half of the impostors come from one's own region, so that its tests have comparisons.
    first = rng.integers(0, subject.size, _COMPARED)
    hop = len(_REGIONS) * rng.integers(1, _SUBJECTS // len(_REGIONS), _COMPARED)
    other = (
        subject[first] + np.where(rng.random(_COMPARED) < 0.5, hop, rng.integers(1, _SUBJECTS, _COMPARED))
    ) % _SUBJECTS
    second = other * _EACH + rng.integers(0, _EACH, _COMPARED)
    a, b = np.concatenate([mated[:, 0], first]), np.concatenate([mated[:, 1], second])
    genuine = subject[a] == subject[b]
    apart = NormalDist().inv_cdf(0.99) - NormalDist().inv_cdf(_RATE)
    own, others = Effects(rng, subject[a[genuine]]), Effects(rng, subject)
    noise = [rng.normal(size=a.size) for _ in range(3)]
    runs = []
    for number, lowered in enumerate((0.0, loss)):
        of_people = others.scores()
        score = (of_people[a] + of_people[b]) / 2 + (_SHARED * noise[0] + _OWN * noise[1 + number]) / np.sqrt(
            2
        )
        score[genuine] = apart - lowered + own.scores()
        items = _items(subject, np.full(subject.size, -np.inf), None, np.full(subject.size, -1, np.int32))
        pairs = PairTable(a.astype(np.int32), b.astype(np.int32), score)
        runs.append(_run(CheckName.FACE_MATCH, ScoreTable(items, pairs)))
    return runs[0], runs[1]


def designs(resamples: int) -> tuple[Design, ...]:
    """Own decisions; thresholds each run chose on the set; comparisons of faces."""
    live, match = CheckName.LIVENESS, CheckName.FACE_MATCH
    own = (
        GateRule(live, "bpcer", slices=("region",)),
        GateRule(live, "apcer", slices=("region", "species")),
    )
    chosen = (GateRule(live, "bpcer", at="apcer=0.05", slices=("region",)),)
    pairs = (GateRule(match, "fnmr", at="fmr=0.01", slices=("region",)),)
    return (
        Design("outcomes", GateRules(own, resamples=resamples), presentations),
        Design("thresholds", GateRules(chosen, resamples=resamples), presentations),
        Design("faces", GateRules(pairs, resamples=resamples), faces),
    )


def measure(design: Design, comparisons: int) -> None:
    """Print false alarms, then detections of losses of one and two widths of the interval."""
    null = [_report(design, seed, 0.0) for seed in range(comparisons)]
    alarms = sum(bool(report.failed) for report in null)
    whole = [report.tests[0].interval for report in null]
    width = float(np.mean([each.high - each.low for each in whole if each is not None]))
    rate = float(np.mean([report.tests[0].base_rate for report in null]))
    tests = len(null[0].tests)
    print(
        f"{design.name:11} {tests:2} tests, rate {rate:.4f}, mean interval {width:.4f}; nothing worse: "
        f"{alarms:4} of {comparisons} fail ({alarms / comparisons:.1%}, nominal {design.rules.nominal:.0%})",
        flush=True,
    )
    for widths in (0.5, 1.0, 2.0):
        loss = NormalDist().inv_cdf(rate + widths * width) - NormalDist().inv_cdf(rate)
        runs = max(comparisons // 10, 20)
        found = sum(bool(_report(design, 10**6 + seed, loss).failed) for seed in range(runs))
        print(
            f"{design.name:11} true loss of {widths:3.1f} widths ({widths * width:.4f}): "
            f"{found:4} of {runs} fail ({found / runs:.1%})",
            flush=True,
        )


def _report(design: Design, seed: int, loss: float) -> GateReport:
    base, candidate = design.pair(np.random.default_rng(seed), loss)
    return compare(base, candidate, design.rules)


def _items(
    subject: NDArray[np.int32], score: Floats, genuine: NDArray[np.bool_] | None, species: NDArray[np.int32]
) -> ItemTable:
    size = subject.size
    decided = np.where(score >= _THRESHOLD, OUTCOMES.index(Outcome.PASS), OUTCOMES.index(Outcome.FAIL))
    return ItemTable(
        ids=tuple(str(number) for number in range(size)),
        part=Factor(np.zeros(size, np.int32), ("test",)),
        subject=Factor(subject, tuple(str(number) for number in range(_SUBJECTS))),
        species=Factor(species, _SPECIES),
        genuine=np.full(size, -1, np.int8) if genuine is None else genuine.astype(np.int8),
        outcome=decided.astype(np.int8),
        score=score,
        correct=np.full(size, -1, np.int8),
        latency_ms=np.ones(size, np.float32),
        cost=np.zeros(size, np.float32),
        reasons=("",) * size,
        slices={"region": Factor((subject % len(_REGIONS)).astype(np.int32), _REGIONS)},
    )


def _run(check: CheckName, table: ScoreTable) -> Run:
    return Run(drawn_record(check, Comparisons.NONE if table.pairs is None else Comparisons.LISTED), table)


def main() -> None:
    """Measure each design."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--only", default="", help="designs whose name contains this")
    told = parser.parse_args()
    for design in designs(told.resamples):
        if told.only in design.name:
            measure(design, told.comparisons)


if __name__ == "__main__":
    main()

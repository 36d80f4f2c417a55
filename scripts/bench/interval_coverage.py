"""How often intervals hold the true rate, on simulated sets in which scores depend on who is compared.

    python scripts/bench/interval_coverage.py                 1,000 sets a design
    python scripts/bench/interval_coverage.py --sets 200      quicker

Every subject has an effect of its own on its mated scores and, another, on every non-mated score it takes
part in (sheep, goats, lambs and wolves). The truth is known: integrated over subjects, at a fixed threshold
or at the population's threshold for the FMR. Each row: what is estimated, which interval, how often it held
the truth, its mean width, and as the ideal 3.92 standard deviations of the estimates themselves.
`trials`: resamples rows instead of subjects, as most tools do. `percentile`: subjects, plain percentiles.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from idv.domain.operating_points import Interval
from idv.metrics import bootstrap, error_rates, intervals
from idv.metrics.rate_at_rate import RateAtRate
from idv.metrics.resampling import subjects_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_RESAMPLES = 1000


@dataclass(frozen=True)
class World:
    """Normal scores; `mated_effect` and `nonmated_effect`: standard deviations of the subjects' effects."""

    subjects: int
    mated_each: int
    nonmated: int
    mated_mean: float
    mated_effect: float
    nonmated_effect: float

    def draw(self, rng: np.random.Generator) -> "Sample":
        """One set: every subject's mated trials, and comparisons of random pairs of different subjects."""
        mated_a = np.repeat(np.arange(self.subjects), self.mated_each)
        first = rng.integers(0, self.subjects, self.nonmated)
        second = (first + rng.integers(1, self.subjects, self.nonmated)) % self.subjects
        goat = (
            rng.normal(0, self.mated_effect, self.subjects) if self.mated_effect else np.zeros(self.subjects)
        )
        lamb = rng.normal(0, self.nonmated_effect, self.subjects)
        mated = self.mated_mean + goat[mated_a] + rng.normal(size=mated_a.size)
        nonmated = lamb[first] + lamb[second] + rng.normal(size=self.nonmated)
        return Sample(
            np.concatenate([mated, nonmated]),
            np.arange(mated.size + nonmated.size) < mated.size,
            np.concatenate([mated_a, first]),
            np.concatenate([mated_a, second]),
        )

    def threshold(self, false_match_rate: float) -> float:
        """Where the population's FMR is that."""
        return NormalDist(0, math.hypot(1, self.nonmated_effect * math.sqrt(2))).inv_cdf(1 - false_match_rate)

    def false_non_match_rate(self, threshold: float) -> float:
        """The population's FNMR there."""
        return NormalDist(self.mated_mean, math.hypot(1, self.mated_effect)).cdf(threshold)


@dataclass(frozen=True)
class Sample:
    """One simulated set: scores, classes and both subjects, (N,) each."""

    score: Floats
    genuine: NDArray[np.bool_]
    a: Codes
    b: Codes


Method = Callable[[Sample, int], Interval]


@dataclass(frozen=True)
class Design:
    """What is estimated in a world, its true value, and the ways to put an interval round it."""

    name: str
    world: World
    truth: float
    estimate: Callable[[Sample], float]
    methods: dict[str, Method]


def ends(replicates: Floats) -> Interval:
    """The plain percentile interval."""
    low, high = np.quantile(replicates, [0.025, 0.975])
    return Interval(float(low), float(high))


def rate_design(name: str, world: World, *, genuine: bool, threshold: float, truth: float) -> Design:
    """FNMR (`genuine`) or FMR at a fixed threshold."""

    def rows(sample: Sample) -> tuple[NDArray[np.bool_], Codes, Codes]:
        kept = sample.genuine == genuine
        wrong = (sample.score < threshold) == genuine
        return wrong[kept], sample.a[kept], sample.b[kept]

    def estimate(sample: Sample) -> float:
        return float(rows(sample)[0].mean())

    def by_subjects(sample: Sample, seed: int) -> Interval:
        return bootstrap.rate_interval(*rows(sample), resamples=_RESAMPLES, seed=seed)

    def by_percentiles(sample: Sample, seed: int) -> Interval:
        wrong, a, b = rows(sample)
        subjects = subjects_of(a, b)
        drawn = bootstrap.mean_replicates(wrong.astype(float), subjects, resamples=_RESAMPLES, seed=seed)
        return ends(drawn)

    def by_trials(sample: Sample, seed: int) -> Interval:
        wrong, _, _ = rows(sample)
        rng = np.random.default_rng(seed)
        drawn = rng.binomial(wrong.size, wrong.mean(), _RESAMPLES) / wrong.size
        return ends(drawn)

    def wilson(sample: Sample, seed: int) -> Interval:  # noqa: ARG001 - a method like the others
        wrong, _, _ = rows(sample)
        return intervals.wilson(int(wrong.sum()), wrong.size)

    methods: dict[str, Method] = {
        "idv": by_subjects,
        "percentile": by_percentiles,
        "trials": by_trials,
        "trials, Wilson": wilson,
    }
    return Design(name, world, truth, estimate, methods)


def at_rate_design(name: str, world: World, *, target: float) -> Design:
    """FNMR at an FMR: the threshold is estimated too."""
    truth = world.false_non_match_rate(world.threshold(target))

    def estimate(sample: Sample) -> float:
        return error_rates.fnmr_at_fmr(sample.score[sample.genuine], sample.score[~sample.genuine], target)

    def by_subjects(sample: Sample, seed: int) -> Interval:
        return bootstrap.rate_at_rate_interval(
            sample.score, sample.genuine, sample.a, sample.b, target=target, resamples=_RESAMPLES, seed=seed
        )

    def replicates(sample: Sample, a: Codes, b: Codes, seed: int) -> Interval:
        table = RateAtRate(sample.score, sample.genuine, subjects_of(a, b), targets=[target])
        drawn = table.replicates(resamples=_RESAMPLES, seed=seed).rates
        return ends(drawn[~np.isnan(drawn)])

    def by_percentiles(sample: Sample, seed: int) -> Interval:
        return replicates(sample, sample.a, sample.b, seed)

    def by_trials(sample: Sample, seed: int) -> Interval:
        each_its_own = np.arange(sample.score.size)
        return replicates(sample, each_its_own, each_its_own, seed)

    methods: dict[str, Method] = {"idv": by_subjects, "percentile": by_percentiles, "trials": by_trials}
    return Design(name, world, truth, estimate, methods)


def designs() -> Iterator[Design]:
    """One-way (own trials) and two-way (comparisons), common and rare errors, many and few people."""
    worlds = {
        "100 people": World(100, 10, 3000, 2.5, 1.0, 0.4),
        "300 people": World(300, 5, 6000, 2.5, 1.0, 0.4),
        "300, no effects": World(300, 5, 6000, 2.5, 0.0, 0.0),
    }
    for people, world in worlds.items():
        for rate in (0.1, 0.02):
            cut = NormalDist(world.mated_mean, math.hypot(1, world.mated_effect)).inv_cdf(rate)
            yield rate_design(
                f"one-way FNMR {rate:.0%}, {people}", world, genuine=True, threshold=cut, truth=rate
            )
        for rate in (0.1, 0.01):
            cut = world.threshold(rate)
            yield rate_design(
                f"two-way FMR {rate:.0%}, {people}", world, genuine=False, threshold=cut, truth=rate
            )
        yield at_rate_design(f"FNMR@FMR 1%, {people}", world, target=0.01)


def main() -> None:
    """Print one row a design and method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--only", default="", help="designs whose name contains this")
    arguments = parser.parse_args()
    print(f"{'design':38} {'interval':15} {'covers':>7} {'mean width':>11} {'ideal':>8}")
    for number, design in enumerate(designs()):
        if arguments.only not in design.name:
            continue
        rng = np.random.default_rng(number)
        samples = [design.world.draw(rng) for _ in range(arguments.sets)]
        ideal = 2 * 1.96 * float(np.std([design.estimate(sample) for sample in samples]))
        for name, method in design.methods.items():
            made = [method(sample, seed) for seed, sample in enumerate(samples)]
            covers = np.mean([each.low <= design.truth <= each.high for each in made])
            width = np.mean([each.high - each.low for each in made])
            print(f"{design.name:38} {name:15} {covers:7.1%} {width:11.5f} {ideal:8.5f}", flush=True)


if __name__ == "__main__":
    main()

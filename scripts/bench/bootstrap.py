"""Measures the subject bootstrap of FNMR@FMR against the plain way, on the same scores in one run.

    python scripts/bench/bootstrap.py                           1,000,000 comparisons, 10,000 subjects
    python scripts/bench/bootstrap.py --plain-resamples 20      more of the plain way (it is timed a resample)

The plain ways draw the same subjects, gather the weights of all rows, and per resample call
`sklearn.metrics.roc_curve` with them, or copy the rows and partition them in NumPy. CPU time of this
process; the peak is that of the process with the plain ways run last, read before them.
"""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from idv.metrics import bootstrap, error_rates
from idv.metrics.rate_at_rate import RateAtRate
from idv.metrics.resampling import Subjects, multiplicities, subjects_of

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
_SEED = 7


def simulated(
    comparisons: int, subjects: int, *, mated_share: float
) -> tuple[Floats, NDArray[np.bool_], Counts, Counts]:
    """Scores, classes and subjects (N,), with an effect of each subject on its scores."""
    rng = np.random.default_rng(1)
    genuine = np.arange(comparisons) < comparisons * mated_share
    first = rng.integers(0, subjects, comparisons)
    second = np.where(genuine, first, (first + rng.integers(1, subjects, comparisons)) % subjects)
    effect = rng.normal(size=subjects)
    noise = rng.normal(size=comparisons)
    score = noise + np.where(genuine, 4 + effect[first], 0.3 * (effect[first] + effect[second]))
    return score, genuine, first, second


def with_scikit(score: Floats, genuine: NDArray[np.bool_], weights: Counts, target: float) -> float:
    """FNMR at the highest point of the ROC curve that keeps the target."""
    false_matches, matches, _ = roc_curve(genuine, score, sample_weight=weights, drop_intermediate=False)
    return 1 - float(matches[np.searchsorted(false_matches, target + 1e-12, side="right") - 1])


def with_numpy(score: Floats, genuine: NDArray[np.bool_], weights: Counts, target: float) -> float:
    """Copies each row as often as it counts, and takes FNMR@FMR of the copies by partition."""
    mated = np.repeat(score[genuine], weights[genuine])
    nonmated = np.repeat(score[~genuine], weights[~genuine])
    return error_rates.fnmr_at_fmr(mated, nonmated, target)


def plain(
    way: Callable[[Floats, NDArray[np.bool_], Counts, float], float],
    table: tuple[Floats, NDArray[np.bool_], Subjects],
    *,
    target: float,
    resamples: int,
) -> tuple[Floats, float]:
    """FNMR@FMR of the first resamples, and CPU seconds a resample."""
    score, genuine, subjects = table
    drawn = next(iter(multiplicities(subjects.count, resamples=1000, seed=_SEED)))
    rates = []
    started = time.process_time()
    for column in drawn.T[:resamples].astype(np.int64):
        weights = column[subjects.a] * np.where(subjects.a == subjects.b, 1, column[subjects.b])
        rates.append(way(score, genuine, weights, target))
    return np.array(rates), (time.process_time() - started) / resamples


def main() -> None:
    """Print times, the ratio, the memory and the largest difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--comparisons", type=int, default=1_000_000)
    parser.add_argument("--subjects", type=int, default=10_000)
    parser.add_argument("--mated-share", type=float, default=0.05)
    parser.add_argument("--target", type=float, default=1e-3)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--plain-resamples", type=int, default=10)
    told = parser.parse_args()
    score, genuine, a, b = simulated(told.comparisons, told.subjects, mated_share=told.mated_share)
    started = time.process_time()
    interval = bootstrap.rate_at_rate_interval(
        score, genuine, a, b, target=told.target, resamples=told.resamples, seed=_SEED
    )
    ours = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{told.resamples} resamples of {told.comparisons:,} comparisons of {told.subjects:,} subjects")
    found = f"FNMR in {interval.low:.5f}..{interval.high:.5f}"
    print(f"idv            {ours:8.2f} s CPU, peak {peak:,.0f} MiB, {found}")
    subjects = subjects_of(a, b)
    table = RateAtRate(score, genuine, subjects, targets=[told.target])
    mine = table.replicates(resamples=1000, seed=_SEED).rates[: told.plain_resamples, 0]
    for name, way in (("scikit-learn", with_scikit), ("NumPy", with_numpy)):
        rates, each = plain(
            way, (score, genuine, subjects), target=told.target, resamples=told.plain_resamples
        )
        ratio = each * told.resamples / ours
        print(
            f"{name:14} {each * told.resamples:8.2f} s CPU ({told.plain_resamples} timed): "
            f"{ratio:.1f} x ours; largest difference {np.abs(rates - mine).max():.1e}"
        )


if __name__ == "__main__":
    main()

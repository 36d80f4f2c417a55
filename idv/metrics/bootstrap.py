"""Intervals of rates whose trials share subjects, by resampling subjects instead of trials.

The variance comes from the bootstrap; the interval is Wilson's on the number of independent trials that
would have had that variance (Kish's effective size; for clustered proportions Dean and Pagano, Journal of
Survey Statistics and Methodology 3, 2015). So it stays inside [0, 1], leans to the right side where errors
are few, and does not shrink to a point where no error was seen. `scripts/bench/interval_coverage.py`
compares it with percentiles and with resampled trials, by simulation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.domain.operating_points import Interval
from idv.metrics.intervals import student_t_quantile, student_t_tail, wilson_of_rate
from idv.metrics.paired import sign_flip_p_values
from idv.metrics.rate_at_rate import RateAtRate
from idv.metrics.resampling import Rows, Subjects, multiplicities, subjects_of

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class PairedDifference(NamedTuple):
    """Rate of B minus rate of A on the same trials; positive means that B errs more often.

    `p_value` is two-sided; `p_worse` one-sided, of the hypothesis that B errs no more often than A.
    """

    difference: float
    interval: Interval
    p_value: float
    p_worse: float


def rate_interval(
    wrong: ArrayLike,
    subject_a: ArrayLike,
    subject_b: ArrayLike,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of the share of `wrong` (N,) among trials of `subject_a`, `subject_b` (N,), equal for one.

    Raises ValueError for no trials, lists of different lengths, or a confidence outside (0, 1).
    """
    errors, subjects = _trials(wrong, subject_a, subject_b)
    residuals = errors - errors.mean()
    replicates = mean_replicates(errors, subjects, resamples=resamples, seed=seed)
    # Products of counts weigh what is special to a pair three times as much as it varies (Owen, 2007).
    variance = _variance(replicates) - 2 * _pair_variance(residuals, subjects)
    freedom = _freedom(residuals, subjects)
    return _wilson_interval(float(errors.mean()), variance, subjects, freedom=freedom, confidence=confidence)


def rate_at_rate_interval(
    score: ArrayLike,
    genuine: ArrayLike,
    subject_a: ArrayLike,
    subject_b: ArrayLike,
    *,
    target: float,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of the share of genuine trials not accepted where at most `target` of the others are.

    FNMR@FMR, BPCER@APCER. The threshold is chosen anew in every resample, as
    `error_rates.threshold_at_fmr` chooses it. `score` (N,), -inf for none; `genuine` (N,) bool.
    Raises ValueError for a class without trials, NaN, or a rate outside [0, 1].
    """
    subjects = subjects_of(subject_a, subject_b)
    table = RateAtRate(score, genuine, subjects, targets=[target])
    replicates = table.replicates(resamples=resamples, seed=seed)[:, 0]
    return _at_rate(float(table.estimate()[0]), replicates, table, confidence=confidence)


def det_band(
    score: ArrayLike,
    genuine: ArrayLike,
    subject_a: ArrayLike,
    subject_b: ArrayLike,
    grid: ArrayLike,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Lower and upper FNMR (K,) at each FMR of `grid` (K,): pointwise intervals of `rate_at_rate_interval`.

    Raises as `rate_at_rate_interval`.
    """
    subjects = subjects_of(subject_a, subject_b)
    table = RateAtRate(score, genuine, subjects, targets=grid)
    replicates = table.replicates(resamples=resamples, seed=seed)
    ends = [
        _at_rate(float(rate), column, table, confidence=confidence)
        for rate, column in zip(table.estimate(), replicates.T, strict=True)
    ]
    return np.array([end.low for end in ends]), np.array([end.high for end in ends])


def paired_difference(
    wrong_a: ArrayLike,
    wrong_b: ArrayLike,
    subject_a: ArrayLike,
    subject_b: ArrayLike,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """How much more often candidate B is wrong than candidate A on the same trials.

    Interval from the subject bootstrap of the difference. p-values by flipping the sign of each subject's
    (for comparisons, each pair of subjects') difference: exactly McNemar's test where no subject has two
    discordant trials. For comparisons the larger of that and of a t-test on the bootstrap's variance, since
    pairs that share a subject are not independent.
    Raises ValueError for no trials or lists of different lengths.
    """
    before, subjects = _trials(wrong_a, subject_a, subject_b)
    after, _ = _trials(wrong_b, subject_a, subject_b)
    change = after - before
    difference = float(change.mean())
    residuals = change - difference
    replicates = mean_replicates(change, subjects, resamples=resamples, seed=seed)
    own = _pair_variance(residuals, subjects)
    spread = float(np.sqrt(max(_variance(replicates) - 2 * own, own)))
    freedom = _freedom(residuals, subjects)
    half = student_t_quantile(0.5 + confidence / 2, freedom) * spread
    interval = Interval(max(-1.0, difference - half), min(1.0, difference + half), confidence)
    two_sided, worse = sign_flip_p_values(_cluster_sums(change, subjects)[1])
    if spread > 0 and (subjects.a != subjects.b).any():
        tail = student_t_tail(difference / spread, freedom)
        two_sided, worse = max(two_sided, 2 * min(tail, 1 - tail)), max(worse, tail)
    return PairedDifference(difference, interval, two_sided, worse)


def mean_replicates(values: Floats, subjects: Subjects, *, resamples: int, seed: int) -> Floats:
    """The mean of `values` (N,), each -1, 0 or 1, in every resample that drew a trial: (R,) or fewer.

    Raises ValueError when no resample drew any.
    """
    every = Rows(subjects.a, subjects.b)
    ups, downs = Rows.among(subjects, values > 0), Rows.among(subjects, values < 0)
    means = []
    for drawn in multiplicities(subjects.count, resamples=resamples, seed=seed):
        weights = every.totals(drawn)
        sums = ups.totals(drawn) - downs.totals(drawn)
        means.append(sums[weights > 0] / weights[weights > 0])
    replicates = np.concatenate(means)
    if replicates.size == 0:
        raise ValueError("no resample held a single trial")
    return replicates


def _trials(wrong: ArrayLike, subject_a: ArrayLike, subject_b: ArrayLike) -> tuple[Floats, Subjects]:
    errors = np.asarray(wrong).ravel()
    subjects = subjects_of(subject_a, subject_b)
    if errors.size != subjects.a.size:
        raise ValueError(f"{errors.size} trials, but subjects of {subjects.a.size}")
    if not np.isin(errors, (0, 1)).all():
        raise ValueError("a trial is wrong or it is not: 1 or 0")
    return errors.astype(np.float64), subjects


def _at_rate(rate: float, replicates: Floats, table: RateAtRate, *, confidence: float) -> Interval:
    drawn = replicates[~np.isnan(replicates)]
    if drawn.size == 0:
        raise ValueError("no resample held trials of both classes")
    subjects = table.genuine_subjects
    wrong = (np.arange(subjects.a.size) < round(rate * subjects.a.size)).astype(np.float64)
    freedom = _freedom(wrong - rate, subjects)  # the weakest come first
    return _wilson_interval(rate, _variance(drawn), subjects, freedom=freedom, confidence=confidence)


def _wilson_interval(
    rate: float, variance: float, subjects: Subjects, *, freedom: float, confidence: float
) -> Interval:
    """Wilson's interval on as many independent trials as explain the variance, by Student's t.

    Where every trial ended alike nothing is known of how they hang together: then on as few as if all errors
    of a subject came together.
    """
    binomial, trials = rate * (1 - rate), float(subjects.a.size)
    if binomial > 0:
        effective = min(trials, binomial / max(variance, binomial / trials))
    else:
        effective = _fewest_independent(subjects)
    z = student_t_quantile(0.5 + confidence / 2, freedom)
    return wilson_of_rate(rate, effective, z=z, confidence=confidence)


def _variance(replicates: Floats) -> float:
    return float(np.var(replicates))


def _pair_variance(residuals: Floats, subjects: Subjects) -> float:
    """What pairs of subjects add by themselves to the variance of the mean, were they independent."""
    crossed, sums = _cluster_sums(residuals, subjects)
    return float(np.sum(sums[crossed] ** 2)) / residuals.size**2


def _fewest_independent(subjects: Subjects) -> float:
    """Independent trials left if trials that share a subject always ended alike."""
    ones = np.ones(subjects.a.size)
    crossed, sizes = _cluster_sums(ones, subjects)
    involved = np.bincount(subjects.a, minlength=subjects.count).astype(np.float64)
    other = subjects.a != subjects.b
    involved += np.bincount(subjects.b[other], minlength=subjects.count)
    together = float(np.sum(involved**2) - np.sum(sizes[crossed] ** 2))
    return subjects.a.size**2 / together


def _cluster_sums(values: Floats, subjects: Subjects) -> tuple[Mask, Floats]:
    """Sums of `values` over each subject and each pair of subjects that has any, and which are pairs."""
    low, high = np.minimum(subjects.a, subjects.b), np.maximum(subjects.a, subjects.b)
    kept = values != 0
    keys, cluster = np.unique((low * subjects.count + high)[kept], return_inverse=True)
    sums = np.bincount(cluster.ravel(), weights=values[kept], minlength=keys.size)
    crossed: Mask = keys // subjects.count != keys % subjects.count
    return crossed, np.asarray(sums, dtype=np.float64)


def _freedom(residuals: Floats, subjects: Subjects) -> float:
    """Degrees of freedom of the variance: few where few subjects make most of it (Satterthwaite, 1946)."""
    if subjects.count < 2:  # noqa: PLR2004 - the smallest number that can differ
        raise ValueError("an interval over subjects needs at least two of them")
    sums = np.bincount(subjects.a, weights=residuals, minlength=subjects.count)
    crossed = subjects.a != subjects.b
    sums += np.bincount(subjects.b[crossed], weights=residuals[crossed], minlength=subjects.count)
    squares = sums**2
    if not squares.any():
        return subjects.count - 1
    return min(subjects.count - 1, 2 * float(squares.sum()) ** 2 / float(np.sum(squares**2)))

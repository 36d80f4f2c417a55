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
from idv.metrics.resampling import Positions, Rows, Subjects, multiplicities, subjects_of

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
    variance = _variance(replicates, subjects) - 2 * _pair_variance(residuals, subjects)
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
    return _at_rates(table, resamples=resamples, confidence=confidence, seed=seed)[0]


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
    ends = _at_rates(table, resamples=resamples, confidence=confidence, seed=seed)
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
    spread = float(np.sqrt(max(_variance(replicates, subjects) - 2 * own, own)))
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


def _at_rates(table: RateAtRate, *, resamples: int, confidence: float, seed: int) -> list[Interval]:
    """The interval at each target of the table."""
    drawn = table.replicates(resamples=resamples, seed=seed)
    complete = ~np.isnan(drawn.rates + drawn.accepted).any(axis=1)
    if not complete.any():
        raise ValueError("no resample held trials of both classes")
    rates, accepted = drawn.rates[complete], drawn.accepted[complete]
    excess = 2 * _pair_variances(table.accepted_rows, table.other_subjects)
    subjects, intervals = table.genuine_subjects, []
    for k, rate in enumerate(table.estimate().tolist()):
        wrong = (np.arange(subjects.a.size) < round(rate * subjects.a.size)).astype(np.float64)
        freedom = _freedom(wrong - rate, subjects)  # the weakest come first
        # How far the rate follows the threshold, whose variance the pairs overstate as in rate_interval.
        follows = _slope(accepted[:, k], rates[:, k])
        variance = _variance(rates[:, k], subjects) - follows**2 * float(excess[k])
        intervals.append(_wilson_interval(rate, variance, subjects, freedom=freedom, confidence=confidence))
    return intervals


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


def _variance(replicates: Floats, subjects: Subjects) -> float:
    """Variance over resamples; drawing from S subjects themselves, they vary by (S - 1) / S too little."""
    return float(np.var(replicates)) * subjects.count / max(subjects.count - 1, 1)


def _slope(x: Floats, y: Floats) -> float:
    spread = float(np.var(x))
    return float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 0 else 0.0


def _pair_variance(residuals: Floats, subjects: Subjects) -> float:
    """What pairs of subjects add by themselves to the variance of the mean, were they independent."""
    crossed, sums = _cluster_sums(residuals, subjects)
    return float(np.sum(sums[crossed] ** 2)) / residuals.size**2


def _pair_variances(accepted: Positions, subjects: Subjects) -> Floats:
    """`_pair_variance` of the rates at which the first `accepted` (T,) rows are errors."""
    crossed = subjects.a != subjects.b
    if not crossed.any():
        return np.zeros(accepted.size)
    keys = _pair_keys(subjects)
    every = np.sort(keys[crossed])
    _, sizes = _runs(every)
    trials = subjects.a.size
    variances = []
    for number in accepted.tolist():
        pairs, hits = _runs(np.sort(keys[:number][crossed[:number]]))
        of_them = np.searchsorted(every, pairs, side="right") - np.searchsorted(every, pairs, side="left")
        rate = number / trials
        # The sum of (hits - rate · sizes)² over all pairs, of which most have no hit.
        squares = hits @ hits - 2 * rate * (hits @ of_them) + rate**2 * (sizes @ sizes)
        variances.append(float(squares) / trials**2)
    return np.array(variances)


def _runs(ordered: Positions) -> tuple[Positions, Positions]:
    """The distinct values of a sorted list and how often each occurs."""
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[first], np.diff(first, append=ordered.size)


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
    kept = values != 0
    keys, cluster = np.unique(_pair_keys(subjects)[kept], return_inverse=True)
    sums = np.bincount(cluster.ravel(), weights=values[kept], minlength=keys.size)
    crossed: Mask = keys // subjects.count != keys % subjects.count
    return crossed, np.asarray(sums, dtype=np.float64)


def _pair_keys(subjects: Subjects) -> Positions:
    """One number (N,) for each pair of subjects, whichever comes first."""
    keys: Positions = np.minimum(subjects.a, subjects.b) * subjects.count + np.maximum(subjects.a, subjects.b)
    return keys


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

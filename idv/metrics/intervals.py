"""Confidence intervals of a proportion: how far `errors` out of `trials` can be trusted."""

import math
from statistics import NormalDist

from idv.domain.operating_points import Interval

_CONTINUED_FRACTION_TERMS = 300
_BISECTIONS = 60
_CONVERGED = 1e-15
_TINY = 1e-300
_RULE_OF_30 = 0.3004  # 1.645 / sqrt(30)


def wilson(errors: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927): close to nominal coverage on average, also for few errors.

    Raises ValueError unless 0 <= errors <= trials, trials > 0 and 0 < confidence < 1.
    """
    _require_counts(errors, trials, confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return wilson_of_rate(errors / trials, trials, z=z, confidence=confidence)


def wilson_of_rate(rate: float, trials: float, *, z: float, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a rate in [0, 1] on any number of trials > 0, an effective one for instance.

    `z` is the quantile that `confidence` (only noted) asks for.
    """
    spread = z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    low = 0.0 if rate == 0 else max(0.0, centre - half)
    high = 1.0 if rate == 1 else min(1.0, centre + half)
    return Interval(low, high, confidence)


def clopper_pearson(errors: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """The exact interval of Clopper and Pearson (1934): covers at least as often as it says.

    Raises ValueError unless 0 <= errors <= trials, trials > 0 and 0 < confidence < 1.
    """
    _require_counts(errors, trials, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else _beta_quantile(tail, errors, trials - errors + 1)
    high = 1.0 if errors == trials else _beta_quantile(1 - tail, errors + 1, trials - errors)
    return Interval(low, high, confidence)


def rule_of_three(trials: int, *, confidence: float = 0.95) -> float:
    """The rate that `trials` independent trials without an error exclude, in (0, 1); about 3 / trials.

    One-sided, and exact: (1 - bound) ** trials = 1 - confidence (ISO/IEC 19795-1 has the rounded form).
    Raises ValueError for no trials or a confidence outside (0, 1).
    """
    _require_counts(0, trials, confidence)
    return -math.expm1(math.log1p(-confidence) / trials)


def rule_of_30(errors: int) -> bool:
    """Whether there are 30 errors: then the true rate lies within 30 % of the measured one, 90 % surely.

    Doddington et al. (Speech Communication 31, 2000), as ISO/IEC 19795-1 cites it. Raises ValueError for
    fewer than no errors.
    """
    return relative_precision(errors, confidence=0.9) <= _RULE_OF_30


def relative_precision(errors: int, *, confidence: float = 0.9) -> float:
    """Half width of the interval of a rare rate as a share of it: z / sqrt(errors), inf without errors.

    Raises ValueError for fewer than no errors or a confidence outside (0, 1).
    """
    if errors < 0:
        raise ValueError(f"{errors} errors cannot be counted")
    _require_confidence(confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return z / math.sqrt(errors) if errors else math.inf


def student_t_tail(t: float, freedom: float) -> float:
    """Probability that Student's t with `freedom` > 0 degrees exceeds `t`, in [0, 1] (DLMF 8.17)."""
    square = t * t
    # Of a number and its distance to 1 the smaller one keeps its digits.
    if square < freedom:
        both = 1 - regularised_incomplete_beta(square / (freedom + square), 0.5, freedom / 2)
    else:
        both = regularised_incomplete_beta(freedom / (freedom + square), freedom / 2, 0.5)
    return both / 2 if t > 0 else 1 - both / 2


def student_t_quantile(probability: float, freedom: float) -> float:
    """The value that Student's t stays below with a probability in (0, 1). Raises ValueError otherwise."""
    _require_confidence(probability)
    if probability < 0.5:  # noqa: PLR2004 - the median
        return -student_t_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while student_t_tail(high, freedom) > 1 - probability:
        low, high = high, high * 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_t_tail(middle, freedom) > 1 - probability else (low, middle)
    return (low + high) / 2


def regularised_incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b): the distribution function of Beta(a, b) at x in [0, 1]; a, b > 0 (DLMF 8.17)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    # The continued fraction converges fast only below the mean; the symmetry covers the rest.
    if x > (a + 1) / (a + b + 2):
        return 1.0 - regularised_incomplete_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a / _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Continued fraction DLMF 8.17.22, forwards by Lentz's method, until a term changes nothing."""
    value = numerator = 1.0
    denominator = 0.0
    for n in range(1, _CONTINUED_FRACTION_TERMS + int(10 * math.sqrt(max(a, b)))):
        coefficient = _beta_coefficient(n, x, a, b)
        denominator = 1.0 / (1.0 + coefficient * denominator or _TINY)
        numerator = 1.0 + coefficient / numerator or _TINY
        value *= numerator * denominator
        if abs(numerator * denominator - 1.0) < _CONVERGED:
            break
    return value


def _beta_coefficient(n: int, x: float, a: float, b: float) -> float:
    m = n // 2
    if n % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if regularised_incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _require_counts(errors: int, trials: int, confidence: float) -> None:
    if not 0 <= errors <= trials or trials == 0:
        raise ValueError(f"{errors} errors in {trials} trials is not a proportion")
    _require_confidence(confidence)


def _require_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")

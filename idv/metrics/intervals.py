"""Confidence intervals of a proportion: how far `errors` out of `trials` can be trusted."""

import math
from statistics import NormalDist

from idv.domain.operating_points import Interval

_CONTINUED_FRACTION_TERMS = 300
_BISECTIONS = 60
_CONVERGED = 1e-15
_TINY = 1e-300


def wilson(errors: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927): close to nominal coverage on average, also for few errors.

    Raises ValueError unless 0 <= errors <= trials, trials > 0 and 0 < confidence < 1.
    """
    _require_counts(errors, trials, confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate, spread = errors / trials, z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    high = 1.0 if errors == trials else min(1.0, centre + half)
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
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")

"""Failures before anything is compared, in the terms of ISO/IEC 19795-1, and error rates that include them.

`error_rates.fnmr` counts a failure to acquire (a score of -inf) as an error already; the composed rates here
are for figures, a vendor's for instance, whose FNMR and FMR leave such attempts out.
"""

import numpy as np
from numpy.typing import ArrayLike

from idv.metrics.shares import share


def fta(score: ArrayLike) -> float:
    """Failure-to-acquire rate: share of attempts without a score (-inf), in [0, 1].

    Raises ValueError for no attempt or NaN.
    """
    scores = np.asarray(score, dtype=np.float64).ravel()
    if np.isnan(scores).any():
        raise ValueError("NaN is not a score")
    return share(np.isneginf(scores))


def fte(enrolled: ArrayLike) -> float:
    """Failure-to-enrol rate: share of people of whom no template could be made, in [0, 1].

    `enrolled` (N,) bool, one a person. Raises ValueError for nobody or values that are not bool.
    """
    return 1.0 - share(enrolled)


def false_reject_rate(fnmr: float, *, fta: float, fte: float = 0.0) -> float:
    """Share of genuine people turned away: not enrolled, else not acquired, else not matched, in [0, 1].

    FTE + (1 - FTE) FTA + (1 - FTE)(1 - FTA) FNMR: generalised where FTE counts. Of one attempt each; `fnmr`
    without failures. Raises ValueError outside [0, 1].
    """
    _require_rates(fnmr, fta, fte)
    return fte + (1 - fte) * (fta + (1 - fta) * fnmr)


def false_accept_rate(fmr: float, *, fta: float, fte: float = 0.0) -> float:
    """Share of impostors let in: enrolled, acquired and falsely matched, (1 - FTE)(1 - FTA) FMR, in [0, 1].

    Raises ValueError outside [0, 1].
    """
    _require_rates(fmr, fta, fte)
    return (1 - fte) * (1 - fta) * fmr


def _require_rates(*rates: float) -> None:
    for rate in rates:
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate lies in [0, 1], not {rate}")

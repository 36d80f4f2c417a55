"""Errors in telling genuine documents from forged ones, named after ISO/IEC 30107-3's for captures of people.

Higher scores mean more genuine; a document without an answer has a score of -inf and is neither accepted
nor rejected, but stays in every denominator. The arithmetic is that of presentation attacks.
"""

from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from idv.metrics import presentation


def dfar_by_forgery(
    score: ArrayLike, forgery_codes: ArrayLike, names: Sequence[str], threshold: float
) -> Mapping[str, float]:
    """Document false accept rate of each forgery type that occurs, in [0, 1].

    `score`, `forgery_codes` (N,) of forged documents only; a code is a position in `names`.
    Raises ValueError for no forgery, NaN, or codes and names that do not fit.
    """
    return presentation.apcer_by_species(score, forgery_codes, names, threshold)


def max_dfar(score: ArrayLike, forgery_codes: ArrayLike, names: Sequence[str], threshold: float) -> float:
    """The highest document false accept rate of any forgery type. Raises as `dfar_by_forgery`."""
    return max(dfar_by_forgery(score, forgery_codes, names, threshold).values())


def dfrr(score: ArrayLike, threshold: float) -> float:
    """Document false reject rate: share of genuine documents refused. Raises ValueError for none or NaN."""
    return presentation.bpcer(score, threshold)


def dfrr_by(
    score: ArrayLike, codes: ArrayLike, names: Sequence[str], threshold: float
) -> Mapping[str, float]:
    """Document false reject rate of each document type or country that occurs. Raises likewise."""
    return presentation.bpcer_by(score, codes, names, threshold)


def threshold_at_dfar(score: ArrayLike, forgery_codes: ArrayLike, target: float) -> float:
    """The lowest threshold at which no forgery type's DFAR exceeds `target`. Raises ValueError likewise."""
    return presentation.threshold_at_apcer(score, forgery_codes, target)


def dfrr_at_dfar(genuine: ArrayLike, forged: ArrayLike, forgery_codes: ArrayLike, target: float) -> float:
    """DFRR at the lowest threshold that holds every forgery type's DFAR to `target`. Raises likewise."""
    return presentation.bpcer_at_apcer(genuine, forged, forgery_codes, target)

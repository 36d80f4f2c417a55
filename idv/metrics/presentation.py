"""Presentation attack detection in the terms of ISO/IEC 30107-3; higher scores mean more bona fide.

A presentation is accepted when its score is at or above the threshold and refused when a finite score lies
below. One that got no answer has a score of -inf: it is neither, and counts in the non-response rates alone,
though it stays in every denominator.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.metrics.error_rates import threshold_at_fmr
from idv.metrics.shares import share, shares_by


def apcer_by_species(
    score: ArrayLike, species_codes: ArrayLike, names: Sequence[str], threshold: float
) -> Mapping[str, float]:
    """APCER of each species that occurs: the share of its attacks accepted as bona fide, in [0, 1].

    `score`, `species_codes` (N,) of attacks only; a code is a position in `names`, or negative if unknown.
    Raises ValueError for no attack, NaN, or codes and names that do not fit.
    """
    return shares_by(_accepted(score, threshold), species_codes, names)


def max_apcer(score: ArrayLike, species_codes: ArrayLike, names: Sequence[str], threshold: float) -> float:
    """The highest APCER of any species: what the standard reports. Raises as `apcer_by_species`."""
    return max(apcer_by_species(score, species_codes, names, threshold).values())


def bpcer(score: ArrayLike, threshold: float) -> float:
    """Share of bona fide presentations refused as attacks, in [0, 1]. Raises ValueError for none or NaN."""
    return share(_refused(score, threshold))


def bpcer_by(
    score: ArrayLike, codes: ArrayLike, names: Sequence[str], threshold: float
) -> Mapping[str, float]:
    """BPCER of each group of bona fide presentations that occurs; `codes` (N,) are positions in `names`."""
    return shares_by(_refused(score, threshold), codes, names)


def apnrr_by_species(score: ArrayLike, species_codes: ArrayLike, names: Sequence[str]) -> Mapping[str, float]:
    """Share of each species' attacks that got no answer, in [0, 1]. Raises as `apcer_by_species`."""
    return shares_by(np.isneginf(_scores(score)), species_codes, names)


def apnrr(score: ArrayLike) -> float:
    """Share of attacks that got no answer, in [0, 1]. Raises ValueError for none or NaN."""
    return share(np.isneginf(_scores(score)))


def bpnrr(score: ArrayLike) -> float:
    """Share of bona fide presentations that got no answer, in [0, 1]. Raises ValueError for none or NaN."""
    return share(np.isneginf(_scores(score)))


def threshold_at_apcer(score: ArrayLike, species_codes: ArrayLike, target: float) -> float:
    """The lowest threshold at which no species' APCER exceeds `target`, a rate in [0, 1].

    `score`, `species_codes` (N,) of attacks only; those with a negative code form a species of their own.
    Raises ValueError for no attack, NaN, lengths that differ, or a target outside [0, 1].
    """
    scores, codes = _scores(score), np.asarray(species_codes).ravel()
    if scores.size == 0 or scores.size != codes.size:
        raise ValueError(f"{scores.size} attacks, but species of {codes.size}")
    if target == 1:  # every attack of every species may pass, not only those above the species' own lowest
        return threshold_at_fmr(scores, target)
    return max(threshold_at_fmr(scores[codes == code], target) for code in np.unique(codes))


def bpcer_at_apcer(bona_fide: ArrayLike, attack: ArrayLike, species_codes: ArrayLike, target: float) -> float:
    """BPCER at the lowest threshold that holds every species' APCER to `target`; BPCER20 is at 0.05.

    Raises as `threshold_at_apcer` and `bpcer`.
    """
    return bpcer(bona_fide, threshold_at_apcer(attack, species_codes, target))


def acer(highest_apcer: float, bona_fide_rate: float) -> float:
    """Mean of the maximum APCER and BPCER: hides which of the two is bad, so shown only beside them.

    Withdrawn by ISO/IEC 30107-3:2023; here for comparison with papers. Raises ValueError outside [0, 1].
    """
    _require_rates(highest_apcer, bona_fide_rate)
    return (highest_apcer + bona_fide_rate) / 2


def iapar_by_species(
    accepted: ArrayLike, species_codes: ArrayLike, names: Sequence[str]
) -> Mapping[str, float]:
    """Impostor attack presentation accept rate of the full system, for each species that occurs.

    `accepted` (N,) bool: whether an impostor's attack was both taken for bona fide and matched to its
    target. The standard reports the highest. Raises ValueError for none, or codes and names that do not fit.
    """
    return shares_by(accepted, species_codes, names)


def iapar(accepted: ArrayLike, species_codes: ArrayLike, names: Sequence[str]) -> float:
    """The highest impostor attack presentation accept rate of any species, in [0, 1]. Raises likewise."""
    return max(iapar_by_species(accepted, species_codes, names).values())


def riapar(impostor_attack_rate: float, false_reject_rate: float) -> float:
    """Relative IAPAR: 1 + IAPAR - (1 - FRR), in [0, 2], so that refusing everybody does not look secure.

    `false_reject_rate` of bona fide mated attempts by the same full system. Raises ValueError outside [0, 1].
    """
    _require_rates(impostor_attack_rate, false_reject_rate)
    return impostor_attack_rate + false_reject_rate


def _accepted(score: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    scores = _scores(score)
    accepted: NDArray[np.bool_] = (scores >= _number(threshold)) & ~np.isneginf(scores)
    return accepted


def _refused(score: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    scores = _scores(score)
    refused: NDArray[np.bool_] = (scores < _number(threshold)) & ~np.isneginf(scores)
    return refused


def _number(threshold: float) -> float:
    if np.isnan(threshold):
        raise ValueError("NaN is not a threshold")
    return threshold


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64).ravel()
    if np.isnan(scores).any():
        raise ValueError("NaN is not a score")
    return scores


def _require_rates(*rates: float) -> None:
    for rate in rates:
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate lies in [0, 1], not {rate}")

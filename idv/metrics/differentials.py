"""How unlike the error rates of demographic groups are, as ISO/IEC 19795-10 and NIST IR 8429 report it.

Impostors of one's own group are the hard ones, so false matches are counted by both people's groups and
same-group comparisons can be cut out as a slice of their own. Every summary needs the rates it sums up beside
it: two groups of a hundred people differ by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idv.domain.operating_points import Interval
from idv.metrics.bootstrap import rate_interval
from idv.metrics.shares import booleans, shares_by

Rates = Mapping[str, float]


@dataclass(frozen=True)
class GroupRate:
    """The error rate of one group; `interval` is None where the group has a single subject."""

    name: str
    errors: int
    trials: int
    rate: float
    interval: Interval | None


def group_rates(
    wrong: ArrayLike,
    group_codes: ArrayLike,
    names: Sequence[str],
    *,
    subjects: tuple[ArrayLike, ArrayLike],
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[GroupRate, ...]:
    """The rate of each group that occurs, with its interval over subjects.

    `wrong` (N,) bool, `group_codes` (N,) positions in `names` or negative; `subjects`: both subjects (N,) of
    each trial. Raises ValueError for lengths that differ or when no trial has a group.
    """
    errors, codes = booleans(wrong), np.asarray(group_codes).ravel()
    first, second = (np.asarray(side).ravel() for side in subjects)
    found = []
    for name, rate in shares_by(errors, codes, names).items():
        rows = codes == names.index(name)
        interval = None
        if np.unique(np.concatenate([first[rows], second[rows]])).size > 1:
            interval = rate_interval(
                errors[rows], first[rows], second[rows], resamples=resamples, confidence=confidence, seed=seed
            )
        count = int(np.count_nonzero(rows))
        found.append(GroupRate(name, int(np.count_nonzero(errors[rows])), count, rate, interval))
    return tuple(found)


def same_group(group_a: ArrayLike, group_b: ArrayLike) -> NDArray[np.bool_]:
    """(N,) bool: comparisons of two people of one known group; group codes (N,), negative where unknown.

    Raises ValueError for lengths that differ.
    """
    a, b = np.asarray(group_a).ravel(), np.asarray(group_b).ravel()
    if a.size != b.size:
        raise ValueError(f"groups of {a.size} and of {b.size} people are not pairs")
    same: NDArray[np.bool_] = (a == b) & (a >= 0)
    return same


def cross_group_rates(
    wrong: ArrayLike, group_a: ArrayLike, group_b: ArrayLike, names: Sequence[str]
) -> Mapping[tuple[str, str], float]:
    """The rate of each pair of groups that occurs, whichever of the two people comes first.

    Raises ValueError for lengths that differ or when no comparison has two known groups.
    """
    a, b = np.asarray(group_a).ravel(), np.asarray(group_b).ravel()
    if a.size != b.size:
        raise ValueError(f"groups of {a.size} and of {b.size} people are not pairs")
    codes = np.where((a >= 0) & (b >= 0), np.minimum(a, b) * len(names) + np.maximum(a, b), -1)
    cells = [(first, second) for first in names for second in names]
    rates = shares_by(wrong, codes, [str(cell) for cell in range(len(cells))])
    return {cells[int(cell)]: rate for cell, rate in rates.items()}


def max_min_ratio(rates: Rates) -> float:
    """The highest rate over the lowest, 1 where all are alike.

    Raises ValueError for fewer than two groups, a rate outside [0, 1] or a group without an error.
    """
    values = _rates(rates)
    _require_errors(values)
    return float(values.max() / values.min())


def max_over_geometric_mean(rates: Rates) -> float:
    """The highest rate over the geometric mean of all, at least 1: less moved by one lucky group.

    Raises as `max_min_ratio`.
    """
    values = _rates(rates)
    _require_errors(values)
    return float(values.max() / np.exp(np.mean(np.log(values))))


def gini(rates: Rates) -> float:
    """Gini coefficient of the rates, in [0, 1], 0 where all are alike; made larger by n / (n - 1) groups.

    The correction is that of Howard et al. (2022), without which few groups cannot reach 1.
    Raises ValueError for fewer than two groups, a rate outside [0, 1] or no error in any group.
    """
    values = _rates(rates)
    if values.sum() == 0:
        raise ValueError("inequality is undefined where no group has an error")
    differences = np.abs(values[:, None] - values[None, :]).sum()
    return float(differences / (2 * values.size * (values.size - 1) * values.mean()))


def garbe(fmr_rates: Rates, fnmr_rates: Rates, *, fmr_weight: float = 0.5) -> float:
    """Gini aggregation rate for biometric equitability: weighed mean of both Gini coefficients, 0 is fair.

    Howard, Laird, Rubin et al., "Evaluating proposed fairness models for face recognition" (2022).
    Raises as `gini`, and for a weight outside [0, 1].
    """
    _require_weight(fmr_weight)
    return fmr_weight * gini(fmr_rates) + (1 - fmr_weight) * gini(fnmr_rates)


def fairness_discrepancy_rate(fmr_rates: Rates, fnmr_rates: Rates, *, fmr_weight: float = 0.5) -> float:
    """FDR: one minus the weighed largest differences of FMR and of FNMR between groups, 1 is fair.

    de Freitas Pereira and Marcel (IEEE T-BIOM 4, 2022). Close to 1 wherever rates are small: read it beside
    the ratios. Raises ValueError for fewer than two groups, a rate or a weight outside [0, 1].
    """
    _require_weight(fmr_weight)
    return float(1 - fmr_weight * np.ptp(_rates(fmr_rates)) - (1 - fmr_weight) * np.ptp(_rates(fnmr_rates)))


def inequity_rate(fmr_rates: Rates, fnmr_rates: Rates, *, fmr_weight: float = 0.5) -> float:
    """Weighed geometric mean of both max/min ratios, at least 1, 1 is fair (NIST, Grother 2021).

    Raises as `max_min_ratio`, and for a weight outside [0, 1].
    """
    _require_weight(fmr_weight)
    return float(max_min_ratio(fmr_rates) ** fmr_weight * max_min_ratio(fnmr_rates) ** (1 - fmr_weight))


def _rates(rates: Rates) -> NDArray[np.float64]:
    values = np.array(list(rates.values()), dtype=np.float64)
    if values.size < 2:  # noqa: PLR2004 - one group cannot differ
        raise ValueError("a differential needs at least two groups")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a rate lies in [0, 1]")
    return values


def _require_errors(values: NDArray[np.float64]) -> None:
    if values.min() == 0:
        raise ValueError("a ratio is undefined where a group has no error: take more trials")


def _require_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise ValueError(f"a weight lies in [0, 1], not {weight}")

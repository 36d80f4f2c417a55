"""Shares of trials that went one way, overall and by a categorical column: what most rates are made of."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def share(mask: ArrayLike) -> float:
    """The share of true values of `mask` (N,), in [0, 1]. Raises ValueError for no value or one not bool."""
    values = booleans(mask)
    if values.size == 0:
        raise ValueError("a share of no trials is undefined")
    return float(np.mean(values))


def shares_by(mask: ArrayLike, codes: ArrayLike, names: Sequence[str]) -> Mapping[str, float]:
    """The share of true values of `mask` (N,) for each name that occurs, in the order of `names` (K,).

    `codes` (N,) are positions in `names`; rows with a negative code are left out. Raises ValueError for
    lengths that differ, a code without a name, or when no row has a name.
    """
    values, groups = booleans(mask), np.asarray(codes).ravel()
    if values.size != groups.size:
        raise ValueError(f"{values.size} trials, but groups of {groups.size}")
    known = groups >= 0
    if not known.any():
        raise ValueError("no trial has a group")
    if groups.max() >= len(names):
        raise ValueError(f"a group has the number {groups.max()}, but only {len(names)} have names")
    sizes = np.bincount(groups[known], minlength=len(names))
    hits = np.bincount(groups[known & values], minlength=len(names))
    return {names[k]: float(hits[k] / sizes[k]) for k in np.flatnonzero(sizes).tolist()}


def booleans(mask: ArrayLike) -> NDArray[np.bool_]:
    """A mask (N,) of bool. Raises ValueError for anything else: a score taken for a mask is always true."""
    values = np.asarray(mask).ravel()
    if values.size and values.dtype != np.bool_:
        raise ValueError(f"expected true or false, not {values.dtype}")
    return values.astype(np.bool_)

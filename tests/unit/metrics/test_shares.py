"""Shares of trials, overall and by group."""

import numpy as np
import pytest

from idv.metrics.shares import share, shares_by


def test_shares_by_hand() -> None:
    """Two of three of the first, none of the third, no second; the unnamed row counts nowhere."""
    mask = np.array([True, True, False, False, True])
    assert share(mask) == pytest.approx(0.6)
    assert shares_by(mask, [0, 0, 0, 2, -1], ["a", "b", "c"]) == {"a": 2 / 3, "c": 0.0}


@pytest.mark.parametrize(
    ("mask", "codes", "reason"),
    [
        ([True], [0, 1], "groups"),
        ([True], [-1], "no trial has a group"),
        ([True], [5], "names"),
        ([0.5], [0], "true or false"),
    ],
)
def test_what_has_no_share_is_refused(mask: list[float], codes: list[int], reason: str) -> None:
    """Lengths that differ, no group at all, a nameless group and scores for a mask raise with the reason."""
    with pytest.raises(ValueError, match=reason):
        shares_by(np.array(mask), codes, ["a", "b"])


def test_a_share_of_nothing_is_refused() -> None:
    """No trial, no share."""
    with pytest.raises(ValueError, match="undefined"):
        share([])

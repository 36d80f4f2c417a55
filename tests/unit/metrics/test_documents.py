"""Genuine and forged documents."""

import numpy as np

from idv.metrics import documents

FORGERIES = ("recapture", "portrait swap")


def test_a_hand_made_table() -> None:
    """At 2: half of the recaptures pass, no portrait swap; one of four genuine documents is refused."""
    forged, types = [3.0, 1.0, 1.5, -np.inf], [0, 0, 1, 1]
    assert documents.dfar_by_forgery(forged, types, FORGERIES, 2.0) == {
        "recapture": 0.5,
        "portrait swap": 0.0,
    }
    assert documents.max_dfar(forged, types, FORGERIES, 2.0) == 0.5
    assert documents.dfrr([1.0, 2.0, 3.0, -np.inf], 2.0) == 0.25
    assert documents.dfrr_by([1.0, 2.0, 3.0], [0, 0, 1], ["TD1", "TD3"], 2.0) == {"TD1": 0.5, "TD3": 0.0}


def test_every_forgery_type_is_held_to_the_target() -> None:
    """The threshold goes above the only portrait swap, although half of all forgeries would be allowed."""
    forged, types = [0.0, 0.0, 5.0], [0, 0, 1]
    assert 5.0 < documents.threshold_at_dfar(forged, types, 0.5) < 5.1
    assert documents.dfrr_at_dfar([4.0, 6.0], forged, types, 0.5) == 0.5

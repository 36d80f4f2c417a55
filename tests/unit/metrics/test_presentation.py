"""Presentation attack detection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.metrics import presentation

SPECIES = ("print", "screen", "mask")
ATTACKS = st.lists(
    st.tuples(st.sampled_from([-np.inf, -2.0, -1.0, 0.0, 1.0, 2.0]), st.integers(0, 2)),
    min_size=1,
    max_size=40,
)
# Scores and species: prints 1, 3 and none; screens 2; no masks; one of a species nobody knows.
SCORE, CODES = [1.0, 3.0, -np.inf, 2.0, 9.0], [0, 0, 0, 1, -1]


def test_a_hand_made_table() -> None:
    """At 2: one of three prints and the only screen get through; the unnamed attack belongs to no species."""
    rates = presentation.apcer_by_species(SCORE, CODES, SPECIES, 2.0)
    assert rates == {"print": 1 / 3, "screen": 1.0}
    assert presentation.max_apcer(SCORE, CODES, SPECIES, 2.0) == 1.0
    assert presentation.apnrr_by_species(SCORE, CODES, SPECIES) == {"print": 1 / 3, "screen": 0.0}
    assert presentation.apnrr(SCORE) == 0.2


def test_no_answer_is_no_refusal() -> None:
    """A bona fide presentation without an answer counts in BPNRR, not in BPCER, but in its denominator."""
    assert presentation.bpcer([0.0, 2.0, 5.0, -np.inf], 2.0) == 0.25
    assert presentation.bpnrr([0.0, 2.0, 5.0, -np.inf]) == 0.25
    assert presentation.bpcer([-np.inf], -np.inf) == 0.0


def test_groups_of_bona_fide_presentations() -> None:
    """BPCER by device: one of two of the first, none of the other."""
    assert presentation.bpcer_by([0.0, 5.0, 5.0], [0, 0, 1], ["a", "b"], 1.0) == {"a": 0.5, "b": 0.0}


@given(ATTACKS, st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0]))
def test_the_threshold_holds_every_species(attacks: list[tuple[float, int]], target: float) -> None:
    """Counted attack by attack: no species exceeds the target, and the next lower score would break it."""
    score, codes = (np.array(column) for column in zip(*attacks, strict=True))
    threshold = presentation.threshold_at_apcer(score, codes, target)

    def worst(cut: float) -> float:
        return max(
            float(np.mean((score >= cut)[codes == k] & np.isfinite(score[codes == k]))) for k in set(codes)
        )

    assert worst(threshold) <= target + 1e-12
    lower = [s for s in score if np.isfinite(s) and s < threshold]
    if lower:
        assert worst(max(lower)) > target


def test_bpcer_at_apcer_by_hand() -> None:
    """Half of the prints may pass, and no screen: the screens' 4 sets the threshold, refusing 3 and 4."""
    attack, codes = [1.0, 5.0, 4.0, 0.0], [0, 0, 1, 1]
    assert presentation.bpcer_at_apcer([3.0, 4.0, 6.0, 7.0], attack, codes, 0.5) == 0.0
    assert presentation.bpcer_at_apcer([3.0, 4.0, 6.0, 7.0], attack, codes, 0.49) == 0.5


def test_acer_is_the_mean() -> None:
    """The mean of the highest APCER and BPCER, which hides which of them is bad."""
    assert presentation.acer(0.4, 0.0) == presentation.acer(0.0, 0.4) == 0.2


def test_attacks_on_the_full_system() -> None:
    """IAPAR by species and its maximum; RIAPAR adds what the system refuses of genuine users."""
    accepted = np.array([True, False, False, False])
    assert presentation.iapar_by_species(accepted, [0, 0, 1, 1], SPECIES) == {"print": 0.5, "screen": 0.0}
    assert presentation.iapar(accepted, [0, 0, 1, 1], SPECIES) == 0.5
    assert presentation.riapar(0.5, 0.1) == pytest.approx(1 + (0.5 - (1 - 0.1)), abs=1e-12)


def test_refusing_everybody_is_not_safe() -> None:
    """A system that accepts nobody has IAPAR 0 and the RIAPAR of 1 of one that accepts every attack."""
    assert presentation.riapar(0.0, 1.0) == presentation.riapar(1.0, 0.0) == 1.0


def test_rates_in_percent_are_refused() -> None:
    """A rate above 1 raises."""
    with pytest.raises(ValueError, match="rate"):
        presentation.acer(5.0, 0.1)
    with pytest.raises(ValueError, match="rate"):
        presentation.riapar(0.1, 5.0)


def test_attacks_without_species_are_refused() -> None:
    """Lengths that differ, and no attack at all, raise."""
    with pytest.raises(ValueError, match="species"):
        presentation.threshold_at_apcer([1.0], [0, 1], 0.1)
    with pytest.raises(ValueError, match="species"):
        presentation.threshold_at_apcer([], [], 0.1)

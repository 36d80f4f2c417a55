"""When failed deliveries are tried again."""

import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from idv.infra.transport.backoff import Backoff

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@given(st.integers(1, 11), st.integers())
def test_waits_grow_and_stay_within_their_bounds(failed: int, seed: int) -> None:
    """The wait after n failures lies between half and all of first × factor^(n−1), capped."""
    again = Backoff().next_attempt(failed, now=NOW, rng=random.Random(seed))
    assert again is not None
    full = min(10.0 * 3.0 ** (failed - 1), 14_400.0)
    assert full / 2 - 1e-6 <= (again - NOW).total_seconds() <= full


def test_it_gives_up_after_the_last_attempt() -> None:
    """The twelfth failure is the last."""
    assert Backoff().next_attempt(11, now=NOW, rng=random.Random(1)) is not None
    assert Backoff().next_attempt(12, now=NOW, rng=random.Random(1)) is None


def test_two_events_do_not_come_back_in_step() -> None:
    """Jitter separates events that failed together."""
    rng = random.Random(1)
    assert len({Backoff().next_attempt(3, now=NOW, rng=rng) for _ in range(20)}) == 20

"""Facts about the bound on reading one document."""

from idv.infra.clock import ManualClock
from idv.vision.perception.effort import Effort


def test_rows_are_spent_until_none_is_left() -> None:
    """A look that would need more rows than are left is not begun, a smaller one still is."""
    effort = Effort(ManualClock(), rows=5, seconds=10.0)
    assert effort.spend(3)
    assert not effort.spend(3)
    assert effort.spend(2)
    assert not effort.spend(1)
    assert not effort.late


def test_no_row_is_spent_once_it_is_late() -> None:
    """The time begins when the effort is made."""
    clock = ManualClock()
    effort = Effort(clock, rows=5, seconds=10.0)
    clock.advance(9.9)
    assert effort.spend(1)
    clock.advance(0.1)
    assert effort.late
    assert not effort.spend(1)

"""Facts about the clocks."""

import time

from idv.infra.clock import SystemClock, ThreadClock


def test_the_clock_of_a_thread_counts_work_only() -> None:
    """Waiting costs nothing; the day is that of the system."""
    clock = ThreadClock()
    before, began = clock.monotonic(), time.monotonic()
    time.sleep(0.2)
    assert clock.monotonic() - before < time.monotonic() - began
    worked = clock.monotonic()
    sum(range(200_000))
    assert clock.monotonic() > worked
    assert abs((clock.now() - SystemClock().now()).total_seconds()) < 60

"""The system's clock, one that counts work, and one that tests turn by hand."""

import datetime as dt
import time
from dataclasses import dataclass


class SystemClock:
    """Implements ports.Clock with the time of this machine."""

    def now(self) -> dt.datetime:
        """UTC now."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class ThreadClock:
    """Implements ports.Clock; its seconds are the CPU time of the thread that asks.

    For limits on effort that must not depend on what else a machine does.
    """

    def now(self) -> dt.datetime:
        """UTC now."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds that this thread has worked."""
        return time.thread_time()


@dataclass
class ManualClock:
    """Implements ports.Clock; stands still until `advance` is called."""

    at: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    seconds: float = 0.0

    def now(self) -> dt.datetime:
        """The time it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move both times forward."""
        self.at += dt.timedelta(seconds=seconds)
        self.seconds += seconds

"""When to try again: exponential back-off with full jitter, so that receivers are not hit in step."""

import datetime as dt
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits grow by `factor` from `first_s` up to `longest_s`; after `attempts` attempts it is given up.

    The defaults spread twelve attempts over about a day.
    """

    first_s: float = 10.0
    factor: float = 3.0
    longest_s: float = 14_400.0
    attempts: int = 12

    def next_attempt(self, failed: int, *, now: dt.datetime, rng: random.Random) -> dt.datetime | None:
        """When to try again after `failed` ≥ 1 failures, or None to give up.

        Half of the wait is fixed, half is uniformly random.
        """
        if failed >= self.attempts:
            return None
        wait = min(self.first_s * self.factor ** (failed - 1), self.longest_s)
        return now + dt.timedelta(seconds=wait * (0.5 + rng.random() / 2))

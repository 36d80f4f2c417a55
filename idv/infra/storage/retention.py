"""Retention: what is kept for how long, applied in rounds."""

import datetime as dt
from typing import NamedTuple

from idv.domain.ports import Clock
from idv.domain.stores import Upkeep


class Purged(NamedTuple):
    """What one round removed."""

    images: int
    replies: int


class Retention:
    """Removes kept images and idempotent replies once they are older than allowed."""

    def __init__(
        self, upkeep: Upkeep, *, clock: Clock, keep_images: dt.timedelta, keep_replies: dt.timedelta
    ) -> None:
        self._upkeep = upkeep
        self._clock = clock
        self._keep_images = keep_images
        self._keep_replies = keep_replies

    def run_once(self) -> Purged:
        """One round; a second one right after it finds nothing. Raises StorageUnavailable."""
        now = self._clock.now()
        return Purged(
            self._upkeep.purge_images(now - self._keep_images),
            self._upkeep.purge_idempotency(now - self._keep_replies),
        )

"""Rounds of retention."""

import datetime as dt

from idv.domain.ports import Clock
from idv.domain.stores import Claim, StoredReply, Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.retention import Purged, Retention


class LaterClock:
    """A clock that runs ahead of another."""

    def __init__(self, clock: Clock, ahead: dt.timedelta) -> None:
        self._clock = clock
        self._ahead = ahead

    def now(self) -> dt.datetime:
        """The other clock's time and some more."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """The other clock's."""
        return self._clock.monotonic()


def test_a_round_removes_what_is_too_old_and_nothing_else(stores: Stores, clock: Clock) -> None:
    """After an hour replies go, after a day images go too; templates stay, and a second round is idle."""
    claim = stores.verifications.claim("acme", "k", "f", lease_s=60)
    assert isinstance(claim, Claim)
    item = Verification("v1", "acme", Status.PROCESSING, clock.now(), clock.now())
    private = {"image.selfie": b"1", "template.selfie": b"2"}
    stores.verifications.write(
        Write(item, "a", "k", private=private, claim=claim, reply=StoredReply(200, b"r"))
    )

    def _round(ahead: dt.timedelta) -> Purged:
        return Retention(
            stores.upkeep,
            clock=LaterClock(clock, ahead),
            keep_images=dt.timedelta(days=1),
            keep_replies=dt.timedelta(hours=1),
        ).run_once()

    assert _round(dt.timedelta(minutes=59)) == Purged(0, 0)
    assert _round(dt.timedelta(minutes=61)) == Purged(0, 1)
    assert _round(dt.timedelta(hours=25)) == Purged(1, 0)
    assert not any(_round(dt.timedelta(hours=25)))
    assert stores.verifications.private("acme", "v1") == {"template.selfie": b"2"}

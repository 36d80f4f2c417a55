"""`idv webhooks`."""

import datetime as dt
from collections.abc import Callable
from typing import Protocol

from typer.testing import Result

from idv.cli.opened import Opened
from idv.cli.webhooks import app
from idv.domain.errors import NotFound
from idv.domain.stores import Event, Write
from idv.domain.verifications import Status, Verification

Run = Callable[..., Result]
AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


class Rounds(Protocol):
    """Deliveries whose rounds a test sets."""

    rounds: list[tuple[int, int, int]]


def with_event(doors: Opened) -> None:
    """One event, waiting."""
    item = Verification("v1", "acme", Status.PROCESSING, AT, AT)
    doors.stores.verifications.write(Write(item, "a", "k", events=[Event("evt-1", "acme", "t", b"{}", AT)]))


def test_a_listing_says_where_each_event_stands(run: Run, doors: Opened) -> None:
    """An event is due, then delivered, then due again after a replay."""
    with_event(doors)
    assert "due" in run(app, "list").stdout
    doors.stores.outbox.delivered("evt-1", at=AT)
    assert "delivered" in run(app, "list", "--tenant", "acme").stdout
    assert run(app, "replay", "evt-1").stdout == "evt-1 is due\n"
    doors.stores.outbox.failed("evt-1", next_attempt_at=None, reason="timeout")
    assert "given" in run(app, "list").stdout


def test_an_unknown_event_cannot_be_replayed(run: Run) -> None:
    """NotFound goes to the mapping of exit codes."""
    assert isinstance(run(app, "replay", "nope").exception, NotFound)


def test_delivering_runs_rounds_until_nothing_is_due(run: Run, deliveries: Rounds) -> None:
    """Every round that did something is printed; an idle one ends the command."""
    deliveries.rounds = [(2, 1, 0), (0, 0, 1)]
    assert run(app, "deliver").stdout == (
        "delivered 2, failed 1, given up 0\ndelivered 0, failed 0, given up 1\n"
    )

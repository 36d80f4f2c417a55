"""Stores in memory, handed to commands in place of the settings' own."""

import datetime as dt
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from idv.cli.opened import Opened
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores


class StillClock:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        """Always the same."""
        return dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0


class FakeDeliveries:
    """Rounds with given results, then idle ones."""

    def __init__(self) -> None:
        self.rounds: list[tuple[int, int, int]] = []

    def run_once(self) -> tuple[int, int, int]:
        """The next round."""
        return self.rounds.pop(0) if self.rounds else (0, 0, 0)


Run = Callable[..., Result]
"""Runs a command group with arguments."""


@pytest.fixture
def deliveries() -> FakeDeliveries:
    """What sends."""
    return FakeDeliveries()


@pytest.fixture
def doors(deliveries: FakeDeliveries) -> Opened:
    """What the commands work on."""
    return Opened(memory_stores(keyring=KeyRing.generate(), clock=StillClock()), deliveries)


@pytest.fixture
def run(doors: Opened) -> Run:
    """Runs a command group on the fakes."""

    def _run(app: typer.Typer, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), obj=doors)

    return _run

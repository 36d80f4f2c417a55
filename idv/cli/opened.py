"""Opens what the commands on stored things need, and closes it afterwards. The one line to the wiring."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import typer

from idv import bootstrap, settings
from idv.domain.stores import Stores


class Deliveries(Protocol):
    """Sends due webhooks."""

    def run_once(self) -> tuple[int, int, int]:
        """One round: how many were delivered, failed for now, given up."""
        ...


@dataclass(frozen=True)
class Opened:
    """Stores and the dispatcher over them; a test hands over its own as the context's object."""

    stores: Stores
    deliveries: Deliveries


@contextmanager
def opened(context: typer.Context, *, create: bool = False) -> Iterator[Opened]:
    """What the settings say, or what the context was given.

    Only what makes something worth storing may `create` the store: read from an empty one, a mistyped
    setting would look like a clean record. Raises StorageUnavailable `store_not_found`.
    """
    if isinstance(context.obj, Opened):
        yield context.obj
        return
    checked = settings.load()
    with bootstrap.stores(checked, create=create) as stores:
        yield Opened(stores, bootstrap.dispatcher(checked, stores))

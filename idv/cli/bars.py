"""The progress bar of commands that count: what is done, how many, the time left; on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Sink(Protocol):
    """Is told how far the work is."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """So many are done; of how many, where that was not known before."""
        ...


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Sink]:
    """A sink for the number done; nothing is drawn when stderr is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=total)

        def tell(done: int, total: int | None = None) -> None:
            bars.update(task, completed=done, total=total)

        yield tell

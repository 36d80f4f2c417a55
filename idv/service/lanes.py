"""Threads with a door: work is admitted before it is prepared, and its place is free when its thread ends.

A server's own timeout gives a slot back while the thread runs on, so that slow work piles up behind it.
Here the place belongs to the thread: an abandoned piece of work keeps it until it really ended.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

from idv.domain.errors import DeadlineExceeded, Overloaded

T = TypeVar("T")
_RETRY_AFTER_S = 1.0


class Watch(Protocol):
    """Hears of admissions and of the time work spent waiting and running."""

    def admitted(self, change: int) -> None:
        """One more (+1) or one less (-1)."""
        ...

    def stage(self, stage: str, seconds: float) -> None:
        """Seconds spent in `queue` or `work`."""
        ...


class Lane:
    """A pool of `threads` before which at most `queue` admitted pieces of work wait."""

    def __init__(self, name: str, *, threads: int, queue: int, watch: Watch | None = None) -> None:
        self.capacity = threads + queue
        self._free = self.capacity
        self._lock = threading.Lock()
        self._watch = watch
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"idv-{name}")

    def shed(self) -> None:
        """Raise Overloaded when full, without taking a place: the cheapest no there is."""
        if self._free <= 0:
            raise _full()

    def admit(self) -> "Admission":
        """Take a place. Raises Overloaded when there is none."""
        with self._lock:
            if self._free <= 0:
                raise _full()
            self._free -= 1
        if self._watch:
            self._watch.admitted(1)
        return Admission(self)

    @property
    def in_use(self) -> int:
        """How many places are taken now."""
        return self.capacity - self._free

    def close(self) -> None:
        """Wait for running work; what has not begun never will."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        context, submitted = contextvars.copy_context(), time.perf_counter()

        def run() -> T:
            started = time.perf_counter()
            try:
                return context.run(work)
            finally:
                self._release()
                self._note(started - submitted, time.perf_counter() - started)

        return self._pool.submit(run)

    def _note(self, queued_s: float, worked_s: float) -> None:
        if self._watch:
            self._watch.stage("queue", queued_s)
            self._watch.stage("work", worked_s)

    def _release(self) -> None:
        with self._lock:
            self._free += 1
        if self._watch:
            self._watch.admitted(-1)


class Admission:
    """One place in a lane: free again at the end of the `with` block, or of the thread that took it over."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._mine = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    async def run(self, work: Callable[[], T], *, timeout_s: float) -> T:
        """Run `work` in the lane's thread, with this task's context variables.

        Raises DeadlineExceeded after `timeout_s`; work that had begun by then goes on, and keeps the place.
        """
        future = self._lane._submit(work)  # noqa: SLF001 - the two classes are one concept
        self._mine = False
        waiting = asyncio.wrap_future(future)
        # Nobody awaits abandoned work; looking at its exception keeps asyncio from printing it.
        waiting.add_done_callback(lambda f: f.cancelled() or f.exception())
        try:
            done, _ = await asyncio.wait({waiting}, timeout=timeout_s)
        finally:
            if future.cancel():
                self._mine = True
        if not done:
            raise DeadlineExceeded("deadline_exceeded", "The request took longer than it may.")
        return waiting.result()

    def _give_back(self) -> None:
        if self._mine:
            self._mine = False
            self._lane._release()  # noqa: SLF001 - the two classes are one concept


def _full() -> Overloaded:
    return Overloaded("capacity_exhausted", "All places are taken; try again.", retry_after_s=_RETRY_AFTER_S)

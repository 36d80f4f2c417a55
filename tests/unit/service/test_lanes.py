"""Facts about lanes: places are taken at the door and given back by the thread."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from idv.domain.errors import DeadlineExceeded, Overloaded
from idv.service.lanes import Lane


class Watch:
    """Counts what a lane reports."""

    def __init__(self) -> None:
        self.taken = 0
        self.stages: list[str] = []
        self.lock = threading.Lock()

    def admitted(self, change: int) -> None:
        """Count."""
        with self.lock:
            self.taken += change

    def stage(self, stage: str, seconds: float) -> None:
        """Note."""
        assert seconds >= 0
        self.stages.append(stage)


def test_a_full_lane_admits_nobody() -> None:
    """As many as threads and queue together; one more is refused, until one leaves."""
    lane = Lane("t", threads=1, queue=1)
    first, _ = lane.admit(), lane.admit()
    with pytest.raises(Overloaded):
        lane.admit()
    with pytest.raises(Overloaded):
        lane.shed()
    with first:
        pass
    lane.shed()
    lane.admit()


def test_work_runs_with_the_callers_context() -> None:
    """Context variables, such as the request's id for the log, reach the thread."""
    name: ContextVar[str] = ContextVar("name", default="nobody")

    async def go() -> str:
        name.set("me")
        lane = Lane("t", threads=1, queue=0)
        with lane.admit() as place:
            return await place.run(name.get, timeout_s=10)

    assert asyncio.run(go()) == "me"


def test_what_work_raises_is_raised() -> None:
    """Also a TimeoutError of its own, which is not the lane's deadline."""

    def late() -> None:
        raise TimeoutError

    async def go(lane: Lane) -> None:
        with lane.admit() as place:
            await place.run(late, timeout_s=10)

    lane = Lane("t", threads=1, queue=0)
    with pytest.raises(TimeoutError):
        asyncio.run(go(lane))
    assert lane.in_use == 0


def test_work_that_never_began_frees_its_place_at_the_deadline() -> None:
    """Behind a thread that is busy, waiting work is given up and counts no more."""
    leave, watch = threading.Event(), Watch()
    lane = Lane("t", threads=1, queue=1, watch=watch)

    async def go() -> None:
        with lane.admit() as busy, lane.admit() as waiting:
            running = asyncio.ensure_future(busy.run(leave.wait, timeout_s=10))
            await asyncio.sleep(0)
            with pytest.raises(DeadlineExceeded):
                await waiting.run(lambda: pytest.fail("never"), timeout_s=0.01)
            waiting.__exit__(None, None, None)
            assert lane.in_use == 1
            leave.set()
            await running

    asyncio.run(go())
    assert (lane.in_use, watch.taken, watch.stages) == (0, 0, ["queue", "work"])


def test_a_cancelled_caller_does_not_free_a_running_thread() -> None:
    """Only the thread gives the place back."""
    entered, leave = threading.Event(), threading.Event()
    lane = Lane("t", threads=1, queue=0)

    def work() -> None:
        entered.set()
        leave.wait(10)

    async def caller() -> None:
        with lane.admit() as place:
            await place.run(work, timeout_s=10)

    async def go() -> None:
        task = asyncio.ensure_future(caller())
        await asyncio.to_thread(entered.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lane.in_use == 1
        leave.set()

    asyncio.run(go())
    lane.close()
    assert lane.in_use == 0

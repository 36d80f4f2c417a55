"""The executor for a cluster: one Ray actor a workbench. Needs the extra `ray`."""

import importlib
import os
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from idv.domain.errors import ConfigurationError, IdvError
from idv.evaluation.runs.execution import MAX_DEATHS, Failure, lost
from idv.evaluation.runs.judging import Task, Work
from idv.evaluation.runs.rows import Row


@dataclass(frozen=True)
class RayActors:
    """Actors on the Ray cluster at `address`, or on one of this machine's that lives as long as the run.

    The code, the models and the media must be reachable from every node. An actor that dies costs the task it
    was at, which becomes a row that says so.
    """

    actors: int
    address: str | None = None
    name: str = "ray"
    threads: int = 1

    def rows(self, tasks: Iterable[Task], work: Work) -> Generator[Row]:
        """Rows as they are finished. Raises ConfigurationError without Ray, IdvError `judges_died`."""
        ray = imported()
        waiting = iter(tasks)
        with _connected(ray, self):
            start = ray.remote(num_cpus=1, max_restarts=0)(_Actor).remote
            work_there = ray.put(work)
            busy = {}
            for task in islice(waiting, self.actors):
                actor = start(work_there)
                busy[actor.row.remote(task)] = (actor, task)
            deaths = 0
            while busy:
                (ready,), _ = ray.wait(list(busy), num_returns=1)
                actor, task = busy.pop(ready)
                row = _answer(ray, ready)
                deaths = 0 if row else deaths + 1
                if deaths > MAX_DEATHS:
                    raise IdvError("judges_died", f"{deaths} actors died one after the other")
                yield row or lost(task)
                for following in islice(waiting, 1):
                    next_one = actor if row else start(work_there)
                    busy[next_one.row.remote(following)] = (next_one, following)


class _Actor:
    """One workbench in a process of Ray's; closed with the process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._until = ExitStack()
        self._judge: Any = None  # opened with the first task, so that a failure is an answer

    def row(self, task: Task) -> Row | Failure:
        """The row, or what kept it from being made: errors with more than a message do not cross over."""
        try:
            if self._judge is None:
                self._judge = self._until.enter_context(self._work.opened())
            row: Row = self._judge.row(task)
        except Exception as error:  # noqa: BLE001 - the process's outer edge: the run is told, and ends
            return Failure.of(error)
        return row


def imported(module: str = "ray") -> Any:  # Ray publishes no types
    """Ray, which is an extra. Raises ConfigurationError naming it."""
    # Ray reports usage to its makers unless told not to, before it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigurationError(["the executor ray needs the extra `ray`: pip install idv[ray]"]) from None


@contextmanager
def _connected(ray: Any, to: RayActors) -> Generator[None]:
    """A connection, ended with the context unless it was there before."""
    if ray.is_initialized():
        yield
        return
    local = {"num_cpus": to.actors, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    where = {"address": to.address} if to.address else local
    ray.init(**where, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


def _answer(ray: Any, reference: Any) -> Row | None:
    """The row; None when the actor died."""
    try:
        answer = ray.get(reference)
    except ray.exceptions.RayActorError:
        return None
    if isinstance(answer, Failure):
        raise answer.as_error()
    row: Row = answer
    return row

"""Who judges the tasks: this thread, several threads, or several processes. A bounded number is under way."""

import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_any
from typing import NamedTuple, Protocol, TypeVar

from idv.domain.errors import IdvError
from idv.domain.reasons import Reason
from idv.domain.results import Outcome
from idv.evaluation.runs.judging import Task, Work
from idv.evaluation.runs.rows import Row

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4
_PATIENCE_S = 10.0
MAX_DEATHS = 3


class Executor(Protocol):
    """Judges tasks, each row as soon as it is finished, in whatever order that is."""

    @property
    def name(self) -> str:
        """As it stands in the run's record."""
        ...

    @property
    def threads(self) -> int:
        """How many tasks one workbench judges at a time."""
        ...

    def rows(self, tasks: Iterable[Task], work: Work) -> Generator[Row]:
        """One row a task. Raises what keeps a workbench from opening, or a task from being read."""
        ...


@dataclass(frozen=True)
class Serial:
    """One task after the other, in this thread."""

    name: str = "serial"
    threads: int = 1

    def rows(self, tasks: Iterable[Task], work: Work) -> Generator[Row]:
        """Rows in the order of the tasks."""
        with work.opened() as judge:
            yield from map(judge.row, tasks)


@dataclass(frozen=True)
class Threads:
    """One workbench, shared by threads: inference leaves the interpreter's lock."""

    threads: int
    name: str = "threads"

    def rows(self, tasks: Iterable[Task], work: Work) -> Generator[Row]:
        """Rows as they are finished."""
        with work.opened() as judge:
            yield from (row for _, row in in_threads(judge.row, tasks, threads=self.threads))


@dataclass(frozen=True)
class Processes:
    """A workbench a process. One that dies costs the task it was at, which becomes a row that says so."""

    processes: int
    name: str = "processes"
    threads: int = 1

    def rows(self, tasks: Iterable[Task], work: Work) -> Generator[Row]:
        """Rows as they are finished. Raises IdvError `judges_died` when processes only die."""
        waiting = iter(tasks)
        with ExitStack() as started:
            busy = {}
            for task in islice(waiting, self.processes):
                worker = _Worker.started(work, started)
                busy[worker.begin(task)] = _Busy(worker, task)
            deaths = 0
            while busy:
                for ready in wait_for_any(list(busy)):
                    worker, task = busy.pop(ready)  # type: ignore[call-overload] # waited for its keys only
                    row = worker.finish()
                    deaths = 0 if row else deaths + 1
                    if deaths > MAX_DEATHS:
                        raise IdvError("judges_died", f"{deaths} judging processes died one after the other")
                    yield row or lost(task)
                    for following in islice(waiting, 1):
                        next_one = worker if row else _Worker.started(work, started)
                        busy[next_one.begin(following)] = _Busy(next_one, following)


def in_threads(do: Callable[[T], R], things: Iterable[T], *, threads: int) -> Iterator[tuple[int, R]]:
    """What `do` makes of each thing, with its position, as it is finished; a bounded number ahead."""
    waiting = enumerate(things)
    with ThreadPoolExecutor(threads) as pool:
        ahead: dict[Future[R], int] = {}
        try:
            while True:
                for position, thing in islice(waiting, _AHEAD * threads - len(ahead)):
                    ahead[pool.submit(do, thing)] = position
                if not ahead:
                    return
                for done in wait(ahead, return_when=FIRST_COMPLETED).done:
                    yield ahead.pop(done), done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_order(numbered: Iterable[tuple[int, R]]) -> Iterator[R]:
    """Results by position, each held back until those before it are there."""
    early: dict[int, R] = {}
    due = 0
    for position, result in numbered:
        early[position] = result
        while due in early:
            yield early.pop(due)
            due += 1


def lost(task: Task) -> Row:
    """The row of a task whose process died."""
    return Row(task.key, Outcome.INCONCLUSIVE, reasons=(Reason.CHECK_ERROR.value,))


class _Busy(NamedTuple):
    worker: "_Worker"
    task: Task


class _Worker:
    """One process with its workbench. Spawned, not forked: a fork of threads and sessions is broken."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=False)
        self._process.start()
        theirs.close()

    @classmethod
    def started(cls, work: Work, until: ExitStack) -> "_Worker":
        """A process that ends with `until`."""
        worker = cls(work)
        until.callback(worker.close)
        return worker

    def begin(self, task: Task) -> Connection:
        """Hand over a task; whether the process is dead is noticed when its row is asked for."""
        with suppress(BrokenPipeError):
            self.connection.send(task)
        return self.connection

    def finish(self) -> Row | None:
        """The row; None when the process died. Raises what the process could not go on with."""
        try:
            answer = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        if isinstance(answer, Failure):
            raise answer.as_error()
        row: Row = answer
        return row

    def close(self) -> None:
        """End it: it sees the end of its tasks and closes its workbench."""
        self.connection.close()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@dataclass(frozen=True)
class Failure:
    """What kept a process from going on, in a form that crosses the border between processes."""

    kind: type[Exception]
    code: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """The error's kind, code and sentence."""
        if isinstance(error, IdvError):
            return cls(type(error), error.code, error.message)
        return cls(type(error), "judge_broke", f"a judging process broke: {type(error).__name__}")

    def as_error(self) -> IdvError:
        """An error to raise here: of the nearest kind that is made of a code and a sentence alone."""
        plain = (k for k in self.kind.__mro__ if issubclass(k, IdvError) and k.__init__ is IdvError.__init__)
        return next(plain, IdvError)(self.code, self.message)


def _serve(connection: Connection, work: Work) -> None:
    """The process: tasks in, rows out, until nobody asks any more."""
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt), connection:
        try:
            with work.opened() as judge:
                while True:
                    connection.send(judge.row(connection.recv()))
        except (EOFError, BrokenPipeError):
            return
        except Exception as error:  # noqa: BLE001 - the process's outer edge: the run is told, and ends
            connection.send(Failure.of(error))

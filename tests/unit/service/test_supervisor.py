"""Facts about the bound on restarts: five starts are served, the sixth in a row ends the service."""

import os
import signal

import pytest

from idv.service.supervisor import MOST_STARTS, WITHIN_S, TooManyStarts, note_start, supervised

Killed = list[tuple[int, int]]


def starts(environment: dict[str, str], times: list[float], killed: Killed) -> None:
    """Workers of this process started at these times."""
    for at in times:
        note_start(
            environment, now=at, parent=os.getpid(), stop=lambda pid, number: killed.append((pid, number))
        )


def test_one_start_too_many_ends_the_supervisor() -> None:
    """It is asked to end by SIGTERM, the worker does not go on, and the exit code says so."""
    environment: dict[str, str] = {}
    killed: Killed = []

    def serve() -> None:
        with pytest.raises(TooManyStarts):
            starts(environment, [float(n) for n in range(MOST_STARTS + 1)], killed)

    assert supervised(serve, environment) == 1
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_starts_far_apart_are_no_fault() -> None:
    """A worker that dies once in a while is started again as often as needed."""
    environment: dict[str, str] = {}
    killed: Killed = []
    times = [n * WITHIN_S / (MOST_STARTS - 1) for n in range(50)]
    assert supervised(lambda: starts(environment, times, killed), environment) == 0
    assert killed == []


def test_a_worker_of_somebody_else_counts_nothing() -> None:
    """Under plain `bentoml serve`, or with another parent, no process is ever signalled."""
    killed: Killed = []
    for number in range(20):
        note_start({}, now=float(number), parent=1, stop=lambda *sent: killed.append(sent))
        note_start({"WORKER_SUPERVISOR": "7"}, now=0.0, parent=1, stop=lambda *sent: killed.append(sent))
    assert killed == []


def test_the_folder_of_the_count_goes_with_the_supervisor() -> None:
    """Nothing is left behind, and no count is taken over by the next run."""
    environment: dict[str, str] = {}
    supervised(lambda: starts(environment, [0.0] * MOST_STARTS, []), environment)
    assert not os.path.exists(environment["WORKER_STARTS"])  # noqa: PTH110 - a plain question
    assert supervised(lambda: starts(environment, [0.0] * MOST_STARTS, []), environment) == 0

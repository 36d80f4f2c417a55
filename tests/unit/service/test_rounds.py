"""Facts about the thread of rounds: it goes on, it stops, and no failure ends it."""

import threading

from idv.service.rounds import RoundsThread


def test_it_goes_on_at_once_while_there_is_work() -> None:
    """Rounds that did something follow each other without the interval."""
    rounds, done = iter([(8, 0), (2, 0)]), threading.Event()

    def run_once() -> tuple[int, ...]:
        counts = next(rounds, (0, 0))
        if not any(counts):
            done.set()
        return counts

    thread = RoundsThread(run_once, interval_s=3600)
    assert done.wait(10)
    thread.close()


def test_a_failure_is_not_the_end() -> None:
    """After an exception it tries again."""
    calls, again = [], threading.Event()

    def run_once() -> tuple[int, ...]:
        calls.append(1)
        if len(calls) == 1:
            raise OSError
        again.set()
        return (0,)

    thread = RoundsThread(run_once, interval_s=0)
    assert again.wait(10)
    thread.close()


def test_closing_waits_for_the_round_under_way() -> None:
    """Nothing runs any more once `close` returned."""
    entered, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def run_once() -> tuple[int, ...]:
        entered.set()
        leave.wait(10)
        ended.set()
        return (0,)

    thread = RoundsThread(run_once, interval_s=3600)
    assert entered.wait(10)
    threading.Timer(0.05, leave.set).start()
    thread.close()
    assert ended.is_set()

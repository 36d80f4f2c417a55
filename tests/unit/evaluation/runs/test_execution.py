"""Facts about doing things at once: all of them, a bounded number ahead, in order where that is wanted."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import EvalSetError, IdvError, ModelError, Overloaded, RequestError, SetFault
from idv.evaluation.runs.execution import Failure, in_order, in_threads


@given(st.permutations(range(8)))
def test_results_come_in_order_however_they_were_finished(order: list[int]) -> None:
    """Nothing is lost or doubled."""
    assert list(in_order((number, number * 10) for number in order)) == [n * 10 for n in range(8)]


def test_threads_do_every_thing_once_and_not_too_far_ahead() -> None:
    """While the first result is not taken, at most four things a thread are begun."""
    begun, guard = [], threading.Lock()

    def do(thing: int) -> int:
        with guard:
            begun.append(thing)
        return thing * 2

    results = in_threads(do, range(100), threads=2)
    first = next(results)
    time.sleep(0.05)
    assert len(begun) <= 2 * 4 * 2
    assert sorted([first, *results]) == [(n, n * 2) for n in range(100)]
    assert sorted(begun) == list(range(100))


def test_an_error_in_a_thread_is_raised_here() -> None:
    """What was not begun yet is not begun any more."""

    def do(thing: int) -> int:
        if thing == 3:
            raise ModelError("broken", "broken")
        return thing

    with pytest.raises(ModelError):
        list(in_threads(do, range(1000), threads=2))


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ModelError("model_missing", "x"), ModelError, "model_missing"),
        (EvalSetError([SetFault("media_missing", "x")]), RequestError, "media_missing"),
        (Overloaded("busy", "x", retry_after_s=1), IdvError, "busy"),
        (ValueError("a name that must not be shown"), IdvError, "judge_broke"),
    ],
)
def test_errors_cross_the_border_between_processes(error: Exception, kind: type[IdvError], code: str) -> None:
    """Kind and code arrive, so that the exit code is right; the text of an unknown error does not."""
    again = Failure.of(error).as_error()
    assert isinstance(again, kind)
    assert again.code == code
    assert "shown" not in again.message

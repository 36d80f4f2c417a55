"""Work that comes back by itself: webhooks that are due, data that is old enough to go. One thread each."""

import threading
from collections.abc import Callable

from idv.infra.telemetry.log import logger

_log = logger(__name__)


class RoundsThread:
    """Calls `run_once` until closed, at once again while it did something and every `interval_s` otherwise.

    `run_once` returns what it did, in numbers; a failure is logged and tried again.
    """

    def __init__(self, run_once: Callable[[], tuple[int, ...]], *, interval_s: float = 1.0) -> None:
        self._run_once = run_once
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="idv-rounds", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the round under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            busy = False
            try:
                busy = any(self._run_once())
            # The edge of a thread: one failure must not end all rounds.
            except Exception as error:  # noqa: BLE001
                _log.error("round_broke", error_type=type(error).__name__)
            if not busy:
                self._stop.wait(self._interval_s)

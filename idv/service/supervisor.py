"""Runs BentoML's server, and ends it when its worker keeps dying: BentoML would start it again for ever.

    python -m idv.service.supervisor idv.service.bento:Service --host 127.0.0.1 --port 3000

What keeps a worker from living (a model that was deleted, a store that another key ring wrote, too little
memory) is not mended by starting it again, and whoever runs the service watches this process, not its child.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path

from idv.infra.telemetry.log import configure, logger

MOST_STARTS = 5
"""A worker may be started this often …"""
WITHIN_S = 300.0
"""… within this time, in seconds."""

_STARTS = "WORKER_STARTS"
_SUPERVISOR = "WORKER_SUPERVISOR"
_GAVE_UP = 1
_log = logger(__name__)


class TooManyStarts(Exception):
    """The worker has died too often; the supervisor was asked to end."""


def note_start(
    environment: MutableMapping[str, str],
    *,
    now: float,
    parent: int,
    stop: Callable[[int, int], None] = os.kill,
) -> None:
    """Called by a worker before anything can fail. `now`: monotonic seconds, the same clock in every process.

    Raises TooManyStarts when that was one start too many. Without a supervisor of ours nothing is counted.
    """
    if environment.get(_SUPERVISOR) != str(parent):
        return
    path = Path(environment[_STARTS])
    starts = [at for at in _starts(path) if now - at < WITHIN_S]
    path.write_text(json.dumps([*starts, now]))
    if len(starts) >= MOST_STARTS:
        stop(parent, signal.SIGTERM)
        raise TooManyStarts


def supervised(serve: Callable[[], object], environment: MutableMapping[str, str]) -> int:
    """Serve until told to end; returns the exit code: 1 when the worker had died too often."""
    with tempfile.TemporaryDirectory(prefix="idv-serve-") as folder:
        path = Path(folder) / "starts.json"
        environment.update({_STARTS: str(path), _SUPERVISOR: str(os.getpid())})
        serve()
        starts = _starts(path)
    if len(starts) <= MOST_STARTS:
        return 0
    configure()
    _log.error("worker_died_too_often", count=len(starts))
    return _GAVE_UP


def main(arguments: Sequence[str]) -> int:
    """`bentoml serve` with these arguments."""
    from bentoml_cli.cli import cli  # noqa: PLC0415 - a worker that notes its start needs none of it

    return supervised(lambda: cli(["serve", *arguments], standalone_mode=False), os.environ)


def _starts(path: Path) -> list[float]:
    return [float(at) for at in json.loads(path.read_text())] if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

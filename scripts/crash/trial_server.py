"""Starts the service of `trial_service.py` under BentoML on loopback, in folders of its own, and stops it.

Either as `bentoml serve` does, with a supervisor, or the worker alone, started exactly as the supervisor
starts it: the supervisor looks for dead workers every five seconds, which makes many kills slow.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

_HERE = Path(__file__).resolve().parent
_READY_S = 60.0


class TrialServer:
    """One supervisor and one worker process; everything they write goes under `folder`."""

    def __init__(self, folder: Path, *, pause_s: float = 0.0, supervised: bool = True) -> None:
        self.folder = folder
        self._supervised = supervised
        self._socket = _listening()
        self.port: int = self._socket.getsockname()[1]
        self.state = folder / "state"
        self.temporary = folder / "tmp"
        self.log = folder / "server.log"
        for path in (self.state, self.temporary, folder / "bento"):
            path.mkdir(parents=True, exist_ok=True)
        self._environment = os.environ | {
            "TRIAL_STATE": str(self.state),
            "TRIAL_PAUSE_S": str(pause_s),
            "TMPDIR": str(self.temporary),
            "BENTOML_HOME": str(folder / "bento"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def secret(self) -> str:
        """An API key with every scope."""
        return (self.state / "key").read_text()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Start and wait until ready; returns the seconds that took."""
        started = time.monotonic()
        if self._supervised:
            self._socket.close()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=_HERE,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                pass_fds=() if self._supervised else (self._socket.fileno(),),
            )
        self.wait_ready()
        return time.monotonic() - started

    def _command(self) -> list[str]:
        if self._supervised:
            return [
                *(sys.executable, "-m", "bentoml", "serve", "trial_service:Trial"),
                *("--host", "127.0.0.1", "--port", str(self.port), "--api-workers", "1"),
            ]
        return [
            *(sys.executable, "-m", "_bentoml_impl.worker.service", "trial_service:Trial"),
            *("--fd", str(self._socket.fileno()), "--service-name", "trial", "--worker-id", "1"),
        ]

    def stop(self) -> None:
        """Ask the supervisor to end, and insist if it does not."""
        if self._process is None:
            return
        workers = children(self._process.pid)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in workers:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
        self._process = None

    @property
    def worker(self) -> int:
        """The process id of the worker."""
        assert self._process is not None  # noqa: S101 - started
        if not self._supervised:
            return self._process.pid
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            pids = children(self._process.pid)
            if pids:
                return pids[0]
            time.sleep(0.05)
        msg = "no worker"
        raise TimeoutError(msg)

    def kill_worker(self) -> None:
        """`kill -9`; under a supervisor another one follows, otherwise `start` has to be called."""
        os.kill(self.worker, signal.SIGKILL)
        if not self._supervised and self._process is not None:
            self._process.wait()

    def wait_ready(self) -> None:
        """Wait until /readyz says so."""
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - loopback
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        msg = "the service did not become ready; see its log"
        raise TimeoutError(msg)


def children(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def _listening() -> socket.socket:
    """A socket on a free port of loopback."""
    made = socket.create_server(("127.0.0.1", 0), backlog=2048)
    made.set_inheritable(True)
    return made

"""A service that BentoML runs on loopback for a bench or a trial: started, measured, stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

ROOT = Path(__file__).resolve().parents[2]
REAL = "idv.service.bento:Service"
_READY_S = 90.0
_TICKS = os.sysconf("SC_CLK_TCK")
_OK = 200


@dataclass(frozen=True)
class Target:
    """What to serve: an import string, the service's name, and the folder it is imported from."""

    service: str
    name: str
    folder: Path = ROOT


class Usage(NamedTuple):
    """CPU seconds so far and resident bytes now, over a process and all its descendants."""

    cpu_s: float
    rss: int


class ServiceProcess:
    """Everything it writes goes under `folder`.

    Supervised it runs as `bentoml serve` runs it. Otherwise the worker runs alone, started exactly as the
    supervisor starts it: the supervisor looks for dead workers every five seconds, which makes kills slow.
    """

    def __init__(
        self, folder: Path, target: Target, environment: Mapping[str, str], *, supervised: bool = True
    ) -> None:
        self.folder, self.log = folder, folder / "server.log"
        self.temporary, self.state = folder / "tmp", folder / "state"
        for path in (self.temporary, self.state, folder / "bento"):
            path.mkdir(parents=True, exist_ok=True)
        self._target, self._supervised = target, supervised
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._socket.set_inheritable(True)
        self.port: int = self._socket.getsockname()[1]
        self._environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "BENTOML_HOME": str(folder / "bento"),
            "BENTOML_DO_NOT_TRACK": "True",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._socket.close()

    def start(self) -> float:
        """Start and wait until ready; returns the seconds that took."""
        started = time.monotonic()
        if self._supervised:
            self._socket.close()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._target.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                pass_fds=() if self._supervised else (self._socket.fileno(),),
            )
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return time.monotonic() - started

    def stop(self) -> None:
        """Ask it to end, and insist if it does not."""
        if self._process is None:
            return
        workers = descendants(self._process.pid)
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
        pids = descendants(self._pid)
        return pids[0] if self._supervised else self._pid

    def kill_worker(self) -> None:
        """`kill -9`; under a supervisor another one follows, otherwise `start` has to be called."""
        os.kill(self.worker, signal.SIGKILL)
        if not self._supervised and self._process is not None:
            self._process.wait()

    def usage(self) -> Usage:
        """What it has used, with the processes it started."""
        pids = [self._pid, *descendants(self._pid)]
        return Usage(sum(_cpu_s(pid) for pid in pids), sum(_rss(pid) for pid in pids))

    def wait_ready(self) -> None:
        """Wait until /readyz says so. Raises TimeoutError."""
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - loopback
                    if answer.status == _OK:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        msg = f"the service did not become ready; see {self.log}"
        raise TimeoutError(msg)

    @property
    def _pid(self) -> int:
        if self._process is None:
            msg = "not started"
            raise RuntimeError(msg)
        return self._process.pid

    def _command(self) -> list[str]:
        service = self._target.service
        if self._supervised:
            listen = ("--host", "127.0.0.1", "--port", str(self.port), "--api-workers", "1")
            return [sys.executable, "-m", "bentoml", "serve", service, *listen]
        bare = ("--fd", str(self._socket.fileno()), "--service-name", self._target.name, "--worker-id", "1")
        return [sys.executable, "-m", "_bentoml_impl.worker.service", service, *bare]


def real_service(folder: Path, **settings: str) -> ServiceProcess:
    """The service with its real models, without API keys, over a database of its own."""
    state = folder / "state"
    given = {"IDV_INSECURE": "true", "IDV_DATA_DIR": str(state)} | settings
    return ServiceProcess(folder, Target(REAL, "idv"), given)


def descendants(pid: int) -> list[int]:
    """Children first, then theirs."""
    found = _children(pid)
    return found + [deeper for child in found for deeper in descendants(child)]


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def _cpu_s(pid: int) -> float:
    """User and system time of a process and of those of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _rss(pid: int) -> int:
    """Proportional set size where the kernel tells it, so that shared pages count once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

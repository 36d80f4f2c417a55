"""What the pool of workers does when a worker dies, hangs, lies, or is inherited by a fork."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from idv.domain.errors import MediaError, MediaFault, Overloaded
from idv.vision.imaging import worker_process
from idv.vision.imaging.decoder import BoundedDecoder, DecodeLimits
from idv.vision.imaging.headers import inspect
from idv.vision.imaging.pixels import Plan, plan
from idv.vision.imaging.worker_process import WorkerProcess
from tests.hostile import jpegs
from tests.hostile.pngs import png

JPEG = jpegs.encoded()


@pytest.fixture
def decoder() -> Iterator[BoundedDecoder]:
    """One worker that is ready."""
    with BoundedDecoder(workers=1) as made:
        made.warm_up()
        yield made


def _fault_while_stopped(decoder: BoundedDecoder, *signals: signal.Signals) -> MediaFault:
    """The fault of a decoding during which the worker, halted before it began, gets these signals."""
    (pid,) = decoder.worker_pids
    os.kill(pid, signal.SIGSTOP)
    seen: list[MediaFault] = []

    def decode() -> None:
        try:
            decoder.decode(JPEG)
        except MediaError as error:
            seen.append(error.fault)

    thread = threading.Thread(target=decode)
    thread.start()
    while decoder.worker_pids:  # until the worker is taken
        time.sleep(0.001)
    for number in signals:
        os.kill(pid, number)
    thread.join()
    return seen[0]


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_named_and_the_next_picture_is_decoded(
    decoder: BoundedDecoder, number: signal.Signals
) -> None:
    """A segmentation fault, an abort or the kernel's killer: one refusal, no zombie, a new worker."""
    (pid,) = decoder.worker_pids
    assert _fault_while_stopped(decoder, number, signal.SIGCONT) is MediaFault.DECODER_CRASHED
    assert not _exists(pid)
    assert decoder.decode(JPEG).full_width == 96
    assert decoder.worker_pids != (pid,)


def test_the_kernel_ending_a_worker_for_its_cpu_time_is_a_timeout(decoder: BoundedDecoder) -> None:
    """SIGXCPU is what the CPU limit sends."""
    assert _fault_while_stopped(decoder, signal.SIGXCPU, signal.SIGCONT) is MediaFault.DECODER_TIMEOUT


def _decode_often(decoder: BoundedDecoder, data: bytes) -> None:
    """Enough for whole seconds of CPU, which is what the limit counts."""
    for _ in range(60):
        decoder.decode(data, max_side_px=100)


def test_the_cpu_limit_ends_a_worker() -> None:
    """A decoding with more work than its CPU allowance is ended by the kernel, long before the wall limit."""
    limits = DecodeLimits(cpu_s=0.0, wall_s=60.0)
    heavy = png(samples=[9], colour_type=0, width=7000, height=7000, interlace=1)
    with BoundedDecoder(limits, workers=1) as decoder:
        with pytest.raises(MediaError) as caught:
            _decode_often(decoder, heavy)
        assert caught.value.fault is MediaFault.DECODER_TIMEOUT


def test_a_hanging_worker_is_ended_at_the_wall_limit() -> None:
    """A worker that does not answer is killed, reaped and replaced."""
    with BoundedDecoder(DecodeLimits(wall_s=0.2), workers=1) as decoder:
        decoder.warm_up()
        (pid,) = decoder.worker_pids
        assert _fault_while_stopped(decoder) is MediaFault.DECODER_TIMEOUT
        assert not _exists(pid)
        decoder.warm_up()
        assert decoder.worker_pids != (pid,)


def test_memory_beyond_the_limit_is_named_and_the_worker_survives() -> None:
    """A picture that decodes to 48 MB under a limit of 24 MB is refused; a small one is decoded after."""
    large = png(samples=[1, 2, 3], width=4000, height=4000)
    with BoundedDecoder(DecodeLimits(memory_bytes=24 << 20), workers=1) as decoder:
        decoder.warm_up()
        with pytest.raises(MediaError) as caught:
            decoder.decode(large)
        assert caught.value.fault is MediaFault.DECODER_MEMORY
        assert decoder.decode(JPEG).full_width == 96


def test_a_worker_that_died_idle_is_replaced_unseen(decoder: BoundedDecoder) -> None:
    """A worker killed between two pictures costs no picture."""
    (pid,) = decoder.worker_pids
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z":
        time.sleep(0.001)
    assert decoder.decode(JPEG).full_width == 96
    assert not _exists(pid)


def test_closing_ends_every_worker_and_may_be_repeated() -> None:
    """After closing no worker is left, not even a zombie, and decoding is a programming error."""
    decoder = BoundedDecoder(workers=2)
    pids = decoder.worker_pids
    decoder.close()
    decoder.close()
    assert len(pids) == 2
    assert not any(_exists(pid) for pid in pids)
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode(JPEG)


def test_a_decoder_that_is_forgotten_leaves_no_worker() -> None:
    """Garbage collection ends the workers too."""
    decoder = BoundedDecoder(workers=1)
    (pid,) = decoder.worker_pids
    del decoder
    assert not _exists(pid)


def test_closing_wakes_whoever_waits_for_a_worker() -> None:
    """A thread that waits while the only worker is busy is told that the decoder was closed."""
    decoder = BoundedDecoder(workers=1)
    busy = decoder._take()
    told = threading.Event()

    def wait() -> None:
        with pytest.raises(RuntimeError, match="closed"):
            decoder.decode(JPEG)
        told.set()

    thread = threading.Thread(target=wait)
    thread.start()
    decoder.close()
    decoder._put_back(busy)
    thread.join()
    assert told.is_set()
    assert not busy.alive


def test_a_machine_that_can_start_no_process_costs_no_place() -> None:
    """While starting fails the decoder is unavailable; afterwards it works with as many workers as before."""
    refusals = [OSError(), OSError()]

    def start(limits: DecodeLimits) -> WorkerProcess:
        if started and refusals:
            raise refusals.pop()
        started.append(WorkerProcess(limits))
        return started[-1]

    started: list[WorkerProcess] = []
    with BoundedDecoder(workers=1, start=start) as decoder:
        decoder.warm_up()
        assert _fault_while_stopped(decoder, signal.SIGKILL) is MediaFault.DECODER_CRASHED
        with pytest.raises(Overloaded) as caught:
            decoder.decode(JPEG)
        assert caught.value.code == "decoder_unavailable"
        assert not refusals
        assert decoder.decode(JPEG).full_width == 96


def test_a_fork_that_ends_leaves_its_parents_workers_alone() -> None:
    """A child that never decodes and ends in good order does not end the worker it inherited."""
    code = (
        "import os, sys\n"
        "from idv.vision.imaging.decoder import BoundedDecoder\n"
        "decoder = BoundedDecoder(workers=1)\n"
        "decoder.warm_up()\n"
        "before = decoder.worker_pids\n"
        "child = os.fork()\n"
        "if not child: sys.exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert decoder.worker_pids == before\n"
        "print('alive')\n"
    )
    assert _script(code).strip() == "alive"


def test_without_an_extra_its_type_is_refused_by_the_name_of_the_extra() -> None:
    """HEIC and PDF need `heif` and `pdf`; the message says so, in both decoders."""
    code = (
        "import importlib.machinery as machinery, sys\n"
        "class Without(machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        missing = name in ('pillow_heif', 'pypdfium2')\n"
        "        return None if missing else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(machinery.PathFinder)] = Without\n"
        "from idv.domain.errors import MediaError\n"
        "from idv.vision.imaging.decoder import BoundedDecoder, InProcessDecoder\n"
        "from tests.hostile.containers import heic, pdf\n"
        "for decoder in (InProcessDecoder(), BoundedDecoder(workers=1)):\n"
        "    for data in (heic(), pdf((240.0, 160.0))):\n"
        "        try:\n"
        "            decoder.decode(data)\n"
        "        except MediaError as error:\n"
        "            print(error.code, error.message.split('`')[1])\n"
    )
    lines = [f"media_type_unsupported {extra}" for extra in ("heif", "pdf")]
    assert _script(code).splitlines() == lines * 2


def _script(code: str) -> str:
    """Run code in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True
    )
    return done.stdout


def test_a_worker_ends_with_its_parent() -> None:
    """A parent that is killed, and so cannot close anything, leaves no worker behind."""
    code = (
        "import os, signal\n"
        "from idv.vision.imaging.decoder import BoundedDecoder\n"
        "decoder = BoundedDecoder(workers=1)\n"
        "decoder.warm_up()\n"
        "print(*decoder.worker_pids, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=60, text=True
    )
    assert done.returncode == -signal.SIGKILL
    for _ in range(2000):
        if not _is_running(int(done.stdout)):
            return
        time.sleep(0.005)
    pytest.fail("the worker outlived its parent")


def _is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody reaps in a container counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_forked_process_gets_workers_of_its_own() -> None:
    """Parent and child decode side by side after a fork, through different workers."""
    code = (
        "import os\n"
        "from idv.vision.imaging.decoder import BoundedDecoder\n"
        "from tests.hostile.corpus import CORPUS\n"
        "decoder = BoundedDecoder(workers=1)\n"
        "data = CORPUS['jpeg'].data\n"
        "decoder.decode(data)\n"
        "before = decoder.worker_pids\n"
        "child = os.fork()\n"
        "for _ in range(20):\n"
        "    assert decoder.decode(data).full_width == 96\n"
        "assert (decoder.worker_pids == before) == bool(child)\n"
        "decoder.close()\n"
        "if not child: os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print('both')\n"
    )
    assert _script(code).strip() == "both"


def test_the_worker_holds_no_secret_of_its_parent(decoder: BoundedDecoder) -> None:
    """Its environment is its own: nothing but what starts Python and bounds its memory and threads."""
    (pid,) = decoder.worker_pids
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0] for entry in environment if entry}
    allowed = {b"PYTHONPATH", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS"}
    assert names <= allowed | {b"MALLOC_MMAP_THRESHOLD_", b"MALLOC_TRIM_THRESHOLD_", b"LC_CTYPE"}


def test_the_worker_has_given_up_files_processes_and_core_dumps(decoder: BoundedDecoder) -> None:
    """The kernel's own account of its limits."""
    (pid,) = decoder.worker_pids
    lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
    hard = {line[:26].strip(): line[47:68].strip() for line in lines[1:]}
    assert (hard["Max open files"], hard["Max processes"], hard["Max core file size"]) == ("0", "0", "0")
    assert int(hard["Max address space"]) < 4 << 30
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    assert "NoNewPrivs:\t1" in status


def test_pictures_belong_to_their_caller(decoder: BoundedDecoder) -> None:
    """A later decoding does not change an earlier picture, and both may be written to."""
    first = decoder.decode(JPEG).pixels
    kept = first.copy()
    decoder.decode(jpegs.flat([200, 128, 128]))
    np.testing.assert_array_equal(first, kept)
    first[:] = 0


class _Liar(WorkerProcess):
    """A worker whose replies are replaced: what a subverted one could send."""

    def __init__(self, lie: bytes) -> None:
        super().__init__(DecodeLimits(max_pixels=1_000_000))
        self.await_ready()
        os.kill(self.pid, signal.SIGSTOP)
        read, write = os.pipe()
        os.write(write, lie)
        os.close(write)
        self._lies = os.fdopen(read, "rb")

    @property
    def _stdout(self) -> int:
        return self._lies.fileno() if hasattr(self, "_lies") else super()._stdout

    def close(self) -> None:
        """End the worker and the pipe."""
        self.kill()
        self._lies.close()


def _how(data: bytes) -> Plan:
    return plan(inspect(data, DecodeLimits()), max_side_px=None)


def _reply(sequence: int = 1, status: int = 0, sizes: tuple[int, int, int, int] = (96, 64, 96, 64)) -> bytes:
    return struct.pack("<4sQIIIII", b"IDV1", sequence, status, *sizes)


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"IDV1",
        b"X" * 32,
        _reply(status=99),
        _reply(sequence=7),
        _reply(sizes=(2**31, 2**31, 96, 64)),
        _reply(sizes=(0, 0, 96, 64)),
        _reply(sizes=(96, 64, 64, 64)),
        _reply(sizes=(960, 640, 960, 640)),
    ],
)
def test_replies_outside_the_protocol_are_a_crash(lie: bytes) -> None:
    """Nothing, a stump, noise, unknown faults, old answers and impossible sizes: refused, worker ended."""
    liar = _Liar(lie)
    try:
        with pytest.raises(MediaError) as caught:
            liar.decode(JPEG, _how(JPEG))
        assert caught.value.fault is MediaFault.DECODER_CRASHED
        assert not liar.alive
    finally:
        liar.close()


def test_the_shared_memory_cannot_be_cut_short() -> None:
    """A worker that shrinks the memory under its parent would end it; the seal forbids that."""
    descriptor = worker_process._sealed_memory(8192)
    try:
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def test_a_worker_that_cannot_start_is_no_fault_of_the_picture() -> None:
    """A worker that ends before it is ready makes the decoder unavailable; no picture is blamed."""
    worker = WorkerProcess(DecodeLimits())
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(Overloaded) as caught:
        worker.decode(JPEG, _how(JPEG))
    assert caught.value.code == "decoder_unavailable"
    assert not _exists(worker.pid)

"""One decoding worker as its parent sees it: started, asked, watched, killed, reaped."""

import contextlib
import fcntl
import math
import mmap
import os
import select
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np

import idv
from idv.domain.arrays import RgbImage
from idv.domain.errors import MediaError, MediaFault, Overloaded
from idv.vision.imaging.limits import MEBIBYTE, DecodeLimits
from idv.vision.imaging.pixels import Plan
from idv.vision.imaging.protocol import (
    READY,
    REPLY_BYTES,
    Malformed,
    Reply,
    Request,
    pack_request,
    pixels_at,
    unpack_reply,
)

START_S = 30.0
"""How long a worker may take to start; half a second is usual, a busy machine takes longer."""
_MODULE = "idv.vision.imaging.worker"
_CHANNELS = 3
_KEEP_BYTES = 64 * MEBIBYTE
"""Shared memory kept for the next image; what a larger one used is given back at once."""
_SENTENCES = {
    MediaFault.TRUNCATED: "the image data end too early",
    MediaFault.CORRUPT: "the pixels cannot be decoded",
    MediaFault.PAGES: "the PDF document must have exactly one page",
    MediaFault.TOO_MANY_PIXELS: "the image has too many pixels",
    MediaFault.DECODER_MEMORY: "decoding needs more memory than it may have",
    MediaFault.DECODER_TIMEOUT: "decoding takes longer than it may",
    MediaFault.DECODER_CRASHED: "decoding ended in a crash",
}


class WorkerProcess:
    """A worker and the memory shared with it. Used by one thread at a time; linux only."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._pixels_at = pixels_at(limits.max_bytes)
        self._size = self._pixels_at + limits.max_pixels * _CHANNELS
        self._sequence = 0
        self._ready = False
        descriptor = _sealed_memory(self._size)
        try:
            self._area = mmap.mmap(descriptor, self._size)
            self._process = _start(limits, descriptor=descriptor, size=self._size)
        finally:
            os.close(descriptor)
        self._end = weakref.finalize(self, _end, self._process, os.getpid())

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the worker can be asked."""
        return self._end.alive and self._process.poll() is None

    def decode(self, data: bytes, how: Plan) -> tuple[RgbImage, Reply]:
        """Pixels (copied out of the shared memory) and sizes. Raises MediaError; then ask `alive`.

        Raises Overloaded `decoder_unavailable` when the worker does not start.
        """
        self.await_ready()
        self._sequence += 1
        self._area[: len(data)] = data
        reply = self._ask(Request(self._sequence, len(data), how))
        if reply.fault is not None:
            raise _fault(reply.fault)
        count = reply.width * reply.height * _CHANNELS
        shape = (reply.height, reply.width, _CHANNELS)
        pixels = np.frombuffer(self._area, np.uint8, count, self._pixels_at).reshape(shape).copy()
        self._give_back_memory(self._pixels_at + count)
        return pixels, reply

    def kill(self) -> None:
        """End the worker now, whatever it does, and reap it."""
        self._end()

    def abandon(self) -> None:
        """Forget a worker that belongs to the process this one was forked from: close the pipes only."""
        self._end.detach()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.returncode = 0  # not ours to reap

    def await_ready(self) -> None:
        """Block until the worker takes requests. Raises Overloaded `decoder_unavailable`."""
        if self._ready:
            return
        if not self._readable(START_S) or os.read(self._stdout, len(READY)) != READY:
            self.kill()
            raise Overloaded("decoder_unavailable", "the decoder does not start", retry_after_s=1.0)
        self._ready = True

    def _ask(self, request: Request) -> Reply:
        try:
            os.write(self._stdin, pack_request(request))
        except BrokenPipeError:
            raise self._crash() from None
        if not self._readable(self._limits.wall_s):
            self.kill()
            raise _fault(MediaFault.DECODER_TIMEOUT)
        try:
            reply = unpack_reply(os.read(self._stdout, REPLY_BYTES))
        except Malformed:
            raise self._crash() from None
        if not self._is_possible(reply, request):
            raise self._crash()
        return reply

    def _crash(self) -> MediaError:
        """Reap a worker that ended or babbled, and say why."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.2)  # its exit code tells the CPU limit from a crash
        self.kill()
        beyond_cpu = self._process.returncode == -signal.SIGXCPU
        return _fault(MediaFault.DECODER_TIMEOUT if beyond_cpu else MediaFault.DECODER_CRASHED)

    def _is_possible(self, reply: Reply, request: Request) -> bool:
        """Whether the sizes fit the area, each other and what the header stated: the worker may lie."""
        if reply.sequence != request.sequence:
            return False
        if reply.fault is not None:
            return True
        fits = self._pixels_at + reply.width * reply.height * _CHANNELS <= self._size
        shrunk = 0 < reply.width <= reply.full_width and 0 < reply.height <= reply.full_height
        how = request.plan
        stated = not how.is_raster or {reply.full_width, reply.full_height} == {how.width, how.height}
        return fits and shrunk and stated

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        return bool(poll.poll(math.ceil(seconds * 1000)))

    def _give_back_memory(self, used: int) -> None:
        if used > _KEEP_BYTES:
            self._area.madvise(mmap.MADV_REMOVE, _KEEP_BYTES, self._size - _KEEP_BYTES)

    @property
    def _stdin(self) -> int:
        return self._process.stdin.fileno() if self._process.stdin else -1

    @property
    def _stdout(self) -> int:
        return self._process.stdout.fileno() if self._process.stdout else -1


def _fault(fault: MediaFault) -> MediaError:
    return MediaError(fault, _SENTENCES.get(fault, "the image cannot be decoded"))


def _sealed_memory(size: int) -> int:
    """Anonymous shared memory whose size is fixed: a worker that shrank it would end its parent (SIGBUS)."""
    descriptor = os.memfd_create("decoder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def _start(limits: DecodeLimits, *, descriptor: int, size: int) -> "subprocess.Popen[bytes]":
    """Start a worker with an environment of its own: no secret of the service is in it."""
    arguments = (descriptor, size, limits.max_bytes, limits.memory_bytes, math.ceil(limits.cpu_s))
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-m", _MODULE, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        pass_fds=[descriptor],
        # Its own session: an interrupt at the terminal is the parent's to handle.
        start_new_session=True,
        cwd="/",
        env={
            "PYTHONPATH": str(Path(idv.__file__).parents[1]),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            # Keep the heap between images: page faults of fresh memory are a tenth of decoding.
            "MALLOC_MMAP_THRESHOLD_": str(_KEEP_BYTES),
            "MALLOC_TRIM_THRESHOLD_": str(2 * _KEEP_BYTES),
        },
    )


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork that ends leaves its parent's workers alone
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()

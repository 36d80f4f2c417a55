"""The two decoders: in confined worker processes for a service, in this process for tests and tools."""

import contextlib
import importlib.util
import os
import queue
import threading
from collections.abc import Callable
from typing import Self

import numpy as np

from idv.domain.arrays import RgbImage
from idv.domain.errors import MediaError, MediaFault, Overloaded
from idv.domain.images import DecodedImage
from idv.vision.imaging.containers.header import Header
from idv.vision.imaging.headers import inspect, require_size
from idv.vision.imaging.limits import DecodeLimits
from idv.vision.imaging.pixels import EXTRAS, FullSize, decode_pixels, plan
from idv.vision.imaging.worker_process import WorkerProcess

__all__ = ["BoundedDecoder", "DecodeLimits", "InProcessDecoder"]


Start = Callable[[DecodeLimits], WorkerProcess]


class BoundedDecoder:
    """Implements `ports.ImageDecoder` in `workers` processes with limits on memory, CPU and time.

    A worker that misbehaves is killed and replaced; the image it was given is refused by name, the next one
    is decoded. In a process forked from the one that made it, it starts workers of its own. Linux only.
    """

    def __init__(
        self, limits: DecodeLimits | None = None, *, workers: int = 2, start: Start = WorkerProcess
    ) -> None:
        self._limits = limits or DecodeLimits()
        self._workers = workers
        self._start_one = start
        self._guard = threading.Lock()
        self._closed = False
        self._start()

    def decode(self, data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        """Upright RGB pixels within the limits. Raises MediaError; Overloaded when no worker starts."""
        header = _inspected(data, self._limits)
        how = plan(header, max_side_px=max_side_px)
        worker = self._take()
        try:
            pixels, reply = worker.decode(data, how)
        finally:
            self._put_back(worker)
        return _decoded(pixels, FullSize(reply.full_width, reply.full_height), header, limits=self._limits)

    def warm_up(self) -> None:
        """Block until every idle worker takes requests. Raises Overloaded `decoder_unavailable`."""
        taken = []
        try:
            for _ in range(self._workers):
                taken.append(self._take())
                taken[-1].await_ready()
        finally:
            for worker in taken:
                self._put_back(worker)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that are idle now."""
        return tuple(worker.pid for worker in tuple(self._idle.queue) if worker.alive)

    def close(self) -> None:
        """End all workers; those that are busy end with their work. May be called again."""
        self._closed = True
        ended: list[WorkerProcess] = []
        with contextlib.suppress(queue.Empty):
            while True:
                ended.append(self._idle.get_nowait())
        for worker in ended:
            worker.kill()
            self._idle.put(worker)  # whoever waits for a worker wakes up and is told

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _start(self) -> None:
        self._pid = os.getpid()
        # The worker used last is used next: its memory is warm.
        self._idle: queue.LifoQueue[WorkerProcess] = queue.LifoQueue()
        for _ in range(self._workers):
            self._idle.put(self._start_one(self._limits))

    def _take(self) -> WorkerProcess:
        with self._guard:
            if self._pid != os.getpid():
                self._leave_to_parent()
                self._start()
        worker = self._idle.get()
        if self._closed:
            self._idle.put(worker)
            raise RuntimeError("the decoder is closed")
        if worker.alive:
            return worker
        try:
            return self._start_one(self._limits)
        except OSError as error:
            self._idle.put(worker)  # the place of a worker is never lost
            raise Overloaded("decoder_unavailable", "no decoder can be started", retry_after_s=1.0) from error

    def _put_back(self, worker: WorkerProcess) -> None:
        if self._closed:
            worker.kill()
        elif not worker.alive:
            # A replacement starts now, so that it is ready for the next image; else `_take` tries again.
            with contextlib.suppress(OSError):
                worker = self._start_one(self._limits)
        self._idle.put(worker)

    def _leave_to_parent(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().abandon()


class InProcessDecoder:
    """Implements `ports.ImageDecoder` without a worker: same outcomes, no limits on memory, CPU and time.

    For tests and tools on files that are trusted. It does not see libjpeg's warnings either, so a JPEG whose
    pixels end early though its end mark stands is decoded, partly grey.
    """

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._one_at_a_time = threading.Lock()  # PDFium is not thread-safe

    def decode(self, data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        """Upright RGB pixels. Raises MediaError."""
        header = _inspected(data, self._limits)
        placed: list[RgbImage] = []

        def place(height: int, width: int) -> RgbImage:
            placed.append(np.empty((height, width, 3), np.uint8))
            return placed[0]

        how = plan(header, max_side_px=max_side_px)
        try:
            with self._one_at_a_time:
                full = decode_pixels(np.frombuffer(data, np.uint8), how, place)
        except MemoryError as error:
            raise MediaError(MediaFault.DECODER_MEMORY, "decoding needs more memory than there is") from error
        return _decoded(placed[0], full, header, limits=self._limits)


def _inspected(data: bytes, limits: DecodeLimits) -> Header:
    header = inspect(data, limits)
    extra, module = EXTRAS.get(header.media_type, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        raise MediaError(
            MediaFault.TYPE_UNSUPPORTED,
            f"{header.media_type} needs the extra `{extra}`; send JPEG, PNG or WebP",
        )
    return header


def _decoded(pixels: RgbImage, full: FullSize, header: Header, *, limits: DecodeLimits) -> DecodedImage:
    require_size(full.width, full.height, limits)
    return DecodedImage(
        pixels=pixels, media_type=header.media_type, full_width=full.width, full_height=full.height
    )

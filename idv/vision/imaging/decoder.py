"""The two decoders: in confined worker processes for a service, in this process for tests and tools."""

import importlib.util
import os
import queue
import threading
from typing import Self

import numpy as np

from idv.domain.arrays import RgbImage
from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import DecodedImage
from idv.vision.imaging.containers.header import Header
from idv.vision.imaging.headers import inspect, require_size
from idv.vision.imaging.limits import DecodeLimits
from idv.vision.imaging.pixels import EXTRAS, FullSize, decode_pixels, plan
from idv.vision.imaging.worker_process import WorkerProcess

__all__ = ["BoundedDecoder", "DecodeLimits", "InProcessDecoder"]


class BoundedDecoder:
    """Implements `ports.ImageDecoder` in `workers` processes with limits on memory, CPU and time.

    A worker that misbehaves is killed and replaced; the image it was given is refused by name, the next one
    is decoded. In a process forked from the one that made it, it starts workers of its own. Linux only.
    """

    def __init__(self, limits: DecodeLimits | None = None, *, workers: int = 2) -> None:
        self._limits = limits or DecodeLimits()
        self._workers = workers
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
        return tuple(worker.pid for worker in tuple(self._idle.queue))

    def close(self) -> None:
        """End all workers; those that are busy end with their work. May be called again."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().kill()
            except queue.Empty:
                return

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
            self._idle.put(WorkerProcess(self._limits))

    def _take(self) -> WorkerProcess:
        if self._closed:
            raise RuntimeError("the decoder is closed")
        with self._guard:
            if self._pid != os.getpid():
                self._leave_to_parent()
                self._start()
        worker = self._idle.get()
        return worker if worker.alive else WorkerProcess(self._limits)

    def _put_back(self, worker: WorkerProcess) -> None:
        if self._closed:
            worker.kill()
        else:
            # A replacement starts now, so that it is ready for the next image.
            self._idle.put(worker if worker.alive else WorkerProcess(self._limits))

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

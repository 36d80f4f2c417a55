"""The process that decodes: `python -m idv.vision.imaging.worker FD SIZE MAX_BYTES MEMORY_BYTES CPU_S`.

Requests come on standard input, replies go to standard output, bytes and pixels lie in the shared memory FD.
Before the first request it gives up what decoding does not need: new files and sockets, new processes,
writing, memory and CPU beyond the limits. It ends when its parent closes the pipe.
"""

import ctypes
import importlib.util
import math
import mmap
import os
import resource
import sys
from pathlib import Path

import cv2
import numpy as np

from idv.domain.arrays import RgbImage
from idv.domain.errors import MediaError, MediaFault
from idv.vision.imaging.pixels import EXTRAS, decode_pixels
from idv.vision.imaging.protocol import (
    READY,
    REQUEST_BYTES,
    Reply,
    Request,
    pack_reply,
    pixels_at,
    unpack_request,
)

_IN, _OUT, _COMPLAINTS = 0, 1, 2
_COMPLAINT_BYTES = 1 << 16
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of linux/prctl.h
_CHANNELS = 3


def main() -> None:
    """Confine this process, then answer requests until the pipe is closed."""
    descriptor, size, max_bytes, memory_bytes, cpu_s = (int(argument) for argument in sys.argv[1:6])
    cv2.setNumThreads(1)
    area = np.frombuffer(mmap.mmap(descriptor, size), np.uint8)
    os.close(descriptor)
    for _, module in EXTRAS.values():
        # Imported now, where installed: afterwards no file can be opened.
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
    _collect_complaints()
    confine(memory_bytes)
    os.write(_OUT, READY)
    while (request := _next_request()) is not None:
        _allow_cpu(cpu_s)
        os.write(_OUT, pack_reply(answer(request, area, pixels_offset=pixels_at(max_bytes))))


def answer(request: Request, area: RgbImage, *, pixels_offset: int) -> Reply:
    """Decode what lies in the shared area into it; every fault is a value here."""
    shape = (0, 0)

    def place(height: int, width: int) -> RgbImage:
        end = pixels_offset + height * width * _CHANNELS
        if end > len(area):
            raise MediaError(MediaFault.TOO_MANY_PIXELS, "the pixels exceed the shared area")
        nonlocal shape
        shape = (width, height)
        return area[pixels_offset:end].reshape(height, width, _CHANNELS)

    try:
        full = decode_pixels(area[: request.size], request.plan, place)
    except MediaError as error:
        return Reply(request.sequence, error.fault)
    except MemoryError:
        return Reply(request.sequence, MediaFault.DECODER_MEMORY)
    fault = _fault_in(_complaints())
    return Reply(request.sequence, None, *shape, *full) if fault is None else Reply(request.sequence, fault)


def confine(memory_bytes: int) -> None:
    """Give up new files, sockets, processes, core dumps and privileges; bound memory and what is written."""
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * mmap.PAGESIZE
    _limit(resource.RLIMIT_AS, used + memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _COMPLAINT_BYTES)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)  # open ones stay usable, none can be added
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _allow_cpu(seconds: int) -> None:
    """Let this process use that much more CPU; the kernel ends it beyond (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + seconds, hard))


def _next_request() -> Request | None:
    data = b""
    while len(data) < REQUEST_BYTES:
        more = os.read(_IN, REQUEST_BYTES - len(data))
        if not more:
            return None
        data += more
    return unpack_request(data)


def _collect_complaints() -> None:
    """Point standard error at memory: libjpeg tells only there that it made pixels up."""
    descriptor = os.memfd_create("complaints")
    os.dup2(descriptor, _COMPLAINTS)
    os.close(descriptor)


def _complaints() -> bytes:
    size = os.fstat(_COMPLAINTS).st_size
    if not size:
        return b""
    text = os.pread(_COMPLAINTS, _COMPLAINT_BYTES, 0)
    os.ftruncate(_COMPLAINTS, 0)
    os.lseek(_COMPLAINTS, 0, os.SEEK_SET)
    return text


def _fault_in(complaints: bytes) -> MediaFault | None:
    """What libjpeg's first warning means; stray bytes between segments are common and harmless."""
    if b"remature end" in complaints:
        return MediaFault.TRUNCATED
    if b"bad Huffman code" in complaints:
        return MediaFault.CORRUPT
    return None


if __name__ == "__main__":
    main()

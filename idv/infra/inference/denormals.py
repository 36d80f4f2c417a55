"""Flushes denormal floats for the length of a call, on whichever thread makes it.

ONNX Runtime's own option sets the processor flags once per process, on the thread that makes the first
session (measured with 1.32): other threads keep computing denormals at about a hundredth of the speed, and
that one thread loses them for everything else it does. With one thread an operator the caller's thread
does the work, so the flags are set around the call and put back.
"""

import ctypes
import platform
import sys
import threading
from types import TracebackType
from typing import NamedTuple


class _Flags(NamedTuple):
    """Where glibc's `fenv_t` keeps the control register and which bits flush denormals."""

    offset: int
    bits: int


_KNOWN = {
    "x86_64": _Flags(28, 0x8040),  # MXCSR: flush to zero, denormals are zero
    "aarch64": _Flags(0, 1 << 24),  # FPCR: flush to zero
}
_ENVIRONMENT_BYTES = 64
"""At least the size of `fenv_t` on every platform named above (32 and 8)."""


class _Environments(threading.local):
    """This thread's saved and changed `fenv_t`, made once a thread: every call of a model passes here."""

    def __init__(self, offset: int) -> None:
        self.saved = ctypes.create_string_buffer(_ENVIRONMENT_BYTES)
        self.changed = ctypes.create_string_buffer(_ENVIRONMENT_BYTES)
        self.control = ctypes.c_uint32.from_buffer(self.changed, offset)


class FlushedDenormals:
    """A context manager, one for all threads; does nothing where the platform's layout is unknown."""

    def __init__(self) -> None:
        supported = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
        self._flags = _KNOWN.get(platform.machine()) if supported else None
        if self._flags is not None:
            # PyDLL keeps the interpreter lock: the calls take nanoseconds.
            libm = ctypes.PyDLL("libm.so.6")
            self._read, self._write = libm.fegetenv, libm.fesetenv
            self._bits = self._flags.bits
            self._thread = _Environments(self._flags.offset)

    def __enter__(self) -> None:
        """Save this thread's floating-point environment and flush denormals. Not reentrant."""
        if self._flags is None:
            return
        thread = self._thread
        self._read(thread.saved)
        self._read(thread.changed)
        thread.control.value |= self._bits
        self._write(thread.changed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the saved environment back."""
        if self._flags is not None:
            self._write(self._thread.saved)

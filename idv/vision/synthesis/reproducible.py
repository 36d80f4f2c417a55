"""Draws the same bytes on every machine, as far as OpenCV is concerned."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def same_bytes() -> Iterator[None]:
    """One thread and no dispatch to vector units that this machine happens to have, until left."""
    threads, optimised = cv2.getNumThreads(), cv2.useOptimized()
    cv2.setNumThreads(1)
    cv2.setUseOptimized(False)
    try:
        yield
    finally:
        cv2.setUseOptimized(optimised)
        cv2.setNumThreads(threads)

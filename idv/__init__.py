"""Decides whether a person, a document and a capture session are genuine."""

import os

__version__ = "0.1.0"

# NumPy's BLAS starts a thread a core and lets them spin after every small solve: 0.2 of the 0.9 s of CPU that
# one verification took. Throughput comes from requests side by side. It is read when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

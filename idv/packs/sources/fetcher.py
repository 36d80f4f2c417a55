"""The port of everything that downloads."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from idv.packs.lock import Source

Report = Callable[[int], None]
"""Told the number of bytes that have arrived so far."""


class Fetcher(Protocol):
    """Downloads the file of one source."""

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """Download into `folder`, which is kept between tries; the caller checks size and digest.

        Raises ModelError `model_source_unreachable`, `model_client_missing` or `model_digest_mismatch`.
        """
        ...

    def close(self) -> None:
        """Remove what it set up for itself; called when a pull ends, however it ends."""
        ...

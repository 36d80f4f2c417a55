"""PyPI through pip: one wheel by version and hash, downloaded and never installed."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from idv.packs.lock import Source
from idv.packs.sources.client import environment_with, run_client
from idv.packs.sources.fetcher import Report


class PypiFetcher:
    """`pip download` of this Python with `--require-hashes`, so that pip itself refuses other bytes."""

    def __init__(self, environment: Mapping[str, str], *, python: str = sys.executable) -> None:
        self._environment = environment
        self._python = python

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """See Fetcher."""
        with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as scratch:
            requirements = Path(scratch) / "requirements.txt"
            requirements.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
            command = (
                *(self._python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
                *("--require-hashes", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"),
                *("--requirement", str(requirements), "--dest", str(folder)),
            )
            # pip downloads into its temporary folder first: kept beside the target, where it can be watched.
            environment = environment_with(self._environment, TMPDIR=scratch)
            label = f"pip, {source.label}"
            run_client(command, label=label, watch=Path(scratch), environment=environment, report=report)
        return folder / source.file

    def close(self) -> None:
        """See Fetcher: nothing stays."""

"""The model cache: files by digest, written whole or not at all; and what was trusted on first use."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from idv.domain.errors import ModelError

_CHUNK_BYTES = 1 << 20


class Trusted(NamedTuple):
    """What a model was when it was first added from a folder: its ONNX, and the file it came from."""

    sha256: str
    size: int
    file: str


class ModelCache:
    """`<root>/<sha256>.onnx`, `<root>/sources/<sha256>` until a pack is whole, `<root>/partial/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.partial = root / "partial"
        self._sources = root / "sources"
        self._trusted = root / "trusted.json"

    def onnx(self, sha256: str) -> Path:
        """Where a network with this digest stands, or would stand."""
        return self.root / f"{sha256}.onnx"

    def source(self, sha256: str) -> Path:
        """Where a downloaded source with this digest stands, or would stand."""
        return self._sources / sha256

    def store_onnx(self, data: bytes, sha256: str) -> Path:
        """Keep a network under its digest, which the caller has checked."""
        path = self.onnx(sha256)
        write_atomically(path, data)
        return path

    def keep_source(self, file: Path, sha256: str) -> Path:
        """Move a verified download to its place; `file` must lie in `partial`."""
        path = self.source(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.replace(path)
        return path

    def drop_source(self, sha256: str) -> None:
        """Forget a source that is not needed any more."""
        self.source(sha256).unlink(missing_ok=True)

    def trusted(self) -> dict[str, Trusted]:
        """What was trusted on first use, by model. Raises ModelError `model_cache_invalid`."""
        try:
            entries = json.loads(self._trusted.read_text(encoding="utf-8"))
            return {name: Trusted(**entry) for name, entry in entries.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ModelError("model_cache_invalid", f"{self._trusted} cannot be read: {error}") from error

    def trust(self, model: str, entry: Trusted) -> None:
        """Record a model that came without a known digest."""
        entries: Mapping[str, Trusted] = {**self.trusted(), model: entry}
        text = json.dumps({name: item._asdict() for name, item in sorted(entries.items())}, indent=1)
        write_atomically(self._trusted, text.encode())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One writer at a time, across processes; the second waits, then finds the work done."""
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            handle = (self.root / "lock").open("w")
        except OSError as error:
            raise ModelError(
                "model_cache_invalid", f"{self.root} is not writable: {error.strerror}"
            ) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what a killed pull left: scratch folders and half-written files, never partial downloads."""
        for folder in self.partial.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        for file in self.root.glob(".*.onnx.*"):
            file.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the target, flush to the disk, rename: a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

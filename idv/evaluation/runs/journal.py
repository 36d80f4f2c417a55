"""The journal of a run: what is finished, row by row, so that a killed run goes on where it stopped."""

import fcntl
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from idv.domain.errors import Conflict, IdvError, RequestError, StorageUnavailable

PRIVATE = 0o600
WholeRows = Callable[[bytes], bytes]
"""Of what a file holds, the rows that were written to their end."""


class Stream(Protocol):
    """An unbuffered file open for reading and appending."""

    def fileno(self) -> int:
        """The descriptor, to lock."""
        ...

    def readall(self) -> bytes | None:
        """Everything from the current position."""
        ...

    def seek(self, offset: int, /) -> int:
        """Move to a byte."""
        ...

    def truncate(self, size: int, /) -> int:
        """Cut off what follows."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Append; tells how many bytes were taken."""
        ...

    def close(self) -> None:
        """Close."""
        ...


def open_stream(path: Path, mode: int) -> Stream:
    """The file, made with the permissions `mode` when it is absent."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode), "r+")


def whole_lines(data: bytes) -> bytes:
    """Everything up to the last line break."""
    return data[: data.rfind(b"\n") + 1]


class Journal:
    """Rows of one run in the file `path`, each handed to the system before the next is begun.

    `belongs_to` says which run the rows are of; it stands beside the file (`<path>.run.json`), and a file
    that was begun for anything else is refused. `kept` holds the rows that earlier runs finished: a torn
    last one is cut off. One process writes at a time. Raises RequestError `scores_belong_elsewhere`, Conflict
    `run_in_progress`, StorageUnavailable when the disk refuses; rows written before stay readable.
    """

    def __init__(
        self,
        path: Path,
        belongs_to: Mapping[str, str],
        *,
        whole: WholeRows = whole_lines,
        mode: int = PRIVATE,
        opened: Callable[[Path, int], Stream] = open_stream,
    ) -> None:
        self.path = path
        begun = path.exists()
        try:
            self._stream = opened(path, mode)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            self._lock()
            self._claim(dict(belongs_to), begun=begun)
            self.kept = self._cut(whole)
        except OSError as error:
            self._stream.close()
            raise _refused(path, error) from error
        except IdvError:
            self._stream.close()
            raise

    def append(self, row: bytes) -> None:
        """Write one row. Raises StorageUnavailable when the disk refuses; earlier rows stay."""
        try:
            while row:
                row = row[self._stream.write(row) or 0 :]
        except OSError as error:
            raise _refused(self.path, error) from error

    def close(self) -> None:
        """Let others write."""
        self._stream.close()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever finished."""
        return self.path.stat().st_size == 0

    def delete(self) -> None:
        """Remove the journal: what it held is kept elsewhere."""
        self.path.unlink(missing_ok=True)
        claim_path(self.path).unlink(missing_ok=True)
        self.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "run_in_progress", f"{self.path} is being written by another run", field="out"
            ) from None

    def _claim(self, belongs_to: dict[str, str], *, begun: bool) -> None:
        claim = claim_path(self.path)
        if (begun and self._has_rows()) or claim.exists():
            earlier = read_claim(self.path)
            if earlier != belongs_to:
                raise RequestError(
                    "scores_belong_elsewhere",
                    f"{self.path} was begun with another list or other models"
                    f" ({_differing(earlier, belongs_to)}); name another file or delete it",
                    field="out",
                )
            return
        claim.write_text(json.dumps(belongs_to), encoding="utf-8")

    def _has_rows(self) -> bool:
        return os.fstat(self._stream.fileno()).st_size > 0

    def _cut(self, whole: WholeRows) -> bytes:
        self._stream.seek(0)
        data = self._stream.readall() or b""
        kept = whole(data)
        if data.startswith(kept):
            # Only what is torn goes: a disk that is full now must not cost the rows before it.
            self._stream.truncate(len(kept))
        else:
            self._stream.truncate(0)
            self.append(kept)
        return kept


def claim_path(path: Path) -> Path:
    """Where it stands which run a journal belongs to."""
    return path.with_name(path.name + ".run.json")


def read_claim(path: Path) -> dict[str, str] | None:
    """Which run the journal at `path` belongs to; None when that cannot be told."""
    try:
        claim: dict[str, str] = json.loads(claim_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return claim


def _differing(earlier: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    if earlier is None:
        return "nothing says which"
    names = sorted(name for name in earlier.keys() | now.keys() if earlier.get(name) != now.get(name))
    return "differs: " + ", ".join(names)


def _refused(path: Path, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(
        "scores_not_written", f"{path} cannot be written: {error.strerror}; what was written before is kept"
    )

"""Media of eval sets: bytes in a folder or an object store, found by path or address, believed by digest."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fsspec.core import url_to_fs

from idv.domain.errors import EvalSetError, SetFault, StorageUnavailable
from idv.domain.eval_sets import MediaRef


@dataclass(frozen=True)
class MediaRoot:
    """Where media lie: a folder, or any URL that fsspec opens (`s3://bucket/media`, `memory://m`).

    A file is looked for at the path its reference hints at, then at its address, `ab/abcdef…`.
    Cheap to build and to pickle: worker processes each get their own connection.
    """

    url: str

    def bytes_of(self, ref: MediaRef) -> bytes:
        """The file, verified. Raises EvalSetError `media_missing` or `media_digest_mismatch`."""
        found = False
        for path in self._places(ref):
            data = self._read(path)
            if data is None:
                continue
            if hashlib.sha256(data).hexdigest() == ref.sha256:
                return data
            found = True
        code = "media_digest_mismatch" if found else "media_missing"
        why = "is another file than the set was made with" if found else "is not below the media root"
        raise EvalSetError([SetFault(code, f"{_shown(ref)} {why}")], field="media")

    def has(self, ref: MediaRef) -> bool:
        """Whether the very bytes are here."""
        try:
            self.bytes_of(ref)
        except EvalSetError:
            return False
        return True

    def store(self, data: bytes) -> MediaRef:
        """Put bytes at their address; what is there already is left alone. Raises StorageUnavailable."""
        sha256 = hashlib.sha256(data).hexdigest()
        ref = MediaRef(sha256)
        if not self.has(ref):
            self._write(address_of(sha256), data)
        return ref

    def _places(self, ref: MediaRef) -> tuple[str, ...]:
        address = address_of(ref.sha256)
        return (address,) if ref.path is None else (ref.path, address)

    def _read(self, path: str) -> bytes | None:
        system, root = self._opened()
        try:
            data: bytes = system.cat_file(f"{root}/{path}")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _unavailable(error) from error
        return data

    def _write(self, path: str, data: bytes) -> None:
        """Written beside its place and moved there, so that a torn file never bears an address."""
        system, root = self._opened()
        partial = f"{root}/{path}.{uuid4().hex}.partial"
        try:
            system.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
            system.pipe_file(partial, data)
            system.mv(partial, f"{root}/{path}")
        except OSError as error:
            raise _unavailable(error) from error

    def _opened(self) -> tuple[Any, str]:
        # fsspec keeps one file system for equal URLs, so asking again is cheap.
        opened: Callable[[str], tuple[Any, str]] = url_to_fs
        system, root = opened(self.url)
        return system, root.rstrip("/")


def address_of(sha256: str) -> str:
    """Where a file of this digest lies below a media root."""
    return f"{sha256[:2]}/{sha256}"


def _shown(ref: MediaRef) -> str:
    """The digest: a path may name a person."""
    return f"the file with SHA-256 {ref.sha256[:12]}…"


def _unavailable(error: OSError) -> StorageUnavailable:
    return StorageUnavailable("media_unavailable", f"the media root refused ({type(error).__name__})")

"""Files by https: resumed where an earlier try stopped, never larger than declared, never by plain http."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

from idv.domain.errors import ModelError
from idv.packs.lock import Source
from idv.packs.sources.fetcher import Report

CHUNK_BYTES = 1 << 16
TIMEOUT_S = 30.0
TRIES = 4
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


class Response(Protocol):
    """What is needed of a response."""

    status: int
    headers: HTTPMessage

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class HttpsFetcher:
    """Downloads with Range requests. `allow_loopback_http` is for tests: plain http, to this machine only."""

    def __init__(self, *, allow_loopback_http: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self._allow_loopback_http = allow_loopback_http
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context()), _CheckedRedirects(self._check)
        )

    def fetch(self, source: Source, folder: Path, report: Report) -> Path:
        """See Fetcher. A broken connection is resumed up to three times, then left for the next call."""
        self._check(source.url)
        path = folder / source.sha256
        for remaining in reversed(range(TRIES)):
            try:
                self._continue(source, path, report)
            except (OSError, HTTPException) as error:
                if not remaining or isinstance(error, urllib.error.HTTPError):
                    raise ModelError(
                        "model_source_unreachable",
                        f"{source.url}: {error}; what arrived is kept, the next pull goes on from there",
                    ) from error
                continue
            if _size(path) >= source.size:
                return path
        raise ModelError(
            "model_source_unreachable",
            f"{source.url}: {_size(path)} of {source.size} bytes, then the connection ended",
        )

    def close(self) -> None:
        """See Fetcher: nothing stays."""

    def _continue(self, source: Source, path: Path, report: Report) -> None:
        """One request for what is missing."""
        have = _size(path)
        if have >= source.size:
            return
        try:
            response = self._open(source.url, have)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != _RANGE_NOT_SATISFIABLE:
                raise
            path.unlink()
            return
        try:
            resumed = response.status == _PARTIAL_CONTENT and _starts_at(response.headers, have)
            with path.open("ab" if resumed else "wb") as file:
                _copy(response, file, limit=source.size, report=report)
        finally:
            response.close()

    def _open(self, url: str, have: int) -> Response:
        headers = {"User-Agent": "idv", **({"Range": f"bytes={have}-"} if have else {})}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - `_check` allows https only
        response: Response = self._opener.open(request, timeout=self._timeout_s)
        return response

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            return
        if self._allow_loopback_http and parts.scheme == "http" and parts.hostname in _LOOPBACK:
            return
        raise ModelError("model_source_insecure", f"{url}: models are fetched by https only")


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that may be asked directly."""

    def __init__(self, check: Callable[[str], None]) -> None:
        self._check = check

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Called by urllib for each redirect."""
        try:
            self._check(newurl)
        except ModelError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _size(path: Path) -> int:
    """Bytes that have arrived; 0 before the first."""
    return path.stat().st_size if path.exists() else 0


def _starts_at(headers: HTTPMessage, offset: int) -> bool:
    """Whether a partial response continues exactly where the file ends."""
    return str(headers.get("Content-Range", "")).startswith(f"bytes {offset}-")


def _copy(response: Response, file: IO[bytes], *, limit: int, report: Report) -> None:
    """Copy until the end, or until one byte more than declared, which the digest check then refuses."""
    size = file.seek(0, 2)
    while size <= limit:
        chunk = response.read(min(CHUNK_BYTES, limit + 1 - size))
        if not chunk:
            return
        file.write(chunk)
        size += len(chunk)
        report(size)

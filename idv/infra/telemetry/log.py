"""The logger: one JSON object a line on stderr, fields from a closed list, values that look like codes.

Two rules keep personal data out. A field whose name is not in `FIELDS` loses its value, and so does a
text value that does not look like a code, an identifier or a route (`_CODE`): names, addresses, MRZ
lines and error messages contain blanks, fillers or letters outside that alphabet. Exceptions are logged
by type (`error_type=type(error).__name__`), never by message, and no record ever carries a traceback.
Both rules apply before a record exists, so no handler, ours or a test's, can see more.
"""

import contextlib
import datetime as dt
import json
import logging
import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TextIO

Value = str | int | float | bool | None
"""What a field may hold."""

REDACTED = "[redacted]"
"""Stands where a value was withheld."""

FIELDS = frozenset(
    {
        # who and what
        "request_id",
        "tenant",
        "actor",
        "key_id",
        "verification",
        "event_id",
        "event_type",
        "action",
        "scope",
        # requests
        "method",
        "route",
        "status",
        "code",
        "field",
        "latency_ms",
        "cpu_ms",
        "bytes",
        "retry_after_s",
        # checks and models
        "check",
        "provider",
        "outcome",
        "decision",
        "reason",
        "stage",
        "model",
        "pack",
        "digest",
        "device",
        "fault",
        "operating_point",
        # errors and work
        "error_type",
        "attempt",
        "attempts",
        "delay_ms",
        "count",
        "queue",
        "capacity",
        "sequence",
        "pid",
        "exit_code",
        "signal",
        # where this process runs
        "version",
        "host",
        "port",
        "backend",
        "component",
        "setting",
        "use",
        "licence",
    }
)
"""The only field names whose values are written."""

MAX_VALUE_CHARACTERS = 128
"""Longer text is cut; no code, identifier or route of the project comes near it."""

_CODE = re.compile(r"[A-Za-z0-9_.:/{}+\-]*")
_SAFE = "safe_fields"
_bound: ContextVar[Mapping[str, Value]] = ContextVar("idv_log_fields", default={})  # noqa: B039 - never mutated


class Logger:
    """Writes events with fields; `event` is a literal in snake_case, never a formatted text."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: Value) -> None:
        """For whoever looks for a fault."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Value) -> None:
        """Something happened as it should."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Value) -> None:
        """Something is worse than it should be and was handled."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Value) -> None:
        """Something broke that nobody expected to break."""
        self._log(logging.ERROR, event, fields)

    def _log(self, level: int, event: str, fields: Mapping[str, Value]) -> None:
        if self._logger.isEnabledFor(level):
            safe = redacted({**_bound.get(), **fields})
            self._logger.log(level, redacted_text(event), extra={_SAFE: safe})


def logger(name: str) -> Logger:
    """The logger of a module: `logger(__name__)`."""
    return Logger(name)


@contextlib.contextmanager
def bound(**fields: Value) -> Iterator[None]:
    """Add fields to every record logged inside, in this context (thread or task)."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def redacted(fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields as they may be written: unknown names and texts that are no codes lose their value."""
    return {name: _safe(value) if name in FIELDS else REDACTED for name, value in fields.items()}


def redacted_text(value: str) -> str:
    """The text if it looks like a code, cut to `MAX_VALUE_CHARACTERS`; `REDACTED` otherwise."""
    cut = str(value)[:MAX_VALUE_CHARACTERS]
    return cut if _CODE.fullmatch(cut) else REDACTED


def _safe(value: Value) -> Value:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else REDACTED


class JsonFormatter(logging.Formatter):
    """One JSON object a line.

    A record from elsewhere (a library) keeps its logger's name and level only: its text may hold anything.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: `at` (ISO 8601, UTC), `level`, `logger`, `event`, then the fields."""
        fields: Mapping[str, Value] | None = getattr(record, _SAFE, None)
        line: dict[str, Value] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": "library_message" if fields is None else str(record.msg),
        }
        if fields is None and record.exc_info and record.exc_info[0]:
            line["error_type"] = record.exc_info[0].__name__
        return json.dumps({**(fields or {}), **line}, ensure_ascii=True, separators=(",", ":"))


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send every record of this process through `JsonFormatter` to `stream` (stderr); replaces handlers.

    Libraries are heard from WARNING on. Raises ValueError for an unknown level.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in tuple(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers[:], library.propagate = [], True
        library.setLevel(logging.NOTSET)
        library.disabled = False  # BentoML's own configuration silences every logger that is there before it
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("idv").setLevel(level.upper())

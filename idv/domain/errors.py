"""Every exception the project raises on purpose, drawn as one tree.

    IdvError
    ├── RequestError            the caller's request is invalid                      4xx
    │   ├── MediaError          bytes that cannot be decoded within the limits       413, 415, 422
    │   ├── EvalSetError        an eval set or its media contradict themselves       exit code 5
    │   ├── Unauthenticated     no key, an unknown key, an expired key               401
    │   ├── Forbidden           a known key without the scope                        403
    │   ├── NotFound            no such thing for this tenant                        404
    │   └── Conflict            the same idempotency key, or a state that forbids it 409, 422
    ├── Overloaded              capacity or rate is used up; try again later         429
    ├── DeadlineExceeded        the time given for a piece of work ran out           504
    ├── StorageUnavailable      the store refused to write or read                   503
    ├── ConfigurationError      faults found at start, all of them at once           exit code 2
    ├── ModelError              a model is absent, altered, unlicensed or unloadable exit code 3
    └── IntegrityError          stored data contradicts its own digest or chain      exit code 4

Errors are mapped to HTTP once (`idv.service.errors`) and to exit codes once (`idv.cli.main`).
No message ever contains evidence: no pixel, name, document number, template or secret.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

_FAULTS_SHOWN = 20


class IdvError(Exception):
    """Base of all: a stable `code`, a sentence for a person, and the `field` it is about, if any."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class RequestError(IdvError):
    """The request is invalid; repeating it unchanged cannot help."""


class MediaFault(StrEnum):
    """Why bytes were refused as an image: the closed list of named outcomes of decoding."""

    EMPTY = "media_empty"
    TOO_LARGE = "media_too_large"
    TYPE_UNKNOWN = "media_type_unknown"
    TYPE_UNSUPPORTED = "media_type_unsupported"
    TRUNCATED = "media_truncated"
    CORRUPT = "media_corrupt"
    ANIMATED = "media_animated"
    TOO_MANY_PIXELS = "media_too_many_pixels"
    TOO_SMALL = "media_too_small"
    POLYGLOT = "media_polyglot"
    PAGES = "media_pages"
    DECODER_TIMEOUT = "media_decoder_timeout"
    DECODER_MEMORY = "media_decoder_memory"
    DECODER_CRASHED = "media_decoder_crashed"


class MediaError(RequestError):
    """Bytes that cannot be decoded within the limits; `fault` says which limit or rule."""

    def __init__(self, fault: MediaFault, message: str, *, field: str | None = None) -> None:
        super().__init__(fault.value, message, field=field)
        self.fault = fault


class SetFault(NamedTuple):
    """One thing wrong with an eval set: a stable code, and where it is; lines, never names or values."""

    code: str
    message: str


class EvalSetError(RequestError):
    """An eval set cannot be used as it is; `faults` lists all that was found, the first gives the code."""

    def __init__(self, faults: Sequence[SetFault], *, field: str = "set") -> None:
        shown = "; ".join(f"{fault.code}: {fault.message}" for fault in faults[1:_FAULTS_SHOWN])
        rest = len(faults) - _FAULTS_SHOWN
        message = "; ".join(filter(None, [faults[0].message, shown, f"and {rest} more" if rest > 0 else ""]))
        super().__init__(faults[0].code, message, field=field)
        self.faults = tuple(faults)


class Unauthenticated(RequestError):
    """No key, an unknown key, or one that expired or was revoked."""


class Forbidden(RequestError):
    """The key is known but lacks the scope."""


class NotFound(RequestError):
    """No such thing for this tenant; another tenant's identifiers give exactly the same error."""


class Conflict(RequestError):
    """The request contradicts an earlier one or the state of the thing it is about."""


class Overloaded(IdvError):
    """Capacity or an allowance is used up; `retry_after_s` says when to try again."""

    def __init__(self, code: str, message: str, *, retry_after_s: float) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(IdvError):
    """The time given for a piece of work ran out between two of its stages."""


class StorageUnavailable(IdvError):
    """The store refused to write or read: a full disk, a lost connection. Nothing was acknowledged."""


class ConfigurationError(IdvError):
    """Settings that cannot work; `faults` lists all of them, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("configuration_invalid", "; ".join(faults))
        self.faults = tuple(faults)


class ModelError(IdvError):
    """A model is absent, altered, unlicensed, or cannot be loaded on this machine."""


class IntegrityError(IdvError):
    """Stored data contradicts its own digest, signature or chain."""

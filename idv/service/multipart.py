"""Reads multipart/form-data (RFC 7578) as it streams in, in memory, within limits, into known parts only.

No temporary file is ever written and nothing is fetched: a file field holds a file or the request is
invalid. A part is judged by its header, before its content is accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from idv.domain.errors import MediaError, MediaFault, RequestError

_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_FILE_TYPE = re.compile(rb"image/[a-z0-9.+-]{1,64}|application/(octet-stream|pdf)")
_TEXT_TYPES = frozenset({b"", b"application/json", b"text/plain"})
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})
_MAX_PART_HEADERS = 8
_MAX_PART_HEADER_BYTES = 1024


class PartKind(StrEnum):
    """What a part holds."""

    FILE = "file"
    TEXT = "text"


@dataclass(frozen=True)
class PartRule:
    """One part a form may have."""

    kind: PartKind
    max_bytes: int
    required: bool = False


Layout = Mapping[str, PartRule]
"""Part name -> rule; any other part is refused."""


@dataclass(frozen=True)
class Form:
    """The parts that came, by name."""

    parts: Mapping[str, bytes] = field(repr=False)


def boundary_of(content_type: str | None) -> bytes:
    """The boundary a Content-Type header names.

    Raises RequestError `content_type_unsupported` unless it is multipart/form-data, `multipart_malformed`.
    """
    kind, options = parse_options_header(content_type if (content_type or "").isascii() else None)
    if kind != b"multipart/form-data":
        raise RequestError("content_type_unsupported", "Send multipart/form-data.", field="Content-Type")
    boundary = options.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise _malformed("The boundary is missing or is not one that RFC 2046 allows.")
    return boundary


class FormReader:
    """Feed it the body chunk by chunk, then ask for the form.

    Raises RequestError with the codes `multipart_malformed`, `body_too_large`, `part_too_large`,
    `part_unknown`, `part_duplicate`, `part_missing`, `part_encoding_unsupported`, `file_expected`,
    `text_expected`, and MediaError `media_empty`; at the first byte that makes it certain.
    """

    def __init__(self, boundary: bytes, layout: Layout, *, max_bytes: int) -> None:
        self._layout = layout
        self._max_bytes = max_bytes
        self._received = 0
        self._parts: dict[str, bytes] = {}
        self._header_name, self._header_value = bytearray(), bytearray()
        self._headers: dict[bytes, str] = {}
        self._name: str | None = None
        self._content: list[bytes] = []
        self._size = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
            max_header_count=_MAX_PART_HEADERS,
            max_header_size=_MAX_PART_HEADER_BYTES,
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body; what follows the closing boundary is passed over."""
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise too_large(self._max_bytes)
        if self._ended or not chunk:
            return
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed("The body is not well-formed multipart/form-data.") from error

    def form(self) -> Form:
        """The whole form, after the last chunk."""
        if not self._ended:
            raise _malformed("The body ends before its closing boundary.")
        for name, rule in self._layout.items():
            if rule.required and name not in self._parts:
                raise RequestError("part_missing", "This part has to be sent.", field=name)
        return Form(self._parts)

    def _on_part_begin(self) -> None:
        self._headers, self._name = {}, None
        self._content, self._size = [], 0
        self._header_name, self._header_value = bytearray(), bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        name = bytes(self._header_name).lower()
        if name in self._headers:
            raise _malformed("A part has the same header twice.")
        self._headers[name] = self._header_value.decode("latin-1")
        self._header_name, self._header_value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise _malformed("A part has no Content-Disposition: form-data with a name.")
        name = options[b"name"].decode("latin-1")
        rule = self._layout.get(name)
        if rule is None:
            raise RequestError("part_unknown", f"The parts are {', '.join(self._layout)}.")
        if name in self._parts:
            raise RequestError("part_duplicate", "This part was sent twice.", field=name)
        if self._headers.get(b"content-transfer-encoding", "").strip().lower() not in _PLAIN_ENCODINGS:
            raise RequestError("part_encoding_unsupported", "Send this part as it is.", field=name)
        self._check_kind(name, rule, has_filename=b"filename" in options)
        self._name = name

    def _check_kind(self, name: str, rule: PartRule, *, has_filename: bool) -> None:
        content_type, _ = parse_options_header(self._headers.get(b"content-type"))
        if rule.kind is PartKind.FILE:
            if not has_filename or (content_type and not _FILE_TYPE.fullmatch(content_type)):
                raise RequestError("file_expected", "This part has to be a file.", field=name)
        elif content_type not in _TEXT_TYPES:
            raise RequestError("text_expected", "This part has to be JSON.", field=name)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            raise _malformed("A part has content before its headers end.")
        # Pieces joined once at the end: growing one buffer touches fresh pages for every file twice.
        self._content.append(data[start:end])
        self._size += end - start
        limit = self._layout[self._name].max_bytes
        if self._size > limit:
            raise RequestError("part_too_large", f"This part may have {limit} bytes.", field=self._name)

    def _on_part_end(self) -> None:
        if self._name is None:
            raise _malformed("A part ends before its headers do.")
        if not self._size and self._layout[self._name].kind is PartKind.FILE:
            raise MediaError(MediaFault.EMPTY, "The file is empty.", field=self._name)
        self._parts[self._name] = b"".join(self._content)
        self._content = []

    def _on_end(self) -> None:
        self._ended = True


def too_large(limit: int) -> RequestError:
    """The body has, or says it has, more than `limit` bytes."""
    return RequestError("body_too_large", f"The body may have {limit} bytes.")


def _malformed(message: str) -> RequestError:
    return RequestError("multipart_malformed", message)

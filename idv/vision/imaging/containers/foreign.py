"""Refuses files that are an image and something else at once.

Such a polyglot passes one program as a picture and another as an archive or a page. What is refused:

- a ZIP directory that closes the file (so JAR, APK, Office and tar-less PHAR too): the one thing readers of
  ZIP look for is at the end;
- a PDF mark in the first 1,024 bytes, where readers of PDF accept it;
- markup or script (HTML, PHP, a PHAR stub) in the metadata before the pixels or in the trailer;
- a trailer that begins like an archive, a document or a program.

Any other trailer is tolerated and never parsed: phones put further pictures, films and blocks of their own
there.
"""

import struct

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers.header import Header

_ZIP_END = struct.Struct("<4s4H2IH")  # APPNOTE.TXT 4.3.16
_ZIP_END_SIGNATURE, _ZIP_ENTRY_SIGNATURE = b"PK\x05\x06", b"PK\x01\x02"
_ZIP_MAX_COMMENT = 65_535
_ZIP64_LOCATOR, _ZIP64_LOCATOR_BYTES, _ZIP64_SIZE = b"PK\x06\x07", 20, 0xFFFFFFFF
_PDF_MARK, _PDF_REACH = b"%PDF-", 1024
_TEXT_REACH = 1 << 20
_MARKUP = (b"<script", b"<html", b"<!doctype", b"<iframe", b"<?php", b"__halt_compiler")
_PROGRAMS = (
    b"PK\x03\x04",
    b"%PDF",
    b"\x7fELF",
    b"MZ",
    b"Rar!\x1a",
    b"7z\xbc\xaf",
    b"\xca\xfe\xba\xbe",
    b"#!",
)


def refuse_foreign(data: bytes, header: Header) -> None:
    """Check that nothing else shares the file. Raises MediaError `media_polyglot`."""
    if _ends_as_zip(data):
        raise _polyglot("a ZIP archive")
    if header.media_type is MediaType.PDF:
        return
    if _PDF_MARK in data[:_PDF_REACH]:
        raise _polyglot("a PDF document")
    if _has_markup(data[: min(header.metadata_end, _TEXT_REACH)]):
        raise _polyglot("markup or script in the metadata")
    trailer = data[header.end : header.end + _TEXT_REACH]
    if trailer.lstrip(b"\0\t\r\n ").startswith(_PROGRAMS) or _has_markup(trailer):
        raise _polyglot("a document, an archive or a program behind the picture")


def _polyglot(what: str) -> MediaError:
    return MediaError(MediaFault.POLYGLOT, f"the file is also {what}")


def _has_markup(block: bytes) -> bool:
    lowered = block.lower()
    return any(mark in lowered for mark in _MARKUP)


def _ends_as_zip(data: bytes) -> bool:
    """Whether an end-of-central-directory record stands near the end and its directory where it says.

    The signature alone occurs by chance in one of 65,000 photos; with the directory's own signature never.
    """
    floor = max(0, len(data) - _ZIP_END.size - _ZIP_MAX_COMMENT)
    at = data.rfind(_ZIP_END_SIGNATURE, floor)
    while at >= 0:
        if at + _ZIP_END.size <= len(data) and _is_directory_end(data, at):
            return True
        at = data.rfind(_ZIP_END_SIGNATURE, floor, at)
    return False


def _is_directory_end(data: bytes, at: int) -> bool:
    _, _, _, _, entries, size, _, _ = _ZIP_END.unpack_from(data, at)
    if size == _ZIP64_SIZE:
        return data[max(0, at - _ZIP64_LOCATOR_BYTES) : at].startswith(_ZIP64_LOCATOR)
    if entries == 0:
        return size == 0 and not any(data[at + 4 : at + 12])
    # Offsets in a polyglot count from the start of the archive or of the file: only the size is reliable.
    return data[at - size : at - size + 4] == _ZIP_ENTRY_SIGNATURE if size <= at else False

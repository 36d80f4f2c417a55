"""PDF (ISO 32000): only its two ends are looked at here; pages are counted where it is rendered."""

import re

from idv.domain.images import MediaType
from idv.vision.imaging.containers.header import Header, corrupt, truncated

SIGNATURE = b"%PDF-"
_VERSION = re.compile(rb"%PDF-[12]\.\d")
_TAIL_BYTES = 1024
"""Where a reader looks for the end-of-file mark (Adobe's implementation note 18)."""


def read(data: bytes) -> Header:
    """The header of a PDF file, its size unknown (0 × 0). Raises MediaError."""
    if _VERSION.match(data) is None:
        raise corrupt("the PDF file states an unknown version")
    mark = data.rfind(b"%%EOF", max(0, len(data) - _TAIL_BYTES))
    if mark < 0:
        raise truncated("the PDF document is complete")
    return Header(media_type=MediaType.PDF, width=0, height=0, metadata_end=len(SIGNATURE), end=len(data))

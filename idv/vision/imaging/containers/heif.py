"""HEIC (ISO/IEC 23008-12): boxes down to the image sizes; rotation is applied by the decoder itself."""

from collections.abc import Iterator
from typing import NamedTuple

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers.header import Header, corrupt, truncated

MAX_BOXES = 20_000
"""A phone's photo has about a hundred; its grid of tiles about fifty."""
_STILL = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_SEQUENCE = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis"}
_FULL_BOX_BYTES = 4  # version and flags


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def matches(data: bytes) -> bool:
    """Whether the first bytes are those of any ISO base media file: still, film or sound."""
    return data[4:8] == b"ftyp"


def read(data: bytes) -> Header:
    """The header of a HEIC file. Raises MediaError, `media_type_unsupported` for its relatives."""
    top = list(_boxes(data, 0, len(data)))
    _require_still(data, top[0])
    meta = next((box for box in top if box.kind == b"meta"), None)
    if meta is None:
        raise corrupt("the HEIC file describes no image")
    width, height = _largest(data, meta)
    return Header(
        media_type=MediaType.HEIC, width=width, height=height, metadata_end=meta.end, end=top[-1].end
    )


def _require_still(data: bytes, box: _Box) -> None:
    brands = {data[at : at + 4] for at in (box.start, *range(box.start + 8, box.end, 4))}
    major = data[box.start : box.start + 4]
    if major in _SEQUENCE:
        raise MediaError(MediaFault.ANIMATED, "image sequences are not decoded")
    if major not in _STILL or not brands & (_STILL - {b"mif1"}):
        raise MediaError(MediaFault.TYPE_UNSUPPORTED, "of the ISO media files only HEIC is decoded")


def _largest(data: bytes, meta: _Box) -> tuple[int, int]:
    """The largest image extent stated (box `ispe`): an upper bound for whatever is decoded."""
    sizes = [
        (
            int.from_bytes(data[box.start + 4 : box.start + 8], "big"),
            int.from_bytes(data[box.start + 8 : box.end], "big"),
        )
        for iprp in _boxes(data, meta.start + _FULL_BOX_BYTES, meta.end)
        if iprp.kind == b"iprp"
        for ipco in _boxes(data, iprp.start, iprp.end)
        if ipco.kind == b"ipco"
        for box in _boxes(data, ipco.start, ipco.end)
        if box.kind == b"ispe" and box.end - box.start == 12  # noqa: PLR2004 - flags, width, height
    ]
    if not sizes:
        raise corrupt("the HEIC file states no image size")
    return max(sizes, key=lambda size: size[0] * size[1])


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    for _ in range(MAX_BOXES):
        if at >= end:
            return
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if at + size > end or at + head > end:
            raise truncated("a HEIC box is complete")
        if size < head:
            raise corrupt("a HEIC box states an impossible length")
        yield _Box(kind, at + head, at + size)
        at += size
    raise corrupt("the HEIC file has more boxes than any camera writes")

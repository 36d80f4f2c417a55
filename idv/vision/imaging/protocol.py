"""What decoder and worker say to each other: two fixed structures over pipes; pixels are in shared memory.

Neither side ever deserialises an object of the other: the parent reads six numbers and checks each.
"""

import struct
from typing import NamedTuple

from idv.domain.errors import MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.pixels import Plan

READY = b"R"
OK = 0
_MAGIC = b"IDV1"
_REQUEST = struct.Struct("<4sQQIIIIBBB")
_REPLY = struct.Struct("<4sQIIIII")
REQUEST_BYTES, REPLY_BYTES = _REQUEST.size, _REPLY.size
_TYPES = tuple(MediaType)
_FAULTS = tuple(MediaFault)
_PAGE = 4096


class Request(NamedTuple):
    """One decoding: `size` encoded bytes lie at the start of the shared area."""

    sequence: int
    size: int
    plan: Plan


class Reply(NamedTuple):
    """Its outcome: the fault, or the sizes in px of the pixels and of the upright original."""

    sequence: int
    fault: MediaFault | None
    width: int = 0
    height: int = 0
    full_width: int = 0
    full_height: int = 0


class Malformed(ValueError):
    """The other side did not speak this protocol."""


def pixels_at(max_bytes: int) -> int:
    """Offset of the pixels in the shared area: behind the encoded bytes, at a page's start."""
    return -(-max_bytes // _PAGE) * _PAGE


def pack_request(request: Request) -> bytes:
    """The request as bytes."""
    how = request.plan
    return _REQUEST.pack(
        _MAGIC,
        request.sequence,
        request.size,
        how.width,
        how.height,
        how.reduction,
        how.max_side_px,
        _TYPES.index(how.media_type),
        how.orientation,
        how.alpha,
    )


def unpack_request(data: bytes) -> Request:
    """The request in `data`; it comes from the trusted side."""
    _, sequence, size, width, height, reduction, max_side_px, kind, orientation, alpha = _REQUEST.unpack(data)
    how = Plan(
        media_type=_TYPES[kind],
        width=width,
        height=height,
        orientation=orientation,
        alpha=bool(alpha),
        reduction=reduction,
        max_side_px=max_side_px,
    )
    return Request(sequence, size, how)


def pack_reply(reply: Reply) -> bytes:
    """The reply as bytes."""
    status = OK if reply.fault is None else 1 + _FAULTS.index(reply.fault)
    return _REPLY.pack(
        _MAGIC, reply.sequence, status, reply.width, reply.height, reply.full_width, reply.full_height
    )


def unpack_reply(data: bytes) -> Reply:
    """The reply in `data`, which a subverted worker may have written. Raises Malformed."""
    if len(data) != REPLY_BYTES:
        raise Malformed("a reply of the wrong length")
    magic, sequence, status, *sizes = _REPLY.unpack(data)
    if magic != _MAGIC or status > len(_FAULTS):
        raise Malformed("a reply outside the protocol")
    return Reply(sequence, None if status == OK else _FAULTS[status - 1], *sizes)

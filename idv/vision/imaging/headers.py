"""Reads what a file states about itself before any decoder sees it; pure Python, linear in the file.

The type is told by the first bytes alone, never by a name or a content type. JPEG, PNG, WebP, HEIC and PDF
are read; other well-known types are `media_type_unsupported`, everything else `media_type_unknown`.
"""

from collections.abc import Callable
from typing import NamedTuple

from idv.domain.errors import MediaError, MediaFault
from idv.vision.imaging.containers import heif, jpeg, pdf, png, webp
from idv.vision.imaging.containers.foreign import refuse_foreign
from idv.vision.imaging.containers.header import Header, corrupt
from idv.vision.imaging.limits import DecodeLimits


class _Container(NamedTuple):
    matches: Callable[[bytes], bool]
    read: Callable[[bytes], Header]


_CONTAINERS = (
    _Container(lambda head: head.startswith(jpeg.SIGNATURE), jpeg.read),
    _Container(lambda head: head.startswith(png.SIGNATURE), png.read),
    _Container(webp.matches, webp.read),
    _Container(lambda head: head.startswith(pdf.SIGNATURE), pdf.read),
    _Container(heif.matches, heif.read),
)
_HEAD_BYTES = 256
_UNSUPPORTED = (
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\1\0", "ICO"),
    (b"8BPS", "PSD"),
    (b"<svg", "SVG"),
)


def inspect(data: bytes, limits: DecodeLimits) -> Header:
    """The header of an upload that keeps within the limits.

    Raises MediaError: `media_empty`, `media_too_large`, `media_type_unknown`, `media_type_unsupported`,
    `media_truncated`, `media_corrupt`, `media_animated`, `media_too_many_pixels`, `media_too_small`,
    `media_polyglot`.
    """
    if not data:
        raise MediaError(MediaFault.EMPTY, "the file is empty")
    if len(data) > limits.max_bytes:
        raise MediaError(MediaFault.TOO_LARGE, f"the file has more than {limits.max_bytes} bytes")
    header = _reader(data)(data)
    if header.width or header.height:
        require_size(header.width, header.height, limits)
    elif header.media_type.value.startswith("image/"):
        raise corrupt("the file states an image without pixels")
    refuse_foreign(data, header)
    return header


def require_size(width: int, height: int, limits: DecodeLimits) -> None:
    """Check a full size in px against the limits. Raises MediaError."""
    if not width or not height:
        raise corrupt("the file states an image without pixels")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side_px:
        raise MediaError(
            MediaFault.TOO_MANY_PIXELS,
            f"the image has more than {limits.max_pixels} pixels or a side over {limits.max_side_px} px",
        )
    if min(width, height) < limits.min_side_px:
        raise MediaError(MediaFault.TOO_SMALL, f"a side of the image is under {limits.min_side_px} px")


def _reader(data: bytes) -> Callable[[bytes], Header]:
    head = data[:_HEAD_BYTES]
    for container in _CONTAINERS:
        if container.matches(head):
            return container.read
    name = next((name for magic, name in _UNSUPPORTED if head.startswith(magic)), None)
    if name is None and b"<svg" in head.lower():
        name = "SVG"
    if name is not None:
        raise MediaError(MediaFault.TYPE_UNSUPPORTED, f"{name} is not decoded; send JPEG, PNG or WebP")
    raise MediaError(MediaFault.TYPE_UNKNOWN, "the file is no known image; send JPEG, PNG or WebP")

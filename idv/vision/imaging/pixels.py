"""Turns the bytes of an inspected file into upright RGB pixels; runs in the worker or, for tests, in process.

Whatever the file stores, the result is 8-bit RGB: grey is repeated, palettes are looked up, CMYK and YCCK
converted as Adobe inverts them, 16-bit samples cut to their high byte, transparency composited over white,
interlaced and progressive files decoded whole, colour profiles ignored.
"""

import importlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idv.domain.arrays import RgbImage
from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers.header import Header, corrupt

Place = Callable[[int, int], RgbImage]
"""Gives the (H, W, 3) uint8 array in which an image of that height and width shall be written."""
Encoded = NDArray[np.uint8]

PDF_DPI = 300
"""Resolution that a PDF page counts as, unless that makes it longer than `PDF_MAX_SIDE_PX`."""
PDF_MAX_SIDE_PX = 4096
_POINTS_PER_INCH = 72
_LARGEST_REDUCTION = 8  # of libjpeg
_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""The grey flag carries the factor alone; with IMREAD_COLOR_RGB it gives reduced RGB."""
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_WHITE = 255
_ROWS_AT_ONCE = 256
EXTRAS = {MediaType.HEIC: ("heif", "pillow_heif"), MediaType.PDF: ("pdf", "pypdfium2")}
"""Media types that need an extra: its name and the module it brings."""


class Plan(NamedTuple):
    """How to decode one inspected file; sizes in px as stored, before orientation.

    `reduction`: a power of two by which both sides are divided, rounding up.
    """

    media_type: MediaType
    width: int
    height: int
    orientation: int
    alpha: bool
    reduction: int
    max_side_px: int

    @property
    def is_raster(self) -> bool:
        """Whether the header's size is exactly the size that decoding gives."""
        return self.media_type not in EXTRAS


class FullSize(NamedTuple):
    """Width and height in px of the upright original."""

    width: int
    height: int


def plan(header: Header, *, max_side_px: int | None) -> Plan:
    """How to decode a file so that its longer side is at least `max_side_px` and under twice that."""
    return Plan(
        media_type=header.media_type,
        width=header.width,
        height=header.height,
        orientation=header.orientation,
        alpha=header.alpha,
        reduction=reduction(max(header.width, header.height), max_side_px),
        max_side_px=max_side_px or 0,
    )


def reduction(side_px: int, max_side_px: int | None) -> int:
    """The largest power of two that leaves `side_px` at `max_side_px` or more; 1 where nothing is asked."""
    if not max_side_px or side_px < 2 * max_side_px:
        return 1
    return 1 << ((side_px // max_side_px).bit_length() - 1)


def reduced(side_px: int, factor: int) -> int:
    """A side after reduction, rounded up as libjpeg does."""
    return -(-side_px // factor)


def decode_pixels(encoded: Encoded, how: Plan, place: Place) -> FullSize:
    """Decode into the array that `place` gives; returns the upright full size. Raises MediaError."""
    if how.media_type is MediaType.HEIC:
        return _decode_heic(encoded, how, place)
    if how.media_type is MediaType.PDF:
        return _render_pdf(encoded, how, place)
    stored = _flattened(encoded) if how.alpha else _opaque(encoded, how)
    if stored.shape[:2] not in (
        (how.height, how.width),
        (reduced(how.height, how.reduction), reduced(how.width, how.reduction)),
        _libjpeg_size(how),
    ):
        raise corrupt("the pixels contradict the size in the header")
    _write_upright(_shrunk(stored, how), how.orientation, place)
    return FullSize(*((how.width, how.height) if how.orientation < 5 else (how.height, how.width)))  # noqa: PLR2004 - EXIF


def _libjpeg_size(how: Plan) -> tuple[int, int]:
    factor = min(how.reduction, _LARGEST_REDUCTION)
    return reduced(how.height, factor), reduced(how.width, factor)


def _opaque(encoded: Encoded, how: Plan) -> RgbImage:
    factor = min(how.reduction, _LARGEST_REDUCTION) if how.media_type is MediaType.JPEG else 1
    return np.asarray(_imdecode(encoded, _RGB | _REDUCED[factor]), np.uint8)


def _imdecode(encoded: Encoded, flags: int) -> Any:  # OpenCV publishes no types
    try:
        image = cv2.imdecode(encoded, flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise corrupt("the pixels cannot be decoded") from error
    if image is None:
        raise corrupt("the pixels cannot be decoded")
    return image


def _flattened(encoded: Encoded) -> RgbImage:
    """Pixels with transparency over white, a band of rows at a time to bound the memory for products."""
    image = _imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:  # noqa: PLR2004 - grey without its alpha
        return np.repeat(image[:, :, None], 3, axis=2)
    rgb = np.ascontiguousarray(image[:, :, 2::-1])
    if image.shape[2] == 4 and image[:, :, 3].min() < _WHITE:  # noqa: PLR2004 - BGRA
        for top in range(0, len(rgb), _ROWS_AT_ONCE):
            rows = slice(top, top + _ROWS_AT_ONCE)
            rgb[rows] = _over_white(rgb[rows], image[rows, :, 3:])
    return rgb


def _over_white(rgb: RgbImage, alpha: Encoded) -> RgbImage:
    """`rgb · a + white · (1 − a)`, rounded; the products fit 16 bits."""
    opaque = alpha.astype(np.uint16)
    blend = (rgb * opaque + _WHITE * (_WHITE - opaque) + _WHITE // 2) // _WHITE
    return blend.astype(np.uint8)


def _shrunk(image: RgbImage, how: Plan) -> RgbImage:
    """The image at the planned scale by the mean over areas, where the decoder has not reduced it already."""
    width, height = reduced(how.width, how.reduction), reduced(how.height, how.reduction)
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _write_upright(image: RgbImage, orientation: int, place: Place) -> None:
    """Write the stored image upright (EXIF 2.32, tag 0x0112), in one pass over its pixels."""
    height, width = image.shape[:2]
    target = place(width, height) if orientation >= 5 else place(height, width)  # noqa: PLR2004 - EXIF
    match orientation:
        case 2:
            cv2.flip(image, 1, dst=target)
        case 3:
            cv2.rotate(image, cv2.ROTATE_180, dst=target)
        case 4:
            cv2.flip(image, 0, dst=target)
        case 5:
            cv2.transpose(image, dst=target)
        case 6:
            cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE, dst=target)
        case 7:
            cv2.rotate(np.asarray(cv2.transpose(image)), cv2.ROTATE_180, dst=target)
        case 8:
            cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE, dst=target)
        case _:
            np.copyto(target, image)


def _extra(media_type: MediaType) -> Any:
    name, module = EXTRAS[media_type]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MediaError(
            MediaFault.TYPE_UNSUPPORTED, f"{media_type} needs the extra `{name}`; send JPEG, PNG or WebP"
        ) from error


def _decode_heic(encoded: Encoded, how: Plan, place: Place) -> FullSize:
    """The primary picture of a HEIC file, which libheif turns upright itself."""
    heif = _extra(MediaType.HEIC)
    heif.options.DECODE_THREADS = 1
    try:
        picture = np.asarray(heif.open_heif(encoded.tobytes(), convert_hdr_to_8bit=True))
    except (RuntimeError, ValueError, SyntaxError, EOFError, OSError, IndexError) as error:
        raise corrupt("the HEIC image cannot be decoded") from error
    rgb = _as_rgb(picture)
    height, width = rgb.shape[:2]
    factor = reduction(max(width, height), how.max_side_px)
    upright = how._replace(width=width, height=height, reduction=factor)
    _write_upright(_shrunk(rgb, upright), 1, place)
    return FullSize(width, height)


def _as_rgb(picture: NDArray[np.uint8]) -> RgbImage:
    if picture.ndim == 2:  # noqa: PLR2004 - grey
        return np.repeat(picture[:, :, None], 3, axis=2)
    rgb = np.ascontiguousarray(picture[:, :, :3])
    return _over_white(rgb, picture[:, :, 3:]) if picture.shape[2] == 4 else rgb  # noqa: PLR2004 - RGBA


def _render_pdf(encoded: Encoded, how: Plan, place: Place) -> FullSize:
    """The only page of a PDF file on white paper; forms and scripts stay inactive."""
    pdfium = _extra(MediaType.PDF)
    try:
        with pdfium.PdfDocument(encoded.tobytes()) as document:
            if len(document) != 1:
                raise MediaError(MediaFault.PAGES, "the PDF document must have exactly one page")
            return _render_page(document[0], how=how, place=place)
    except (pdfium.PdfiumError, ValueError) as error:
        raise corrupt("the PDF document cannot be drawn") from error


def _render_page(page: Any, *, how: Plan, place: Place) -> FullSize:  # pypdfium2 publishes no types
    points = page.get_size()
    if not all(0 < side < math.inf for side in points):
        raise corrupt("the PDF page has no size")
    scale = min(PDF_DPI / _POINTS_PER_INCH, PDF_MAX_SIDE_PX / max(points))
    full = FullSize(*(math.ceil(side * scale) for side in points))  # as PDFium rounds
    factor = reduction(max(full), how.max_side_px)
    bitmap = page.render(scale=scale / factor, may_draw_forms=False, rev_byteorder=True)
    _write_upright(_as_rgb(bitmap.to_numpy()), 1, place)
    bitmap.close()
    return full

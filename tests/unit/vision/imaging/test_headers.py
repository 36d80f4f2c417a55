import struct

import cv2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.containers import exif
from idv.vision.imaging.containers.header import Colour, Header
from idv.vision.imaging.headers import inspect, require_size
from idv.vision.imaging.limits import DecodeLimits
from tests.hostile import containers, jpegs
from tests.hostile.corpus import CORPUS
from tests.hostile.jpegs import behind_start, segment
from tests.hostile.pngs import chunk, png

LIMITS = DecodeLimits()
HEADS = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x20\0\0\0WEBP",
    b"%PDF-1.4",
    b"\0\0\0\x18ftypheic",
)
JPEG = jpegs.encoded()


def _inspect(data: bytes) -> Header:
    return inspect(data, LIMITS)


@pytest.mark.parametrize(
    ("name", "media_type", "size", "colour"),
    [
        ("jpeg", MediaType.JPEG, (96, 64), Colour.COLOUR),
        ("jpeg_grey", MediaType.JPEG, (32, 32), Colour.GREY),
        ("jpeg_cmyk", MediaType.JPEG, (32, 32), Colour.CMYK),
        ("jpeg_ycck", MediaType.JPEG, (32, 32), Colour.YCCK),
        ("png_palette", MediaType.PNG, (32, 32), Colour.PALETTE),
        ("png_grey_alpha", MediaType.PNG, (32, 32), Colour.GREY),
        ("webp", MediaType.WEBP, (96, 64), Colour.COLOUR),
        ("webp_lossless", MediaType.WEBP, (96, 64), Colour.COLOUR),
        ("webp_extended_exif", MediaType.WEBP, (96, 64), Colour.COLOUR),
    ],
)
def test_type_size_and_colour_are_read(
    name: str, media_type: MediaType, size: tuple[int, int], colour: Colour
) -> None:
    """What the header of each kind of file states."""
    header = _inspect(CORPUS[name].data)
    assert (header.media_type, (header.width, header.height), header.colour) == (media_type, size, colour)


def test_heic_and_pdf_are_told_by_their_structure() -> None:
    """A HEIC file states its largest picture, a PDF no size at all."""
    heic = _inspect(containers.heic(640, 480))
    assert (heic.media_type, heic.width, heic.height) == (MediaType.HEIC, 640, 480)
    pdf = _inspect(containers.pdf((100.0, 100.0)))
    assert (pdf.media_type, pdf.width, pdf.height) == (MediaType.PDF, 0, 0)


def test_layers_depth_and_alpha_are_read() -> None:
    """Progressive and interlaced files, 16-bit samples and transparency show in the header."""
    assert _inspect(CORPUS["jpeg_progressive"].data).layered
    assert _inspect(CORPUS["png_interlaced"].data).layered
    assert not _inspect(JPEG).layered
    assert _inspect(CORPUS["png_grey_16_bit"].data).bit_depth == 16
    assert _inspect(CORPUS["png_palette_transparent"].data).alpha
    assert not _inspect(CORPUS["png"].data).alpha


@pytest.mark.parametrize("trailer", [b"", bytes(77), JPEG, b"SEFT" * 9])
@pytest.mark.parametrize("name", ["jpeg", "jpeg_progressive", "jpeg_restart_markers", "png", "webp"])
def test_the_end_of_the_picture_is_found_whatever_follows(name: str, trailer: bytes) -> None:
    """The trailer begins exactly behind the first picture."""
    data = CORPUS[name].data
    assert _inspect(data + trailer).end == len(data)


@pytest.mark.parametrize("length", range(64))
def test_the_end_is_found_at_even_and_odd_offsets(length: int) -> None:
    """A comment that shifts the whole file by any number of bytes shifts the end by as many."""
    data = behind_start(JPEG, segment(0xFE, b"c" * length))
    assert _inspect(data + b"trailer").end == len(data)


def test_an_end_mark_inside_metadata_is_not_the_end() -> None:
    """The thumbnail in a camera's metadata ends with the same two bytes."""
    data = behind_start(JPEG, segment(0xE1, b"Exif\0\0II*\0" + jpegs.encoded(24, 16)))
    assert _inspect(data).end == len(data)
    assert (_inspect(data).width, _inspect(data).height) == (96, 64)


def test_every_prefix_of_a_file_is_refused() -> None:
    """Cut anywhere, a JPEG, a PNG and a WebP are truncated, or not told apart yet."""
    for name in ("jpeg", "jpeg_progressive", "png", "webp"):
        data = CORPUS[name].data
        for length in range(1, len(data)):
            with pytest.raises(MediaError) as caught:
                _inspect(data[:length])
            assert caught.value.fault in (MediaFault.TRUNCATED, MediaFault.TYPE_UNKNOWN), (name, length)


@settings(deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=200))
def test_any_bytes_give_a_header_or_a_media_error(head: bytes, rest: bytes) -> None:
    """Nothing behind any signature makes reading fail in another way."""
    try:
        header = _inspect(head + rest)
    except MediaError:
        return
    assert header.end <= len(head + rest)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_read_in_both_byte_orders(order: str, orientation: int) -> None:
    """Intel and Motorola order give the same number."""
    assert exif.orientation(jpegs.tiff(orientation, order=order)) == orientation


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        jpegs.tiff(0),
        jpegs.tiff(9),
        jpegs.tiff(6, directory=2**32 - 1),
        b"XX*\0" + jpegs.tiff(6)[4:],
    ],
)
def test_broken_metadata_mean_upright(block: bytes) -> None:
    """Missing, impossible and misplaced orientations are ignored."""
    assert exif.orientation(block) == 1


def test_an_endless_directory_ends() -> None:
    """A directory that claims 65,535 entries and has none is upright."""
    assert exif.orientation(b"II*\0" + struct.pack("<IH", 8, 65_535)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_exchange_width_and_height(orientation: int) -> None:
    """Orientations 5 to 8 stand on their side."""
    header = _inspect(behind_start(JPEG, segment(0xE1, jpegs.exif(orientation))))
    assert header.upright_size == ((64, 96) if orientation >= 5 else (96, 64))


def test_the_first_exif_block_counts() -> None:
    """A second block cannot turn the picture again."""
    blocks = (segment(0xE1, jpegs.exif(orientation)) for orientation in (6, 3))
    assert _inspect(behind_start(JPEG, *blocks)).orientation == 6


def test_metadata_of_genuine_pictures_are_no_polyglot() -> None:
    """XMP, a colour profile's text and a comment with angle brackets are tolerated."""
    xmp = b'http://ns.adobe.com/xap/1.0/\0<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    assert _inspect(behind_start(JPEG, segment(0xE1, xmp), segment(0xFE, b"a < b > c"))).width == 96
    assert _inspect(png(chunk(b"iTXt", b"XML:com.adobe.xmp\0" + xmp), samples=[1, 2, 3])).width == 32


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        ((16, 16), None),
        ((15, 16), MediaFault.TOO_SMALL),
        ((10_000, 5_000), None),
        ((10_000, 5_001), MediaFault.TOO_MANY_PIXELS),
        ((32_768, 20), MediaFault.TOO_MANY_PIXELS),
        ((0, 20), MediaFault.CORRUPT),
    ],
)
def test_size_limits_are_exact(size: tuple[int, int], fault: MediaFault | None) -> None:
    """At each limit a picture passes, one beyond it fails with its name."""
    if fault is None:
        require_size(*size, LIMITS)
        return
    with pytest.raises(MediaError) as caught:
        require_size(*size, LIMITS)
    assert caught.value.fault is fault


def test_progressive_files_are_followed_scan_by_scan() -> None:
    """The end of a progressive file lies behind all of its scans."""
    data = jpegs.encoded(200, 120, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert data.count(b"\xff\xda") > 3
    assert _inspect(data + b"\xff\xd9").end == len(data)

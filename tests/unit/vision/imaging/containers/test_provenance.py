"""Facts about what files tell of their history, and about metadata that is made to hurt."""

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.vision.imaging.containers.exif_tags import ExifTags, read_tags
from idv.vision.imaging.containers.metadata_blocks import MAX_BLOCK_BYTES, metadata_blocks
from idv.vision.imaging.containers.provenance import Trace, traces
from tests.unit.tagged_pictures import (
    jpeg,
    jpeg_with_credentials,
    jpeg_with_exif,
    jpeg_with_software,
    jpeg_with_xmp,
    png_with_text,
    tiff,
    with_segment,
)

CAMERA = {0x010F: "Acme", 0x0110: "A1"}


def told(data: bytes, width: int = 64, height: int = 48) -> set[Trace]:
    """What a file of that size tells against itself."""
    return set(traces(data, width=width, height=height))


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP container of chunks that need not hold a picture."""
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(
    "data",
    [
        jpeg(),
        jpeg_with_exif(tiff(CAMERA | {0x0131: "17.4.1"}, {0xA002: 4032, 0xA003: 3024})),
        jpeg_with_credentials(b"c2pa.created digitalCapture c2pa.cropped c2pa.converted"),
        png_with_text(b"tEXt", b"Software\0gnome-screenshot"),
        jpeg_with_xmp(b"<xmp:CreatorTool>HDR+ 1.0.5</xmp:CreatorTool>"),
        b"%PDF-1.7",
        b"",
    ],
)
def test_a_plain_camera_file_tells_nothing(data: bytes) -> None:
    """No metadata, a phone's, a crop within a signed history: neutral."""
    assert told(data) == set()


@pytest.mark.parametrize(
    ("data", "trace"),
    [
        (jpeg_with_software("Adobe Photoshop 26.1 (Windows)"), Trace.EDITOR),
        (with_segment(0xED, b"Photoshop 3.0\x008BIM"), Trace.EDITOR),
        (jpeg_with_xmp(b"<xmp:CreatorTool>GIMP 2.10</xmp:CreatorTool>"), Trace.EDITOR),
        (webp((b"XMP ", b"CreatorTool=Affinity Photo"), (b"VP8 ", b"x")), Trace.EDITOR),
        (png_with_text(b"tEXt", b"parameters\0a passport, masterpiece"), Trace.GENERATOR),
        (png_with_text(b"zTXt", b"Software\0\0" + zlib.compress(b"ComfyUI")), Trace.GENERATOR),
        (jpeg_with_xmp(b'<rdf:li stEvt:action="saved"/>'), Trace.EDIT_HISTORY),
        (jpeg_with_exif(tiff(CAMERA, {0xA002: 4000, 0xA003: 2000})), Trace.SIZE_CONTRADICTS),
        (jpeg_with_exif(tiff(CAMERA, thumbnail=jpeg(64, 20))), Trace.THUMBNAIL_CONTRADICTS),
        (jpeg_with_exif(tiff({0x010F: "Acme"})), Trace.CAMERA_CONTRADICTS),
        (jpeg_with_credentials(b"c2pa.created trainedAlgorithmicMedia"), Trace.CLAIMED_GENERATED),
        (jpeg_with_xmp(b"DigitalSourceType=compositeSynthetic"), Trace.CLAIMED_GENERATED),
        (jpeg_with_credentials(b"c2pa.opened c2pa.placed"), Trace.CLAIMED_EDITED),
    ],
)
def test_a_trace_is_told(data: bytes, trace: Trace) -> None:
    """Exactly the one that was put there."""
    assert told(data) == {trace}


def test_a_turned_picture_does_not_contradict_its_size() -> None:
    """EXIF states the size as stored, the picture is upright: lying and standing are one shape."""
    block = tiff(CAMERA, {0xA002: 4032, 0xA003: 3024})
    assert told(jpeg_with_exif(block), 3024, 4032) == set()


def test_credentials_in_several_segments_are_read_together() -> None:
    """A manifest is longer than a segment: the claim may lie across two."""
    first = with_segment(0xEB, b"JP\0\1\0\0\0\2AlgorithmicMedia")
    both = with_segment(0xEB, b"JP\0\1\0\0\0\1c2pa trained", first)
    assert told(both) == {Trace.CLAIMED_GENERATED}


def test_a_compressed_text_is_inflated_within_a_limit() -> None:
    """100 MiB of zeros behind 100 KiB: no more than 64 KiB are ever made of them."""
    bomb = zlib.compress(b"\0" * (100 << 20))
    found = metadata_blocks(png_with_text(b"zTXt", b"Comment\0\0" + bomb))
    assert len(found.texts[b"Comment"]) == 1 << 16


def test_no_block_is_kept_beyond_its_limit() -> None:
    """However many segments of credentials a file has."""
    data = jpeg()
    for _ in range(40):
        data = with_segment(0xEB, b"JP\0\1\0\0\0\1" + b"x" * 60_000, data)
    assert len(metadata_blocks(data).credentials) == MAX_BLOCK_BYTES


def test_directories_that_point_at_each_other_end() -> None:
    """The first names itself as the next and as the camera's own."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)
    assert read_tags(block) == ExifTags()


def test_a_directory_of_a_million_entries_is_cut() -> None:
    """A count is believed up to 512."""
    entry = struct.pack("<HHII", 0x0100, 4, 1, 8)
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 65535) + entry * 600
    assert read_tags(block).make == ""


@given(st.binary(max_size=400), st.sampled_from(["exif", "xmp", "c2pa", "text", "tail", "webp"]))
def test_no_metadata_raises(noise: bytes, where: str) -> None:
    """Whatever bytes stand where metadata should be."""
    made = {
        "exif": lambda: jpeg_with_exif(b"II*\0" + noise),
        "xmp": lambda: jpeg_with_xmp(noise),
        "c2pa": lambda: jpeg_with_credentials(noise),
        "text": lambda: png_with_text(b"iTXt", noise),
        "tail": lambda: b"\xff\xd8\xff" + noise,
        "webp": lambda: b"RIFF\0\0\0\0WEBP" + noise,
    }
    assert isinstance(traces(made[where](), width=64, height=48), tuple)


def test_a_torn_file_gives_what_came_before() -> None:
    """Cut anywhere it tells what it tells whole, or nothing."""
    whole = jpeg_with_software("Adobe Photoshop 26.1")
    rng = random.Random(1)
    for end in rng.sample(range(len(whole)), 200):
        assert told(whole[:end]) <= {Trace.EDITOR}


def test_no_value_of_the_metadata_is_shown() -> None:
    """Names of programs and people stay out of every repr."""
    block = tiff({0x010F: "Canary", 0x0131: "Canary"})
    assert "Canary" not in repr(read_tags(block)) + repr(metadata_blocks(jpeg_with_exif(block)))

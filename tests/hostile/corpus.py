"""Hostile and odd files with the outcome each must have: `CORPUS` maps a name to its bytes and its fault.

A fault of None means that the file decodes. Everything is built by code from fixed numbers, so that the
bytes are the same everywhere; nothing binary is committed.
"""

import importlib.util
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.errors import MediaFault
from tests.hostile import containers, jpegs
from tests.hostile.containers import archive, box, extended, heic, pdf, riff, riff_chunk
from tests.hostile.jpegs import EOI, SOI, behind_start, segment
from tests.hostile.pngs import SIGNATURE, chunk, ihdr, png


class HostileFile(NamedTuple):
    """A file and the fault it must be refused with, None if it must be decoded."""

    data: bytes
    fault: MediaFault | None


_RED = (200, 30, 40)
_JPEG = jpegs.encoded()
_PNG = png(samples=_RED)
_WEBP = riff(containers.webp_pixels())
_COMMENT, _APP1 = 0xFE, 0xE1
_HTML = b"<html><script>alert(1)</script></html>"
_PHP = b"<?php system($_GET['c']); __HALT_COMPILER(); ?>"
_ELF = b"\x7fELF\x02\x01\x01" + bytes(57)
_NOISE = np.random.default_rng(8).integers(0, 256, 4096, dtype=np.uint8).tobytes()
_HAS_HEIF = importlib.util.find_spec("pillow_heif") is not None
_HAS_PDF = importlib.util.find_spec("pypdfium2") is not None


def _with_extra(fault: MediaFault | None, *, present: bool) -> MediaFault | None:
    """What is found out only while decoding needs the extra; without it the type is not supported."""
    return fault if present else MediaFault.TYPE_UNSUPPORTED


def _noisy(width: int = 240, height: int = 160) -> bytes:
    """A JPEG with so much detail that half of its bytes are half of its pixels."""
    noise = np.random.default_rng(9).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]


def _odd_but_good() -> dict[str, bytes]:
    exif_6 = segment(_APP1, jpegs.exif(6))
    return {
        "jpeg": _JPEG,
        "jpeg_grey": jpegs.flat([90]),
        "jpeg_progressive": jpegs.encoded(96, 64, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "jpeg_restart_markers": jpegs.encoded(96, 64, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        "jpeg_cmyk": jpegs.flat([60, 200, 200, 255], adobe_transform=0),
        "jpeg_ycck": jpegs.flat([60, 128, 128, 255], adobe_transform=2),
        "jpeg_cmyk_without_adobe": jpegs.flat([60, 200, 200, 255]),
        "jpeg_exif_turned": behind_start(_JPEG, exif_6),
        "jpeg_exif_big_endian": behind_start(_JPEG, segment(_APP1, jpegs.exif(3, order=">"))),
        "jpeg_exif_orientation_99": behind_start(_JPEG, segment(_APP1, jpegs.exif(99))),
        "jpeg_exif_pointing_outside": behind_start(
            _JPEG, segment(_APP1, b"Exif\0\0" + jpegs.tiff(6, directory=2**31))
        ),
        "jpeg_exif_cut": behind_start(_JPEG, segment(_APP1, b"Exif\0\0II*")),
        "jpeg_second_picture_behind": _JPEG + jpegs.encoded(48, 32),
        "jpeg_film_behind": _JPEG + box(b"ftyp", b"mp42", bytes(4), b"isom") + box(b"mdat", _NOISE),
        "jpeg_zeros_behind": _JPEG + bytes(5000),
        "jpeg_vendor_block_behind": _JPEG + b"\0\0\x01\x0a" + _NOISE[:200] + b"SEFHe\0\0\0SEFT",
        "jpeg_zip_mark_by_chance": _JPEG + _NOISE[:50] + b"PK\x05\x06" + _NOISE[50:150],
        "jpeg_fill_bytes": _JPEG[:2] + b"\xff" * 20 + _JPEG[2:],
        "jpeg_stray_bytes_between_segments": behind_start(_JPEG, segment(_COMMENT, b"x"), b"\0\0\0"),
        "jpeg_long_comment": behind_start(_JPEG, segment(_COMMENT, b"z" * 65_000)),
        "png": _PNG,
        "png_grey_16_bit": png(samples=[0x5A80], bits=16, colour_type=0),
        "png_16_bit_alpha": png(samples=[0xC800, 0x1E00, 0x2800, 0x8000], bits=16, colour_type=6),
        "png_grey_alpha": png(samples=[90, 128], colour_type=4),
        "png_alpha": png(samples=[*_RED, 0], colour_type=6),
        "png_palette": png(chunk(b"PLTE", bytes((0, 0, 0, *_RED))), samples=[1], colour_type=3),
        "png_palette_transparent": png(
            chunk(b"PLTE", bytes((0, 0, 0, *_RED))), chunk(b"tRNS", b"\xff\x80"), samples=[1], colour_type=3
        ),
        "png_one_bit": png(samples=[1], bits=1, colour_type=0),
        "png_interlaced": png(samples=_RED, interlace=1),
        "png_exif_turned": png(chunk(b"eXIf", jpegs.tiff(6)), samples=_RED, width=48),
        "png_text": png(chunk(b"tEXt", b"Title\0a < b > c"), samples=_RED),
        "png_zeros_behind": _PNG + bytes(100),
        "webp": _WEBP,
        "webp_lossless": riff(containers.webp_pixels(lossless=True)),
        "webp_extended_exif": riff(
            extended(0x08, 96, 64), containers.webp_pixels(), riff_chunk(b"EXIF", jpegs.tiff(8))
        ),
        "webp_zeros_behind": _WEBP + bytes(64),
    }


def _no_image() -> dict[str, HostileFile]:
    unknown = {
        "one_byte": b"\xff",
        "text": b"Dear service, please verify me. " * 20,
        "html": _HTML,
        "php": _PHP,
        "zip": archive(),
        "elf": _ELF,
        "pe": b"MZ" + bytes(200),
        "noise": b"\x01" + _NOISE,
        "jpeg_behind_a_space": b" " + _JPEG,
        "url": b"https://127.0.0.1/latest/meta-data",
    }
    unsupported = {
        "gif": b"GIF89a" + bytes(30),
        "bmp": jpegs.encoded(kind=".bmp"),
        "tiff": jpegs.encoded(kind=".tiff"),
        "tiff_big_endian": b"MM\0*" + bytes(30),
        "ico": b"\0\0\1\0\1\0" + bytes(30),
        "psd": b"8BPS\0\1" + bytes(30),
        "jpeg_2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30),
        "jpeg_xl": b"\xff\x0a" + bytes(30),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "svg_with_prolog": b'<?xml version="1.0"?>\n<!-- x -->\n<svg width="10"/>',
        "avif": heic(major=b"avif", compatible=b"mif1avif"),
        "film": box(b"ftyp", b"isom", bytes(4), b"isommp42") + box(b"mdat", bytes(64)),
    }
    files = {"empty": HostileFile(b"", MediaFault.EMPTY)}
    files |= {name: HostileFile(data, MediaFault.TYPE_UNKNOWN) for name, data in unknown.items()}
    return files | {
        name: HostileFile(data, MediaFault.TYPE_UNSUPPORTED) for name, data in unsupported.items()
    }


def _jpegs() -> dict[str, tuple[bytes, MediaFault]]:
    noisy, tables = _noisy(), jpegs.tables()
    flat_scan = jpegs.scan(16, (1, 2, 3))
    return {
        "jpeg_start_only": (SOI + b"\xff", MediaFault.TRUNCATED),
        "jpeg_cut_in_a_segment": (_JPEG[:30], MediaFault.TRUNCATED),
        "jpeg_cut_before_the_pixels": (_JPEG[: _JPEG.index(b"\xff\xda")], MediaFault.TRUNCATED),
        "jpeg_cut_in_half": (noisy[: len(noisy) // 2], MediaFault.TRUNCATED),
        "jpeg_without_end": (_JPEG[:-2], MediaFault.TRUNCATED),
        "jpeg_cut_and_ended": (noisy[: len(noisy) // 2] + EOI, MediaFault.TRUNCATED),
        "jpeg_cut_and_continued_by_another": (
            jpegs.encoded(96, 64, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[:-3] + _JPEG,
            MediaFault.TRUNCATED,
        ),
        "jpeg_promises_more_rows": (
            SOI + tables + jpegs.frame(640, 480) + flat_scan + EOI,
            MediaFault.TRUNCATED,
        ),
        "jpeg_segment_beyond_the_end": (SOI + b"\xff\xe1\xff\xff" + _NOISE[:100], MediaFault.TRUNCATED),
        "jpeg_segment_of_length_0": (SOI + b"\xff\xe1\0\0" + _JPEG[2:], MediaFault.CORRUPT),
        "jpeg_no_size": (SOI + tables + jpegs.frame(0, 0) + flat_scan + EOI, MediaFault.CORRUPT),
        "jpeg_no_height": (SOI + tables + jpegs.frame(64, 0) + flat_scan + EOI, MediaFault.CORRUPT),
        "jpeg_giant": (
            SOI + tables + jpegs.frame(65_500, 65_500) + flat_scan + EOI,
            MediaFault.TOO_MANY_PIXELS,
        ),
        "jpeg_giant_side": (
            SOI + tables + jpegs.frame(65_000, 20) + flat_scan + EOI,
            MediaFault.TOO_MANY_PIXELS,
        ),
        "jpeg_tiny": (jpegs.encoded(8, 8), MediaFault.TOO_SMALL),
        "jpeg_thin": (jpegs.encoded(400, 15), MediaFault.TOO_SMALL),
        "jpeg_lossless": (
            SOI + tables + jpegs.frame(32, 32, marker=0xC3) + flat_scan + EOI,
            MediaFault.TYPE_UNSUPPORTED,
        ),
        "jpeg_arithmetic": (
            SOI + tables + jpegs.frame(32, 32, marker=0xC9) + flat_scan + EOI,
            MediaFault.TYPE_UNSUPPORTED,
        ),
        "jpeg_12_bit": (
            SOI + tables + jpegs.frame(32, 32, bits=12) + flat_scan + EOI,
            MediaFault.TYPE_UNSUPPORTED,
        ),
        "jpeg_two_components": (jpegs.flat([1, 2]), MediaFault.CORRUPT),
        "jpeg_two_frames": (
            SOI + tables + jpegs.frame(32, 32) * 2 + flat_scan + EOI,
            MediaFault.CORRUPT,
        ),
        "jpeg_empty_frame": (SOI + tables + segment(0xC0) + flat_scan + EOI, MediaFault.CORRUPT),
        "jpeg_pixels_without_frame": (SOI + tables + flat_scan + EOI, MediaFault.CORRUPT),
        "jpeg_without_tables": (SOI + jpegs.frame(32, 32) + flat_scan + EOI, MediaFault.CORRUPT),
        "jpeg_ends_at_once": (SOI + EOI + bytes(30), MediaFault.CORRUPT),
        "jpeg_ends_before_pixels": (SOI + tables + jpegs.frame(32, 32) + EOI, MediaFault.CORRUPT),
        "jpeg_5000_segments": (behind_start(_JPEG, segment(_COMMENT) * 5000), MediaFault.CORRUPT),
        "jpeg_1000_scans": (
            SOI + tables + jpegs.frame(32, 32, marker=0xC2) + flat_scan * 1000 + EOI,
            MediaFault.CORRUPT,
        ),
    }


def _pngs() -> dict[str, tuple[bytes, MediaFault]]:
    pixels = chunk(b"IDAT", b"\x78\x9c\x03\x00\x00\x00\x00\x01")
    end = chunk(b"IEND")
    animation = chunk(b"acTL", b"\0\0\0\2\0\0\0\0")
    return {
        "png_signature_only": (SIGNATURE, MediaFault.TRUNCATED),
        "png_cut": (_PNG[:-20], MediaFault.TRUNCATED),
        "png_without_end": (_PNG[: -len(end)], MediaFault.TRUNCATED),
        "png_chunk_beyond_the_end": (
            SIGNATURE + ihdr() + b"\x7f\xff\xff\xffIDAT" + _NOISE,
            MediaFault.TRUNCATED,
        ),
        "png_without_pixels": (SIGNATURE + ihdr() + end, MediaFault.CORRUPT),
        "png_without_header": (SIGNATURE + pixels + end, MediaFault.CORRUPT),
        "png_header_second": (SIGNATURE + chunk(b"tEXt", b"a\0b") + _PNG[8:], MediaFault.CORRUPT),
        "png_short_header": (SIGNATURE + chunk(b"IHDR", bytes(5)) + pixels + end, MediaFault.CORRUPT),
        "png_no_width": (SIGNATURE + ihdr(0, 32) + pixels + end, MediaFault.CORRUPT),
        "png_giant_tiny_pixels": (
            SIGNATURE + ihdr(40_000, 40_000) + pixels + end,
            MediaFault.TOO_MANY_PIXELS,
        ),
        "png_giant_signed": (SIGNATURE + ihdr(2**31, 2**31) + pixels + end, MediaFault.TOO_MANY_PIXELS),
        "png_within_limits_without_pixels": (SIGNATURE + ihdr(6000, 6000) + pixels + end, MediaFault.CORRUPT),
        "png_tiny": (png(samples=_RED, width=15, height=15), MediaFault.TOO_SMALL),
        "png_wrong_checksum": (_flipped(_PNG, 30), MediaFault.CORRUPT),
        "png_pixels_are_noise": (
            SIGNATURE + ihdr() + chunk(b"IDAT", _NOISE[:500]) + end,
            MediaFault.CORRUPT,
        ),
        "png_unknown_colour_type": (SIGNATURE + ihdr(colour_type=5) + pixels + end, MediaFault.CORRUPT),
        "png_impossible_depth": (SIGNATURE + ihdr(bits=7) + pixels + end, MediaFault.CORRUPT),
        "png_30000_chunks": (
            SIGNATURE + ihdr() + chunk(b"tEXt") * 30_000 + pixels + end,
            MediaFault.CORRUPT,
        ),
        "png_animated": (png(animation, samples=_RED), MediaFault.ANIMATED),
        "png_of_the_iphone_toolchain": (
            png(chunk(b"CgBI", bytes(4)), samples=_RED),
            MediaFault.TYPE_UNSUPPORTED,
        ),
    }


def _webps() -> dict[str, tuple[bytes, MediaFault]]:
    frame = riff_chunk(b"ANMF", bytes(16) + containers.webp_pixels())
    return {
        "webp_cut": (_WEBP[: len(_WEBP) // 2], MediaFault.TRUNCATED),
        "webp_head_only": (_WEBP[:12], MediaFault.TRUNCATED),
        "webp_without_chunks": (riff(), MediaFault.CORRUPT),
        "webp_chunk_beyond_its_end": (riff(b"VP8 \xff\xff\0\0" + bytes(20)), MediaFault.TRUNCATED),
        "webp_animated_by_flag": (riff(extended(0x02, 96, 64), frame), MediaFault.ANIMATED),
        "webp_animated_without_flag": (
            riff(extended(0, 96, 64), riff_chunk(b"ANIM", bytes(6)), frame),
            MediaFault.ANIMATED,
        ),
        "webp_without_pixels": (riff(extended(0, 96, 64)), MediaFault.CORRUPT),
        "webp_giant": (riff(containers.lossless_head(16_384, 16_384)), MediaFault.TOO_MANY_PIXELS),
        "webp_giant_canvas": (
            riff(extended(0, 2**24, 2**24), containers.webp_pixels()),
            MediaFault.TOO_MANY_PIXELS,
        ),
        "webp_tiny": (riff(containers.lossless_head(4, 4)), MediaFault.TOO_SMALL),
        "webp_lossless_noise": (riff(containers.lossless_head(64, 64)), MediaFault.CORRUPT),
        "webp_wrong_start_code": (riff(riff_chunk(b"VP8 ", bytes(60))), MediaFault.CORRUPT),
        "webp_canvas_contradicts_pixels": (
            riff(extended(0, 500, 400), containers.webp_pixels()),
            MediaFault.CORRUPT,
        ),
        "webp_unknown_first_chunk": (riff(riff_chunk(b"XYZW", bytes(20))), MediaFault.CORRUPT),
        "webp_2000_chunks": (
            riff(containers.webp_pixels(), riff_chunk(b"XYZW", b"") * 2000),
            MediaFault.CORRUPT,
        ),
    }


def _heics_and_pdfs() -> dict[str, HostileFile]:
    page = (240.0, 160.0)
    files = {
        "heic_cut": HostileFile(heic()[:-10], MediaFault.TRUNCATED),
        "heic_giant": HostileFile(heic(60_000, 60_000), MediaFault.TOO_MANY_PIXELS),
        "heic_tiny": HostileFile(heic(4, 4), MediaFault.TOO_SMALL),
        "heic_sequence": HostileFile(heic(major=b"hevc"), MediaFault.ANIMATED),
        "heic_without_size": HostileFile(
            box(b"ftyp", b"heic", bytes(4), b"mif1heic") + box(b"meta", bytes(4)), MediaFault.CORRUPT
        ),
        "heic_without_description": HostileFile(
            box(b"ftyp", b"heic", bytes(4), b"mif1heic"), MediaFault.CORRUPT
        ),
        "heic_box_of_length_3": HostileFile(heic() + b"\0\0\0\3free", MediaFault.CORRUPT),
        "pdf_cut": HostileFile(pdf(page)[:-7], MediaFault.TRUNCATED),
        "pdf_unknown_version": HostileFile(b"%PDF-9.9\n" + pdf(page)[9:], MediaFault.CORRUPT),
    }
    while_decoding = {
        "heic_without_pixels": (heic(), MediaFault.CORRUPT, _HAS_HEIF),
        "pdf_one_page": (pdf(page), None, _HAS_PDF),
        "pdf_giant_page": (pdf((14_000.0, 14_000.0)), None, _HAS_PDF),
        "pdf_two_pages": (pdf(page, page), MediaFault.PAGES, _HAS_PDF),
        "pdf_no_page": (pdf(), MediaFault.CORRUPT, _HAS_PDF),
        "pdf_encrypted": (pdf(page, encrypted=True), MediaFault.CORRUPT, _HAS_PDF),
        "pdf_tiny_page": (pdf((3.0, 3.0)), MediaFault.TOO_SMALL, _HAS_PDF),
        "pdf_noise": (b"%PDF-1.4\n" + _NOISE + b"%%EOF", MediaFault.CORRUPT, _HAS_PDF),
    }
    return files | {
        name: HostileFile(data, _with_extra(fault, present=present))
        for name, (data, fault, present) in while_decoding.items()
    }


def _polyglots() -> dict[str, bytes]:
    return {
        "jpeg_and_zip": _JPEG + archive(),
        "jpeg_and_zip_with_end_mark_in_its_comment": _JPEG + archive(comment=b"x" * 300 + EOI),
        "jpeg_and_empty_zip": _JPEG + archive(entries=0),
        "jpeg_and_zip_before_junk": _JPEG + archive() + bytes(2000),
        "jpeg_and_pdf_in_front": behind_start(_JPEG, segment(_COMMENT, pdf((10.0, 10.0)))),
        "jpeg_and_pdf_behind": _JPEG + pdf((10.0, 10.0)),
        "jpeg_and_html_comment": behind_start(_JPEG, segment(_COMMENT, _HTML)),
        "jpeg_and_shouted_script": behind_start(_JPEG, segment(_COMMENT, b"<ScRiPt>alert(1)</ScRiPt>")),
        "jpeg_and_php_in_exif": behind_start(_JPEG, segment(_APP1, b"Exif\0\0" + _PHP)),
        "jpeg_and_php_archive": _JPEG + b"<?php __HALT_COMPILER(); ?>\r\n" + _NOISE,
        "jpeg_and_elf": _JPEG + _ELF,
        "jpeg_and_pe_behind_zeros": _JPEG + bytes(64) + b"MZ" + bytes(200),
        "jpeg_and_rar": _JPEG + b"Rar!\x1a\x07\x01\0" + _NOISE,
        "jpeg_and_7z": _JPEG + b"7z\xbc\xaf\x27\x1c" + _NOISE,
        "png_and_zip": _PNG + archive(),
        "png_and_html_text": png(chunk(b"tEXt", b"Comment\0" + _HTML), samples=_RED),
        "png_and_php_text": png(chunk(b"tEXt", b"Comment\0" + _PHP), samples=_RED),
        "png_and_pdf": png(chunk(b"tEXt", b"Comment\0" + pdf((10.0, 10.0))), samples=_RED),
        "png_and_html_behind": _PNG + b"\r\n" + _HTML,
        "webp_and_zip": _WEBP + archive(),
        "webp_and_html": _WEBP + _HTML,
        "pdf_and_zip": pdf((240.0, 160.0)) + archive() + b"%%EOF",
    }


def _build() -> dict[str, HostileFile]:
    files = {name: HostileFile(data, None) for name, data in _odd_but_good().items()}
    files |= _no_image() | _heics_and_pdfs()
    for table in (_jpegs(), _pngs(), _webps()):
        files |= {name: HostileFile(*entry) for name, entry in table.items()}
    return files | {name: HostileFile(data, MediaFault.POLYGLOT) for name, data in _polyglots().items()}


CORPUS = _build()
"""Name -> file and expected fault."""
SEEN_BY_WORKER_ONLY = frozenset({"jpeg_cut_and_ended", "jpeg_promises_more_rows"})
"""Faults that only libjpeg's warnings tell: the in-process decoder gives a partly grey picture instead."""

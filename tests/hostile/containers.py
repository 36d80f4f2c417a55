"""WebP, HEIC, PDF and foreign files made by hand."""

import io
import struct
import zipfile

import cv2

from tests.hostile import jpegs


def riff(*chunks: bytes) -> bytes:
    """A WebP file of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk, padded to an even length."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)


def extended(flags: int, width: int, height: int) -> bytes:
    """The chunk VP8X."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sizes)


def webp_pixels(*, lossless: bool = False) -> bytes:
    """The pixel chunk of the scene."""
    return jpegs.encoded(96, 64, cv2.IMWRITE_WEBP_QUALITY, 101 if lossless else 80, kind=".webp")[12:]


def lossless_head(width: int, height: int) -> bytes:
    """A chunk VP8L that states a size and has no pixels."""
    return riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 8)


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of an ISO base media file."""
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(
    width: int = 64, height: int = 48, *, major: bytes = b"heic", compatible: bytes = b"mif1heic"
) -> bytes:
    """A HEIC file that states a size and has no pixels."""
    size = box(b"ispe", struct.pack(">III", 0, width, height))
    meta = box(b"meta", bytes(4), box(b"iprp", box(b"ipco", size)))
    return box(b"ftyp", major, bytes(4), compatible) + meta + box(b"mdat", bytes(64))


def pdf(*pages: tuple[float, float], encrypted: bool = False, padding: bytes = b"") -> bytes:
    """A PDF with blank pages of these sizes in points."""
    kids = " ".join(f"{index + 3} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        *(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {w} {h}] >>" for w, h in pages),
    ]
    out, offsets = b"%PDF-1.4\n" + padding, []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    secret = f"/ID [<{'00' * 16}> <{'00' * 16}>] /Encrypt {_ENCRYPTION}" if encrypted else ""
    count = len(objects) + 1
    tail = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R {secret} >>\n"
    return out + tail.encode() + f"startxref\n{len(out)}\n%%EOF\n".encode()


_ENCRYPTION = f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>"


def archive(*, comment: bytes = b"", entries: int = 1) -> bytes:
    """A ZIP archive, always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for index in range(entries):
            file.writestr(zipfile.ZipInfo(f"{index}.txt", (2020, 1, 1, 0, 0, 0)), b"text")
        file.comment = comment
    return buffer.getvalue()

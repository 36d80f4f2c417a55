"""What every implementation of `ports.ImageDecoder` must do."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.decoder import BoundedDecoder, InProcessDecoder
from idv.vision.imaging.limits import DecodeLimits
from tests.hostile import containers, jpegs
from tests.hostile.corpus import CORPUS
from tests.hostile.pngs import chunk, png

LIMITS = DecodeLimits(max_bytes=200_000, max_pixels=4_000_000)
Decoder = BoundedDecoder | InProcessDecoder


@pytest.fixture(scope="module", params=[InProcessDecoder, BoundedDecoder])
def decoder(request: pytest.FixtureRequest) -> Iterator[Decoder]:
    """Each implementation in turn, with small limits."""
    made: Decoder = request.param(LIMITS)
    yield made
    if isinstance(made, BoundedDecoder):
        made.close()


def _colour(decoder: Decoder, data: bytes) -> tuple[int, ...]:
    pixels = decoder.decode(data).pixels
    return tuple(round(value) for value in pixels.reshape(-1, 3).mean(axis=0))


@pytest.mark.parametrize(
    ("kind", "media_type"), [(".jpg", MediaType.JPEG), (".png", MediaType.PNG), (".webp", MediaType.WEBP)]
)
def test_the_scene_comes_back_upright_as_rgb(decoder: Decoder, kind: str, media_type: MediaType) -> None:
    """Type, size, scale and colours are right for each base type."""
    image = decoder.decode(jpegs.encoded(kind=kind))
    assert (image.media_type, image.full_width, image.full_height, image.scale) == (media_type, 96, 64, 1.0)
    assert np.abs(image.pixels.astype(int) - jpegs.scene()).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(decoder: Decoder, orientation: int) -> None:
    """A picture stored in any of the eight orientations comes back as the scene."""
    scene = jpegs.scene()
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, 1),
        7: scene.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(scene, -1),
    }[orientation]
    content = bytes(cv2.imencode(".png", np.ascontiguousarray(stored[:, :, ::-1]))[1])
    turned = content[:33] + chunk(b"eXIf", jpegs.tiff(orientation)) + content[33:]
    image = decoder.decode(turned)
    np.testing.assert_array_equal(image.pixels, scene)
    assert (image.full_width, image.full_height) == (96, 64)


def test_a_turned_jpeg_is_reduced_and_upright(decoder: Decoder) -> None:
    """EXIF orientation 6 on a reduced JPEG: sizes are those of the upright picture."""
    content = jpegs.behind_start(jpegs.encoded(960, 640), jpegs.segment(0xE1, jpegs.exif(6)))
    image = decoder.decode(content, max_side_px=240)
    assert (image.full_width, image.full_height, image.pixels.shape) == (640, 960, (240, 160, 3))
    upright = np.rot90(jpegs.scene(240, 160), -1)
    assert np.abs(image.pixels.astype(int) - upright).mean() < 8


@pytest.mark.parametrize(
    ("side", "asked", "expected"),
    [
        (1600, None, 1600),
        (1600, 1600, 1600),
        (1600, 801, 1600),
        (1600, 800, 800),
        (1600, 799, 800),
        (1600, 500, 800),
        (1600, 400, 400),
        (1600, 200, 200),
        (1600, 100, 100),
        (1600, 30, 50),
        (1601, 400, 401),
    ],
)
@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_reduction_is_the_largest_that_keeps_the_side_asked_for(
    decoder: Decoder, kind: str, side: int, asked: int | None, expected: int
) -> None:
    """The longer side is at least what was asked and under twice that, the same for every type."""
    image = decoder.decode(jpegs.encoded(side, 320, kind=kind), max_side_px=asked)
    assert image.pixels.shape[1] == expected
    assert (image.full_width, image.full_height) == (side, 320)
    assert image.scale == pytest.approx(expected / side)


def test_a_reduced_picture_is_the_same_picture(decoder: Decoder) -> None:
    """Reduction by the decoder, by area and after a turn keep every quarter's colour in place."""
    for data, shape in (
        (jpegs.encoded(960, 640), (160, 240)),
        (jpegs.encoded(960, 640, kind=".webp"), (160, 240)),
    ):
        pixels = decoder.decode(data, max_side_px=200).pixels
        assert pixels.shape[:2] == shape
        small = cv2.resize(jpegs.scene(960, 640), shape[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(pixels.astype(int) - small).mean() < 8


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("jpeg_grey", (90, 90, 90)),
        ("jpeg_cmyk", (60, 200, 200)),
        ("jpeg_ycck", (195, 195, 195)),
        ("jpeg_cmyk_without_adobe", (60, 200, 200)),
        ("png_grey_16_bit", (0x5A, 0x5A, 0x5A)),
        ("png_16_bit_alpha", (227, 142, 147)),
        ("png_grey_alpha", (172, 172, 172)),
        ("png_alpha", (255, 255, 255)),
        ("png_palette", (200, 30, 40)),
        ("png_palette_transparent", (227, 142, 147)),
        ("png_one_bit", (255, 255, 255)),
        ("png_interlaced", (200, 30, 40)),
    ],
)
def test_every_way_to_store_colour_has_its_documented_result(
    decoder: Decoder, name: str, colour: tuple[int, ...]
) -> None:
    """Grey is repeated, palettes looked up, CMYK inverted, 16 bits cut, transparency put over white."""
    assert _colour(decoder, CORPUS[name].data) == pytest.approx(colour, abs=2)


def test_transparency_is_composited_pixel_by_pixel(decoder: Decoder) -> None:
    """Each pixel is blended with white by its own alpha, beyond the first band of rows too."""
    generator = np.random.default_rng(5)
    rgba = generator.integers(0, 256, (300, 40, 4), dtype=np.uint8)
    content = bytes(cv2.imencode(".png", rgba[:, :, [2, 1, 0, 3]])[1])
    alpha = rgba[:, :, 3:] / 255
    expected = rgba[:, :, :3] * alpha + 255 * (1 - alpha)
    assert np.abs(decoder.decode(content).pixels - expected).max() <= 0.51


def test_limits_are_the_ones_given(decoder: Decoder) -> None:
    """One byte or one row of pixels over a limit is refused, at the limit it is decoded."""
    blank = png(samples=[9], colour_type=0, width=2000, height=2000)
    assert decoder.decode(blank, max_side_px=100).full_width == 2000
    with pytest.raises(MediaError) as pixels:
        decoder.decode(png(samples=[9], colour_type=0, width=2000, height=2001))
    assert pixels.value.fault is MediaFault.TOO_MANY_PIXELS
    padded = blank + bytes(LIMITS.max_bytes - len(blank))
    assert decoder.decode(padded, max_side_px=100).full_width == 2000
    with pytest.raises(MediaError) as size:
        decoder.decode(padded + b"\0")
    assert size.value.fault is MediaFault.TOO_LARGE


def test_a_fault_says_nothing_of_the_content(decoder: Decoder) -> None:
    """Messages are sentences about the rule; the code is the fault's."""
    with pytest.raises(MediaError) as caught:
        decoder.decode(b"PASSPORT OF JANE CANARY")
    assert caught.value.code == "media_type_unknown"
    assert "CANARY" not in caught.value.message


def test_a_page_of_a_pdf_is_drawn_on_white(decoder: Decoder) -> None:
    """A blank page of 240 × 160 points counts as 1000 × 667 px at 300 dpi, reduced when asked."""
    pytest.importorskip("pypdfium2", reason="the extra `pdf` is not installed")
    image = decoder.decode(containers.pdf((240.0, 160.0)), max_side_px=500)
    assert (image.media_type, image.pixels.min()) == (MediaType.PDF, 255)
    assert max(image.full_width - 1000, image.full_height - 667) in (0, 1)
    assert image.pixels.shape[1] in (500, 501)


def test_a_heic_picture_is_decoded(decoder: Decoder) -> None:
    """A HEIC file written by libheif comes back as the scene, reduced when asked."""
    heif = pytest.importorskip("pillow_heif", reason="the extra `heif` is not installed")
    scene = jpegs.scene(256, 128)
    file = heif.from_bytes("RGB", (256, 128), scene.tobytes())
    content = _saved(file)
    image = decoder.decode(content)
    assert (image.media_type, image.full_width, image.full_height) == (MediaType.HEIC, 256, 128)
    assert np.abs(image.pixels.astype(int) - scene).mean() < 10
    assert decoder.decode(content, max_side_px=64).pixels.shape == (32, 64, 3)


def _saved(file: Any) -> bytes:  # pillow-heif publishes no types
    buffer = io.BytesIO()
    file.save(buffer, quality=90)
    return buffer.getvalue()


def test_threads_may_share_a_decoder(decoder: Decoder) -> None:
    """Thirty decodings from six threads each get their own picture."""
    sizes = [(64 + 16 * (i % 5), 48 + 16 * (i % 3)) for i in range(30)]
    with ThreadPoolExecutor(6) as threads:
        images = list(threads.map(lambda size: decoder.decode(jpegs.encoded(*size)), sizes))
    assert [image.pixels.shape[1::-1] for image in images] == sizes
    for image, size in zip(images, sizes, strict=True):
        assert np.abs(image.pixels.astype(int) - jpegs.scene(*size)).mean() < 8

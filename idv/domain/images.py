"""A decoded image and where its pixels came from."""

from dataclasses import dataclass
from enum import StrEnum

from idv.domain.arrays import RgbImage


class MediaType(StrEnum):
    """The still-image types that can be decoded; the last two need extras."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    PDF = "application/pdf"


@dataclass(frozen=True)
class DecodedImage:
    """Upright pixels, possibly at reduced scale.

    `pixels`: (H, W, 3) uint8 RGB, EXIF orientation already applied.
    `full_width`, `full_height`: size in px of the upright original before any reduction.
    """

    pixels: RgbImage
    media_type: MediaType
    full_width: int
    full_height: int

    @property
    def scale(self) -> float:
        """Decoded width over original width, in (0, 1]."""
        return float(self.pixels.shape[1]) / self.full_width

"""What a header states about an image; the value all container readers give."""

from dataclasses import dataclass
from enum import StrEnum

from idv.domain.errors import MediaError, MediaFault
from idv.domain.images import MediaType


class Colour(StrEnum):
    """How samples are stored; whatever it is, decoding gives 8-bit RGB.

    Grey is repeated, palettes are looked up, CMYK and YCCK are converted without their ICC profile as
    Adobe's inverted convention has it.
    """

    GREY = "grey"
    COLOUR = "colour"
    PALETTE = "palette"
    CMYK = "cmyk"
    YCCK = "ycck"


@dataclass(frozen=True)
class Header:
    """What the header states, before decoding.

    `width`, `height`: px as stored, before orientation; of the largest picture in a HEIC file; 0 for PDF.
    `orientation`: EXIF 1..8. `bit_depth`: bits a sample; 16 is reduced to its high byte.
    `alpha`: transparency, composited over white. `layered`: interlaced or progressive.
    `metadata_end`: offset at which compressed pixels begin. `end`: offset after the container's last byte;
    what lies behind is a trailer.
    """

    media_type: MediaType
    width: int
    height: int
    metadata_end: int
    end: int
    orientation: int = 1
    bit_depth: int = 8
    colour: Colour = Colour.COLOUR
    alpha: bool = False
    layered: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in px once the orientation is applied."""
        swapped = self.orientation >= 5  # noqa: PLR2004 - EXIF 5 to 8 exchange rows and columns
        return (self.height, self.width) if swapped else (self.width, self.height)


def truncated(what: str) -> MediaError:
    """The error for a file that ends before `what`."""
    return MediaError(MediaFault.TRUNCATED, f"the file ends before {what}")


def corrupt(what: str) -> MediaError:
    """The error for a file that contradicts its format; `what` is a sentence without content of the file."""
    return MediaError(MediaFault.CORRUPT, what)

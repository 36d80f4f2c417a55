"""What a file tells of its own history: traces of editors and generators, and contradictions in it.

Metadata is easily stripped and easily forged: its absence says nothing, and a claim of origin is believed
only where it speaks against the picture. Content credentials (C2PA) are read as text: neither a signature
nor a hash is checked, so they never speak for a picture here.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from idv.domain.errors import MediaError
from idv.vision.imaging.containers import jpeg
from idv.vision.imaging.containers.exif_tags import ExifTags, read_tags
from idv.vision.imaging.containers.metadata_blocks import MetadataBlocks, metadata_blocks

VERSION = "provenance-1"
"""Changes whenever the same file may give other traces; part of the check digest."""


class Trace(StrEnum):
    """One thing that a file tells against itself.

    The first two are claims that whoever made the picture put there for others to read.
    """

    CLAIMED_GENERATED = "claimed_generated"
    CLAIMED_EDITED = "claimed_edited"
    EDITOR = "editor"
    GENERATOR = "generator"
    EDIT_HISTORY = "edit_history"
    SIZE_CONTRADICTS = "size_contradicts"
    THUMBNAIL_CONTRADICTS = "thumbnail_contradicts"
    CAMERA_CONTRADICTS = "camera_contradicts"


CLAIMS = frozenset({Trace.CLAIMED_GENERATED, Trace.CLAIMED_EDITED})

# Programs in which pictures are composed; galleries and camera applications that crop are not among them.
_EDITORS = re.compile(
    rb"photoshop|\bgimp\b|affinity photo|pixelmator|paint\.net|paintshop|corel|picsart|snapseed|facetune"
    rb"|meitu|photopea|\bcanva\b|illustrator|inkscape|fotor|pixlr|lightx|photodirector|faceapp|krita"
    rb"|photoscape|imagemagick|after effects|blender",
    re.IGNORECASE,
)
_GENERATORS = re.compile(
    rb"midjourney|dall.?e|stable.?diffusion|comfyui|automatic1111|invokeai|firefly|novelai|gpt-4o"
    rb"|gpt-image|flux\.1|leonardo\.ai|openai|nano banana|gemini",
    re.IGNORECASE,
)
# Digital source types (IPTC NewsCodes) of pictures that no camera made, or not alone.
_MADE_BY_MODEL = re.compile(
    rb"trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia|algorithmicMedia|compositeSynthetic"
    rb"|virtualRecording|digitalArt|digitalCreation"
)
# Actions of C2PA 2.1 (18.15.2) that change what a picture shows; crops, turns and re-encodings do not.
_CHANGING_ACTIONS = re.compile(
    rb"c2pa\.(?:edited|placed|drawing|removed|deleted|filtered|managed\.composite)"
)
_C2PA = b"c2pa"
_HISTORY = re.compile(
    rb"stEvt:action|xmpMM:History|photoshop:History|photoshop:DocumentAncestors|crs:Process"
)
_GENERATION_TEXTS = frozenset({b"parameters", b"prompt", b"workflow", b"Dream", b"sd-metadata"})
_PROGRAM_TEXTS = frozenset({b"Software", b"Comment", b"Creator", b"Source"})
# Cameras store thumbnails letterboxed: bars may make the shape another, but never by so much in both senses.
_SHAPE_TOLERANCE = 0.04
_LETTERBOXES = (4 / 3, 3 / 2, 16 / 9, 1.0)


def traces(data: bytes, *, width: int, height: int) -> tuple[Trace, ...]:
    """Everything that an encoded picture tells against itself, each once, in the order of `Trace`.

    `width`, `height`: px of the upright picture. Never raises: what cannot be read is no trace.
    """
    blocks = metadata_blocks(data)
    tags = read_tags(blocks.exif)
    found = {*_claims(blocks), *_programs(blocks, tags), *_contradictions(tags, (width, height))}
    return tuple(trace for trace in Trace if trace in found)


def _claims(blocks: MetadataBlocks) -> Iterator[Trace]:
    if _MADE_BY_MODEL.search(blocks.credentials) or _MADE_BY_MODEL.search(blocks.xmp):
        yield Trace.CLAIMED_GENERATED
    if _C2PA in blocks.credentials and _CHANGING_ACTIONS.search(blocks.credentials):
        yield Trace.CLAIMED_EDITED


def _programs(blocks: MetadataBlocks, tags: ExifTags) -> Iterator[Trace]:
    stated = b"\n".join(
        (
            tags.software.encode("latin-1", "replace"),
            blocks.xmp,
            *(text for keyword, text in blocks.texts.items() if keyword in _PROGRAM_TEXTS),
        )
    )
    if _EDITORS.search(stated) or blocks.photoshop:
        yield Trace.EDITOR
    if _GENERATORS.search(stated) or _GENERATION_TEXTS & blocks.texts.keys():
        yield Trace.GENERATOR
    if _HISTORY.search(blocks.xmp):
        yield Trace.EDIT_HISTORY


def _contradictions(tags: ExifTags, size: tuple[int, int]) -> Iterator[Trace]:
    stated = (tags.width, tags.height)
    if all(stated) and all(size) and _is_shaped_otherwise(stated, size):
        yield Trace.SIZE_CONTRADICTS
    small = _jpeg_size(tags.thumbnail)
    if small is not None and all(size) and not _is_letterboxed(small) and _is_shaped_otherwise(small, size):
        yield Trace.THUMBNAIL_CONTRADICTS
    if bool(tags.make) != bool(tags.model):
        yield Trace.CAMERA_CONTRADICTS


def _is_shaped_otherwise(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two sizes differ in shape; lying and standing are one, since orientation swaps them."""
    return abs(_shape(first) / _shape(second) - 1) > _SHAPE_TOLERANCE


def _is_letterboxed(size: tuple[int, int]) -> bool:
    """Whether a thumbnail has a fixed shape that cameras use whatever the picture's is."""
    return any(abs(_shape(size) / usual - 1) <= _SHAPE_TOLERANCE for usual in _LETTERBOXES)


def _shape(size: tuple[int, int]) -> float:
    return max(size) / max(min(size), 1)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    if not data.startswith(jpeg.SIGNATURE):
        return None
    try:
        header = jpeg.read(data)
    except MediaError:
        return None
    return (header.width, header.height) if header.width and header.height else None

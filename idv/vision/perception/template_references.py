"""The blank sides of known document types as pictures, and where on them something differs by holder.

A reference is a plain picture of `WIDTH_PX` px, `<type>-<side>.webp` beside the types' data files: everything
that is alike on every copy, nothing of any holder. What varies is known from the type's data.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np

import idv.documents
from idv.documents.document_types import DocumentType, DocumentTypes, RelativeBox, Side, SideName
from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.domain.errors import ConfigurationError
from idv.vision.perception.template_pieces import Look, PixelBox, scaled, squares_of, words_of
from idv.vision.perception.template_relief import Relief, relief_of

WIDTH_PX = 640
REFERENCES = Path(idv.documents.__file__).parent / "types" / "references"
ENDING = ".webp"

_EDGE = 0.022
"""Share of the width along the border that is left out: round corners, and what lies beyond them."""
_FRAME = 0.010
# Barcodes, rows and portraits take most of the keypoints of a picture: few would leave none for the ground.
_KEYPOINTS = 2000


class Keypoints(NamedTuple):
    """SIFT keypoints (Lowe 2004): places (N, 2) px and descriptors (N, 128) float32."""

    places: FloatArray
    descriptors: FloatArray


@dataclass(frozen=True, eq=False)
class Reference:
    """One side of a type. `picture`: (H, WIDTH_PX, 3) uint8 RGB; `steady`: (H, WIDTH_PX) bool.

    Steady is where nothing varies from holder to holder. Values leave most of the ground free: their zones
    count as steady, and their ink is looked for in the picture that is compared.
    """

    type: DocumentType
    name: SideName
    picture: RgbImage = field(repr=False)
    steady: Array = field(repr=False)
    _found: dict[tuple[str, Look], tuple[PixelBox, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def side(self) -> Side:
        """What the type's data say of the side."""
        return self.type.sides[self.name]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.picture.shape[1], self.picture.shape[0]

    @cached_property
    def relief(self) -> Relief:
        """Lines and print, 0 where something varies."""
        whole = relief_of(self.picture)
        return Relief(whole.lines * self.steady, whole.ink, whole.print * self.steady)

    def squares(self, look: Look) -> tuple[PixelBox, ...]:
        """The squares with lines on them that a look has."""
        return self._kept(("squares", look), lambda: squares_of(scaled(self.relief.lines, look.scale), look))

    def words(self, look: Look) -> tuple[PixelBox, ...]:
        """The pieces of print that a look has."""
        return self._kept(("words", look), lambda: words_of(scaled(self.relief.print, look.scale)))

    @property
    def has_words(self) -> bool:
        """Whether it has print long enough to be placed by."""
        return next(iter(words_of(self.relief.print)), None) is not None

    def _kept(self, key: tuple[str, Look], find: Callable[[], Iterable[PixelBox]]) -> tuple[PixelBox, ...]:
        if key not in self._found:
            self._found[key] = tuple(find())
        return self._found[key]

    @cached_property
    def keypoints(self) -> Keypoints:
        """What it is recognised by anywhere in a picture."""
        return keypoints_of(self.picture, self.steady)


def keypoints_of(picture: RgbImage, mask: Array | None = None) -> Keypoints:
    """Keypoints of (H, W, 3) uint8 RGB where the mask (H, W) allows."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    finder = cv2.SIFT_create(nfeatures=_KEYPOINTS)  # type: ignore[attr-defined] # absent from its stubs
    found, descriptors = finder.detectAndCompute(grey, None if mask is None else mask.astype(np.uint8))
    places = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
    empty = np.empty((0, 128), np.float32)
    return Keypoints(places, empty if descriptors is None else np.asarray(descriptors, np.float32))


class TemplateReferences:
    """The references that there are, by type and side."""

    def __init__(self, references: Iterable[Reference]) -> None:
        self._references: Mapping[tuple[str, SideName], Reference] = MappingProxyType(
            {(reference.type.id, reference.name): reference for reference in references}
        )

    def get(self, identifier: str, side: SideName) -> Reference | None:
        """The reference of a type's side, or None."""
        return self._references.get((identifier, side))

    def of(self, identifier: str) -> tuple[Reference, ...]:
        """All references of a type."""
        return tuple(known for (name, _), known in self._references.items() if name == identifier)

    def __iter__(self) -> Iterator[Reference]:
        return iter(self._references.values())

    def digest(self) -> str:
        """SHA-256 over every picture."""
        parts = hashlib.sha256()
        for (identifier, side), reference in sorted(self._references.items()):
            parts.update(f"{identifier}-{side}:{reference.picture.shape}".encode())
            parts.update(reference.picture.tobytes())
        return parts.hexdigest()


def load_references(
    types: DocumentTypes, folder: Path = REFERENCES, *, also: Path | None = None
) -> TemplateReferences:
    """The references of a folder, and those beside a second folder of types.

    A side without a file has none. Raises ConfigurationError naming every fault.
    """
    folders = (folder,) if also is None else (folder, also / REFERENCES.name)
    found, faults = [], []
    for known in types:
        for name in known.sides:
            paths = (each / f"{known.id}-{name}{ENDING}" for each in folders)
            path = next((path for path in paths if path.exists()), None)
            if path is None:
                continue
            try:
                found.append(reference_of(known, name, read_picture(path)))
            except ValueError as fault:
                faults.append(f"{path.name}: {fault}")
    if faults:
        raise ConfigurationError(faults)
    return TemplateReferences(found)


def read_picture(path: Path) -> RgbImage:
    """The picture in a file, (H, W, 3) uint8 RGB. Raises ValueError when it is none."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError("not a picture")
    return np.asarray(pixels, np.uint8)


def reference_of(known: DocumentType, name: SideName, picture: RgbImage) -> Reference:
    """The reference that a picture of the blank side makes. Raises ValueError for one of another shape."""
    height = round(WIDTH_PX / known.aspect_ratio)
    if abs(picture.shape[0] * WIDTH_PX / picture.shape[1] - height) > 1:
        msg = f"{picture.shape[1]} × {picture.shape[0]} px is not the shape of the document"
        raise ValueError(msg)
    if picture.shape[:2] != (height, WIDTH_PX):
        how = cv2.INTER_AREA if picture.shape[1] > WIDTH_PX else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(picture, (WIDTH_PX, height), interpolation=how), np.uint8)
    return Reference(known, name, picture, _steady(known.sides[name], (WIDTH_PX, height)))


def varying_boxes(side: Side) -> tuple[RelativeBox, ...]:
    """Zones that are filled from edge to edge with something of the holder's; values are not among them."""
    boxes = [side.portrait, side.ghost]
    boxes += [zone.box for zone in (side.mrz, side.barcode) if zone is not None]
    return tuple(box for box in boxes if box is not None)


def _steady(side: Side, size: tuple[int, int]) -> Array:
    width, height = size
    edge, frame = round(_EDGE * width), round(_FRAME * width)
    steady = np.zeros((height, width), bool)
    steady[edge:-edge, edge:-edge] = True
    for box in varying_boxes(side):
        left, top, wide, tall = box.pixels(width, height)
        steady[max(0, top - frame) : top + tall + frame, max(0, left - frame) : left + wide + frame] = False
    return steady

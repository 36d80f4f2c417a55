"""What the check asks about one side of a document; every part may be absent, then its signals are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from idv.documents.document_types import RelativeBox, Side, SideName
from idv.documents.sides import Sides
from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.documents import DocumentReading, DocumentView, TamperingMap
from idv.domain.images import DecodedImage
from idv.domain.reasons import Reason


class Recapture(Protocol):
    """Tells documents from screens, prints, grey copies and composites."""

    def predict(self, pixels: RgbImage, corners: FloatArray) -> float:
        """Log-odds that a document itself was before the camera. Raises ModelError."""
        ...


class Tampering(Protocol):
    """Finds what was altered in the photograph."""

    def predict(self, pixels: RgbImage, corners: FloatArray) -> TamperingMap:
        """Log-odds of no alteration, and where there may be one. Raises ModelError."""
        ...


class Fit(Protocol):
    """How a side fits the type it claims to be of."""

    @property
    def document_type(self) -> str:
        """Identifier of the type."""
        ...

    @property
    def side(self) -> SideName:
        """Which of its sides."""
        ...

    @property
    def signals(self) -> Mapping[str, float]:
        """Name of a template signal -> score, higher = more genuine; what could not be judged is left out."""
        ...

    @property
    def regions(self) -> Mapping[str, Sequence[RelativeBox]]:
        """Name of a template signal -> boxes in which it saw what speaks against the side."""
        ...


class Templates(Protocol):
    """Knows how the types look."""

    def fit(self, view: DocumentView, reading: DocumentReading, *, side: SideName | None) -> Fit | None:
        """How a side fits its type, or None where the type is unknown."""
        ...


class Ghost(Protocol):
    """Compares the portrait with its ghost."""

    def __call__(self, view_pixels: RgbImage, side: Side) -> float | None:
        """Likeness, near 1 for one picture; None where it cannot be told."""
        ...


class CaptureGate(Protocol):
    """Tells whether a picture shows enough of a document to judge it."""

    def __call__(
        self, image: DecodedImage, view: DocumentView, side: Side | None, reading: DocumentReading
    ) -> tuple[Reason, ...]:
        """What is wrong with the capture; nothing for a good one. `side`: where it is known."""
        ...


class Obstacles(Protocol):
    """Tells what keeps a document from being said to have been read, and so its zones from being compared."""

    def __call__(self, sides: Sides) -> tuple[Reason, ...]:
        """Why something that is needed was not read; nothing when all was."""
        ...


@dataclass(frozen=True)
class Parts:
    """Everything that is asked about a side, and `obstacles` about both together."""

    recapture: Recapture | None = None
    tampering: Tampering | None = None
    templates: Templates | None = None
    ghost: Ghost | None = None
    gate: CaptureGate | None = None
    obstacles: Obstacles | None = None

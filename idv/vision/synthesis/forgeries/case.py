"""What a forger has at hand: a genuine document, another person's, and a camera."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from idv.documents.document_types import DocumentType, SideName
from idv.domain.arrays import RgbImage
from idv.vision.synthesis.cards import NONE, Contradictions, DrawnCard, DrawnSide, draw_card
from idv.vision.synthesis.document_scenes import Shot
from idv.vision.synthesis.holders import Holder


@dataclass(frozen=True)
class Case:
    """One genuine document and what it may be forged with.

    `portrait` and `strange_portrait` (H, W, 3) uint8 RGB: the holder's and another person's. `stranger`:
    another holder of the same type. `photograph`: takes a drawn side before the camera, anew each time.
    """

    document_type: DocumentType
    holder: Holder
    stranger: Holder
    portrait: RgbImage = field(repr=False)
    strange_portrait: RgbImage = field(repr=False)
    photograph: Callable[[RgbImage], Shot]
    dpi: float = 400.0

    def genuine(self, rng: np.random.Generator) -> DrawnCard:
        """The holder's document."""
        return draw_card(self.document_type, self.holder, self.portrait, rng, dpi=self.dpi)

    def drawn(
        self,
        rng: np.random.Generator,
        *,
        document_type: DocumentType | None = None,
        holder: Holder | None = None,
        portrait: RgbImage | None = None,
        contradictions: Contradictions = NONE,
    ) -> DrawnCard:
        """A document that differs in what is given."""
        return draw_card(
            document_type or self.document_type,
            holder or self.holder,
            self.portrait if portrait is None else portrait,
            rng,
            dpi=self.dpi,
            contradictions=contradictions,
        )


def side_of(card: DrawnCard, name: SideName) -> DrawnSide:
    """One side of a card. Raises ValueError when it has none of that name."""
    side = card.front if name is SideName.FRONT else card.back
    if side is None:
        msg = f"{card.document_type.id} has no {name} to forge"
        raise ValueError(msg)
    return side

"""A document laid flat, with what its finder noticed on the way, so that nobody looks for it again."""

from dataclasses import dataclass, field

from idv.domain.documents import DocumentView
from idv.domain.faces import Face
from idv.vision.perception.text_lines import Strip


@dataclass(frozen=True)
class FlatDocument(DocumentView):
    """A view whose `strips` are the rows of print and whose `faces` the faces, largest first, in `rectified`.

    `None`: not looked for.
    """

    strips: tuple[Strip, ...] | None = field(default=None, repr=False)
    faces: tuple[Face, ...] | None = field(default=None, repr=False)


def strips_of(view: DocumentView) -> tuple[Strip, ...] | None:
    """The rows of print that the finder saw, or None."""
    return view.strips if isinstance(view, FlatDocument) else None


def faces_of(view: DocumentView) -> tuple[Face, ...] | None:
    """The faces that the finder saw, or None."""
    return view.faces if isinstance(view, FlatDocument) else None

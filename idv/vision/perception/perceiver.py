"""Joins decoding, faces, templates, documents and reading into one lazy view of the evidence."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import IdvError
from idv.domain.evidence import Evidence, ImageRole
from idv.domain.faces import Face, FaceTemplate, SubjectFace
from idv.domain.images import DecodedImage
from idv.domain.ports import ImageDecoder
from idv.domain.reasons import Reason
from idv.domain.stores import Remembered
from idv.vision.perception.flat_document import faces_of

T = TypeVar("T")

# What is decoded larger is paid for at every stage. A document needs its small print. A selfie is decoded as
# the camera made it up to 4,800 px: what tells a screen from a face is in single pixels, gone once reduced.
_DOCUMENT_SIDE_PX = 1600
_FACE_SIDE_PX = 2400


class Faces(Protocol):
    """Finds faces and picks the one an image is about."""

    def faces(self, pixels: RgbImage, *, scale: float = 1.0) -> tuple[Face, ...]:
        """All faces, largest first; `scale` is decoded over original size."""
        ...

    def subject(self, faces: tuple[Face, ...], shape: tuple[int, ...]) -> SubjectFace:
        """The one face, or why there is none."""
        ...


class Templates(Protocol):
    """Makes a template of a face."""

    def template(self, pixels: RgbImage, face: Face) -> FaceTemplate:
        """The face's template."""
        ...


class Documents(Protocol):
    """Finds a document in an image and lays it flat."""

    def find(self, image: DecodedImage) -> DocumentView | None:
        """The document, or None."""
        ...


class Reader(Protocol):
    """Reads a document that was laid flat."""

    def read(self, view: DocumentView) -> DocumentReading:
        """What stands on it."""
        ...


@dataclass(frozen=True)
class EvidencePerceiver:
    """Starts a lazy perception over each evidence; implements ports.Perceiver."""

    decoder: ImageDecoder
    faces: Faces
    templates: Templates
    documents: Documents
    reader: Reader
    timer: Callable[[], float] = time.perf_counter

    def perceive(self, evidence: Evidence, remembered: Remembered | None = None) -> "EvidencePerception":
        """A perception that has computed nothing yet."""
        return EvidencePerception(self, evidence, remembered or Remembered())


class EvidencePerception:
    """Everything seen in one evidence; implements ports.Perception. Used by one thread at a time."""

    def __init__(self, parts: EvidencePerceiver, evidence: Evidence, remembered: Remembered) -> None:
        self._parts = parts
        self._evidence = evidence
        self._remembered = remembered
        self._seen: dict[Hashable, object] = {}
        self._stages = _Stages(parts.timer)

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Wall-clock time by stage so far, in ms."""
        return dict(self._stages.spent_ms)

    def image(self, role: ImageRole) -> DecodedImage:
        """The decoded image, at the scale that its role needs."""
        encoded = self._evidence.images[role]
        side = _DOCUMENT_SIDE_PX if role.is_document else _FACE_SIDE_PX
        return self._once("decode", role, lambda: self._parts.decoder.decode(encoded.data, max_side_px=side))

    def faces(self, role: ImageRole) -> tuple[Face, ...]:
        """All faces in the whole image."""
        image = self.image(role)
        return self._once("faces", role, lambda: self._parts.faces.faces(image.pixels, scale=image.scale))

    def subject(self, role: ImageRole) -> SubjectFace:
        """The face of a selfie, or the portrait on a document."""
        return self._subject_in(role)[0]

    def template(self, role: ImageRole) -> FaceTemplate:
        """The subject's template; a remembered one when the image was not sent again."""
        if role not in self._evidence.images:
            return self._remembered.templates[role]
        subject, pixels = self._subject_in(role)
        if subject.face is None or pixels is None:
            msg = f"no face to make a template of in {role}"
            raise ValueError(msg)
        face = subject.face
        return self._once("template", role, lambda: self._parts.templates.template(pixels, face))

    def document(self, role: ImageRole) -> DocumentView | None:
        """The document laid flat."""
        image = self.image(role)
        return self._once("document", role, lambda: self._parts.documents.find(image))

    def reading(self, role: ImageRole) -> DocumentReading:
        """What was read; a remembered reading when the image was not sent again."""
        if role not in self._evidence.images:
            return self._remembered.readings[role]
        view = self.document(role)
        if view is None:
            return DocumentReading(reasons=(Reason.NO_DOCUMENT,))
        return self._once("read", role, lambda: self._parts.reader.read(view))

    def _subject_in(self, role: ImageRole) -> tuple[SubjectFace, RgbImage | None]:
        """The subject and the pixels its coordinates belong to."""
        if not role.is_document:
            image = self.image(role)
            faces = self.faces(role)
            found = self._once("subject", role, lambda: self._parts.faces.subject(faces, image.pixels.shape))
            return found, image.pixels
        view = self.document(role)
        if view is None:
            return SubjectFace(None, 0, (Reason.NO_DOCUMENT,)), None
        return self._once("portrait", role, lambda: self._portrait(view)), view.rectified

    def _portrait(self, view: DocumentView) -> SubjectFace:
        seen = faces_of(view)
        faces = self._parts.faces.faces(view.rectified) if seen is None else seen
        if not faces:
            return SubjectFace(None, 0, (Reason.NO_PORTRAIT,))
        # A ghost portrait is a second, smaller face on many documents: the largest is the portrait.
        return self._parts.faces.subject(faces[:1], view.rectified.shape)

    def _once(self, stage: str, role: ImageRole, compute: Callable[[], T]) -> T:
        """Compute a thing on first use and keep it, errors included."""
        key = (stage, role)
        if key not in self._seen:
            with self._stages.timed(stage):
                try:
                    self._seen[key] = compute()
                except IdvError as error:
                    self._seen[key] = _Raised(error)
                # A KeyError of a bug must not read as "was not sent", nor a ValueError as "no face".
                except Exception as error:  # noqa: BLE001 - kept, and raised again for every asker
                    self._seen[key] = _Raised(RuntimeError(f"{stage} broke: {type(error).__name__}"))
        kept = self._seen[key]
        if isinstance(kept, _Raised):
            raise kept.error
        return kept  # type: ignore[return-value] # the key pins the type


@dataclass(frozen=True)
class _Raised:
    error: Exception


class _Stages:
    """Wall-clock time by stage."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self.spent_ms: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = self._timer()
        try:
            yield
        finally:
            spent = (self._timer() - started) * 1000
            self.spent_ms[stage] = self.spent_ms.get(stage, 0.0) + spent

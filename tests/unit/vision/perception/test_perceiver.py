"""Facts about the lazy view of the evidence: each thing is computed once, and only when asked for."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from idv.domain.arrays import RgbImage
from idv.domain.documents import DocumentReading, DocumentView
from idv.domain.errors import MediaError, MediaFault
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.faces import Box, Face, FaceQuality, FaceTemplate, Pose, SubjectFace
from idv.domain.images import DecodedImage, MediaType
from idv.domain.reasons import Reason
from idv.domain.stores import Remembered
from idv.vision.perception.flat_document import FlatDocument
from idv.vision.perception.perceiver import EvidencePerceiver, EvidencePerception

SELFIE, FRONT = ImageRole.SELFIE, ImageRole.DOCUMENT_FRONT


def face(left: float) -> Face:
    """A face at a place."""
    return Face(
        Box(left, 0, 10, 10),
        0.9,
        np.zeros((468, 3), np.float32),
        np.zeros((5, 2), np.float32),
        Pose(0, 0, 0),
        FaceQuality(60, 1, 0.5, 0.5, 1, 0, 1, 1),
    )


@dataclass
class World:
    """Every part that a perceiver joins; an image's first byte says how many faces it shows."""

    calls: Counter[str] = field(default_factory=Counter)
    sides: list[int | None] = field(default_factory=list)

    def decode(self, data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        """The first byte becomes every pixel."""
        self.calls["decode"] += 1
        self.sides.append(max_side_px)
        if not data:
            raise MediaError(MediaFault.EMPTY, "no bytes")
        pixels = np.full((20, 30, 3), data[0], np.uint8)
        return DecodedImage(pixels, MediaType.PNG, 60, 40)

    def faces(self, pixels: RgbImage, *, scale: float = 1.0) -> tuple[Face, ...]:
        """As many as the pixels say."""
        self.calls["faces"] += 1
        return tuple(face(float(i)) for i in range(int(pixels[0, 0, 0])))

    def subject(self, faces: tuple[Face, ...], shape: tuple[int, ...]) -> SubjectFace:
        """The only one."""
        if len(faces) != 1:
            return SubjectFace(None, len(faces), (Reason.SEVERAL_FACES if faces else Reason.NO_FACE,))
        return SubjectFace(faces[0], 1)

    def template(self, pixels: RgbImage, face: Face) -> FaceTemplate:
        """One number."""
        self.calls["template"] += 1
        return FaceTemplate((("m", np.ones(1, np.float32)),))

    def find(self, image: DecodedImage) -> DocumentView | None:
        """No document in an image of nines."""
        self.calls["find"] += 1
        if image.pixels[0, 0, 0] == 9:
            return None
        return DocumentView(np.zeros((4, 2), np.float32), image.pixels, 0.9)

    def read(self, view: DocumentView) -> DocumentReading:
        """Nothing but the type."""
        self.calls["read"] += 1
        return DocumentReading(document_type="t")

    def perceive(self, remembered: Remembered | None = None, **images: int) -> EvidencePerception:
        """A perception of images by role."""
        encoded = {ImageRole(role): EncodedImage(bytes([n])) for role, n in images.items()}
        return EvidencePerceiver(self, self, self, self, self).perceive(Evidence(encoded), remembered)


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    """Starting a perception costs nothing."""
    world = World()
    world.perceive(selfie=1, document_front=1)
    assert not world.calls


def test_everything_is_computed_once() -> None:
    """Asking twice for everything runs each part once an image."""
    world = World()
    seen = world.perceive(selfie=1, document_front=1)
    for _ in range(2):
        for role in (SELFIE, FRONT):
            seen.subject(role)
            seen.template(role)
        seen.reading(FRONT)
    assert world.calls == {"decode": 2, "faces": 2, "template": 2, "find": 1, "read": 1}
    assert {"decode", "faces", "portrait", "template", "document", "read"} <= set(seen.stage_ms)


def test_an_error_is_computed_once_too() -> None:
    """An image that cannot be decoded raises the same error for every asker, after one try."""
    world = World()
    perceiver = EvidencePerceiver(world, world, world, world, world)
    seen = perceiver.perceive(Evidence({SELFIE: EncodedImage(b"")}))
    for ask in (seen.image, seen.subject, seen.template):
        with pytest.raises(MediaError):
            ask(SELFIE)
    assert world.calls["decode"] == 1


def test_a_bug_in_a_part_is_neither_absence_nor_no_face() -> None:
    """A KeyError or ValueError inside a part comes out as a RuntimeError: nothing reads it as `not sent`."""

    class Broken(World):
        def template(self, pixels: RgbImage, face: Face) -> FaceTemplate:
            raise KeyError("inside")

    with pytest.raises(RuntimeError, match="KeyError"):
        Broken().perceive(selfie=1).template(SELFIE)


def test_a_selfie_of_a_phone_is_decoded_in_its_own_pixels() -> None:
    """A side of 4,000 px is not reduced (below twice what is asked for); a document is read from fewer."""
    world = World()
    seen = world.perceive(selfie=1, document_front=1)
    seen.image(FRONT)
    seen.image(SELFIE)
    document_side, selfie_side = world.sides
    assert document_side is not None
    assert selfie_side is not None
    assert document_side < 4000 / 2 < selfie_side


def test_several_faces_on_a_document_are_no_fault() -> None:
    """The largest face of a document is its portrait, the others are ghosts; two in a selfie are a reason."""
    seen = World().perceive(selfie=2, document_front=2)
    assert seen.subject(FRONT).usable
    assert seen.subject(SELFIE).reasons == (Reason.SEVERAL_FACES,)


def test_no_document_is_a_reason_everywhere() -> None:
    """Without a document there is no portrait, no template and no reading, each saying why."""
    seen = World().perceive(document_front=9)
    assert seen.subject(FRONT).reasons == (Reason.NO_DOCUMENT,)
    assert seen.reading(FRONT).reasons == (Reason.NO_DOCUMENT,)
    with pytest.raises(ValueError, match="no face"):
        seen.template(FRONT)


def test_faces_that_the_finder_saw_are_not_looked_for_again() -> None:
    """The portrait is the largest of the faces that came with the flat document."""

    class Seen(World):
        def find(self, image: DecodedImage) -> DocumentView | None:
            corners = np.zeros((4, 2), np.float32)
            return FlatDocument(corners, image.pixels, 0.9, faces=(face(3.0), face(7.0)))

    world = Seen()
    seen = world.perceive(document_front=1)
    assert seen.subject(FRONT).face is not None
    assert seen.subject(FRONT).face.box.left == 3.0  # type: ignore[union-attr] # asserted above
    assert world.calls["faces"] == 0


def test_a_document_without_a_face_has_no_portrait() -> None:
    """The reason names the portrait, not the selfie."""
    assert World().perceive(document_front=0).subject(FRONT).reasons == (Reason.NO_PORTRAIT,)


def test_what_was_not_sent_comes_from_memory_or_not_at_all() -> None:
    """A remembered template or reading stands in for an image not sent; anything else is a KeyError."""
    template = FaceTemplate((("m", np.zeros(1, np.float32)),))
    reading = DocumentReading(document_type="old")
    memory = Remembered({FRONT: template}, {FRONT: reading})
    seen = World().perceive(memory, selfie=1)
    assert seen.template(FRONT) is template
    assert seen.reading(FRONT) is reading
    for ask in (seen.image, seen.subject, seen.document):
        with pytest.raises(KeyError):
            ask(FRONT)
    with pytest.raises(KeyError):
        World().perceive(selfie=1).template(FRONT)

"""What perception sees of a face."""

from dataclasses import dataclass
from typing import NamedTuple

from idv.domain.arrays import FloatArray
from idv.domain.reasons import Reason
from idv.domain.results import Signal

COHORT_SIMILARITY = "cohort_similarity"
"""Signal of a face: its likeness to the nearest of a cohort of reference embeddings, a cosine in [-1, 1].

Higher: nearer to faces that are known, so 1 minus it is the distance to the reference embeddings. It says
nothing about who somebody is, and neither the face nor its template can be made from it. Of two faces that
are compared each has its own, named by `side_signal`.
"""


def side_signal(side: str, name: str = COHORT_SIMILARITY) -> str:
    """The name of a signal of one of two faces, for instance `selfie_cohort_similarity`."""
    return f"{side}_{name}"


class Box(NamedTuple):
    """Axis-parallel rectangle in pixels of the image it was found in."""

    left: float
    top: float
    width: float
    height: float


class Pose(NamedTuple):
    """Head pose in degrees; 0 is frontal, yaw > 0 to the image's right, pitch > 0 up, roll > 0 clockwise."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True)
class FaceQuality:
    """Capture quality in the sense of ISO/IEC 29794-5; each measure states its unit and direction.

    `inter_eye_px`: distance of the eye centres in px of the original image, more is better.
    `sharpness`: in [0, 1], more is better. `exposure`: mean luminance of the face in [0, 1], 0.5 is best.
    `dynamic_range`: spread of the luminance in [0, 1], more is better.
    `inside`: share of the face box inside the image in [0, 1]. `occlusion`: hint in [0, 1], less is better.
    `eyes_open`, `mouth_closed`: in [0, 1], more is better.
    """

    inter_eye_px: float
    sharpness: float
    exposure: float
    dynamic_range: float
    inside: float
    occlusion: float
    eyes_open: float
    mouth_closed: float


@dataclass(frozen=True)
class Face:
    """One face, in pixel coordinates of the decoded image it was found in.

    `landmarks`: (468, 3) float32 FaceMesh points; `five_points`: (5, 2) float32 right eye, left eye, nose
    tip, right and left mouth corner, right and left as the image shows them from left to right.
    """

    box: Box
    confidence: float
    landmarks: FloatArray
    five_points: FloatArray
    pose: Pose
    quality: FaceQuality


@dataclass(frozen=True)
class SubjectFace:
    """The one face an image is about, or why there is none: with the reasons.

    A face that exists but is too poor to judge is given with its reasons; `usable` tells the two apart.
    """

    face: Face | None
    count: int
    reasons: tuple[Reason, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is exactly one face and nothing speaks against judging it."""
        return self.face is not None and not self.reasons


@dataclass(frozen=True)
class FaceTemplate:
    """A face as embedders see it: one L2-normalised vector a model, image and mirror averaged.

    As sensitive as a photo: never logged, never returned. `vectors`: model name -> (D,) float32.
    """

    vectors: tuple[tuple[str, FloatArray], ...]

    def __repr__(self) -> str:
        """Names and sizes only."""
        return f"FaceTemplate({', '.join(f'{name}[{v.size}]' for name, v in self.vectors)})"


class Acquired(NamedTuple):
    """A template, what speaks against judging it, and what is noted of it; or why there is no template."""

    template: FaceTemplate | None
    reasons: tuple[Reason, ...] = ()
    signals: tuple[Signal, ...] = ()

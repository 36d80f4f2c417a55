"""Faces of an image and the subject among them, with detectors that see painted squares."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.domain.arrays import Array, RgbImage
from idv.domain.faces import Box, Face, FaceQuality, Pose
from idv.domain.ports import Inference
from idv.domain.reasons import Reason
from idv.vision.imaging.detections import FaceDetection
from idv.vision.models.facemesh import FaceSurface
from idv.vision.perception.faces import FaceAnalyser, SubjectLimits

NO_SURFACE = np.zeros((0, 3), np.float32)


FRONTAL = Pose(0, 0, 0)


class _Digests:
    """An inference that only knows digests: the stand-in networks below need no tensors."""

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        raise NotImplementedError

    def digest(self, model: str) -> str:
        return f"digest of {model}"


class _SquareFinder:
    """Sees a white block as a face if it is 24 to 160 px wide in its 256 px square; counts its looks."""

    name = "finder"
    preprocessing = "1"
    side_px = 256

    def __init__(self, inference: Inference) -> None:
        self.looks = 0

    def detect(self, square: RgbImage) -> tuple[FaceDetection, ...]:
        self.looks += 1
        rows, columns = np.nonzero(square[..., 0] > 200)
        if not len(rows):
            return ()
        left, top = columns.min(), rows.min()
        width, height = columns.max() + 1 - left, rows.max() + 1 - top
        touches = min(left, top) == 0 or columns.max() == 255 or rows.max() == 255
        if touches or not 24 <= width <= 160:
            return ()
        shares = np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8)])
        points = (shares * (width, height) + (left, top)).astype(np.float32)
        return (FaceDetection(Box(float(left), float(top), float(width), float(height)), 0.9, points),)


class _FlatSurface:
    """Lays all 468 points of a surface on the middle of its crop but for the corners of the eyes."""

    name = "flat"
    preprocessing = "7"
    side_px = 192

    def __init__(self, inference: Inference) -> None:
        pass

    def fit(self, crop: RgbImage) -> FaceSurface:
        points = np.full((468, 3), 96, np.float32)
        points[[33, 133, 362, 263], 0] = (56, 76, 116, 136)
        points[[33, 133, 362, 263], 1] = 76
        return FaceSurface(points, 0.8)


def _analyser(**kwargs: Any) -> FaceAnalyser:
    return FaceAnalyser(_Digests(), **({"detector": _SquareFinder, "surface": None} | kwargs))


def _painted(height: int, width: int, *, left: int, top: int, side: int) -> RgbImage:
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + side, left : left + side] = 255
    return image


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [(256, 256, 100), (3000, 4000, 1200), (1000, 600, 200), (480, 640, 36), (960, 1280, 70), (300, 300, 290)],
    ids=["as is", "12 megapixels", "portrait format", "small", "small in a larger one", "fills the picture"],
)
def test_a_face_is_found_whatever_its_share_of_the_picture(height: int, width: int, side: int) -> None:
    """Large pictures are reduced, small faces looked for in parts, large ones in a smaller picture."""
    left, top = (width - side) // 3, (height - side) // 2
    (face,) = _analyser().faces(_painted(height, width, left=left, top=top, side=side))
    tolerance = max(2.0, max(height, width) / 100)
    assert face.box == pytest.approx((left, top, side, side), abs=tolerance)


def test_an_empty_picture_is_looked_at_a_bounded_number_of_times() -> None:
    """At most fifteen squares, however large the picture, and no face."""
    made: list[_SquareFinder] = []

    def detector(inference: Inference) -> _SquareFinder:
        made.append(_SquareFinder(inference))
        return made[-1]

    assert _analyser(detector=detector).faces(np.zeros((3000, 4000, 3), np.uint8)) == ()
    assert made[0].looks <= 15


def test_a_found_face_costs_one_look() -> None:
    """The usual picture needs no second pass."""
    made: list[_SquareFinder] = []

    def detector(inference: Inference) -> _SquareFinder:
        made.append(_SquareFinder(inference))
        return made[-1]

    _analyser(detector=detector).faces(_painted(400, 300, left=60, top=80, side=150))
    assert made[0].looks == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700))
def test_any_shape_of_picture_can_be_searched(height: int, width: int) -> None:
    """One-pixel lines and slivers give no face and no error."""
    assert _analyser().faces(np.zeros((height, width, 3), np.uint8)) == ()


def test_a_surface_comes_back_in_pixels_of_the_picture() -> None:
    """Fitted in a crop 1.5 times the box, the corners of the eyes lie where the crop had them."""
    (face,) = _analyser(surface=_FlatSurface).faces(_painted(256, 256, left=78, top=58, side=100))
    assert face.landmarks.shape == (468, 3)
    crop = 1.5 * 100 / 192
    assert face.landmarks[33, :2] == pytest.approx((128 - 40 * crop, 108 - 20 * crop), abs=1.5)
    assert face.landmarks[33, 2] == pytest.approx(96 * crop, abs=1)
    assert face.quality.occlusion == pytest.approx(0.2)
    assert face.quality.inter_eye_px == pytest.approx(60 * crop, abs=0.5)


def test_without_a_surface_the_detectors_points_count() -> None:
    """Five points pass through, landmarks are (0, 3), and size is told in px of the original."""
    (face,) = _analyser().faces(_painted(256, 256, left=78, top=58, side=100), scale=0.5)
    assert face.landmarks.shape == (0, 3)
    assert face.five_points[0] == pytest.approx((108, 93), abs=2)
    assert face.quality.inter_eye_px == pytest.approx(80, abs=2)


def test_the_digest_parts_name_every_network_and_version() -> None:
    """Model digests and preprocessing versions of detector and surface, and that of this analysis."""
    parts = _analyser(surface=_FlatSurface).digest_parts()
    assert parts["finder"] == "digest of finder"
    assert parts["flat"] == "digest of flat"
    assert parts["preprocessing/flat"] == "7"
    assert "face_analysis" in parts
    assert "flat" not in _analyser().digest_parts()


def _face(
    *,
    eyes: float = 100.0,
    x: float = 500.0,
    confidence: float = 0.95,
    pose: Pose = FRONTAL,
    **quality: float,
) -> Face:
    measures = FaceQuality(eyes, 0.6, 0.5, 0.6, 1.0, 0.0, 1.0, 1.0)
    five = np.full((5, 2), (x, 500.0), np.float32)
    return Face(
        Box(x - 50, 450, 100, 100),
        confidence,
        NO_SURFACE,
        five,
        pose,
        dataclasses.replace(measures, **quality),
    )


SHAPE = (1000, 1000, 3)


def test_no_face_is_named() -> None:
    """Nothing found: no subject, and why."""
    subject = _analyser().subject((), SHAPE)
    assert (subject.face, subject.count, subject.reasons) == (None, 0, (Reason.NO_FACE,))


def test_one_good_face_is_the_subject() -> None:
    """Nothing speaks against it."""
    subject = _analyser().subject((_face(),), SHAPE)
    assert subject.usable
    assert subject.count == 1


@pytest.mark.parametrize(
    ("other", "several"),
    [
        (_face(eyes=39, x=100), False),
        (_face(eyes=41, x=100), True),
        (_face(eyes=90, x=100, confidence=0.6), False),
    ],
    ids=["small bystander", "as large", "uncertain"],
)
def test_only_a_comparable_second_face_is_several_faces(other: Face, several: bool) -> None:  # noqa: FBT001
    """From 40 % of the subject's size on, and only if the detector is sure."""
    subject = _analyser().subject((_face(), other), SHAPE)
    assert (Reason.SEVERAL_FACES in subject.reasons) is several
    assert subject.count == 2
    assert subject.face is not None
    assert subject.face.quality.inter_eye_px == 100


def test_the_central_face_goes_before_a_slightly_larger_one_at_the_edge() -> None:
    """Size fades towards the edge; a much larger face still wins there."""
    central = _face(eyes=100, x=500)
    for eyes, expected in ((130, 100), (400, 400)):
        subject = _analyser().subject((_face(eyes=eyes, x=960), central), SHAPE)
        assert subject.face is not None
        assert subject.face.quality.inter_eye_px == expected


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"eyes": 10}, Reason.FACE_TOO_SMALL),
        ({"pose": Pose(60, 0, 0)}, Reason.FACE_TURNED),
        ({"pose": Pose(0, -60, 0)}, Reason.FACE_TURNED),
        ({"sharpness": 0.01}, Reason.FACE_BLURRED),
        ({"exposure": 0.02}, Reason.FACE_EXPOSURE),
        ({"exposure": 0.98}, Reason.FACE_EXPOSURE),
        ({"dynamic_range": 0.01}, Reason.FACE_EXPOSURE),
        ({"inside": 0.5}, Reason.FACE_OCCLUDED),
        ({"occlusion": 0.9}, Reason.FACE_OCCLUDED),
    ],
)
def test_each_fault_has_its_reason_and_the_face_is_still_given(fault: dict[str, Any], reason: Reason) -> None:
    """One measure beyond its limit: that reason alone."""
    subject = _analyser().subject((_face(**fault),), SHAPE)
    assert subject.reasons == (reason,)
    assert subject.face is not None
    assert not subject.usable


def test_limits_are_a_setting() -> None:
    """A stricter size refuses what the usual one takes."""
    strict = _analyser(limits=SubjectLimits(least_inter_eye_px=200))
    assert strict.subject((_face(),), SHAPE).reasons == (Reason.FACE_TOO_SMALL,)

"""Finds the faces of an image, fits their surface, measures them, and picks the one the image is about."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from idv.domain.arrays import FloatArray, RgbImage
from idv.domain.faces import Box, Face, FaceQuality, SubjectFace
from idv.domain.ports import Inference
from idv.domain.reasons import Reason
from idv.vision.imaging import face_quality
from idv.vision.imaging.alignment import LevelSquare, Transform, apply, invert, letterbox, scale_of, warp
from idv.vision.imaging.detections import FaceDetection, distinct
from idv.vision.models.blazeface import BlazeFace
from idv.vision.models.facemesh import FaceMesh, FaceSurface

_VERSION = "2"
# BlazeFace's box spans brow to chin; FaceMesh was trained on crops half as large again.
_MESH_CROP = 1.5
# A face that fills the picture is found when the picture is made smaller, a small one in parts of it.
_SMALLER = 0.6
_PARTS = (2, 3)
_MOST_FACES = 6


class FaceDetector(Protocol):
    """Finds faces in a square of its own size."""

    name: str
    preprocessing: str
    side_px: int

    def detect(self, square: RgbImage) -> tuple[FaceDetection, ...]:
        """Faces in a (side_px, side_px, 3) uint8 RGB square, most confident first, in its px."""
        ...


class SurfaceFitter(Protocol):
    """Fits 468 points in a level square crop of its own size."""

    name: str
    preprocessing: str
    side_px: int

    def fit(self, crop: RgbImage) -> FaceSurface:
        """The surface, in px of the crop."""
        ...


@dataclass(frozen=True)
class SubjectLimits:
    """What a face must reach to be judged; each figure with its reason.

    Size and sharpness are where matching breaks down, by `scripts/bench/lfw.py --degraded` (80 mated pairs,
    one picture made worse, threshold for FMR 1e-3, FNMR 4 % as they are).
    """

    # FNMR 6 % at 16 px and still 5 % at 12 px, FMR unchanged; below 12 px nothing was measured.
    least_inter_eye_px: float = 16.0
    # A face surface keeps its points up to about 45 degrees; beyond, half of the face is guessed.
    most_yaw_deg: float = 45.0
    most_pitch_deg: float = 40.0
    # FNMR 8 % at a sharpness of 0.31, 44 % at 0.22; the least sharp of 385 press photos has 0.34.
    least_sharpness: float = 0.27
    # Below and above, shadows or lights are clipped on most of the skin, dark or fair.
    exposure: tuple[float, float] = (0.08, 0.92)
    least_dynamic_range: float = 0.10
    least_inside: float = 0.75
    most_occlusion: float = 0.5
    # A bystander matters when about as near to the camera as the subject.
    rival_size: float = 0.4
    rival_confidence: float = 0.7


class FaceAnalyser:
    """Faces of an image, largest first, and the subject among them. Thread-safe.

    `detector` and `surface` are made with `inference`; without `surface` the detector must give five points,
    and faces come with landmarks of shape (0, 3).
    """

    def __init__(
        self,
        inference: Inference,
        *,
        detector: Callable[[Inference], FaceDetector] = BlazeFace,
        surface: Callable[[Inference], SurfaceFitter] | None = FaceMesh,
        limits: SubjectLimits | None = None,
    ) -> None:
        self._inference = inference
        self._detector = detector(inference)
        self._surface = surface(inference) if surface else None
        self._limits = limits or SubjectLimits()

    def digest_parts(self) -> dict[str, str]:
        """Everything a face's geometry depends on: model digests and preprocessing versions."""
        used: list[FaceDetector | SurfaceFitter] = [
            self._detector,
            *([self._surface] if self._surface else []),
        ]
        parts = {model.name: self._inference.digest(model.name) for model in used}
        versions = {f"preprocessing/{model.name}": model.preprocessing for model in used}
        return {**parts, **versions, "face_analysis": _VERSION}

    def faces(self, pixels: RgbImage, *, scale: float = 1.0) -> tuple[Face, ...]:
        """All faces in (H, W, 3) uint8 RGB, largest first; `scale` is decoded over original size.

        Raises ModelError.
        """
        found = sorted(self._detections(pixels), key=lambda d: -d.inter_eye_px)[:_MOST_FACES]
        faces = (self._measured(pixels, detection, scale=scale) for detection in found)
        return tuple(sorted(faces, key=lambda f: -f.quality.inter_eye_px))

    def subject(self, faces: Sequence[Face], shape: tuple[int, ...]) -> SubjectFace:
        """The one face an image of this (H, W, 3) is about, or the reasons against judging it.

        People hold the camera at themselves: large and central goes before either alone.
        """
        if not faces:
            return SubjectFace(None, 0, (Reason.NO_FACE,))
        main = max(faces, key=lambda face: _prominence(face, shape))
        rivals = [f for f in faces if f is not main and self._rivals(f, main)]
        reasons = [Reason.SEVERAL_FACES] if rivals else []
        return SubjectFace(main, len(faces), (*reasons, *self._faults(main)))

    def _rivals(self, other: Face, main: Face) -> bool:
        near = other.quality.inter_eye_px >= self._limits.rival_size * main.quality.inter_eye_px
        return near and other.confidence >= self._limits.rival_confidence

    def _faults(self, face: Face) -> Iterator[Reason]:
        quality, limits = face.quality, self._limits
        if quality.inter_eye_px < limits.least_inter_eye_px:
            yield Reason.FACE_TOO_SMALL
        if abs(face.pose.yaw_deg) > limits.most_yaw_deg or abs(face.pose.pitch_deg) > limits.most_pitch_deg:
            yield Reason.FACE_TURNED
        if quality.sharpness < limits.least_sharpness:
            yield Reason.FACE_BLURRED
        dark, bright = limits.exposure
        if not dark <= quality.exposure <= bright or quality.dynamic_range < limits.least_dynamic_range:
            yield Reason.FACE_EXPOSURE
        if quality.inside < limits.least_inside or quality.occlusion > limits.most_occlusion:
            yield Reason.FACE_OCCLUDED

    def _detections(self, pixels: RgbImage) -> tuple[FaceDetection, ...]:
        """The whole picture; only if it shows nothing, the picture made smaller, then ever smaller parts."""
        for squares in _passes(pixels, self._detector.side_px):
            found = [d for square, back in squares for d in self._found(square, back)]
            if found:
                return distinct(found)
        return ()

    def _found(self, square: RgbImage, back: Transform) -> list[FaceDetection]:
        return [detection.moved(back) for detection in self._detector.detect(square)]

    def _measured(self, pixels: RgbImage, detection: FaceDetection, *, scale: float) -> Face:
        landmarks, presence = self._fitted(pixels, detection)
        surface = len(landmarks) > 0
        five = face_quality.five_points(landmarks) if surface else detection.points
        box = _bounds(landmarks) if surface else detection.box
        quality: FaceQuality = face_quality.measure(
            pixels, box=box, five=five, landmarks=landmarks, presence=presence, scale=scale
        )
        pose = face_quality.pose_of_surface(landmarks) if surface else face_quality.pose_of_five(five)
        return Face(box, detection.confidence, landmarks, five, pose, quality)

    def _fitted(self, pixels: RgbImage, detection: FaceDetection) -> tuple[FloatArray, float]:
        """Surface in px of the image and presence; (0, 3) and the detector's confidence without a fitter."""
        if self._surface is None:
            return np.zeros((0, 3), dtype=np.float32), detection.confidence
        left, top, width, height = detection.box
        square = LevelSquare(
            (left + width / 2, top + height / 2),
            _MESH_CROP * max(width, height),
            face_quality.roll_deg(detection.points),
        )
        transform = square.transform(self._surface.side_px)
        fitted = self._surface.fit(warp(pixels, transform, self._surface.side_px))
        back = invert(transform)
        flat = apply(back, fitted.points[:, :2])
        depth = fitted.points[:, 2:] * scale_of(back)
        return np.hstack([flat, depth]).astype(np.float32), fitted.presence


def _passes(pixels: RgbImage, side_px: int) -> Iterator[list[tuple[RgbImage, Transform]]]:
    """Squares to look at, each with its way back to the image, coarse to fine; at most 15 in all."""
    yield [_square(pixels, side_px, fill=1.0)]
    yield [_square(pixels, side_px, fill=_SMALLER)]
    for parts in _PARTS:
        yield list(_parts(pixels, side_px, parts))


def _square(pixels: RgbImage, side_px: int, *, fill: float) -> tuple[RgbImage, Transform]:
    square, transform = letterbox(pixels, side_px, fill=fill)
    return square, invert(transform)


def _parts(pixels: RgbImage, side_px: int, parts: int) -> Iterator[tuple[RgbImage, Transform]]:
    """Squares of 2 / (parts + 1) of the longer side, each overlapping its neighbours by half."""
    height, width = pixels.shape[:2]
    side = max(height, width) * 2 / (parts + 1)
    for y in _centres(height, side):
        for x in _centres(width, side):
            transform = LevelSquare((x, y), side).transform(side_px)
            yield warp(pixels, transform, side_px), invert(transform)


def _centres(length: int, side: float) -> list[float]:
    """Centres of overlapping squares that cover a length, at least one."""
    if length <= side:
        return [length / 2]
    steps = int(np.ceil((length - side) / (side / 2) - 1e-6))
    return [float(c) for c in np.linspace(side / 2, length - side / 2, steps + 1)]


def _prominence(face: Face, shape: tuple[int, ...]) -> float:
    """Size, fading with the distance from the middle: a face at the edge counts a third."""
    half = np.array([shape[1], shape[0]]) / 2
    middle = face.five_points.mean(axis=0)
    return face.quality.inter_eye_px * float(np.exp(-1.1 * np.max(np.abs(middle - half) / half) ** 2))


def _bounds(landmarks: FloatArray) -> Box:
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))

"""What a face detector finds, and how overlapping finds become one face."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idv.domain.arrays import Array, FloatArray
from idv.domain.faces import Box
from idv.vision.imaging.alignment import Transform, apply, scale_of


class FaceDetection(NamedTuple):
    """A face a detector found: `confidence` in [0, 1], `points` (K, 2) float32 px.

    The first three points are the eye at the image's left, the other eye, and the nose tip. A detector with
    exactly five gives the mouth corners next, the image's left one first.
    """

    box: Box
    confidence: float
    points: FloatArray

    @property
    def inter_eye_px(self) -> float:
        """Distance of the eyes in px."""
        return float(np.hypot(*(self.points[1] - self.points[0])))

    def moved(self, transform: Transform) -> "FaceDetection":
        """The detection in the frame that a similarity without much turn leads to."""
        left, top = apply(transform, [self.box[:2]])[0]
        scale = scale_of(transform)
        box = Box(float(left), float(top), self.box.width * scale, self.box.height * scale)
        return FaceDetection(box, self.confidence, apply(transform, self.points).astype(np.float32))


class RawDetections(NamedTuple):
    """All candidates: boxes (N, 4) left, top, width, height px; scores (N,); points (N, K, 2) px."""

    boxes: Array
    scores: Array
    points: Array


def merged(raw: RawDetections, *, least_score: float, overlap: float = 0.3) -> tuple[FaceDetection, ...]:
    """Candidates of at least `least_score` joined into faces, most confident first.

    Weighted non-maximum suppression (Bazarevsky et al., BlazeFace, 2019): candidates whose boxes overlap the
    best one's by more than `overlap` (intersection over union) are averaged with their scores as weights,
    which is steadier than taking the best alone.
    """
    keep = raw.scores >= least_score
    order = np.argsort(-raw.scores[keep], kind="stable")
    boxes, scores, points = (part[keep][order] for part in raw)
    faces = []
    while len(scores):
        same = intersection_over_union(boxes[0], boxes) > overlap
        same[0] = True
        weights = scores[same] / scores[same].sum()
        box = Box(*(float(v) for v in weights @ boxes[same]))
        mean_points = np.tensordot(weights, points[same], axes=1).astype(np.float32)
        faces.append(FaceDetection(box, float(scores[0]), mean_points))
        boxes, scores, points = boxes[~same], scores[~same], points[~same]
    return tuple(faces)


def distinct(faces: Sequence[FaceDetection], *, overlap: float = 0.3) -> tuple[FaceDetection, ...]:
    """Faces found by several passes, each kept once: the most confident of those that overlap."""
    kept: list[FaceDetection] = []
    for face in sorted(faces, key=lambda f: -f.confidence):
        boxes = np.array([k.box for k in kept]).reshape(-1, 4)
        if not (intersection_over_union(np.array(face.box), boxes) > overlap).any():
            kept.append(face)
    return tuple(kept)


def intersection_over_union(box: Array, others: Array) -> Array:
    """Overlap of one box (4,) with others (N, 4), all left, top, width, height: (N,) in [0, 1]."""
    top_left = np.maximum(box[:2], others[:, :2])
    bottom_right = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=1)
    union = box[2] * box[3] + others[:, 2] * others[:, 3] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))

"""Candidates of a detector become faces."""

import numpy as np
import pytest

from idv.domain.faces import Box
from idv.vision.imaging.alignment import LevelSquare, invert
from idv.vision.imaging.detections import (
    FaceDetection,
    RawDetections,
    distinct,
    intersection_over_union,
    merged,
)

POINTS = np.array([(12, 14), (18, 14), (15, 18)], np.float32)


def test_overlap_counted_by_hand() -> None:
    """Two 10 × 10 boxes shifted by 5 share 50 of 150 px; apart they share nothing."""
    others = np.array([(5.0, 0, 10, 10), (10.0, 0, 10, 10), (0.0, 0, 10, 10)])
    assert intersection_over_union(np.array((0.0, 0, 10, 10)), others) == pytest.approx([1 / 3, 0, 1])


def test_overlapping_candidates_are_averaged_by_score() -> None:
    """Scores 0.9 and 0.3 weigh three to one; the face keeps the higher score."""
    raw = RawDetections(
        np.array([(0.0, 0, 10, 10), (2.0, 0, 10, 10), (50.0, 50, 10, 10), (0.0, 0, 10, 10)]),
        np.array([0.3, 0.9, 0.6, 0.1]),
        np.stack([POINTS, POINTS + 4, POINTS, POINTS]),
    )
    first, second = merged(raw, least_score=0.2)
    assert first.box == pytest.approx((1.5, 0, 10, 10))
    assert first.confidence == 0.9
    assert first.points == pytest.approx(POINTS + 3)
    assert second.box == (50, 50, 10, 10)


def test_nothing_certain_enough_is_no_face() -> None:
    """All candidates below the score give an empty tuple."""
    raw = RawDetections(np.ones((2, 4)), np.array([0.1, 0.2]), np.zeros((2, 3, 2)))
    assert merged(raw, least_score=0.5) == ()


def test_a_face_seen_in_two_passes_is_kept_once() -> None:
    """Of two finds of one face the more certain stays; a face elsewhere stays too."""
    sure = FaceDetection(Box(0, 0, 10, 10), 0.9, POINTS)
    unsure = FaceDetection(Box(1, 0, 10, 10), 0.6, POINTS)
    elsewhere = FaceDetection(Box(90, 0, 10, 10), 0.5, POINTS)
    assert distinct([unsure, elsewhere, sure]) == (sure, elsewhere)


def test_a_detection_moves_with_its_square() -> None:
    """Found in a 100 px square over 200 px of image, everything doubles and shifts."""
    back = invert(LevelSquare((300, 200), 200).transform(100))
    moved = FaceDetection(Box(10, 20, 30, 40), 0.8, POINTS).moved(back)
    assert moved.box == pytest.approx((220, 140, 60, 80))
    assert moved.points[0] == pytest.approx((224, 128))
    assert moved.inter_eye_px == pytest.approx(12)

"""Compares templates: two of them, or every one with every other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from idv.checks.face_match.calibration import Calibration
from idv.domain.faces import FaceTemplate


def compare(one: FaceTemplate, other: FaceTemplate, calibration: Calibration) -> float:
    """Log-likelihood ratio (natural logarithm) that two templates are of the same person.

    Raises ValueError when a template lacks a model of the calibration.
    """
    left, right = calibration.prepared(one), calibration.prepared(other)
    return float(left.vector @ right.vector) + left.bias + right.bias + calibration.offset


def compare_all(
    ones: Sequence[FaceTemplate], others: Sequence[FaceTemplate], calibration: Calibration
) -> NDArray[np.float64]:
    """Log-likelihood ratios (len(ones), len(others)) of every pair. Raises as `compare`."""
    left, left_bias = _stacked(ones, calibration)
    right, right_bias = _stacked(others, calibration)
    ratios: NDArray[np.float64] = left @ right.T
    return ratios + left_bias[:, None] + right_bias + calibration.offset


def _stacked(
    templates: Sequence[FaceTemplate], calibration: Calibration
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors (N, D) and biases (N,)."""
    prepared = [calibration.prepared(template) for template in templates]
    return np.stack([p.vector for p in prepared]), np.array([p.bias for p in prepared])

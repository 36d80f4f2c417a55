"""Compares templates: two of them, or every one with every other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idv.checks.face_match.calibration import Calibration
from idv.domain.faces import FaceTemplate

Positions = NDArray[np.int32]


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
    faces = ComparableFaces.of([*ones, *others], calibration)
    positions = np.arange(len(ones) + len(others), dtype=np.int32)
    return faces.across(positions[: len(ones)], positions[len(ones) :])


@dataclass(frozen=True)
class ComparableFaces:
    """Implements ports.PreparedTemplates: `vectors` (N, D) and `biases` (N,) float64."""

    vectors: NDArray[np.float64] = field(repr=False)
    biases: NDArray[np.float64] = field(repr=False)
    offset: float

    @classmethod
    def of(cls, templates: Sequence[FaceTemplate], calibration: Calibration) -> "ComparableFaces":
        """Prepare each template once. Raises as `compare`."""
        prepared = [calibration.prepared(template) for template in templates]
        vectors = np.stack([p.vector for p in prepared]) if prepared else np.empty((0, 0))
        return cls(vectors, np.array([p.bias for p in prepared]), calibration.offset)

    def across(self, rows: Positions, columns: Positions) -> NDArray[np.float64]:
        """Log-likelihood ratios (len(rows), len(columns)) of every pair."""
        ratios: NDArray[np.float64] = self.vectors[rows] @ self.vectors[columns].T
        ratios += self.biases[rows][:, None] + self.offset
        ratios += self.biases[columns]
        return ratios

    def along(self, rows: Positions, columns: Positions) -> NDArray[np.float64]:
        """Log-likelihood ratios (N,) of rows[i] with columns[i]."""
        products = np.einsum("nd,nd->n", self.vectors[rows], self.vectors[columns])
        ratios: NDArray[np.float64] = products + self.biases[rows] + self.biases[columns] + self.offset
        return ratios

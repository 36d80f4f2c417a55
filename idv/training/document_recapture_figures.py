"""Errors of the recapture network by species, beside what measures without a network give."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.metrics.calibration import LlrModel, fit_llr
from idv.metrics.error_rates import roc_auc
from idv.training.document_recapture_data import RECAPTURES, Stock
from idv.training.pad_figures import ErrorRate, apcer, bpcer
from idv.vision.models.document_recapture import PATCH_PX

REFUSED = 0.05
"""Share of the genuine documents held back from training that the threshold of these figures refuses."""
_GENUINE_KINDS = ("photo", "scan")
_BLOCK = 8
_HIGH = 0.35
"""Periods a px above which energy counts as high-frequency."""


@dataclass(frozen=True)
class Figures:
    """One species of recapture against the genuine documents of the same table.

    `auc`, `baseline_auc`: areas under the ROC, of the network and of measures without one. `passed`: share of
    the recaptures at or above the threshold.
    """

    auc: float
    baseline_auc: float
    passed: ErrorRate


@dataclass(frozen=True)
class Scored:
    """One table: its kinds (N,) str, the network's logits and the baseline's scores (N,)."""

    kinds: Array
    logits: FloatArray
    baseline: FloatArray

    @property
    def genuine(self) -> Array:
        """(N,) bool."""
        return np.isin(self.kinds, _GENUINE_KINDS)

    def threshold(self) -> float:
        """The logit below which `REFUSED` of this table's genuine documents lie."""
        return float(np.quantile(self.logits[self.genuine], REFUSED))

    def figures(self, threshold: float) -> Mapping[str, Figures]:
        """By species, and over `all` of them."""
        named = {str(species): self.kinds == species for species in RECAPTURES}
        named = {species: rows for species, rows in named.items() if rows.any()}
        return {
            name: self._against(rows, threshold) for name, rows in {**named, "all": ~self.genuine}.items()
        }

    def refused(self, kind: str, threshold: float) -> ErrorRate:
        """Share of the genuine documents of one kind below the threshold."""
        return bpcer(self.logits[self.kinds == kind], threshold)

    def _against(self, rows: Array, threshold: float) -> Figures:
        return Figures(
            auc=roc_auc(self.logits[self.genuine], self.logits[rows]),
            baseline_auc=roc_auc(self.baseline[self.genuine], self.baseline[rows]),
            passed=apcer(self.logits[rows], threshold),
        )


def fit_baseline(stock: Stock) -> LlrModel:
    """A logistic regression on `measures` of the training rows."""
    rows = np.flatnonzero(~stock.validated)
    seen, genuine = measures(stock, rows), stock.genuine[rows]
    return fit_llr(seen[genuine], seen[~genuine], ridge=1e-3)


def measures(stock: Stock, rows: Array) -> FloatArray:
    """Of each row: log sharpness, log high-frequency energy, log blockiness, mean chroma; (N, 4)."""
    margin = (stock.squares.shape[2] - PATCH_PX) // 2
    middle = slice(margin, margin + PATCH_PX)
    return np.stack(
        [np.mean([_measured(p) for p in stock.squares[row, :, middle, middle]], axis=0) for row in rows]
    )


def _measured(patch: RgbImage) -> FloatArray:
    luma = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sharpness = cv2.Laplacian(luma, cv2.CV_32F).var()
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH_PX), np.fft.rfftfreq(PATCH_PX), indexing="ij"))
    high = (np.abs(np.fft.rfft2(luma - luma.mean())) ** 2)[frequency > _HIGH].mean()
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
    by_phase = np.array([steps[phase::_BLOCK].mean() for phase in range(_BLOCK)])
    blockiness = by_phase.max() / (np.median(by_phase) + 1e-3)
    chroma = np.ptp(patch.astype(np.float32), axis=2).mean()
    return np.array([np.log(sharpness + 1), np.log(high + 1), np.log(blockiness + 1e-3), chroma], np.float32)

"""Figures of presentation attack detection (ISO/IEC 30107-3), beside what sharpness alone gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from idv.domain.arrays import Array, FloatArray
from idv.domain.operating_points import Interval
from idv.metrics.calibration import LlrModel, fit_llr
from idv.metrics.error_rates import fmr, fnmr, roc_auc, threshold_at_fmr
from idv.metrics.intervals import wilson
from idv.training.pad_data import Table


@dataclass(frozen=True)
class ErrorRate:
    """Errors among trials; `interval` is Wilson's at 95 %."""

    errors: int
    trials: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.errors / self.trials

    @property
    def interval(self) -> Interval:
        """Wilson's score interval."""
        return wilson(self.errors, self.trials)

    def __str__(self) -> str:
        low, high = self.interval.low, self.interval.high
        return f"{100 * self.value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Figures:
    """One species against the bona fide presentations of the same source.

    `auc`, `sharpness_auc`: areas under the ROC in [0, 1]. `bpcer_at_5`, `bpcer_at_1`: BPCER where the APCER
    of this species is at most 5 % and 1 %.
    """

    attacks: int
    auc: float
    sharpness_auc: float
    bpcer_at_5: ErrorRate
    bpcer_at_1: ErrorRate

    def __str__(self) -> str:
        return (
            f"AUC {self.auc:.4f} (sharpness alone {self.sharpness_auc:.3f}), "
            f"BPCER at APCER 5 %: {self.bpcer_at_5}, at 1 %: {self.bpcer_at_1}; "
            f"{self.bpcer_at_5.trials} bona fide, {self.attacks} attacks"
        )


_DEVELOPMENT = ("validation", "captured")
_MOST_APCER, _MOST_REJECTED = 0.07, 0.01
"""Of attacks that pass: what NIST SP 800-63A-4 allows (IAPAR); of bona fide presentations that fail."""


class Cut(NamedTuple):
    """Log-likelihood ratios from which on a presentation passes, and below which it is rejected."""

    threshold: float
    reject_below: float


@dataclass(frozen=True)
class Scores:
    """Tables by name, and the logits (N, 3) of networks that never saw the people in them.

    Names: `validation`, `test`, `test_held_out`, `test_fine` (simulated, of photographs apart from training),
    `photographs` (those photographs as they are, bona fide all), `captured`, and `captured_elsewhere`: the
    same captures scored by a network that saw nothing of their source.
    """

    tables: dict[str, Table]
    logits: dict[str, FloatArray]

    def calibrated(self) -> LlrModel:
        """The log-likelihood ratio fitted on validation photographs and captures; never on a test table."""
        tables = [self.tables[name] for name in _DEVELOPMENT]
        logits = np.concatenate([self.logits[name] for name in _DEVELOPMENT])
        genuine = np.concatenate([table.genuine for table in tables])
        return fit_llr(logits[genuine], logits[~genuine], ridge=1e-3)

    def cut(self, llr: Callable[[FloatArray], Array]) -> Cut:
        """Where to cut, from development tables alone.

        Pass: at most 7 % of the worst species. Reject: at most 1 % of the bona fide presentations of the
        worst source; what lies between is asked for again.
        """
        passing, rejected = [], []
        for name in _DEVELOPMENT:
            scored, genuine = llr(self.logits[name]), self.tables[name].genuine
            rejected.append(float(np.quantile(scored[genuine], _MOST_REJECTED, method="lower")))
            for _, rows in self.slices(name):
                passing.append(threshold_at_fmr(scored[rows & ~genuine], _MOST_APCER))
        return Cut(max(passing), min(*rejected, max(passing)))

    def slices(self, name: str) -> Iterator[tuple[str, Array]]:
        """Each attack species of a table, with the rows of it and of all bona fide presentations."""
        table = self.tables[name]
        for species in np.unique(table.species[~table.genuine]):
            yield str(species), table.genuine | (table.species == species)


def measured(scores: Scores, name: str, llr: Array) -> dict[str, Figures]:
    """Figures of each species of one table from its calibrated scores (N,)."""
    table = scores.tables[name]
    baseline = sharpness(table.detail)
    return {
        species: figures(llr[rows], table.genuine[rows], baseline[rows])
        for species, rows in scores.slices(name)
    }


def figures(scores: Array, genuine: Array, sharpness_of: Array) -> Figures:
    """Figures of scores (N,), higher = bona fide; `genuine` (N,) bool; `sharpness_of` (N,) as `sharpness`."""
    bona_fide, attacks = scores[genuine], scores[~genuine]
    return Figures(
        attacks=len(attacks),
        auc=roc_auc(bona_fide, attacks),
        sharpness_auc=roc_auc(sharpness_of[genuine], sharpness_of[~genuine]),
        bpcer_at_5=bpcer_at_apcer(bona_fide, attacks, 0.05),
        bpcer_at_1=bpcer_at_apcer(bona_fide, attacks, 0.01),
    )


def bpcer_at_apcer(bona_fide: Array, attacks: Array, target: float) -> ErrorRate:
    """Share of bona fide presentations refused where at most `target` of the attacks are accepted."""
    return bpcer(bona_fide, threshold_at_fmr(attacks, target))


def bpcer(bona_fide: Array, threshold: float) -> ErrorRate:
    """Bona fide presentation classification error rate: scores below the threshold."""
    return ErrorRate(round(fnmr(bona_fide, threshold) * len(bona_fide)), len(bona_fide))


def apcer(attacks: Array, threshold: float) -> ErrorRate:
    """Attack presentation classification error rate of one species: scores at or above the threshold."""
    return ErrorRate(round(fmr(attacks, threshold) * len(attacks)), len(attacks))


def sharpness(images: Array) -> Array:
    """Variance of the Laplacian of each image, (N, H, W, 3) uint8 -> (N,): the baseline without a model."""
    grey = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images)
    return np.array([cv2.Laplacian(plane, cv2.CV_32F).var() for plane in grey])

"""Figures of the tampering network by forgery type, beside two baselines that nothing was learned for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from idv.domain.operating_points import Interval
from idv.metrics.error_rates import fmr, roc_auc
from idv.metrics.intervals import wilson
from idv.training.document_tampering_data import Sample
from idv.training.document_tampering_fitting import judged
from idv.training.document_tampering_network import DEAD_ZONE, NOISE, Judge

ALL = "all"
_RESAMPLES = 500
_MAD_TO_DEVIATION = 1.4826
_DFRR = 0.05


class Scored(NamedTuple):
    """One side: `logit` of the network, `noise` and `blocks` of the baselines; higher = more genuine.

    `pointed`: whether the hottest three by three cells lie on what was altered; None for a genuine side.
    """

    case: int
    species: str
    capture: str
    logit: float
    noise: float
    blocks: float
    pointed: bool | None


@dataclass(frozen=True)
class Figures:
    """One species against the genuine sides of the same source.

    `auc`, `noise_auc`, `blocks_auc`: areas under the ROC. `missed`: share accepted where 5 % of the genuine
    sides are refused. `pointed`: share whose hottest place is an altered one. Intervals at 95 %.
    """

    species: str
    genuine: int
    forged: int
    auc: float
    auc_interval: Interval
    noise_auc: float
    blocks_auc: float
    missed: float
    missed_interval: Interval
    pointed: float

    def __str__(self) -> str:
        return (
            f"{self.species:22} AUC {self.auc:.3f} "
            f"[{self.auc_interval.low:.3f}, {self.auc_interval.high:.3f}] "
            f"(noise alone {self.noise_auc:.3f}, dead zone alone {self.blocks_auc:.3f}), missed at DFRR 5 %: "
            f"{100 * self.missed:.0f} % [{100 * self.missed_interval.low:.0f}, "
            f"{100 * self.missed_interval.high:.0f}], pointed at {100 * self.pointed:.0f} %; "
            f"{self.genuine} genuine, {self.forged} forged"
        )


def score(judge: Judge, samples: Sequence[Sample]) -> list[Scored]:
    """The network's and the baselines' scores of sides."""
    return [
        Scored(
            sample.case,
            sample.species,
            sample.capture,
            logit,
            _deviation(sample, NOISE),
            _deviation(sample, DEAD_ZONE),
            _pointed(cells, sample) if sample.species else None,
        )
        for sample, (logit, cells) in zip(samples, judged(judge, samples), strict=True)
    ]


def figures(scored: Sequence[Scored], *, seed: int = 0) -> Iterator[Figures]:
    """Of every species of a source, then of all together."""
    genuine = [one for one in scored if not one.species]
    forged = [one for one in scored if one.species]
    for species in sorted({one.species for one in forged}):
        yield _of(species, genuine, [one for one in forged if one.species == species], seed=seed)
    yield _of(ALL, genuine, forged, seed=seed)


def _of(species: str, genuine: Sequence[Scored], forged: Sequence[Scored], *, seed: int) -> Figures:
    threshold = float(np.quantile([one.logit for one in genuine], _DFRR, method="lower"))
    missed = fmr([one.logit for one in forged], threshold)
    return Figures(
        species=species,
        genuine=len(genuine),
        forged=len(forged),
        auc=_auc(genuine, forged, "logit"),
        auc_interval=_resampled(genuine, forged, np.random.default_rng(seed)),
        noise_auc=_auc(genuine, forged, "noise"),
        blocks_auc=_auc(genuine, forged, "blocks"),
        missed=missed,
        missed_interval=wilson(round(missed * len(forged)), len(forged)),
        pointed=float(np.mean([bool(one.pointed) for one in forged])),
    )


def _auc(genuine: Iterable[Scored], forged: Iterable[Scored], of: str) -> float:
    return roc_auc([getattr(one, of) for one in genuine], [getattr(one, of) for one in forged])


def _resampled(genuine: Sequence[Scored], forged: Sequence[Scored], rng: np.random.Generator) -> Interval:
    """Percentiles of the AUC over resampled cases: pictures of one case share a photograph."""
    cases = sorted({one.case for one in (*genuine, *forged)})
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(cases), len(cases)), minlength=len(cases))
        times = dict(zip(cases, drawn.tolist(), strict=True))
        one = [side.logit for side in genuine for _ in range(times[side.case])]
        other = [side.logit for side in forged for _ in range(times[side.case])]
        if one and other:
            found.append(roc_auc(one, other))
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(low), float(high))


def _deviation(sample: Sample, channel: int) -> float:
    """Minus the largest deviation of three by three cells from the side's median, in its own spread."""
    inside = sample.inside.float()
    if inside.sum() == 0:
        return 0.0
    values = sample.traces[channel].float()
    known = values[inside > 0]
    middle = known.median()
    spread = (known - middle).abs().median() * _MAD_TO_DEVIATION + 1e-3
    apart = _calm((values - middle) / spread * inside)
    return -float((apart.abs() * inside).max())


def _pointed(cells: Tensor, sample: Sample) -> bool:
    heat = _calm(torch.sigmoid(cells) * sample.inside.float())
    return bool(sample.altered.flatten()[int(heat.argmax())])


def _calm(plane: Tensor) -> Tensor:
    return functional.avg_pool2d(plane[None, None], 3, stride=1, padding=1)[0, 0]

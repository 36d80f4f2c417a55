"""Fits the judge of the tampering network to maps of traces; the same maps and seed give the same weights."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from idv.training.document_tampering_data import GENERIC, Sample, as_planes, load
from idv.training.document_tampering_network import Judge

_LEAST_SPREAD = 0.05
_STATISTICS_FROM = 60
_KEPT_EVERY = 50
_MOST_GRADIENT = 5.0
_LEAST_WINDOW = 0.55


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to fit. `steps` of `batch` sides each; `side_weight` against the cells' loss."""

    steps: int = 2900
    batch: int = 8
    peak_rate: float = 3e-3
    weight_decay: float = 0.02
    side_weight: float = 0.5
    label_smoothing: float = 0.03
    seed: int = 20261122


def fit(
    maps: Sequence[Path],
    schedule: Schedule,
    *,
    start: Judge | None = None,
    kept: Path | None = None,
    told: Callable[[int, float], None] | None = None,
) -> Judge:
    """Train on the maps of whole cases; half of all sides drawn are genuine, half altered.

    `start` is trained on (and changed); without it a fresh judge. `kept`: where a broken run goes on from.
    `told` hears a step's number and the mean loss since the last time.
    """
    torch.manual_seed(schedule.seed)
    torch.use_deterministic_algorithms(mode=True)
    rng = np.random.default_rng(schedule.seed)
    samples = [sample for path in maps for sample in load(path)]
    judge = start or _fresh(samples, rng)
    course = _Course(judge, schedule, rng)
    if kept is not None and kept.exists():
        course.load(kept)
    chances = _chances(samples)
    losses: list[float] = []
    while course.step < schedule.steps:
        rows = rng.choice(len(samples), schedule.batch, p=chances)
        losses.append(course.advance([samples[row] for row in rows]))
        if course.step % _KEPT_EVERY == 0:
            if kept is not None:
                course.save(kept)
            if told:
                told(course.step, sum(losses) / len(losses))
            losses.clear()
    judge.eval()
    return judge


class _Course:
    """Where a fit stands: weights, optimiser, rate, random numbers, and the number of steps taken."""

    def __init__(self, judge: Judge, schedule: Schedule, rng: np.random.Generator) -> None:
        self.step = 0
        self._judge, self._schedule, self._rng = judge, schedule, rng
        self._optimiser = torch.optim.AdamW(judge.parameters(), weight_decay=schedule.weight_decay)
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, schedule.peak_rate, total_steps=schedule.steps, pct_start=0.15
        )

    def advance(self, samples: Sequence[Sample]) -> float:
        """One step on these sides; their mean loss."""
        self._optimiser.zero_grad()
        total = 0.0
        for sample in samples:
            loss = _loss(self._judge, sample, self._schedule, self._rng) / len(samples)
            loss.backward()
            total += float(loss.detach())
        nn.utils.clip_grad_norm_(self._judge.parameters(), _MOST_GRADIENT)
        self._optimiser.step()
        self._rate.step()
        self.step += 1
        return total

    def save(self, path: Path) -> None:
        """Keep everything in a file."""
        parts = (self._judge, self._optimiser, self._rate)
        state = {"step": self.step, "rng": self._rng.bit_generator.state}
        torch.save(state | {"parts": [part.state_dict() for part in parts]}, path)

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote."""
        state = torch.load(path, weights_only=True)
        judge, optimiser, rate = state["parts"]
        self._judge.load_state_dict(judge)
        self._optimiser.load_state_dict(optimiser)
        self._rate.load_state_dict(rate)
        self.step, self._rng.bit_generator.state = state["step"], state["rng"]


def _fresh(samples: Sequence[Sample], rng: np.random.Generator) -> Judge:
    judge = Judge()
    _standardise(judge, rng.permutation(len(samples))[:_STATISTICS_FROM], samples)
    return judge


def judged(judge: Judge, samples: Iterable[Sample]) -> list[tuple[float, Tensor]]:
    """The logit of each side and its cells' (h, w)."""
    found = []
    with torch.no_grad():
        for sample in samples:
            traces, inside, _ = as_planes(sample)
            judgement = judge(traces, inside)
            found.append((float(judgement.logit), judgement.cells[0, 0]))
    return found


def _loss(judge: Judge, sample: Sample, schedule: Schedule, rng: np.random.Generator) -> Tensor:
    """Cross-entropy of cells, altered ones counting as much as the others, and of the whole side."""
    traces, inside, altered = _mirrored(*_window(as_planes(sample), rng), rng)
    judgement = judge(traces, inside)
    target = altered * inside
    share = target.sum() / inside.sum().clamp(min=1)
    # Not quite balanced: a line of print is a fiftieth of a side, and its quad is only mostly altered.
    weight = inside * torch.where(target > 0, (0.5 / share.clamp(min=0.02)).clamp(max=10.0), 1.0)
    by_cell = nn.functional.binary_cross_entropy_with_logits(
        judgement.cells,
        target * (1 - schedule.label_smoothing) + schedule.label_smoothing / 2,
        weight,
        reduction="sum",
    ) / weight.sum().clamp(min=1)
    genuine = torch.full_like(judgement.logit, float(not target.any()))
    smoothed = genuine * (1 - schedule.label_smoothing) + schedule.label_smoothing / 2
    whole = nn.functional.binary_cross_entropy_with_logits(judgement.logit, smoothed)
    loss: Tensor = by_cell + schedule.side_weight * whole
    return loss


def _window(planes: tuple[Tensor, Tensor, Tensor], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A part of the side: another layout each time, and quicker. Where it holds nothing altered, genuine."""
    high, wide = planes[0].shape[2:]
    y, x = (_span(size, rng) for size in (high, wide))
    traces, inside, altered = (plane[:, :, y, x] for plane in planes)
    return traces, inside, altered


def _span(size: int, rng: np.random.Generator) -> slice:
    kept = max(1, round(size * rng.uniform(_LEAST_WINDOW, 1.0)))
    first = int(rng.integers(size - kept + 1))
    return slice(first, first + kept)


def _mirrored(
    traces: Tensor, inside: Tensor, altered: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Cells in mirrored order: where on a side something lies carries nothing."""
    along = [axis for axis in (2, 3) if rng.integers(2)]
    if not along:
        return traces, inside, altered
    return traces.flip(along), inside.flip(along), altered.flip(along)


def _standardise(judge: Judge, chosen: Iterable[int], samples: Sequence[Sample]) -> None:
    """Set mean and spread of every channel to those of some sides."""
    rows = [
        samples[index].traces[:, samples[index].inside > 0].float()
        for index in chosen
        if samples[index].inside.any()
    ]
    values = torch.cat(rows, dim=1)
    judge.mean.copy_(values.mean(dim=1)[None, :, None, None])
    judge.spread.copy_(values.std(dim=1).clamp(min=_LEAST_SPREAD)[None, :, None, None])


def _chances(samples: Sequence[Sample]) -> np.ndarray:
    """Halves by class; a third of the altered are edits of no particular forger; species count alike."""
    kinds = np.array([sample.species or f"genuine {sample.capture}" for sample in samples])
    shares = {"genuine photo": 0.33, "genuine scan": 0.17, GENERIC: 0.17}
    others = [kind for kind in np.unique(kinds) if kind not in shares]
    shares |= dict.fromkeys(others, 0.33 / max(len(others), 1))
    # A side whose change fell outside its cells, or was too small for them, teaches nothing.
    usable = np.array([not s.species or bool((s.altered & s.inside).any()) for s in samples])
    chances = np.zeros(len(samples))
    for kind, share in shares.items():
        rows = (kinds == kind) & usable
        chances[rows] = share / max(rows.sum(), 1)
    return np.asarray(chances / chances.sum(), np.float64)

"""Fits the PAD network to a table of cut presentations; the same table and seed give the same weights."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.training.pad_data import CAPTURED, Table
from idv.training.pad_network import Branch, Spectrum
from idv.vision.models.pad import NATIVE_PX

_IMAGE_DIMENSIONS = 4
_TOLD_EVERY = 50


class CutName(StrEnum):
    """The cuts of a face, and the branches that see them."""

    CONTEXT = "context"
    DETAIL = "detail"
    NATIVE = "native"


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to fit."""

    steps: int = 400
    batch: int = 64
    peak_rate: float = 3e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    captured_share: float = 0.3
    seed: int = 20240601


class Schedules(NamedTuple):
    """How the base is fitted on simulations, and how it is tuned with real captures among them."""

    base: Schedule = Schedule(steps=1000)
    tuning: Schedule = Schedule(steps=100, peak_rate=1e-3)


class _Batch(NamedTuple):
    images: Tensor
    genuine: Tensor


def fresh(cut: CutName) -> nn.Module:
    """An untrained branch for this cut."""
    return Spectrum(NATIVE_PX) if cut is CutName.NATIVE else Branch()


def fit(
    table: Table,
    cut: CutName,
    schedule: Schedule,
    *,
    start: nn.Module | None = None,
    told: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train the branch of one cut; every batch holds as many bona fide presentations as attacks.

    The branches share nothing, so they are trained apart and side by side. `start` is trained on (and
    changed); without it a fresh one. `told` hears a step's number and the mean loss of the last fifty.
    """
    torch.manual_seed(schedule.seed)
    torch.use_deterministic_algorithms(mode=True)
    # Nothing reads memory before writing it; filling it all the same costs a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # untyped
    rng = np.random.default_rng(schedule.seed)
    branch = start or fresh(cut)
    # Channels last: 1.4 times as fast on a CPU. Done by tensor: the published types of `to` do not know it.
    for parameter in branch.parameters():
        if parameter.dim() == _IMAGE_DIMENSIONS:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(branch.parameters(), weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.peak_rate, total_steps=schedule.steps, pct_start=0.2
    )
    chances = _chances(table, schedule.captured_share)
    losses: deque[float] = deque(maxlen=_TOLD_EVERY)
    for step in range(1, schedule.steps + 1):
        rows = rng.choice(len(table), schedule.batch, p=chances)
        batch = _drawn(table, cut, rows, rng)
        losses.append(_step(branch, optimiser, batch, smoothing=schedule.label_smoothing))
        rate.step()
        if told and step % _TOLD_EVERY == 0:
            told(step, sum(losses) / len(losses))
    branch.eval()
    return branch


def logits(network: nn.Module, table: Table, *, batch: int = 128) -> FloatArray:
    """All branches' logits (N, 3) float32, averaged over mirror images and patches as at run time."""
    network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(table), batch):
            rows = slice(start, start + batch)
            context, detail = _tensor(table.context[rows]), _tensor(table.detail[rows])
            first, second = (_tensor(table.native[rows, patch]) for patch in range(2))
            mirrored = network(context.flip(3), detail.flip(3), second)
            found.append(((network(context, detail, first) + mirrored) / 2).numpy())
    return np.concatenate(found).astype(np.float32)


def _step(branch: nn.Module, optimiser: torch.optim.Optimizer, batch: _Batch, *, smoothing: float) -> float:
    branch.train()
    target = batch.genuine * (1 - smoothing) + smoothing / 2
    loss = nn.functional.binary_cross_entropy_with_logits(branch(batch.images)[:, 0], target)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def _chances(table: Table, captured_share: float) -> Array:
    """Sampling probability of each row: halves by class, `captured_share` of each to real captures.

    Within an attack class every species counts alike, however many rows it has.
    """
    real = table.instrument == CAPTURED
    chances = np.zeros(len(table))
    for genuine in (True, False):
        ours = table.genuine == genuine
        shares = {True: captured_share, False: 1 - captured_share}
        shares = {kind: share for kind, share in shares.items() if (ours & (real == kind)).any()}
        for kind, share in shares.items():
            here = ours & (real == kind)
            for species in np.unique(table.species[here]):
                rows = here & (table.species == species)
                chances[rows] = share / len(np.unique(table.species[here])) / rows.sum()
    weights: Array = chances / chances.sum()
    return weights


def _drawn(table: Table, cut: CutName, rows: Array, rng: np.random.Generator) -> _Batch:
    if cut is CutName.NATIVE:
        drawn = np.stack([_varied(table.native[row, rng.integers(2)], rng, shift_px=0) for row in rows])
    else:
        images = table.context if cut is CutName.CONTEXT else table.detail
        drawn = np.stack([_varied(images[row], rng, shift_px=images.shape[1] // 16) for row in rows])
        for image in drawn:
            _punch(image, rng)
    return _Batch(_planes(drawn), torch.from_numpy(table.genuine[rows].astype(np.float32)))


def _varied(image: RgbImage, rng: np.random.Generator, *, shift_px: int) -> FloatArray:
    """Mirror, shift, tone curve, tint and noise; (H, W, 3) uint8 -> float32 in [0, 1] of the same size."""
    flipped = image[:, ::-1] if rng.integers(2) else image
    height, width = image.shape[:2]
    border = cv2.copyMakeBorder(flipped, shift_px, shift_px, shift_px, shift_px, cv2.BORDER_REFLECT_101)
    y, x = rng.integers(0, 2 * shift_px + 1, 2)
    toned = cv2.LUT(border[y : y + height, x : x + width], _tone_curves(rng))
    # Noise costs more than all the rest: every other image has its own.
    if rng.integers(2):
        toned = toned + np.float32(rng.exponential(0.012)) * rng.standard_normal(toned.shape, np.float32)
    return np.asarray(np.clip(toned, 0, 1), np.float32)


def _tone_curves(rng: np.random.Generator) -> FloatArray:
    """One curve a channel: gamma and contrast alike for all, gain a little apart; (1, 256, 3) float32."""
    values = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.75, 1.35)
    values = (values - 0.5) * rng.uniform(0.75, 1.3) + 0.5 * rng.uniform(0.75, 1.25)
    return np.asarray(values * rng.normal(1, 0.06, 3), np.float32)[None]


def _punch(image: FloatArray, rng: np.random.Generator) -> None:
    """Grey out a rectangle in a third of the images: no single place may carry the decision."""
    if rng.integers(3) == 0:
        height, width = image.shape[:2]
        high, wide = rng.integers(height // 6, height // 2, 2)
        top, left = rng.integers(0, height - high), rng.integers(0, width - wide)
        image[top : top + high, left : left + wide] = rng.random()


def _planes(images: FloatArray) -> Tensor:
    # A view of channels-last memory: the layout that the convolutions are fastest in.
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _tensor(images: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().div_(255)

"""Fits the recapture network to a stock of squares; the same stock and seed give the same weights.

First what is told of patches, then, on those descriptions, the judgement on a whole document.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from idv.domain.arrays import Array, FloatArray, RgbImage
from idv.training.document_recapture_data import LEAST_SCALE, Stock
from idv.training.document_recapture_network import RecaptureNetwork, darkest
from idv.vision.imaging.squares import planes
from idv.vision.models.document_recapture import PATCH_PX
from idv.vision.synthesis.forgeries.species import ForgeryType
from idv.vision.synthesis.uploads import TRAINING_ENCODERS, encoded

_IMAGE_DIMENSIONS = 4
_MEAN_OVER = 25
_TOLD_AT_ONCE = 8
_CONCLUSION_BATCH = 128
_MISSED = 0.005
_PATCHES = (3, 6)
"""How many patches of each document a late step takes, the end excluded."""
SHARES = {
    "photo": 0.28,
    "scan": 0.22,
    ForgeryType.SCREEN_RECAPTURE: 0.14,
    ForgeryType.PRINT_RECAPTURE: 0.17,
    ForgeryType.DIGITAL_COMPOSITE: 0.13,
    ForgeryType.GREY_COPY: 0.06,
}
"""How often a batch shows each kind."""
_NOISELESS = ForgeryType.DIGITAL_COMPOSITE


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to fit. `alone`: weight of the loss of single patches.

    Early steps take one patch each of `wide` documents, since many documents teach more than many patches of
    few; the last `late` of them, a share, take several patches of `batch` documents, as the service does.
    `again`: steps of a second, gentler cycle of the same. `conclusion`: steps of the judgement on whole
    documents.
    """

    steps: int = 1300
    again: int = 450
    wide: int = 48
    batch: int = 12
    late: float = 0.3
    conclusion: int = 1500
    peak_rate: float = 2e-3
    rate_again: float = 1e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    alone: float = 0.3
    seed: int = 20261122


class _Cycle(NamedTuple):
    """Steps after `before` up to `last`, and the highest rate among them."""

    before: int
    last: int
    peak_rate: float


class _Batch(NamedTuple):
    patches: Tensor
    genuine: Array


class _Done(NamedTuple):
    """The last step of an earlier run, and its rate and optimiser, which PyTorch gives no closer type."""

    step: int
    rate: dict[str, Any]
    optimiser: dict[str, Any]


class Checkpoint(NamedTuple):
    """Where the state is written to, and every how many steps; a run that finds one goes on from there."""

    path: Path
    every: int = 100


def fit(
    stock: Stock,
    schedule: Schedule,
    *,
    checkpoint: Checkpoint | None = None,
    told: Callable[[int, float], None] | None = None,
) -> RecaptureNetwork:
    """Train on the rows that are not kept for validation.

    `told` hears each step's number and the mean loss of the last 25.
    """
    torch.manual_seed(schedule.seed)
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # untyped
    network = RecaptureNetwork()
    # Channels last: 1.4 times as fast on a CPU. Done by tensor: the published types of `to` do not know it.
    for parameter in network.parameters():
        if parameter.dim() == _IMAGE_DIMENSIONS:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, weight_decay=schedule.weight_decay)
    done = _resumed(checkpoint, network, optimiser)
    losses: deque[float] = deque(maxlen=_MEAN_OVER)
    for cycle in _cycles(schedule):
        if done.step >= cycle.last:
            continue
        rate = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, cycle.peak_rate, total_steps=cycle.last - cycle.before, pct_start=0.2
        )
        if done.step > cycle.before:
            rate.load_state_dict(done.rate)
            optimiser.load_state_dict(done.optimiser)  # a new cycle has just set its rates back
        for step in range(max(done.step, cycle.before) + 1, cycle.last + 1):
            losses.append(_step(network, optimiser, _batch(stock, step, cycle, schedule), schedule))
            rate.step()
            if checkpoint and step % checkpoint.every == 0:
                _save(checkpoint.path, step, network, optimiser, rate)
            if told:
                told(step, sum(losses) / len(losses))
    network.eval()
    return network


def conclude(network: RecaptureNetwork, stock: Stock, schedule: Schedule) -> RecaptureNetwork:
    """Fit the judgement on whole documents to the descriptions of all training rows, half of them varied.

    Nothing but `judge` changes. Cheap: each row is described once, and the judgement is two small layers.
    """
    rng = np.random.default_rng([schedule.seed, 0])
    rows = np.flatnonzero(~stock.validated)
    told = _all_told(network, stock, rows, rng)
    chances, genuine = _chances(stock)[rows], stock.genuine[rows]
    torch.manual_seed(schedule.seed)
    network.judge.train()
    optimiser = torch.optim.AdamW(network.judge.parameters(), weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.peak_rate, total_steps=schedule.conclusion, pct_start=0.2
    )
    for _ in range(schedule.conclusion):
        drawn = rng.choice(len(rows), _CONCLUSION_BATCH, p=chances / chances.sum())
        target = torch.from_numpy(genuine[drawn].astype(np.float32))
        target = target * (1 - schedule.label_smoothing) + schedule.label_smoothing / 2
        told_of = [column[torch.from_numpy(drawn)] for column in told]
        told_of[2] = _loosened(told_of[2], rng)
        judged = network.concluded(*told_of)[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(judged, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    network.eval()
    return network


def logits(network: nn.Module, stock: Stock, rows: Array, *, batch: int = 16) -> FloatArray:
    """Logits (N,) float32 of the rows as they are: the middles of their squares, as at run time."""
    network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), batch):
            here = rows[start : start + batch]
            outline = torch.from_numpy(stock.outline[here])
            found.append(network(_as_served(stock, here), outline)[:, 0].numpy())
    return np.concatenate(found).astype(np.float32)


def _all_told(
    network: RecaptureNetwork, stock: Stock, rows: Array, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Descriptions (N, P, 144), darkest print (N, 2) and outlines (N, 2) of the rows, half of them varied."""
    network.eval()
    seen, dark = [], []
    for start in range(0, len(rows), _TOLD_AT_ONCE):
        here = rows[start : start + _TOLD_AT_ONCE]
        varied = _drawn(stock, here, rng, count=stock.squares.shape[1])
        chosen = torch.from_numpy(rng.random(len(here)) < 0.5)  # noqa: PLR2004 - half
        patches = torch.where(chosen[:, None, None, None, None], varied, _as_served(stock, here))
        with torch.no_grad():
            seen.append(network.described(patches))
        dark.append(darkest(patches))
    return torch.cat(seen), torch.cat(dark), torch.from_numpy(stock.outline[rows])


def _as_served(stock: Stock, rows: Array) -> Tensor:
    """The middles of the squares, as the service cuts them: (N, P, 3, side, side)."""
    margin = (stock.squares.shape[2] - PATCH_PX) // 2
    middle = slice(margin, margin + PATCH_PX)
    return torch.from_numpy(np.stack([planes(stock.squares[row][:, middle, middle]) for row in rows]))


def _loosened(outline: Tensor, rng: np.random.Generator) -> Tensor:
    """Outlines as a finder sees them, who misses corners by some thousandths of a width."""
    missed = np.abs(rng.normal(0, _MISSED, tuple(outline.shape))).astype(np.float32)
    return outline + torch.from_numpy(missed)


def _cycles(schedule: Schedule) -> tuple[_Cycle, ...]:
    first = _Cycle(0, schedule.steps, schedule.peak_rate)
    return first, _Cycle(schedule.steps, schedule.steps + schedule.again, schedule.rate_again)


def _batch(stock: Stock, step: int, cycle: _Cycle, schedule: Schedule) -> _Batch:
    """What a step sees; depends on the seed and the step alone."""
    rng = np.random.default_rng([schedule.seed, step])
    torch.manual_seed(schedule.seed + step)
    late = step - cycle.before > (cycle.last - cycle.before) * (1 - schedule.late)
    rows = rng.choice(len(stock), schedule.batch if late else schedule.wide, p=_chances(stock))
    count = int(rng.integers(*_PATCHES)) if late else 1
    return _Batch(_drawn(stock, rows, rng, count=count), stock.genuine[rows])


def _step(
    network: RecaptureNetwork, optimiser: torch.optim.Optimizer, batch: _Batch, schedule: Schedule
) -> float:
    network.train()
    truth = torch.from_numpy(batch.genuine.astype(np.float32))
    target = truth * (1 - schedule.label_smoothing) + schedule.label_smoothing / 2
    together, alone = network.drafted(batch.patches)
    loss_of = nn.functional.binary_cross_entropy_with_logits
    loss = loss_of(together[:, 0], target)
    total = loss + schedule.alone * loss_of(alone, target[:, None].expand_as(alone))
    optimiser.zero_grad()
    total.backward()
    optimiser.step()
    return float(loss.detach())


def _chances(stock: Stock) -> Array:
    """Sampling probability of each row: none where it is validated on, by kind otherwise."""
    chances = np.zeros(len(stock))
    for kind, share in SHARES.items():
        rows = (stock.kind == kind) & ~stock.validated
        chances[rows] = share / max(int(rows.sum()), 1)
    weights: Array = chances / chances.sum()
    return weights


# --- variation ------------------------------------------------------------------------------------------


def _drawn(stock: Stock, rows: Array, rng: np.random.Generator, *, count: int) -> Tensor:
    """`count` patches of each row, (N, count, 3, side, side), a document varied in one way throughout."""
    varied = []
    for row in rows:
        places = rng.choice(stock.squares.shape[1], count, replace=False)
        varied.append(_varied(stock.squares[row, np.sort(places)], rng, noisy=stock.kind[row] != _NOISELESS))
    # A view of channels-last memory: the layout that the convolutions are fastest in.
    return torch.from_numpy(np.stack(varied)).permute(0, 1, 4, 2, 3).float().div_(255)


def _varied(squares: RgbImage, rng: np.random.Generator, *, noisy: bool) -> RgbImage:
    """Patches of one document as another camera, light and upload would have left them.

    (P, S, S, 3) uint8 -> (P, PATCH_PX, PATCH_PX, 3) uint8. Half keep their pixels but for their tones.
    `noisy`: whether noise may be added; what was never photographed is known by having none.
    """
    changed = rng.random() < 0.5  # noqa: PLR2004 - half
    scale = float(rng.uniform(LEAST_SCALE, 1)) if changed and rng.random() < 0.6 else 1.0  # noqa: PLR2004 - chance
    blur = float(rng.uniform(0.3, 1.0)) if changed and rng.random() < 0.3 else 0.0  # noqa: PLR2004 - chance
    noise = float(rng.exponential(2.0)) if noisy and changed and rng.random() < 0.3 else 0.0  # noqa: PLR2004 - chance
    quality = int(rng.integers(60, 99)) if changed else 0
    encoder = TRAINING_ENCODERS[int(rng.integers(len(TRAINING_ENCODERS)))]
    curves, turned, mirrored = _tone_curves(rng), bool(rng.integers(2)), bool(rng.integers(2))
    patches = []
    for whole in squares:
        part = _windowed(whole, scale, rng)
        if blur:
            part = np.asarray(cv2.GaussianBlur(part, (0, 0), blur), np.uint8)
        part = np.asarray(cv2.LUT(part, curves), np.uint8)
        if noise:
            grained = part + noise * rng.standard_normal(part.shape, np.float32)
            part = np.asarray(np.clip(grained + 0.5, 0, 255), np.uint8)
        if quality:
            data = np.frombuffer(encoded(part, encoder, quality=quality), np.uint8)
            part = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
        part = part.transpose(1, 0, 2) if turned else part
        patches.append(part[:, ::-1] if mirrored else part)
    return np.stack(patches)


def _windowed(whole: RgbImage, scale: float, rng: np.random.Generator) -> RgbImage:
    """A patch anywhere in a square, reduced."""
    side = PATCH_PX if scale == 1 else min(round(PATCH_PX / scale), whole.shape[0])
    top, left = rng.integers(0, whole.shape[0] - side + 1, 2)
    part = np.ascontiguousarray(whole[top : top + side, left : left + side])
    if side == PATCH_PX:
        return part
    return np.asarray(cv2.resize(part, (PATCH_PX, PATCH_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _tone_curves(rng: np.random.Generator) -> RgbImage:
    """One curve a channel: gamma and contrast alike for all, gain a little apart; (1, 256, 3) uint8."""
    values = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.75, 1.35)
    values = (values - 0.5) * rng.uniform(0.75, 1.25) + 0.5 * rng.uniform(0.8, 1.2)
    toned = np.clip(values * rng.normal(1, 0.06, 3) * 255 + 0.5, 0, 255)
    return np.asarray(toned, np.uint8)[None]


# --- going on -------------------------------------------------------------------------------------------


def _save(
    path: Path,
    step: int,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    rate: torch.optim.lr_scheduler.LRScheduler,
) -> None:
    state = {
        "step": step,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "rate": rate.state_dict(),
    }
    half = path.with_suffix(".part")
    torch.save(state, half)
    half.replace(path)


def _resumed(checkpoint: Checkpoint | None, network: nn.Module, optimiser: torch.optim.Optimizer) -> _Done:
    if checkpoint is None or not checkpoint.path.exists():
        return _Done(0, {}, {})
    state = torch.load(checkpoint.path, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return _Done(int(state["step"]), state["rate"], state["optimiser"])

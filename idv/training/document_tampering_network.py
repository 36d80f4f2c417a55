"""The tampering network: fixed statistics that carry forensic traces, and a small learned judge of cells."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from idv.vision.models.document_tampering import CELL_PX

_BLOCK = 8
_TO_LUMA_AND_CHROMA = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
_GROUPS = 16
_CROSSED = 2
TRACES = 64 + 2 * _GROUPS + _GROUPS + 3 * _CROSSED + 6 + 3 + 2 * _BLOCK + 4
"""Channels of `Traces`."""
DEAD_ZONE = 64 + 2 * _GROUPS + 10
"""The channel of the share of values near zero in the middle of the higher frequencies of luma."""
NOISE = 64 + 3 * _GROUPS + 3 * _CROSSED + 3
"""The channel of the energy of the highest frequencies of luma in the calmest block."""
_FLOOR = 0.05
"""Added to energies before the logarithm: what rounding to whole levels leaves of a coefficient is 0.083."""
_WIDTH = 48
_DILATIONS = (1, 2, 4)
_HIDDEN = 32
_FARTHEST = 6.0
_OUTSIDE = -30.0
_SHARPNESS = (1.0, 3.0)


class Judgement(NamedTuple):
    """`logit` (N, 1): log-odds that nothing was altered. `cells` (N, 1, h, w): that each cell was altered."""

    logit: Tensor
    cells: Tensor


class DocumentTamperingNetwork(nn.Module):
    """Picture in, judgement out, as it is exported."""

    def __init__(self) -> None:
        super().__init__()
        self.traces = Traces()
        self.judge = Judge()

    def forward(self, image: Tensor, inside: Tensor) -> Judgement:
        """(N, 3, H, W) float32 RGB in [0, 1] and (N, 1, H / 16, W / 16) of 0 and 1."""
        judged: Judgement = self.judge(self.traces(image), inside)
        return judged


class Traces(nn.Module):
    """What cameras, encoders and editors leave behind, by cell of 16 px; nothing in it is learned.

    Of 8 × 8 cosines at the phase of the picture's own JPEG blocks: energies (noise, sharpness, what an
    earlier quantiser took away), shares of values near zero (its dead zone), what luma and chroma have in
    common, the calmest and liveliest block of a cell. Of neighbouring pixels: how differences go with the
    place in a block (blocks of another phase) and in a square of four (a Bayer sensor).
    """

    colours: Tensor
    black: Tensor
    cosines: Tensor
    groups: Tensor
    bands: Tensor
    columns: Tensor
    mosaic: Tensor

    def __init__(self) -> None:
        super().__init__()
        colours = torch.tensor(_TO_LUMA_AND_CHROMA)
        self.register_buffer("colours", colours * 255)
        self.register_buffer("black", -128 * colours.sum(dim=1, keepdim=True))
        self.register_buffer("cosines", _cosines().repeat(3, 1, 1, 1))
        self.register_buffer("groups", _squares_of_four())
        self.register_buffer("bands", _bands())
        self.register_buffer("columns", _phases(_BLOCK, 1))
        self.register_buffer("mosaic", _phases(2, 2))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], sides multiples of 16 -> (N, TRACES, H / 16, W / 16)."""
        # As a product of matrices: runtimes pad convolutions of three channels to sixteen.
        planes = (self.colours @ image.flatten(2) + self.black).unflatten(2, image.shape[2:])
        waves = functional.conv2d(planes, self.cosines, stride=_BLOCK, groups=3)
        return torch.cat([*self._of_blocks(waves), *self._of_neighbours(planes, image)], dim=1)

    def _of_blocks(self, waves: Tensor) -> list[Tensor]:
        luma, blue, red = waves[:, :64], waves[:, 64:128], waves[:, 128:]
        power = luma * luma
        chroma = torch.cat([blue * blue, red * red], dim=1)
        dead = functional.conv2d(1 / (1 + 4 * power), self.groups)
        bands = torch.cat(
            [functional.conv2d(part, self.bands) for part in (power, blue * blue, red * red)], dim=1
        )
        crossed = torch.cat(
            [
                functional.conv2d(one * two, self.bands)
                for one, two in ((luma, blue), (luma, red), (blue, red))
            ],
            dim=1,
        )
        level = torch.cat([luma[:, :1], blue[:, :1], red[:, :1]], dim=1) / _BLOCK
        finest = torch.log(bands[:, 1::_CROSSED] + _FLOOR)
        own, other = _pooled(bands), _pooled(crossed)
        # Luma with blue, luma with red, blue with red: the order of `crossed`.
        one, two = own[:, (0, 1, 0, 1, 2, 3)], own[:, (2, 3, 4, 5, 4, 5)]
        return [
            torch.log(_pooled(power) + _FLOOR),
            torch.log(_pooled(functional.conv2d(chroma, self.groups.repeat(2, 1, 1, 1), groups=2)) + _FLOOR),
            _pooled(dead),
            other / torch.sqrt(one * two + _FLOOR),
            functional.max_pool2d(finest, 2),
            -functional.max_pool2d(-finest, 2),
            _pooled(level) / 64,
        ]

    def _of_neighbours(self, planes: Tensor, image: Tensor) -> list[Tensor]:
        luma, green = planes[:, :1], image[:, 1:2] * 255
        left, right = functional.pad(luma, (1, 0, 0, 0)), functional.pad(luma, (0, 1, 0, 0))
        above, below = functional.pad(luma, (0, 0, 1, 0)), functional.pad(luma, (0, 0, 0, 1))
        across = 2 * luma - left[..., :-1] - right[..., 1:]
        down = 2 * luma - above[..., :-1, :] - below[..., 1:, :]
        wide = functional.pad(green, (1, 1, 1, 1))
        around = (
            4 * green
            - wide[..., :-2, 1:-1]
            - wide[..., 2:, 1:-1]
            - wide[..., 1:-1, :-2]
            - wide[..., 1:-1, 2:]
        )
        return [
            _relative(functional.conv2d(across.abs(), self.columns, stride=CELL_PX)),
            _relative(functional.conv2d(down.abs(), self.columns.transpose(2, 3), stride=CELL_PX)),
            _relative(functional.conv2d(around.abs(), self.mosaic, stride=CELL_PX)),
        ]


class Judge(nn.Module):
    """Compares each cell with the rest of its document, and says where, then whether, something is off."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, TRACES, 1, 1))
        self.register_buffer("spread", torch.ones(1, TRACES, 1, 1))
        self.enter = nn.Conv2d(2 * TRACES, _WIDTH, 1)
        self.blocks = nn.ModuleList(
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=dilation, dilation=dilation) for dilation in _DILATIONS
        )
        self.leave = nn.Conv2d(_WIDTH, 1, 1)
        pooled = 2 * _WIDTH + 1 + len(_SHARPNESS)
        self.decide = nn.Sequential(nn.Linear(pooled, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))

    def forward(self, traces: Tensor, inside: Tensor) -> Judgement:
        """(N, TRACES, h, w) and (N, 1, h, w) of 0 and 1."""
        known = ((traces - self.mean) / self.spread).clamp(-_FARTHEST, _FARTHEST)
        count = inside.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        usual = _mean(known, inside, count)
        scatter = _mean((known - usual) ** 2, inside, count)
        relative = (known - usual) / torch.sqrt(scatter + 0.1)
        seen = functional.relu(self.enter(torch.cat([known, relative], dim=1))) * inside
        for block in self.blocks:
            more = block(seen)
            seen = (seen + functional.relu(more - _mean(more, inside, count))) * inside
        cells = self.leave(seen)
        masked = torch.where(inside > 0, cells, _OUTSIDE)
        return Judgement(-self.decide(_summary(seen, masked, inside, count)), cells)


def _summary(seen: Tensor, cells: Tensor, inside: Tensor, count: Tensor) -> Tensor:
    """What the whole side is judged by: its suspicious places and how it is on average."""
    weight = torch.softmax(cells.flatten(2), dim=2)
    suspicious = (seen.flatten(2) * weight).sum(2)
    usual = _mean(seen, inside, count).flatten(1)
    # A lone cell is noise: the strongest three by three.
    calm = functional.avg_pool2d(cells.clamp(-_FARTHEST, _FARTHEST), 3, stride=1, padding=1)
    strongest = calm.amax(dim=(2, 3))
    soft = [
        torch.log(_mean(torch.exp(s * cells.clamp(-_FARTHEST, _FARTHEST)), inside, count).flatten(1) + 1e-6)
        / s
        for s in _SHARPNESS
    ]
    return torch.cat([suspicious, usual, strongest, *soft], dim=1)


def _mean(values: Tensor, inside: Tensor, count: Tensor) -> Tensor:
    """Mean over the document's cells, (N, C, 1, 1)."""
    return (values * inside).sum(dim=(2, 3), keepdim=True) / count


def _pooled(blocks: Tensor) -> Tensor:
    return functional.avg_pool2d(blocks, CELL_PX // _BLOCK)


def _relative(sums: Tensor) -> Tensor:
    logs = torch.log(sums + 1.0)
    return logs - logs.mean(dim=1, keepdim=True)


def _cosines() -> Tensor:
    """(64, 1, 8, 8): the orthonormal two-dimensional DCT-II, rows by vertical, then horizontal frequency."""
    places = (torch.arange(_BLOCK, dtype=torch.float64) + 0.5) * math.pi / _BLOCK
    waves = torch.stack([torch.cos(k * places) for k in range(_BLOCK)]) / 2
    waves[0] /= math.sqrt(2)
    return torch.einsum("iy,jx->ijyx", waves, waves).reshape(64, 1, _BLOCK, _BLOCK).float()


def _squares_of_four() -> Tensor:
    """(16, 64, 1, 1): means over two by two neighbouring frequencies; the mean level is left out."""
    matrix = torch.zeros(_GROUPS, 64, 1, 1)
    for i in range(_BLOCK):
        for j in range(_BLOCK):
            matrix[i // 2 * 4 + j // 2, i * _BLOCK + j] = 0.25
    matrix[0, 0] = 0
    return matrix


def _bands() -> Tensor:
    """(2, 64, 1, 1): means over the middle and over the high frequencies."""
    matrix = torch.zeros(_CROSSED, 64, 1, 1)
    for i in range(_BLOCK):
        for j in range(_BLOCK):
            if 4 <= i + j <= 7:  # noqa: PLR2004 - the diagonals of a block number 0 to 14
                matrix[0, i * _BLOCK + j] = 1
            elif i + j > 7:  # noqa: PLR2004 - likewise
                matrix[1, i * _BLOCK + j] = 1
    return matrix / matrix.sum(dim=1, keepdim=True)


def _phases(period: int, dimensions: int) -> Tensor:
    """Sums over a cell of the pixels at each place in a period along x, or along y and x."""
    at = torch.arange(CELL_PX) % period
    along_x = (at[None, :] == torch.arange(period)[:, None]).float()
    if dimensions == 1:
        return along_x[:, None, None, :].expand(period, 1, CELL_PX, CELL_PX).contiguous()
    both = along_x[:, None, :, None] * along_x[None, :, None, :]
    return both.reshape(period * period, 1, CELL_PX, CELL_PX).contiguous()

"""The PAD network: one small convolutional branch for the surroundings, one for the fine structure."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

_STEM = 64
_WIDTHS = (48, 80)
_HIDDEN = 32
_FILTER_PX = 8
_TO_LUMA_AND_CHROMA = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
_FILTERS_OF = (36, 14, 14)
"""How many of the first filters begin as cosines over luma, blue and red difference."""


class PadNetwork(nn.Module):
    """Two independent branches; their logits are fused by calibration, not by weights.

    A branch that fails on a new camera or screen then shows in its own signal instead of hiding in a sum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context = Branch()
        self.detail = Branch()

    def forward(self, context: Tensor, detail: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] each -> (N, 2) logits of a bona fide presentation."""
        return torch.cat([self.context(context), self.detail(detail)], dim=1)


class Branch(nn.Module):
    """How much of each fine pattern there is, and what convolutions make of where it is.

    The first layer is a bank of 8 × 8 cosines, as in JPEG: sub-pixels, halftone, blur and noise all show in
    its energies, which go straight to the decision. So the branch learns from few steps; the filters stay
    free to move. It sees every pixel but answers at a quarter of the resolution, which keeps training fast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Conv2d(3, _STEM, _FILTER_PX, stride=4, padding=2, bias=False)
        with torch.no_grad():
            self.bank.weight.copy_(cosine_bank())
        layers: list[nn.Module] = [nn.BatchNorm2d(_STEM), nn.ReLU()]
        for narrow, wide in pairwise((_STEM, *_WIDTHS)):
            layers += [_convolution(narrow, wide, stride=2), _Residual(wide)]
        self.features = nn.Sequential(*layers)
        self.level = nn.BatchNorm1d(_STEM)
        self.decide = nn.Sequential(
            nn.Linear(_STEM + 2 * _WIDTHS[-1], _HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_HIDDEN, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 1) logits."""
        patterns = self.bank(image * 4 - 2)
        energy = self.level((patterns * patterns).mean(dim=(2, 3)).add(1e-5).log())
        seen = self.features(patterns)
        mean = seen.mean(dim=(2, 3))
        spread = ((seen - mean[:, :, None, None]) ** 2).mean(dim=(2, 3)).add(1e-4).sqrt()
        scored: Tensor = self.decide(torch.cat([energy, mean, spread], dim=1))
        return scored


def cosine_bank() -> Tensor:
    """(64, 3, 8, 8) float32: two-dimensional DCT-II cosines in zigzag order over luma and chroma."""
    places = (torch.arange(_FILTER_PX) + 0.5) * math.pi / _FILTER_PX
    waves = torch.stack([torch.cos(k * places) for k in range(_FILTER_PX)])
    waves[0] /= math.sqrt(2)
    pairs = [(i, j) for i in range(_FILTER_PX) for j in range(_FILTER_PX)]
    zigzag = sorted(pairs, key=lambda pair: (sum(pair), pair))
    # Every second one of luma, so that its high frequencies, where a screen's grid is, are in the bank.
    orders = (zigzag[: 2 * _FILTERS_OF[0] : 2] + zigzag[1::2])[: _FILTERS_OF[0]]
    chosen = (orders, zigzag[: _FILTERS_OF[1]], zigzag[: _FILTERS_OF[2]])
    return torch.stack(
        [
            torch.tensor(colour)[:, None, None] * torch.outer(waves[i], waves[j]) * (2 / _FILTER_PX)
            for colour, picked in zip(_TO_LUMA_AND_CHROMA, chosen, strict=True)
            for i, j in picked
        ]
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _convolution(width, width, stride=1)

    def forward(self, seen: Tensor) -> Tensor:
        added: Tensor = seen + self.body(seen)
        return added


def _convolution(narrow: int, wide: int, *, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(narrow, wide, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wide), nn.ReLU())

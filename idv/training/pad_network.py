"""The PAD network: one small convolutional branch for the surroundings, one for the fine structure."""

import torch
from torch import Tensor, nn

_WIDTHS = (32, 48, 80)
_COLOUR_FILTERS = 8
"""Filters of the first layer that begin as they come; all others begin blind to plain colour."""


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
    """Plain convolutions, then the moments of each channel: how much of a pattern there is, not where.

    The first layer sees every pixel but answers at a quarter of the resolution, which makes training three
    times as fast. Most of its filters begin with a mean of zero: fine structure is small beside colour, and
    batch normalisation then brings both to one size.
    """

    def __init__(self) -> None:
        super().__init__()
        first, *later = _WIDTHS
        layers: list[nn.Module] = [_convolution(3, first, side=8, stride=4, padding=2), _Residual(first)]
        _blind_to_colour(next(layers[0].parameters()))
        for narrow, wide in zip(_WIDTHS, later, strict=False):
            layers += [_convolution(narrow, wide, stride=2), _Residual(wide)]
        self.features = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.2)
        self.score = nn.Linear(2 * _WIDTHS[-1], 1)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 1) logits."""
        seen = self.features(image * 4 - 2)
        mean = seen.mean(dim=(2, 3))
        spread = ((seen - mean[:, :, None, None]) ** 2).mean(dim=(2, 3)).add(1e-4).sqrt()
        scored: Tensor = self.score(self.drop(torch.cat([mean, spread], dim=1)))
        return scored


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _convolution(width, width, stride=1)

    def forward(self, seen: Tensor) -> Tensor:
        added: Tensor = seen + self.body(seen)
        return added


@torch.no_grad()
def _blind_to_colour(weight: Tensor) -> None:
    weight[_COLOUR_FILTERS:] -= weight[_COLOUR_FILTERS:].mean(dim=(2, 3), keepdim=True)


def _convolution(narrow: int, wide: int, *, stride: int, side: int = 3, padding: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(narrow, wide, side, stride=stride, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wide), nn.ReLU())

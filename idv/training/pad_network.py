"""The PAD network: a small branch for the surroundings, one for the fine structure, one for the spectrum."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from idv.vision.models.pad import NATIVE_PX

_STEM = 64
_WIDTHS = (48, 80)
_HIDDEN = 32
_FILTER_PX = 8
_TO_LUMA_AND_CHROMA = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
_FILTERS_OF = (36, 14, 14)
"""How many of the first filters begin as cosines over luma, blue and red difference."""
_SPECTRUM_WIDTHS = (24, 40, 64)
_SPECTRUM_CHANNELS = 10
_NOISE_FLOOR = 1e-3
_AROUND = 8
"""Side of the blocks of the spectrum whose mean is the slope that peaks stand out from."""


class PadNetwork(nn.Module):
    """Three independent branches; their logits are fused by calibration, not by weights.

    A branch that fails on a new camera or screen then shows in its own signal instead of hiding in a sum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context = Branch()
        self.detail = Branch()
        self.native = Spectrum(NATIVE_PX)

    def forward(self, context: Tensor, detail: Tensor, native: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] each -> (N, 3) logits of a bona fide presentation."""
        return torch.cat([self.context(context), self.detail(detail), self.native(native)], dim=1)


class Branch(nn.Module):
    """How much of each fine pattern there is, and what convolutions make of where it is.

    The first layer is a bank of 8 × 8 cosines, as in JPEG: sub-pixels, halftone, blur and noise all show in
    its energies, which go straight to the decision. So the branch learns from few steps; the filters stay
    free to move. It sees every pixel but answers at a quarter of the resolution, which keeps training fast.
    """

    WIDTH = _STEM + 2 * _WIDTHS[-1]
    """Length of what `embed` gives."""

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
            nn.Linear(self.WIDTH, _HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_HIDDEN, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 1) logits."""
        scored: Tensor = self.decide(self.embed(image))
        return scored

    def embed(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float32 in [0, 1] -> (N, WIDTH) what the decision is taken on."""
        patterns = self.bank(image * 4 - 2)
        energy = self.level((patterns * patterns).mean(dim=(2, 3)).add(1e-5).log())
        seen = self.features(patterns)
        mean = seen.mean(dim=(2, 3))
        spread = ((seen - mean[:, :, None, None]) ** 2).mean(dim=(2, 3)).add(1e-4).sqrt()
        return torch.cat([energy, mean, spread], dim=1)


class Spectrum(nn.Module):
    """What repeats in a patch: convolutions over its log power spectrum.

    A grid or its moiré is a peak in the spectrum wherever it lies and whatever its sub-pixels look like, and
    the whole patch adds up in it, so that it shows below the noise of a single place. Skin, hair and blur
    leave smooth slopes. The transform is two matrix products, which every runtime has.
    """

    WIDTH = 6 + 2 * _SPECTRUM_WIDTHS[-1]
    """Length of what `embed` gives."""

    cosine: Tensor
    sine: Tensor
    window: Tensor
    colours: Tensor
    radius: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        half = side // 2
        place = torch.arange(side, dtype=torch.float64)
        angle = 2 * math.pi * torch.outer(torch.arange(-half, half, dtype=torch.float64), place) / side
        hann = 0.5 - 0.5 * torch.cos(2 * math.pi * (place + 0.5) / side)
        frequency = torch.arange(-half + 0.5, half, 2, dtype=torch.float32) / half
        self.register_buffer("cosine", torch.cos(angle).float())
        self.register_buffer("sine", torch.sin(angle).float())
        self.register_buffer("window", torch.outer(hann, hann).float())
        self.register_buffer("colours", torch.tensor(_TO_LUMA_AND_CHROMA))
        self.register_buffer(
            "radius", torch.hypot(frequency[:, None], frequency[None, half // 2 :])[None, None]
        )
        self.level = nn.BatchNorm1d(6)
        channels = (_SPECTRUM_CHANNELS, *_SPECTRUM_WIDTHS)
        layers: list[nn.Module] = [nn.BatchNorm2d(channels[0])]
        layers += [_convolution(narrow, wide, stride=2) for narrow, wide in pairwise(channels)]
        self.features = nn.Sequential(*layers)
        self.decide = nn.Sequential(
            nn.Linear(self.WIDTH, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(_HIDDEN, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, side, side) float32 in [0, 1] -> (N, 1) logits."""
        scored: Tensor = self.decide(self.embed(image))
        return scored

    def embed(self, image: Tensor) -> Tensor:
        """(N, 3, side, side) float32 in [0, 1] -> (N, WIDTH) what the decision is taken on."""
        with torch.no_grad():  # nothing in it is learned
            power = self.power(image)
            slope = nn.functional.interpolate(
                nn.functional.avg_pool2d(power, _AROUND), scale_factor=float(_AROUND), mode="bilinear"
            )
            peaks = power - slope
            mean = power.mean(dim=(2, 3))
            spread = (peaks * peaks).mean(dim=(2, 3)).sqrt()
            even = power - mean[:, :, None, None]
            pooled = [
                nn.functional.avg_pool2d(even, 2),
                nn.functional.max_pool2d(torch.cat([even, peaks], 1), 2),
            ]
            seen = torch.cat([*pooled, self.radius.expand(image.shape[0], -1, -1, -1)], dim=1)
        level = self.level(torch.cat([mean, spread], dim=1))
        seen = self.features(seen)
        return torch.cat([level, seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)

    def power(self, image: Tensor) -> Tensor:
        """Log power of luma and chroma of a windowed patch: (N, 3, side, side / 2).

        Frequencies in periods a px: along y from -1/2, along x from 0, both below 1/2.
        """
        planes = (self.colours @ image.flatten(2)).unflatten(2, image.shape[2:])
        fine = (planes - planes.mean(dim=(2, 3), keepdim=True)) * self.window
        half = self.cosine.shape[0] // 2
        even, odd = fine @ self.cosine[half:].T, fine @ self.sine[half:].T
        real = self.cosine @ even - self.sine @ odd
        imaginary = self.sine @ even + self.cosine @ odd
        power: Tensor = (real * real + imaginary * imaginary + _NOISE_FLOOR).log()
        return power


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

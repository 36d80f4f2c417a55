"""The recapture network: structure, spectrum and calm of patches, judged together for one document."""

import torch
from torch import Tensor, nn

from idv.training.pad_network import Branch, Spectrum
from idv.vision.models.document_recapture import PATCH_PX

_SEEN = 48
_HIDDEN = 32
CIRCUMSTANCES = 4
"""What is told of a document besides its patches: two numbers each of its outline and its darkest print."""


class RecaptureNetwork(nn.Module):
    """Every patch is described alike; the document's logit hangs on the descriptions' mean and their power.

    A grid, halftone or missing noise shows in all patches or in those with even ground only, so that a mean
    of logits is not enough. Neither pool grows with the number of patches, as an extreme would: training
    takes fewer of them than the service. The descriptions are fitted first, with `draft` to judge them; then
    `judge` is fitted to what they say of whole documents, to the darkest print and to the outline.
    """

    def __init__(self) -> None:
        super().__init__()
        self.structure = Branch()
        # Left as the cosines they are: a quarter faster to fit, and nothing in them leans on ten designs.
        self.structure.bank.requires_grad_(requires_grad=False)
        self.spectrum = Spectrum(PATCH_PX)
        # Each branch decides by itself on the way to a description; as PAD they would decide alone.
        self.structure.decide = _description(Branch.WIDTH)
        self.spectrum.decide = _description(Spectrum.WIDTH)
        self.level = nn.BatchNorm1d(2 * self.structure.bank.out_channels)
        self.calm = _description(2 * self.structure.bank.out_channels)
        self.alone = nn.Linear(3 * _SEEN, 1)
        self.draft = _decision(6 * _SEEN)
        self.judge = _decision(6 * _SEEN + CIRCUMSTANCES)

    def forward(self, patches: Tensor, outline: Tensor) -> Tensor:
        """Logits (N, 1) of a genuine capture.

        `patches`: (N, P, 3, side, side) float32 RGB in [0, 1]; `outline`: (N, 2) as `outline_of` gives it.
        """
        return self.concluded(self.described(patches), darkest(patches), outline)

    def described(self, patches: Tensor) -> Tensor:
        """(N, P, 3, side, side) float32 RGB in [0, 1] -> (N, P, 144) what is told of each patch."""
        flat = patches.flatten(0, 1)
        calm = self.calm(self.level(self._calmest(flat)))
        seen = torch.cat([self.structure(flat), self.spectrum(flat), calm], dim=1)
        told: Tensor = seen.unflatten(0, (patches.shape[0], patches.shape[1]))
        return told

    def drafted(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of documents (N, 1) and of each patch (N, P), by the descriptions alone."""
        seen = self.described(patches)
        alone: Tensor = self.alone(seen)[..., 0]
        together: Tensor = self.draft(_pooled(seen))
        return together + alone.mean(dim=1, keepdim=True), alone

    def concluded(self, seen: Tensor, dark: Tensor, outline: Tensor) -> Tensor:
        """Logits (N, 1) from descriptions (N, P, 144), `darkest` (N, 2) and outlines (N, 2)."""
        # Perspective counts from a hundredth on, haze in steps of a few grey values.
        around = torch.cat([(outline * 100 + 1).log(), dark * 10], dim=1)
        judged: Tensor = self.judge(torch.cat([_pooled(seen), around], dim=1))
        alone: Tensor = self.alone(seen).mean(dim=1)
        return judged + alone

    def _calmest(self, image: Tensor) -> Tensor:
        """(N, 3, side, side) -> (N, 128): log energies of the calmest place and, as a geometric mean, of all.

        What no camera recorded has no noise where nothing is printed; a mean of energies would tell of the
        print alone.
        """
        with torch.no_grad():  # nothing in it is learned
            patterns = self.structure.bank(image * 4 - 2)
            energy = nn.functional.avg_pool2d(patterns * patterns, 2).add(1e-5).log()
            return torch.cat([energy.amin(dim=(2, 3)), energy.mean(dim=(2, 3))], dim=1)


def darkest(patches: Tensor) -> Tensor:
    """(N, P, 3, H, W) -> (N, 2): the darkest 4 × 4 px of all patches, and the mean of each patch's darkest.

    A laminate before a camera mirrors some light into the darkest print; a drawing and a scan have none.
    """
    grey = patches.mean(dim=2).flatten(0, 1)[:, None]
    least = nn.functional.avg_pool2d(grey, 4).amin(dim=(1, 2, 3)).unflatten(0, patches.shape[:2])
    return torch.stack([least.amin(dim=1), least.mean(dim=1)], dim=1)


def _pooled(seen: Tensor) -> Tensor:
    return torch.cat([seen.mean(dim=1), (seen * seen).mean(dim=1).add(1e-4).sqrt()], dim=1)


def _decision(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, _HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(_HIDDEN, 1))


def _description(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.2), nn.Linear(width, _SEEN), nn.ReLU())

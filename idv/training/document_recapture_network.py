"""The recapture network: structure, spectrum and calm of patches, judged together for one document."""

import torch
from torch import Tensor, nn

from idv.training.pad_network import Branch, Spectrum
from idv.vision.models.document_recapture import PATCH_PX

_SEEN = 48
_HIDDEN = 32


class RecaptureNetwork(nn.Module):
    """Every patch is described alike; the document's logit hangs on the descriptions' mean and their power.

    A grid, halftone or missing noise shows in all patches or in those with even ground only, so that a mean
    of logits is not enough. Neither pool grows with the number of patches, as an extreme would: training
    takes fewer of them than the service.
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
        self.together = nn.Sequential(
            nn.Linear(6 * _SEEN, _HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(_HIDDEN, 1)
        )

    def forward(self, patches: Tensor) -> Tensor:
        """(N, P, 3, side, side) float32 RGB in [0, 1] -> (N, 1) logits of a genuine capture."""
        return self.judged(patches)[0]

    def judged(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the documents (N, 1) and, for training alone, of each patch (N, P)."""
        flat = patches.flatten(0, 1)
        calm = self.calm(self.level(self._calmest(flat)))
        seen = torch.cat([self.structure(flat), self.spectrum(flat), calm], dim=1)
        seen = seen.unflatten(0, (patches.shape[0], patches.shape[1]))
        power = (seen * seen).mean(dim=1).add(1e-4).sqrt()
        pooled = torch.cat([seen.mean(dim=1), power], dim=1)
        together: Tensor = self.together(pooled)
        alone: Tensor = self.alone(seen)[..., 0]
        return together + alone.mean(dim=1, keepdim=True), alone

    def _calmest(self, image: Tensor) -> Tensor:
        """(N, 3, side, side) -> (N, 128): log energies of the calmest place and, as a geometric mean, of all.

        What no camera recorded has no noise where nothing is printed; a mean of energies would tell of the
        print alone.
        """
        with torch.no_grad():  # nothing in it is learned
            patterns = self.structure.bank(image * 4 - 2)
            energy = nn.functional.avg_pool2d(patterns * patterns, 2).add(1e-5).log()
            return torch.cat([energy.amin(dim=(2, 3)), energy.mean(dim=(2, 3))], dim=1)


def _description(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.2), nn.Linear(width, _SEEN), nn.ReLU())

"""Writes a trained PAD network as one self-contained ONNX file with a dynamic batch."""

from pathlib import Path

import torch
from torch.export import Dim

from idv.training.exporting import export as export_network
from idv.training.pad_fitting import CutName
from idv.training.pad_network import PadNetwork
from idv.vision.models.pad import CONTEXT_PX, DETAIL_PX, NATIVE_PX

_EXAMPLES = 2
_SIDES = {CutName.CONTEXT: CONTEXT_PX, CutName.DETAIL: DETAIL_PX, CutName.NATIVE: NATIVE_PX}


def export(network: PadNetwork, path: Path) -> None:
    """Write `path`: inputs `context`, `detail`, `native`, output `logits`, as on the model's card."""
    batch = Dim("batch", min=1)
    export_network(
        network,
        path,
        examples={cut.value: torch.zeros(_EXAMPLES, 3, _SIDES[cut], _SIDES[cut]) for cut in CutName},
        outputs=("logits",),
        dynamic={cut.value: {0: batch} for cut in CutName},
    )

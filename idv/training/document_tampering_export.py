"""Writes the trained tampering network as ONNX: sides of any number and size."""

from pathlib import Path

import torch
from torch.export import Dim

from idv.training.document_tampering_network import DocumentTamperingNetwork
from idv.training.exporting import export as export_network
from idv.vision.models.document_tampering import CELL_PX

_ROWS, _HIGH, _WIDE = 2, 20, 30
_MOST_CELLS = 400


def export(network: DocumentTamperingNetwork, path: Path) -> None:
    """Write `path`: inputs `image`, `inside`, outputs `logit`, `cells`, as on the model's card."""
    batch = Dim("batch", min=1)
    high, wide = (Dim(name, min=1, max=_MOST_CELLS) for name in ("high", "wide"))
    export_network(
        network,
        path,
        examples={
            "image": torch.zeros(_ROWS, 3, _HIGH * CELL_PX, _WIDE * CELL_PX),
            "inside": torch.ones(_ROWS, 1, _HIGH, _WIDE),
        },
        outputs=("logit", "cells"),
        dynamic={
            "image": {0: batch, 2: CELL_PX * high, 3: CELL_PX * wide},
            "inside": {0: batch, 2: high, 3: wide},
        },
    )

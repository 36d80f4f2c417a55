"""Writes a trained PAD network as one self-contained ONNX file with a dynamic batch."""

import warnings
from pathlib import Path

import onnx
import torch
from torch.export import Dim

from idv.training.pad_fitting import CutName
from idv.training.pad_network import PadNetwork
from idv.vision.models.pad import CONTEXT_PX, DETAIL_PX, NATIVE_PX

OPSET = 20
"""Fixed: the file's digest depends on it."""
_EXAMPLES = 2
"""Rows of the example batch: with one, the exporter would take the batch for a constant."""


def export(network: PadNetwork, path: Path) -> None:
    """Write `path`: inputs `context`, `detail`, `native`, output `logits`, as on the model's card."""
    network.eval()
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    examples = (
        torch.zeros(_EXAMPLES, 3, CONTEXT_PX, CONTEXT_PX),
        torch.zeros(_EXAMPLES, 3, DETAIL_PX, DETAIL_PX),
        torch.zeros(_EXAMPLES, 3, NATIVE_PX, NATIVE_PX),
    )
    batch = Dim("batch", min=1)
    with warnings.catch_warnings():
        # The exporter uses what its own library deprecates, and warns of the one batch the inputs share.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            examples,
            input_names=list(CutName),
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
            dynamic_shapes={cut.value: {0: batch} for cut in CutName},
        )
    if program is None:
        raise RuntimeError("the exporter returned no program")
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_bare(program.model_proto), path)


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what tells of the exporting machine: source lines and metadata of every node."""
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    return model

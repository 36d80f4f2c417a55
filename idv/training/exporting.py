"""Writes a trained network as one self-contained ONNX file that says nothing of the machine it comes from."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

OPSET = 20
"""Fixed: the file's digest depends on it."""


def export(
    network: nn.Module,
    path: Path,
    *,
    examples: Mapping[str, Tensor],
    outputs: Sequence[str],
    dynamic: Mapping[str, Mapping[int, Any]],
) -> None:
    """Write `network` to `path`.

    `examples`: each input by name, in the order the network takes them, with at least two rows, since one
    would be taken for a constant. `outputs`: names. `dynamic`: input -> axis -> `torch.export.Dim` of the
    axes that vary (`Any`: PyTorch gives that class no type). Raises RuntimeError when nothing comes out.
    """
    network.eval()
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    with warnings.catch_warnings():
        # The exporter uses what its own library deprecates, and warns of the one batch the inputs share.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            tuple(examples.values()),
            input_names=list(examples),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
            dynamic_shapes=tuple(dict(dynamic[name]) for name in examples),
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

"""ONNX models of a few bytes, built by the tests that need them."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from idv.domain.models import ModelFile, SessionOptions


def scaler(*, factor: float = 2.0, domain: str = "") -> onnx.ModelProto:
    """`y = x * factor` over (n, 4) float32; another `domain` makes the operator a custom one."""
    shape: list[str | int | None] = ["n", 4]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"], domain=domain)],
        "scaler",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.full(4, factor, np.float32), "factor")],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def branching(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """A model whose only tensor is a constant in a branch of an `If`, three messages deeper than usual."""
    out = helper.make_tensor_value_info("b", TensorProto.FLOAT, [4])
    branch = helper.make_graph([helper.make_node("Constant", [], ["b"], value=tensor)], "branch", [], [out])
    graph = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
        "branching",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def move_outside(tensor: onnx.TensorProto, *, location: str) -> onnx.TensorProto:
    """Make the tensor's values external data at `location`."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "16"}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def model_file(
    folder: Path, content: bytes, *, name: str = "tiny", options: SessionOptions | None = None
) -> ModelFile:
    """Write the bytes and describe them as a pack would."""
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    return ModelFile(name, path, hashlib.sha256(content).hexdigest(), options or SessionOptions())

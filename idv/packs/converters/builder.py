"""Collects ONNX nodes and serialises them so that the same calls always give the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from idv.domain.arrays import Array

OPSET = 17
IR_VERSION = 8
"""Old enough for every runtime in use, new enough for what the converters emit."""

Shape = Sequence[int | str]
"""Dimensions of a graph input or output; a string names a dynamic one."""


class GraphBuilder:
    """One ONNX graph in the making. Names are counted, so they depend on the order of calls alone."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Shape) -> str:
        """Declare a float32 input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    def output(self, name: str, source: str, shape: Shape) -> None:
        """Declare a float32 output, a renamed `source`."""
        self._nodes.append(helper.make_node("Identity", [source], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, value: Array) -> str:
        """The name of an initialiser with this value; equal values share one."""
        value = np.ascontiguousarray(value)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._constants[key] = name
            self._initializers.append(numpy_helper.from_array(value, name))
        return self._constants[key]

    def add(self, op: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Append a node and return the name of its one output; attributes are as ONNX has them."""
        name = f"{op.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **dict(attributes or {})))
        return name

    def finish(self, *, producer: str, metadata: Mapping[str, str]) -> bytes:
        """The checked model, serialised deterministically. Raises onnx.checker.ValidationError."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, initializer=self._initializers
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name=producer
        )
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(sorted(metadata.items())))
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data

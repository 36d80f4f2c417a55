"""TensorFlow.js graph model -> ONNX: float32, NCHW, dynamic batch, only the outputs asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idv.domain.errors import ModelError
from idv.packs.converters import elementwise_operators, shape_operators, spatial_operators
from idv.packs.converters.builder import GraphBuilder
from idv.packs.converters.folding import fold
from idv.packs.converters.lowering import BATCH, IMAGE_RANK, Emitter, Lowering, Tensor
from idv.packs.converters.tfjs_graph import Graph, Node, read_graph

VERSION = "tfjs-1"
"""Raised with every change that alters the bytes of a converted model."""

OPERATORS: Mapping[str, Emitter] = {
    **spatial_operators.OPERATORS,
    **elementwise_operators.OPERATORS,
    **shape_operators.OPERATORS,
}
"""Every operator that can be converted."""


@dataclass(frozen=True)
class Output:
    """One output of the ONNX model: source nodes joined along `axis`, reshaped to `shape` after the batch.

    Axes are those of the source graph. Without `shape` the joined tensor stays as it is; images are NCHW.
    """

    name: str
    nodes: tuple[str, ...]
    axis: int = 1
    shape: tuple[int, ...] | None = None


def convert_tfjs(
    model: Mapping[str, Any], shards: Mapping[str, bytes], *, outputs: Sequence[Output], input_name: str
) -> bytes:
    """The ONNX bytes of a graph model with one image input (N, C, H, W) float32.

    `model`: the parsed model.json; `shards`: path -> bytes of the weight files it names.
    Raises ModelError `model_source_malformed` or `model_operator_unsupported`.
    """
    wanted = [node for output in outputs for node in output.nodes]
    graph = fold(read_graph(model, shards, wanted), wanted)
    builder = GraphBuilder("tfjs")
    lowering = Lowering(builder, graph.constants, _placeholders(builder, graph, input_name))
    for node in graph.nodes:
        lowering.tensors[node.name] = _operator(node)(lowering, node)
    for output in outputs:
        _declare(lowering, output)
    return builder.finish(producer="idv", metadata={"converter": VERSION})


def _operator(node: Node) -> Emitter:
    if node.op not in OPERATORS:
        raise ModelError(
            "model_operator_unsupported", f"operator {node.op} of {node.name} cannot be converted"
        )
    return OPERATORS[node.op]


def _placeholders(builder: GraphBuilder, graph: Graph, name: str) -> dict[str, Tensor]:
    if len(graph.inputs) != 1:
        raise ModelError("model_source_malformed", f"one input expected, found {sorted(graph.inputs)}")
    source, shape = next(iter(graph.inputs.items()))
    if len(shape) != IMAGE_RANK or min(shape[1:]) < 1:
        raise ModelError("model_source_malformed", f"input {source} is not an image of fixed size: {shape}")
    height, width, channels = shape[1:]
    builder.input(name, ["batch", channels, height, width])
    return {source: Tensor(name, (BATCH, height, width, channels))}


def _declare(lowering: Lowering, output: Output) -> None:
    parts = [lowering.tensor(node) for node in output.nodes]
    joined = parts[0] if len(parts) == 1 else shape_operators.join(lowering, parts, output.axis)
    if output.shape is not None:
        joined = shape_operators.reshape_to(lowering, joined, output.shape)
    sizes = joined.shape[1:]
    stored = (sizes[-1], *sizes[:-1]) if len(joined.shape) == IMAGE_RANK else sizes
    lowering.builder.output(output.name, joined.name, ["batch", *stored])

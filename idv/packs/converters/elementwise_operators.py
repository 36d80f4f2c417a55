"""Arithmetic and activations: the operators that look at one element at a time, and matrix products."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from idv.domain.errors import ModelError
from idv.packs.converters.folding import bounds
from idv.packs.converters.lowering import IMAGE_RANK, Emitter, Lowering, Tensor, image_axis, image_operand
from idv.packs.converters.tfjs_graph import Graph, Node

_BINARY = {
    "Add": "Add",
    "AddV2": "Add",
    "BiasAdd": "Add",
    "Sub": "Sub",
    "Mul": "Mul",
    "RealDiv": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
}
_UNARY = {"Identity": "Identity", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Elu": "Elu", "Exp": "Exp"}


def binary(lowering: Lowering, node: Node) -> Tensor:
    """Arithmetic with broadcasting between two tensors, or a tensor and a constant on either side."""
    shapes = [
        lowering.tensors[name].shape if name in lowering.tensors else lowering.constant(name).shape
        for name in node.inputs
    ]
    shape = _broadcast(shapes)
    names = [_operand(lowering, name, len(shape)) for name in node.inputs]
    return Tensor(lowering.builder.add(_BINARY[node.op], names), shape)


def _operand(lowering: Lowering, name: str, rank: int) -> str:
    if name in lowering.tensors:
        if len(lowering.tensors[name].shape) != rank:
            raise ModelError("model_operator_unsupported", f"{name} would have to grow to rank {rank}")
        return lowering.tensors[name].name
    value = lowering.constant(name).astype(np.float32)
    return lowering.builder.constant(image_operand(value) if rank == IMAGE_RANK else value)


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of the result; the dynamic batch (-1) stands against 1 or itself."""
    rank = max(len(shape) for shape in shapes)
    aligned = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*aligned, strict=True))


def unary(lowering: Lowering, node: Node) -> Tensor:
    """Functions of one element that ONNX has under the same definition."""
    source = lowering.tensor(node.inputs[0])
    if node.op == "Identity":
        return source
    return Tensor(lowering.emit(_UNARY[node.op], source), source.shape)


def clamp(lowering: Lowering, node: Node) -> Tensor:
    """Relu, Relu6 and the folded `Clip`; Minimum and Maximum when the other side is one number."""
    limits = bounds(node, Graph((), lowering.constants, {}))
    if limits is None:
        return binary(lowering, node)
    return _clip(lowering, lowering.tensor(node.inputs[0]), *limits)


def _clip(lowering: Lowering, source: Tensor, low: float, high: float) -> Tensor:
    if (low, high) == (0.0, math.inf):
        return Tensor(lowering.emit("Relu", source), source.shape)
    limits = [
        lowering.builder.constant(np.array(v, np.float32)) if math.isfinite(v) else "" for v in (low, high)
    ]
    return Tensor(lowering.emit("Clip", source, *limits), source.shape)


def prelu(lowering: Lowering, node: Node) -> Tensor:
    """Prelu: negative values are multiplied by a slope, usually one a channel."""
    return _prelu(lowering, lowering.tensor(node.inputs[0]), node.inputs[1])


def _prelu(lowering: Lowering, source: Tensor, slope: str) -> Tensor:
    """Slope s: s x + (1 - s) max(x, 0), since two depthwise convolutions are thrice as fast as `PRelu`."""
    value = lowering.constant(slope)
    if len(source.shape) != IMAGE_RANK:
        return Tensor(lowering.emit("PRelu", source, lowering.builder.constant(value)), source.shape)
    channels = source.shape[3]
    if value.size != channels or value.shape[-1] != channels:
        name = lowering.emit("PRelu", source, lowering.builder.constant(image_operand(value)))
        return Tensor(name, source.shape)
    slopes = value.reshape(channels).astype(np.float64)
    positive = Tensor(lowering.emit("Relu", source), source.shape)
    parts = (lowering.scale_channels(source, slopes), lowering.scale_channels(positive, 1 - slopes))
    return Tensor(lowering.builder.add("Add", [part.name for part in parts]), source.shape)


def leaky_relu(lowering: Lowering, node: Node) -> Tensor:
    """LeakyRelu with the slope `alpha`, 0.2 by default."""
    source = lowering.tensor(node.inputs[0])
    return Tensor(lowering.emit("LeakyRelu", source, alpha=node.number("alpha", 0.2)), source.shape)


def softmax(lowering: Lowering, node: Node) -> Tensor:
    """Softmax over the last axis."""
    source = lowering.tensor(node.inputs[0])
    axis = image_axis(-1, len(source.shape))
    return Tensor(lowering.emit("Softmax", source, axis=axis), source.shape)


def matmul(lowering: Lowering, node: Node) -> Tensor:
    """A matrix times a constant matrix, with the bias and activation fused into it."""
    source, matrix = lowering.tensor(node.inputs[0]), lowering.constant(node.inputs[1])
    if node.flag("transpose_a"):
        raise ModelError("model_operator_unsupported", f"{node.name}: transposed batch")
    matrix = matrix.T if node.flag("transpose_b") else matrix
    extra = [lowering.builder.constant(matrix)]
    if node.texts("fused_ops")[:1] == ("BiasAdd",):
        extra.append(lowering.builder.constant(lowering.constant(node.inputs[2])))
    result = Tensor(lowering.emit("Gemm", source, *extra), (source.shape[0], matrix.shape[1]))
    return apply_activation(lowering, node, result)


def apply_activation(lowering: Lowering, node: Node, result: Tensor) -> Tensor:
    """What `fused_ops` asks for after the bias, which the caller has added."""
    fused = [op for op in node.texts("fused_ops") if op != "BiasAdd"]
    if not fused:
        return result
    if len(fused) > 1:
        raise ModelError("model_operator_unsupported", f"{node.name}: fused {fused}")
    match fused[0]:
        case "Relu":
            return _clip(lowering, result, 0.0, math.inf)
        case "Relu6":
            return _clip(lowering, result, 0.0, 6.0)
        case "Prelu":
            return _prelu(lowering, result, node.inputs[3])
        case "LeakyRelu":
            alpha = node.number("leakyrelu_alpha", 0.2)
            return Tensor(lowering.emit("LeakyRelu", result, alpha=alpha), result.shape)
        case "Elu" | "Sigmoid":
            return Tensor(lowering.emit(fused[0], result), result.shape)
        case other:
            raise ModelError("model_operator_unsupported", f"{node.name}: fused {other}")


OPERATORS: Mapping[str, Emitter] = {
    **dict.fromkeys(_BINARY, binary),
    **dict.fromkeys(_UNARY, unary),
    **dict.fromkeys(("Relu", "Relu6", "Clip", "Minimum", "Maximum"), clamp),
    **dict.fromkeys(("MatMul", "_FusedMatMul"), matmul),
    "Prelu": prelu,
    "LeakyRelu": leaky_relu,
    "Softmax": softmax,
}

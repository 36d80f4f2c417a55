"""Rewrites a graph into fewer operations with the same value: scales into weights, clamps into one."""

import math
from collections.abc import Callable, Collection

import numpy as np

from idv.domain.arrays import Array
from idv.packs.converters.tfjs_graph import Graph, Node

CONVOLUTIONS = ("Conv2D", "_FusedConv2D")
DEPTHWISE = ("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")
_FUSED = {
    "Conv2D": "_FusedConv2D",
    "_FusedConv2D": "_FusedConv2D",
    "DepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
    "FusedDepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
}
_SCALES = ("Mul",)
_SHIFTS = ("Add", "AddV2", "BiasAdd", "Sub")


def fold(graph: Graph, outputs: Collection[str]) -> Graph:
    """Fold per-channel constants into the convolution before them, and chains of clamps into one `Clip`.

    Only tensors with a single reader that are not `outputs` disappear. Products and sums are taken in
    float64 and rounded once, so the result differs from the original by rounding alone.
    """
    return _merge(_merge(graph, outputs, _affine), outputs, _clamp)


_Merged = tuple[Node, dict[str, Array]]
_Rule = Callable[[Node, Node, Graph], "_Merged | None"]
"""(node, the producer of its first input, graph) -> the one node that replaces both, and new constants."""


def _merge(graph: Graph, outputs: Collection[str], rule: _Rule) -> Graph:
    readers = graph.consumers()
    kept: dict[str, Node] = {}
    constants = dict(graph.constants)
    for node in graph.nodes:
        producer = kept.get(node.inputs[0]) if node.inputs else None
        kept[node.name] = node
        if producer is None or readers[producer.name] > 1 or producer.name in outputs:
            continue
        merged = rule(node, producer, Graph((), constants, graph.inputs))
        if merged is None:
            continue
        del kept[producer.name]
        kept[node.name] = merged[0]
        constants |= merged[1]
    return Graph(tuple(kept.values()), constants, graph.inputs)


def _affine(node: Node, producer: Node, graph: Graph) -> _Merged | None:
    """A convolution followed by `* v` or `+ v` with one value a channel: a convolution with other weights."""
    if producer.op not in _FUSED or node.op not in (*_SCALES, *_SHIFTS) or len(node.inputs) != 2:  # noqa: PLR2004 - binary
        return None
    if producer.texts("fused_ops") not in ((), ("BiasAdd",)):
        return None
    kernel = graph.constants.get(producer.inputs[1])
    operand = graph.constants.get(node.inputs[1])
    if kernel is None or operand is None:
        return None
    channels = kernel.shape[3] * (kernel.shape[2] if producer.op in DEPTHWISE else 1)
    values = _per_channel(operand, channels)
    if values is None:
        return None
    bias = (
        graph.constants[producer.inputs[2]] if producer.texts("fused_ops") else np.zeros(channels, np.float32)
    )
    return _rescaled(node, producer, kernel=kernel, bias=bias, values=values)


def _rescaled(node: Node, producer: Node, *, kernel: Array, bias: Array, values: Array) -> _Merged:
    wide, shift = kernel.astype(np.float64), bias.astype(np.float64)
    if node.op in _SCALES:
        by_channel = values.reshape(kernel.shape[2:]) if producer.op in DEPTHWISE else values
        wide, shift = wide * by_channel, shift * values
    else:
        shift = shift - values if node.op == "Sub" else shift + values
    names = (f"{node.name}#kernel", f"{node.name}#bias")
    attributes = {**producer.attributes, "fused_ops": ("BiasAdd",)}
    merged = Node(_FUSED[producer.op], node.name, (producer.inputs[0], *names), attributes)
    return merged, dict(zip(names, (wide.astype(np.float32), shift.astype(np.float32)), strict=True))


def _per_channel(operand: Array, channels: int) -> Array | None:
    """The operand as one float64 value a channel, or None when it varies along any other axis."""
    if operand.size == 1:
        return np.full(channels, operand.reshape(()), np.float64)
    if operand.shape[-1] == channels == operand.size:
        return operand.reshape(channels).astype(np.float64)
    return None


def _clamp(node: Node, producer: Node, graph: Graph) -> _Merged | None:
    """Two clamps in a row are one: the second's bounds applied to the first's."""
    first, second = bounds(producer, graph), bounds(node, graph)
    if first is None or second is None:
        return None
    low, high = (min(max(value, second[0]), second[1]) for value in first)
    return Node("Clip", node.name, producer.inputs[:1], {"low": low, "high": high}), {}


def bounds(node: Node, graph: Graph) -> tuple[float, float] | None:
    """Lower and upper bound of a node that clamps its first input, or None."""
    if node.op == "Clip":
        return node.number("low", -math.inf), node.number("high", math.inf)
    if node.op in ("Relu", "Relu6"):
        return 0.0, 6.0 if node.op == "Relu6" else math.inf
    limit = graph.constants.get(node.inputs[1]) if node.op in ("Minimum", "Maximum") else None
    if limit is None or limit.size != 1:
        return None
    value = float(limit.reshape(()))
    return (-math.inf, value) if node.op == "Minimum" else (value, math.inf)

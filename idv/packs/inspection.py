"""Looks into an ONNX file before it is trusted: self-contained, standard operators, declared tensors."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs

from idv.domain.errors import ModelError
from idv.packs.cards import Dtype, ModelCard, TensorCard

STANDARD_DOMAINS = ("", "ai.onnx")

_DTYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: Dtype.FLOAT32,
    onnx.TensorProto.FLOAT16: Dtype.FLOAT16,
    onnx.TensorProto.UINT8: Dtype.UINT8,
    onnx.TensorProto.INT64: Dtype.INT64,
}


class TensorInfo(NamedTuple):
    """An input or output as the file declares it; None stands for a dynamic dimension."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class OnnxInfo(NamedTuple):
    """What a caller of the network needs to know."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def inspect_onnx(data: bytes) -> OnnxInfo:
    """The inputs and outputs of a network that is safe to load.

    Raises ModelError `model_onnx_invalid` (no network), `model_onnx_external_data` (weights in other files,
    which no digest here covers) or `model_onnx_custom_operator` (needs native code of unknown origin).
    """
    try:
        model = onnx.load_from_string(data)
    except DecodeError as error:
        raise ModelError("model_onnx_invalid", "the file is no ONNX network") from error
    if not model.graph.node or not model.opset_import:
        raise ModelError("model_onnx_invalid", "the file holds no network")
    _refuse_external_data(model)
    _refuse_custom_operators(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = (_info(value) for value in model.graph.input if value.name not in weights)
    return OnnxInfo(tuple(inputs), tuple(_info(value) for value in model.graph.output))


def check_against_card(info: OnnxInfo, card: ModelCard) -> None:
    """Raises ModelError `model_card_mismatch` with every difference between a network and its card."""
    faults = [
        *_differences("input", info.inputs, card.inputs),
        *_differences("output", info.outputs, card.outputs),
    ]
    if faults:
        raise ModelError("model_card_mismatch", f"{card.name}: " + "; ".join(faults))


def _differences(what: str, found: Iterable[TensorInfo], declared: Iterable[TensorCard]) -> Iterator[str]:
    by_name = {tensor.name: tensor for tensor in found}
    names = [tensor.name for tensor in declared]
    if list(by_name) != names:
        yield f"the network's {what}s are {list(by_name)}, the card's {names}"
        return
    for tensor in declared:
        actual = by_name[tensor.name]
        if actual.dtype != tensor.dtype:
            yield f"{what} {tensor.name} is {actual.dtype}, the card says {tensor.dtype}"
        if not _compatible(actual.shape, tensor.shape):
            yield f"{what} {tensor.name} is {list(actual.shape)}, the card says {list(tensor.shape)}"


def _compatible(actual: tuple[int | None, ...], declared: tuple[int | str, ...]) -> bool:
    """Equal rank, and equal sizes wherever both state one; outputs often declare too little."""
    return len(actual) == len(declared) and all(
        size is None or isinstance(wanted, str) or size == wanted
        for size, wanted in zip(actual, declared, strict=True)
    )


def _info(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)
    return TensorInfo(value.name, shape, _DTYPES.get(tensor.elem_type, f"element type {tensor.elem_type}"))


def _refuse_external_data(model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                "model_onnx_external_data",
                f"tensor {tensor.name!r} lies in another file; store it inside the network",
            )


def _refuse_custom_operators(model: onnx.ModelProto) -> None:
    """Operators of the standard, and functions that the file itself defines, are all there may be."""
    own = {(function.domain, function.name) for function in model.functions}
    operators = {(node.domain, node.op_type) for node in _nodes(model)} - own
    refused = sorted(
        f"{domain}.{op}" if domain else op
        for domain, op in operators
        if domain not in STANDARD_DOMAINS or not onnx.defs.has(op, domain="")
    )
    if refused:
        raise ModelError(
            "model_onnx_custom_operator", f"operators outside the ONNX standard: {', '.join(refused)}"
        )


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Every node: of the graph, of graphs inside nodes, of functions, of training information."""
    pending = [node for graph in _top_graphs(model) for node in graph.node]
    pending += [node for function in model.functions for node in function.node]
    while pending:
        node = pending.pop()
        yield node
        for graph in _inner_graphs(node):
            pending.extend(graph.node)


def _top_graphs(model: onnx.ModelProto) -> list[onnx.GraphProto]:
    return [
        model.graph,
        *(graph for info in model.training_info for graph in (info.initialization, info.algorithm)),
    ]


def _inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from (attribute.g, *attribute.graphs)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor that a file stores."""
    nodes = list(_nodes(model))
    graphs = _top_graphs(model)
    graphs += [graph for node in nodes for graph in _inner_graphs(node)]
    for graph in graphs:
        yield from graph.initializer
        yield from _dense(graph.sparse_initializer)
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            yield from _dense((attribute.sparse_tensor, *attribute.sparse_tensors))


def _dense(tensors: Iterable[onnx.SparseTensorProto]) -> Iterator[onnx.TensorProto]:
    for tensor in tensors:
        yield from (tensor.values, tensor.indices)

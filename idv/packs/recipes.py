"""Turns the members of a source into ONNX bytes, as the lock's recipe says."""

import json
from collections.abc import Mapping
from typing import Any

import onnx

from idv.domain.errors import ModelError
from idv.packs.converters.dlib import convert_dlib
from idv.packs.converters.tfjs import Output, convert_tfjs
from idv.packs.inspection import inspect_onnx
from idv.packs.lock import LockedModel, RecipeKind


def make_onnx(model: LockedModel, members: Mapping[str, bytes]) -> bytes:
    """The ONNX of a model, inspected. `members`: path in the source -> bytes, in the lock's order.

    Raises ModelError for a malformed source, an operator without conversion, and whatever inspection refuses.
    """
    match model.recipe.kind:
        case RecipeKind.UNCHANGED:
            data = next(iter(members.values()))
        case RecipeKind.RENAMED:
            data = _renamed(model, next(iter(members.values())))
        case RecipeKind.TFJS:
            data = _from_tfjs(model, members)
        case RecipeKind.DLIB:
            manifest, shards = _described(model, members)
            data = convert_dlib(manifest, shards)
    inspect_onnx(data)
    return data


def _from_tfjs(model: LockedModel, members: Mapping[str, bytes]) -> bytes:
    description, shards = _described(model, members)
    outputs = [Output(o.name, o.nodes, axis=o.axis, shape=o.shape) for o in model.recipe.outputs]
    return convert_tfjs(description, shards, outputs=outputs, input_name=model.recipe.input)


def _described(model: LockedModel, members: Mapping[str, bytes]) -> tuple[Any, dict[str, bytes]]:
    """The parsed first member, and the others by file name: the description refers to them by that."""
    paths = list(model.members)
    try:
        description = json.loads(members[paths[0]])
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError("model_source_malformed", f"{paths[0]} is no JSON") from error
    return description, {path.rsplit("/", 1)[-1]: members[path] for path in paths[1:]}


def _renamed(model: LockedModel, data: bytes) -> bytes:
    """The same network with the tensors' names that the card promises; exporters number theirs."""
    inspect_onnx(data)
    network = onnx.load_from_string(data)
    weights = {tensor.name for tensor in network.graph.initializer}
    inputs = [value for value in network.graph.input if value.name not in weights]
    outputs = list(network.graph.output)
    wanted = [output.name for output in model.recipe.outputs]
    if len(inputs) != 1 or len(outputs) != len(wanted):
        raise ModelError(
            "model_source_malformed",
            f"{model.name}: {len(inputs)} inputs and {len(outputs)} outputs, expected 1 and {len(wanted)}",
        )
    names = {inputs[0].name: model.recipe.input}
    names |= {value.name: name for value, name in zip(outputs, wanted, strict=True)}
    _rename(network.graph, names)
    renamed: bytes = network.SerializeToString(deterministic=True)
    return renamed


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename tensors wherever they occur; a name that is taken already makes way."""
    taken = {name: f"{name}_of_source" for name in names.values() if name not in names}
    names = {**taken, **names}
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for tensors in (node.input, node.output):
            for index, name in enumerate(tensors):
                tensors[index] = names.get(name, name)

"""The graph of a TensorFlow.js model as plain values: nodes in order of computation, and constants."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.packs.converters.weights import read_weights

AttributeValue = str | bool | int | float | tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """One operation. `inputs` name other nodes or constants; only first outputs occur in these models."""

    op: str
    name: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A text attribute."""
        return str(self.attributes.get(name, default))

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of integers; empty where the attribute is absent."""
        value = self.attributes.get(name, ())
        return tuple(int(item) for item in value) if isinstance(value, tuple) else ()

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where the attribute is absent."""
        value = self.attributes.get(name, ())
        return tuple(str(item) for item in value) if isinstance(value, tuple) else ()

    def number(self, name: str, default: float) -> float:
        """A numeric attribute."""
        value = self.attributes.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default

    def flag(self, name: str) -> bool:
        """A truth value; absent means false."""
        return self.attributes.get(name) is True


@dataclass(frozen=True)
class Graph:
    """Nodes such that each comes after its inputs, the constants, and the shapes of the placeholders.

    `inputs`: placeholder -> its shape as published (NHWC, -1 for dynamic).
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[int, ...]]

    def consumers(self) -> Counter[str]:
        """How many nodes read each tensor."""
        return Counter(name for node in self.nodes for name in node.inputs)


def read_graph(model: Mapping[str, Any], shards: Mapping[str, bytes], outputs: Iterable[str]) -> Graph:
    """The part of a graph model that `outputs` depend on.

    `model`: the parsed model.json. Raises ModelError `model_source_malformed` for a missing node or a cycle.
    """
    weights = read_weights(model["weightsManifest"], shards)
    nodes = {raw["name"]: raw for raw in model["modelTopology"]["node"]}
    ordered = [_node(nodes[name]) for name in _order(nodes, tuple(outputs))]
    return Graph(
        nodes=tuple(node for node in ordered if node.op not in ("Const", "Placeholder")),
        constants={node.name: _constant(node.name, weights) for node in ordered if node.op == "Const"},
        inputs={n.name: _shape(nodes[n.name]) for n in ordered if n.op == "Placeholder"},
    )


def _order(nodes: Mapping[str, Mapping[str, Any]], outputs: Sequence[str]) -> list[str]:
    """Every node that the outputs need, inputs first (depth first, without recursion)."""
    done: dict[str, None] = {}
    open_: set[str] = set()
    stack = list(reversed(outputs))
    while stack:
        name = stack[-1]
        if name not in nodes:
            raise ModelError("model_source_malformed", f"the graph has no node {name}")
        if name in done:
            stack.pop()
            continue
        waiting = [source for source in _inputs(nodes[name]) if source not in done]
        if not waiting:
            done[name] = None
            open_.discard(stack.pop())
            continue
        if name in open_:
            raise ModelError("model_source_malformed", f"node {name} depends on itself")
        open_.add(name)
        stack.extend(reversed(waiting))
    return list(done)


def _inputs(raw: Mapping[str, Any]) -> tuple[str, ...]:
    names = [name.removesuffix(":0") for name in raw.get("input", []) if not name.startswith("^")]
    return tuple(names)


def _node(raw: Mapping[str, Any]) -> Node:
    attributes = {name: _attribute(value) for name, value in (raw.get("attr") or {}).items()}
    present = {name: value for name, value in attributes.items() if value is not None}
    return Node(raw["op"], raw["name"], _inputs(raw), present)


def _attribute(raw: Mapping[str, Any]) -> AttributeValue | None:
    """The value of a protobuf attribute in its JSON form: text is base64, integers are text."""
    if "s" in raw:
        return _text(raw["s"])
    if "b" in raw:
        return bool(raw["b"])
    if "i" in raw:
        return int(raw["i"])
    if "f" in raw:
        return float(raw["f"])
    items = raw.get("list", {})
    if "s" in items:
        return tuple(_text(item) for item in items["s"])
    return tuple(int(item) for item in items["i"]) if "i" in items else None


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode("ascii")


def _constant(name: str, weights: Mapping[str, Array]) -> Array:
    if name not in weights:
        raise ModelError("model_source_malformed", f"constant {name} has no weights")
    return weights[name]


def _shape(raw: Mapping[str, Any]) -> tuple[int, ...]:
    dims = raw["attr"]["shape"]["shape"]["dim"]
    return tuple(int(dim["size"]) for dim in dims)

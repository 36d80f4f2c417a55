"""Compares whole converted networks with NumPy: the published graph, operator by operator, in float64.

python scripts/check_conversions.py [--pack open]

Fetches the sources of the pack's converted TensorFlow.js models again (into a temporary folder), evaluates
their graphs with the few lines below, which share nothing with the converter, and prints the largest
difference to ONNX Runtime on noise, beside the largest value. Operators, padding and weights that were
converted wrongly show as differences far above rounding.
"""

import argparse
import base64
import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from platformdirs import user_cache_dir

from idv.packs.archives import read_members
from idv.packs.lock import LockedModel, RecipeKind, Source
from idv.packs.pulling import real_fetchers
from idv.packs.store import ModelStore

Array = np.ndarray[Any, Any]
Node = Mapping[str, Any]


def weights(model: Mapping[str, Any], shard: bytes) -> dict[str, Array]:
    """All tensors of a manifest with one shard, float16 widened."""
    found, offset = {}, 0
    for entry in model["weightsManifest"][0]["weights"]:
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        values = np.frombuffer(shard, np.dtype(stored), math.prod(entry["shape"]), offset)
        found[entry["name"]] = values.reshape(entry["shape"]).astype(np.float64)
        offset += values.nbytes
    return found


def decoded(node: Node, key: str) -> list[str]:
    """A list of texts, or one text."""
    value = node.get("attr", {}).get(key, {})
    encoded = value.get("list", {}).get("s", []) if "list" in value else [value["s"]] if "s" in value else []
    return [base64.b64decode(item).decode() for item in encoded]


def sides(node: Node, key: str) -> tuple[int, int]:
    """Height and width of a list like strides; 1 × 1 when absent."""
    values = node["attr"].get(key, {}).get("list", {}).get("i", ["1"] * 4)
    return int(values[1]), int(values[2])


def padded(node: Node, image: Array, kernel: tuple[int, int], fill: float) -> Array:
    """The image with what SAME adds."""
    if decoded(node, "padding") == ["VALID"]:
        return image
    amounts = []
    for axis, stride in zip((1, 2), sides(node, "strides"), strict=True):
        out = math.ceil(image.shape[axis] / stride)
        total = max((out - 1) * stride + kernel[axis - 1] - image.shape[axis], 0)
        amounts.append((total // 2, total - total // 2))
    return np.pad(image, ((0, 0), *amounts, (0, 0)), constant_values=fill)


def taps(node: Node, image: Array, kernel: tuple[int, int], fill: float) -> list[tuple[int, int, Array]]:
    """For each place in the kernel, the pixels that it meets."""
    wide = padded(node, image, kernel, fill)
    down, right = sides(node, "strides")
    height, width = ((wide.shape[a + 1] - kernel[a]) // (down, right)[a] + 1 for a in (0, 1))
    return [
        (
            row,
            column,
            wide[
                :,
                row : row + down * (height - 1) + 1 : down,
                column : column + right * (width - 1) + 1 : right,
            ],
        )
        for row in range(kernel[0])
        for column in range(kernel[1])
    ]


def convolution(node: Node, image: Array, kernel: Array, *rest: Array) -> Array:
    """Plain or depthwise, then bias and activation."""
    depthwise = "Depthwise" in node["op"]
    parts = taps(node, image, (kernel.shape[0], kernel.shape[1]), 0.0)
    products = [
        pixels * kernel[row, column, :, 0] if depthwise else pixels @ kernel[row, column]
        for row, column, pixels in parts
    ]
    out: Array = np.sum(products, axis=0)
    fused = decoded(node, "fused_ops")
    out = out + rest[0] if "BiasAdd" in fused else out
    out = np.maximum(out, 0) if "Relu" in fused else out
    return prelu(out, rest[1]) if "Prelu" in fused else out


def prelu(image: Array, slope: Array) -> Array:
    """Negative values times their slope."""
    return np.where(image > 0, image, image * slope)


def maximum_pool(node: Node, image: Array) -> Array:
    """The largest of each window."""
    result: Array = np.max(
        [pixels for _, _, pixels in taps(node, image, sides(node, "ksize"), -np.inf)], axis=0
    )
    return result


WINDOWED: Mapping[str, Callable[..., Array]] = {
    "Conv2D": convolution,
    "_FusedConv2D": convolution,
    "DepthwiseConv2dNative": convolution,
    "MaxPool": maximum_pool,
}
"""Operators that read attributes of their node."""

PLAIN: Mapping[str, Callable[..., Array]] = {
    "Identity": lambda x: x,
    "Prelu": prelu,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Add": np.add,
    "AddV2": np.add,
    "Mul": np.multiply,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
    "Pad": lambda x, amounts: np.pad(x, amounts.astype(int)),
    "Reshape": lambda x, shape: x.reshape(shape.astype(int)),
    "Mean": lambda x, axes: x.mean(axis=tuple(axes.astype(int))),
}
"""Operators that read their inputs alone."""


def applied(node: Node, inputs: Sequence[Array]) -> Array:
    """The value of one node. Raises KeyError for an operator that is not above."""
    if node["op"] in WINDOWED:
        return WINDOWED[node["op"]](node, *inputs)
    return PLAIN[node["op"]](*inputs)


def evaluate(model: Mapping[str, Any], values: dict[str, Array], wanted: str) -> Array:
    """The value of one node, and of all it needs, remembered in `values`."""
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    stack = [wanted]
    while stack:
        name = stack[-1]
        inputs = [source.removesuffix(":0") for source in nodes[name].get("input", [])]
        missing = [source for source in inputs if source not in values]
        if name in values or not missing:
            stack.pop()
            if name not in values:
                values[name] = applied(nodes[name], [values[source] for source in inputs])
        else:
            stack.extend(missing)
    return values[wanted]


def compare(store: ModelStore, model: LockedModel, source: Source, package: Path) -> None:
    """Print one line an output."""
    members = read_members(source, package, model.members)
    graph = json.loads(members[model.members[0]])
    values = weights(graph, members[model.members[1]])
    session = ort.InferenceSession(str(store.cache.onnx(model.sha256)), providers=["CPUExecutionProvider"])
    image = (
        np.random.default_rng(0).uniform(-1, 1, (1, *session.get_inputs()[0].shape[1:])).astype(np.float32)
    )
    placeholder = next(node["name"] for node in graph["modelTopology"]["node"] if node["op"] == "Placeholder")
    values[placeholder] = image.transpose(0, 2, 3, 1).astype(np.float64)
    for output in model.recipe.outputs:
        parts = [evaluate(graph, values, name) for name in output.nodes]
        expected = np.concatenate(parts, axis=output.axis)
        actual = session.run([output.name], {model.recipe.input: image})[0]
        gap = np.abs(actual.reshape(-1) - expected.reshape(-1)).max()
        largest = np.abs(expected).max()
        print(f"{model.name:12s} {output.name:10s} difference {gap:.1e}, largest value {largest:.3g}")


def unwatched(size: int) -> None:
    """Nobody looks at the progress."""


def main() -> None:
    """Fetch, evaluate, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pack", default="open")
    pack = arguments.parse_args().pack
    root = Path(__file__).resolve().parent.parent
    cache = Path(os.environ.get("IDV_MODEL_CACHE", Path(user_cache_dir("idv")) / "models"))
    store = ModelStore(root / "model_repository", cache)
    lock = store.lock(pack)
    for source in lock.sources:
        models = [m for m in lock.models if m.source == source.id and m.recipe.kind is RecipeKind.TFJS]
        if not models:
            continue
        with tempfile.TemporaryDirectory() as folder:
            package = real_fetchers()[source.kind].fetch(source, Path(folder), unwatched)
            for model in models:
                compare(store, model, source, package)


if __name__ == "__main__":
    main()

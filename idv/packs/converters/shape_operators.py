"""Reshaping, padding, joining and averaging: the operators that change what the axes mean."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from idv.domain.errors import ModelError
from idv.packs.converters.lowering import BATCH, IMAGE_RANK, Emitter, Lowering, Tensor, image_axis
from idv.packs.converters.tfjs_graph import Node


def reshape(lowering: Lowering, node: Node) -> Tensor:
    """Reshape that keeps the batch: a first dimension published as 1 or -1 becomes dynamic."""
    source = lowering.tensor(node.inputs[0])
    target = tuple(int(size) for size in lowering.constant(node.inputs[1]))
    return reshape_to(lowering, source, _rest(node.name, source.shape, target))


def reshape_to(lowering: Lowering, source: Tensor, rest: Sequence[int]) -> Tensor:
    """The tensor with its batch and `rest` as dimensions, elements in the source's order."""
    published = lowering.as_published(source)
    # ONNX copies a dimension given as 0, so the batch stays dynamic.
    if len(rest) + 1 != IMAGE_RANK:
        shape = lowering.builder.constant(np.array([0, *rest], np.int64))
        return Tensor(lowering.builder.add("Reshape", [published, shape]), (BATCH, *rest))
    height, width, channels = rest
    shape = lowering.builder.constant(np.array([0, *rest], np.int64))
    image = lowering.builder.add("Reshape", [published, shape])
    name = lowering.builder.add("Transpose", [image], {"perm": [0, 3, 1, 2]})
    return Tensor(name, (BATCH, height, width, channels))


def _rest(name: str, source: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The dimensions after the batch, with an open one filled in."""
    sample, rest = math.prod(source[1:]), list(target[1:])
    if rest.count(-1) == 1:
        known = -math.prod(rest)
        rest[rest.index(-1)] = sample // known if known else 0
    if target[0] not in (1, BATCH) or math.prod(rest) != sample:
        raise ModelError(
            "model_operator_unsupported", f"{name}: {tuple(target)} mixes the batch into other axes"
        )
    return tuple(rest)


def pad(lowering: Lowering, node: Node) -> Tensor:
    """Pad and PadV2 with a constant value."""
    source = lowering.tensor(node.inputs[0])
    amounts = lowering.constant(node.inputs[1]).astype(np.int64)
    value = lowering.constant(node.inputs[2]) if node.op == "PadV2" else np.zeros((), np.float32)
    rank = len(source.shape)
    only_more_channels = rank == IMAGE_RANK and amounts.sum() == amounts[3, 1]
    if only_more_channels and not value.any():
        return widen(lowering, source, int(amounts[3, 1]))
    ordered = np.zeros_like(amounts)
    for axis in range(rank):
        ordered[image_axis(axis, rank)] = amounts[axis]
    pads = lowering.builder.constant(ordered.T.reshape(-1))
    fill = lowering.builder.constant(value.astype(np.float32).reshape(()))
    shape = tuple(
        size if size == BATCH else int(size + amounts[axis].sum()) for axis, size in enumerate(source.shape)
    )
    return Tensor(lowering.emit("Pad", source, pads, fill, mode="constant"), shape)


def widen(lowering: Lowering, source: Tensor, extra: int) -> Tensor:
    """An image with `extra` channels of zeros after its own, as a 1×1 convolution with the identity.

    The reason is the same as for `Lowering.scale_channels`.
    """
    channels = source.shape[3]
    weights = np.eye(channels + extra, channels, dtype=np.float32)[:, :, None, None]
    name = lowering.emit("Conv", source, lowering.builder.constant(weights), kernel_shape=[1, 1])
    return Tensor(name, (*source.shape[:3], channels + extra))


def concat(lowering: Lowering, node: Node) -> Tensor:
    """ConcatV2: the last input is the axis."""
    parts = [lowering.tensor(name) for name in node.inputs[:-1]]
    return join(lowering, parts, int(lowering.constant(node.inputs[-1]).reshape(())))


def join(lowering: Lowering, parts: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors laid side by side along an axis of the source."""
    rank = len(parts[0].shape)
    axis %= rank
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    name = lowering.builder.add("Concat", [part.name for part in parts], {"axis": image_axis(axis, rank)})
    return Tensor(name, tuple(shape))


def mean(lowering: Lowering, node: Node) -> Tensor:
    """Mean over height and width of an image, the only averages these networks take."""
    source = lowering.tensor(node.inputs[0])
    axes = sorted(int(axis) % len(source.shape) for axis in lowering.constant(node.inputs[1]).reshape(-1))
    if len(source.shape) != IMAGE_RANK or axes != [1, 2]:
        raise ModelError("model_operator_unsupported", f"{node.name}: mean over axes {axes}")
    pooled = Tensor(lowering.emit("GlobalAveragePool", source), (source.shape[0], 1, 1, source.shape[3]))
    if node.flag("keep_dims"):
        return pooled
    return Tensor(lowering.emit("Flatten", pooled, axis=1), (source.shape[0], source.shape[3]))


OPERATORS: Mapping[str, Emitter] = {
    "Reshape": reshape,
    "Pad": pad,
    "PadV2": pad,
    "ConcatV2": concat,
    "Mean": mean,
}

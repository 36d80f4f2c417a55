"""Carries tensors from a TensorFlow graph (NHWC) to an ONNX graph (NCHW), with their static shapes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.packs.converters.builder import GraphBuilder
from idv.packs.converters.tfjs_graph import Node

BATCH = -1
"""The dynamic dimension; always and only the first one."""

IMAGE_RANK = 4
"""Tensors of this rank are images: NHWC in the source, NCHW in ONNX."""


class Tensor(NamedTuple):
    """An ONNX value and its shape as the source graph has it: images are NHWC here, NCHW in ONNX."""

    name: str
    shape: tuple[int, ...]


class Window(NamedTuple):
    """A sliding window along height and width, and the zeros around the image."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]

    def output(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of the result for an image of this height and width."""
        sides = (
            (size[i] + self.before[i] + self.after[i] - self.dilations[i] * (self.kernel[i] - 1) - 1)
            // self.strides[i]
            + 1
            for i in (0, 1)
        )
        height, width = sides
        return height, width

    @property
    def pads(self) -> list[int]:
        """The zeros as ONNX wants them: top, left, bottom, right."""
        return [*self.before, *self.after]


@dataclass
class Lowering:
    """The state of one conversion: what has been computed so far, by name in the source graph."""

    builder: GraphBuilder
    constants: Mapping[str, Array]
    tensors: dict[str, Tensor]

    def tensor(self, name: str) -> Tensor:
        """A computed tensor. Raises ModelError where a constant stands instead."""
        if name not in self.tensors:
            raise ModelError("model_operator_unsupported", f"{name} is a constant where a tensor is expected")
        return self.tensors[name]

    def constant(self, name: str) -> Array:
        """A constant's value. Raises ModelError where it is computed at run time."""
        if name not in self.constants:
            raise ModelError("model_operator_unsupported", f"{name} must be a constant")
        return self.constants[name]

    def emit(self, op: str, tensor: Tensor, *extra: str, **attributes: object) -> str:
        """Append an ONNX node that reads `tensor`, then `extra` inputs."""
        return self.builder.add(op, [tensor.name, *extra], attributes)

    def as_published(self, tensor: Tensor) -> str:
        """The tensor in the source's order of elements: images as NHWC, unless the order is the same."""
        if len(tensor.shape) != IMAGE_RANK or 1 in (math.prod(tensor.shape[1:3]), tensor.shape[3]):
            return tensor.name
        return self.emit("Transpose", tensor, perm=[0, 2, 3, 1])

    def scale_channels(self, image: Tensor, factors: Array) -> Tensor:
        """An image with each channel multiplied by its factor, as a depthwise 1×1 convolution.

        ONNX Runtime keeps images in blocks of channels between convolutions, and leaves that layout for
        `Mul`, `PRelu` and `Pad`, which then also keeps the sums after them from being fused.
        """
        channels = image.shape[3]
        weights = self.builder.constant(factors.astype(np.float32).reshape(channels, 1, 1, 1))
        return Tensor(self.emit("Conv", image, weights, group=channels, kernel_shape=[1, 1]), image.shape)


Emitter = Callable[[Lowering, Node], Tensor]
"""Translates one node; its result joins the tensors under the node's name."""


def window(node: Node, kernel: Sequence[int], size: Sequence[int]) -> Window:
    """The window of a convolution or pooling over an image of `size` (height, width)."""
    if node.text("data_format", "NHWC") != "NHWC":
        raise ModelError("model_operator_unsupported", f"{node.name}: only NHWC is read")
    strides = (node.integers("strides") or (1, 1, 1, 1))[1:3]
    dilations = (node.integers("dilations") or (1, 1, 1, 1))[1:3]
    before, after = _padding(node, kernel=kernel, strides=strides, dilations=dilations, size=size)
    return Window(_pair(kernel), _pair(strides), _pair(dilations), before, after)


def _padding(
    node: Node,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    size: Sequence[int],
) -> tuple[tuple[int, int], tuple[int, int]]:
    kind = node.text("padding")
    if kind == "VALID":
        return (0, 0), (0, 0)
    if kind == "EXPLICIT":
        pads = node.integers("explicit_paddings")
        return (pads[2], pads[4]), (pads[3], pads[5])
    if kind != "SAME":
        raise ModelError("model_operator_unsupported", f"{node.name}: padding {kind!r}")
    total = [
        max((-(-size[i] // strides[i]) - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - size[i], 0)
        for i in (0, 1)
    ]
    return (total[0] // 2, total[1] // 2), (total[0] - total[0] // 2, total[1] - total[1] // 2)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def image_operand(value: Array) -> Array:
    """A constant that broadcasts over NHWC, reordered to broadcast over NCHW."""
    if value.ndim > IMAGE_RANK:
        raise ModelError("model_operator_unsupported", f"an operand of rank {value.ndim} beside an image")
    if value.ndim == 0:
        return value
    wide = value.reshape((1,) * (IMAGE_RANK - value.ndim) + value.shape)
    return np.ascontiguousarray(
        wide.transpose(0, 3, 1, 2)[0] if wide.shape[0] == 1 else wide.transpose(0, 3, 1, 2)
    )


def image_axis(axis: int, rank: int) -> int:
    """Where an axis of the source lies in ONNX."""
    axis %= rank
    return (0, 2, 3, 1)[axis] if rank == IMAGE_RANK else axis

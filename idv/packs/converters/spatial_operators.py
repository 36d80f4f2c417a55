"""Convolutions, pooling, resizing: the operators that look at neighbouring pixels."""

from collections.abc import Mapping

import numpy as np

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.packs.converters.elementwise_operators import apply_activation
from idv.packs.converters.folding import DEPTHWISE
from idv.packs.converters.lowering import Emitter, Lowering, Tensor, window
from idv.packs.converters.tfjs_graph import Node

RUNTIME_BLOCK = 16
"""Channels in a block of ONNX Runtime's own layout (8 on machines without AVX-512)."""


def convolution(lowering: Lowering, node: Node) -> Tensor:
    """Conv2D and depthwise convolution, with the bias and activation fused into them."""
    image = lowering.tensor(node.inputs[0])
    kernel = lowering.constant(node.inputs[1])
    weights, groups = _weights(node, kernel)
    view = window(node, kernel.shape[:2], image.shape[1:3])
    fused = node.texts("fused_ops")
    inputs = [image.name, lowering.builder.constant(weights)]
    if fused[:1] == ("BiasAdd",):
        inputs.append(lowering.builder.constant(lowering.constant(node.inputs[2])))
    name = lowering.builder.add(
        "Conv",
        inputs,
        {
            "dilations": list(view.dilations),
            "group": groups,
            "kernel_shape": list(view.kernel),
            "pads": view.pads,
            "strides": list(view.strides),
        },
    )
    result = Tensor(name, (image.shape[0], *view.output(image.shape[1:3]), weights.shape[0]))
    return apply_activation(lowering, node, result)


def _weights(node: Node, kernel: Array) -> tuple[Array, int]:
    """The kernel in ONNX's order (output, input of the group, height, width), and the number of groups."""
    if node.op not in DEPTHWISE:
        return kernel.transpose(3, 2, 0, 1), 1
    height, width, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width), channels


def pooling(lowering: Lowering, node: Node) -> Tensor:
    """MaxPool and AvgPool; zeros added by SAME never count into an average."""
    image = lowering.tensor(node.inputs[0])
    view = window(node, node.integers("ksize")[1:3], image.shape[1:3])
    attributes = {"kernel_shape": list(view.kernel), "pads": view.pads, "strides": list(view.strides)}
    op = "MaxPool" if node.op == "MaxPool" else "AveragePool"
    name = lowering.builder.add(op, [image.name], attributes)
    result = Tensor(name, (image.shape[0], *view.output(image.shape[1:3]), image.shape[3]))
    if image.shape[3] % RUNTIME_BLOCK == 0:
        return result
    # ONNX Runtime does not pool such an image in its own layout; a convolution brings the result back to it.
    return lowering.scale_channels(result, np.ones(image.shape[3]))


def resize(lowering: Lowering, node: Node) -> Tensor:
    """ResizeBilinear and ResizeNearestNeighbor to a constant size."""
    image = lowering.tensor(node.inputs[0])
    height, width = (int(side) for side in lowering.constant(node.inputs[1]))
    if node.flag("align_corners") and node.op == "ResizeNearestNeighbor":
        raise ModelError("model_operator_unsupported", f"{node.name}: nearest neighbour with aligned corners")
    sizes = _sizes(lowering, image, height, width)
    name = lowering.emit("Resize", image, "", "", sizes, **_resize_mode(node))
    return Tensor(name, (image.shape[0], height, width, image.shape[3]))


def _sizes(lowering: Lowering, image: Tensor, height: int, width: int) -> str:
    """The four dimensions of the result; the batch is known at run time only.

    Scales would do without this, but floor(5 × 1.4) is 6 in float32.
    """
    bounds = [lowering.builder.constant(np.array([index], np.int64)) for index in (0, 2)]
    shape = Tensor(lowering.emit("Shape", image), (len(image.shape),))
    kept = lowering.emit("Slice", shape, *bounds)
    wanted = lowering.builder.constant(np.array([height, width], np.int64))
    return lowering.builder.add("Concat", [kept, wanted], {"axis": 0})


def _resize_mode(node: Node) -> Mapping[str, str]:
    grid = "asymmetric"
    if node.flag("align_corners"):
        grid = "align_corners"
    elif node.flag("half_pixel_centers"):
        grid = "half_pixel"
    if node.op == "ResizeBilinear":
        return {"coordinate_transformation_mode": grid, "mode": "linear"}
    # TensorFlow takes floor((i + 0.5) * scale) on the half-pixel grid: that is the nearest, halves going up.
    rounding = "floor" if grid == "asymmetric" else "round_prefer_ceil"
    return {"coordinate_transformation_mode": grid, "mode": "nearest", "nearest_mode": rounding}


OPERATORS: Mapping[str, Emitter] = {
    "Conv2D": convolution,
    "_FusedConv2D": convolution,
    "DepthwiseConv2dNative": convolution,
    "FusedDepthwiseConv2dNative": convolution,
    "MaxPool": pooling,
    "AvgPool": pooling,
    "ResizeBilinear": resize,
    "ResizeNearestNeighbor": resize,
}

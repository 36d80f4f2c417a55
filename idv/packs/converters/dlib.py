"""dlib's face recognition ResNet-29 (150 × 150 RGB -> 128-d), from face-api's weight manifest, as ONNX.

The architecture is dlib's `dnn_face_recognition_ex.cpp`: a 7×7 convolution with stride 2, max pooling,
then residual blocks of two 3×3 convolutions, each followed by a scale and shift a channel (a frozen batch
normalisation). A block that halves the size adds the 2×2 average of its input, widened with zero channels;
where the unpadded strided convolution comes out smaller than that average, zeros follow right and below.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.packs.converters.builder import GraphBuilder
from idv.packs.converters.weights import Manifest, read_weights

VERSION = "dlib-1"
"""Raised with every change that alters the bytes of the converted model."""

INPUT_SIDE_PX = 150
EMBEDDING_SIZE = 128

_BLOCKS = (
    *("conv32_1", "conv32_2", "conv32_3"),
    *("conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2"),
    *("conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)


class _Image(NamedTuple):
    """A value in the graph with its channels and its side in pixels (all images here are square)."""

    name: str
    channels: int
    side: int


def convert_dlib(manifest: Manifest, shards: Mapping[str, bytes]) -> bytes:
    """The ONNX bytes: input `image` (N, 3, 150, 150) float32, output `embedding` (N, 128) float32.

    Input range: (RGB - (122.782, 117.001, 104.298)) / 256. Raises ModelError `model_source_malformed`.
    """
    network = _Network(GraphBuilder("dlib_resnet"), read_weights(manifest, shards))
    image = _Image(
        network.builder.input("image", ["batch", 3, INPUT_SIDE_PX, INPUT_SIDE_PX]), 3, INPUT_SIDE_PX
    )
    image = network.relu(network.convolution(image, "conv32_down", stride=2, pad=0))
    image = network.pool("MaxPool", image, kernel=3)
    for block in _BLOCKS:
        image = network.down(image, block) if "down" in block else network.residual(image, block)
    network.embedding(image)
    return network.builder.finish(producer="idv", metadata={"converter": VERSION})


class _Network:
    """The building blocks over one graph and one set of weights."""

    def __init__(self, builder: GraphBuilder, weights: Mapping[str, Array]) -> None:
        self.builder = builder
        self._weights = weights

    def residual(self, image: _Image, block: str) -> _Image:
        """relu(conv(relu(conv(x))) + x)."""
        inner = self.relu(self.convolution(image, f"{block}/conv1", stride=1, pad=1))
        outer = self.convolution(inner, f"{block}/conv2", stride=1, pad=1)
        return self.relu(self._sum(outer, image))

    def down(self, image: _Image, block: str) -> _Image:
        """The block that halves the side: see the module's description of its shortcut."""
        inner = self.relu(self.convolution(image, f"{block}/conv1", stride=2, pad=0))
        outer = self.convolution(inner, f"{block}/conv2", stride=1, pad=1)
        shortcut = self._halve(image, outer.channels)
        side = max(outer.side, shortcut.side)
        return self.relu(self._sum(self._grow(outer, side), self._grow(shortcut, side)))

    def convolution(self, image: _Image, layer: str, *, stride: int, pad: int) -> _Image:
        """Convolution with the layer's scale and shift folded in: s * (w x + b) + t."""
        filters, bias = self._weight(f"{layer}/conv/filters"), self._weight(f"{layer}/conv/bias")
        scale, shift = self._weight(f"{layer}/scale/weights"), self._weight(f"{layer}/scale/biases")
        weights = (filters * scale).astype(np.float32).transpose(3, 2, 0, 1)
        offset = (bias * scale + shift).astype(np.float32)
        kernel = filters.shape[0]
        attributes = {"kernel_shape": [kernel] * 2, "pads": [pad] * 4, "strides": [stride] * 2}
        inputs = [image.name, self.builder.constant(weights), self.builder.constant(offset)]
        side = (image.side + 2 * pad - kernel) // stride + 1
        return _Image(self.builder.add("Conv", inputs, attributes), filters.shape[3], side)

    def pool(self, op: str, image: _Image, *, kernel: int) -> _Image:
        """Pooling with stride 2 and no padding."""
        attributes = {"kernel_shape": [kernel] * 2, "strides": [2, 2]}
        return _Image(
            self.builder.add(op, [image.name], attributes), image.channels, (image.side - kernel) // 2 + 1
        )

    def relu(self, image: _Image) -> _Image:
        """max(x, 0)."""
        return image._replace(name=self.builder.add("Relu", [image.name]))

    def embedding(self, image: _Image) -> None:
        """Average over the image, times the last matrix: the graph's output."""
        pooled = self.builder.add("GlobalAveragePool", [image.name])
        flat = self.builder.add("Flatten", [pooled], {"axis": 1})
        matrix = self.builder.constant(self._weight("fc").astype(np.float32))
        self.builder.output("embedding", self.builder.add("Gemm", [flat, matrix]), ["batch", EMBEDDING_SIZE])

    def _sum(self, left: _Image, right: _Image) -> _Image:
        return left._replace(name=self.builder.add("Add", [left.name, right.name]))

    def _halve(self, image: _Image, channels: int) -> _Image:
        """2×2 average with stride 2, then zeros up to `channels` channels.

        The zeros come from a convolution with the identity: `Pad` would leave the layout that ONNX Runtime
        keeps between convolutions, and so keep the following sums from being fused into them.
        """
        pooled = self.pool("AveragePool", image, kernel=2)
        if pooled.channels == channels:
            return pooled
        weights = np.eye(channels, pooled.channels, dtype=np.float32)[:, :, None, None]
        name = self.builder.add(
            "Conv", [pooled.name, self.builder.constant(weights)], {"kernel_shape": [1, 1]}
        )
        return _Image(name, channels, pooled.side)

    def _grow(self, image: _Image, side: int) -> _Image:
        """Zeros below and on the right: a convolution with one 1×1 kernel of value 1 a channel."""
        if image.side == side:
            return image
        weights = np.ones((image.channels, 1, 1, 1), np.float32)
        edge = side - image.side
        attributes = {"group": image.channels, "kernel_shape": [1, 1], "pads": [0, 0, edge, edge]}
        name = self.builder.add("Conv", [image.name, self.builder.constant(weights)], attributes)
        return _Image(name, image.channels, side)

    def _weight(self, name: str) -> Array:
        """A tensor in float64, so that folding rounds once."""
        if name not in self._weights:
            raise ModelError("model_source_malformed", f"the network's tensor {name} is missing")
        return self._weights[name].astype(np.float64)

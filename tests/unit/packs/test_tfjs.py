"""Every operator of the TensorFlow.js converter against an independent NumPy computation."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idv.domain.errors import ModelError
from idv.packs.converters.tfjs import OPERATORS, Output, convert_tfjs

RNG = np.random.default_rng(7)
Array = np.ndarray[Any, Any]


# --- a graph model as TensorFlow.js publishes it ---------------------------------------------------------


def text(value: str) -> dict[str, str]:
    """A text attribute."""
    return {"s": base64.b64encode(value.encode()).decode()}


def texts(*values: str) -> dict[str, Any]:
    """A list of texts."""
    return {"list": {"s": [base64.b64encode(value.encode()).decode() for value in values]}}


def integers(*values: int) -> dict[str, Any]:
    """A list of integers."""
    return {"list": {"i": [str(value) for value in values]}}


def node(op: str, name: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    """One node of the topology."""
    return {"op": op, "name": name, "input": list(inputs), "attr": attributes}


def graph(
    nodes: Sequence[dict[str, Any]],
    constants: Mapping[str, Array] | None = None,
    *,
    image: tuple[int, int, int] = (5, 6, 3),
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A model.json and its shard: a placeholder `image` (-1, H, W, C), constants and nodes."""
    dims = [{"size": str(size)} for size in (-1, *image)]
    topology = [{"op": "Placeholder", "name": "image", "attr": {"shape": {"shape": {"dim": dims}}}}]
    weights, shard = [], b""
    for name, value in (constants or {}).items():
        dtype = "int32" if value.dtype.kind == "i" else "float32"
        topology.append({"op": "Const", "name": name, "attr": {}})
        weights.append({"name": name, "shape": list(value.shape), "dtype": dtype})
        shard += value.astype("<i4" if dtype == "int32" else "<f4").tobytes()
    manifest = [{"paths": ["w.bin"], "weights": weights}]
    model = {"modelTopology": {"node": [*topology, *nodes]}, "weightsManifest": manifest}
    return model, {"w.bin": shard}


def run(
    nodes: Sequence[dict[str, Any]],
    constants: Mapping[str, Array] | None = None,
    *,
    feed: Array,
    output: Output | None = None,
) -> Array:
    """Convert, run with ONNX Runtime on NHWC images, give images back as NHWC."""
    model, shards = graph(nodes, constants, image=feed.shape[1:])
    wanted = output or Output("y", (nodes[-1]["name"],))
    data = convert_tfjs(model, shards, outputs=[wanted], input_name="x")
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    result: Array = session.run(None, {"x": np.ascontiguousarray(feed.transpose(0, 3, 1, 2))})[0]
    return result.transpose(0, 2, 3, 1) if result.ndim == 4 else result


# --- the same operators in NumPy, in float64, from their definitions ------------------------------------


def pads(size: int, window: int, stride: int, *, same: bool) -> tuple[int, int, int]:
    """Zeros before and after, and the output's size, as TensorFlow defines SAME and VALID."""
    out = math.ceil(size / stride) if same else math.ceil((size - window + 1) / stride)
    total = max((out - 1) * stride + window - size, 0) if same else 0
    return total // 2, total - total // 2, out


def windows(
    image: Array, kernel: tuple[int, int], *, stride: int, dilation: int, same: bool, fill: float
) -> Array:
    """(N, out_h, out_w, kh, kw, C): what the window sees at each place."""
    spans = [dilation * (size - 1) + 1 for size in kernel]
    top, bottom, height = pads(image.shape[1], spans[0], stride, same=same)
    left, right, width = pads(image.shape[2], spans[1], stride, same=same)
    wide = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    seen = np.empty((len(image), height, width, *kernel, image.shape[3]))
    for row in range(height):
        for column in range(width):
            y, x = row * stride, column * stride
            seen[:, row, column] = wide[:, y : y + spans[0] : dilation, x : x + spans[1] : dilation]
    return seen


def conv(image: Array, kernel: Array, *, stride: int = 1, dilation: int = 1, same: bool = True) -> Array:
    """Cross-correlation, kernel (kh, kw, in, out)."""
    size = (kernel.shape[0], kernel.shape[1])
    seen = windows(image.astype(np.float64), size, stride=stride, dilation=dilation, same=same, fill=0)
    out: Array = np.einsum("nhwijc,ijco->nhwo", seen, kernel)
    return out


def depthwise(image: Array, kernel: Array, *, stride: int = 1, dilation: int = 1, same: bool = True) -> Array:
    """Each channel with its own kernels, kernel (kh, kw, channels, multiplier)."""
    size = (kernel.shape[0], kernel.shape[1])
    seen = windows(image.astype(np.float64), size, stride=stride, dilation=dilation, same=same, fill=0)
    out: Array = np.einsum("nhwijc,ijcm->nhwcm", seen, kernel)
    return out.reshape(*out.shape[:3], -1)


def bilinear(image: Array, height: int, width: int, *, half_pixel: bool, corners: bool) -> Array:
    """Linear interpolation on TensorFlow's three grids."""
    out = np.empty((len(image), height, width, image.shape[3]))
    for row in range(height):
        for column in range(width):
            y = source(row, image.shape[1], height, half_pixel=half_pixel, corners=corners)
            x = source(column, image.shape[2], width, half_pixel=half_pixel, corners=corners)
            top, left = math.floor(y), math.floor(x)
            low, right = min(top + 1, image.shape[1] - 1), min(left + 1, image.shape[2] - 1)
            dy, dx = y - top, x - left
            upper = image[:, top, left] * (1 - dx) + image[:, top, right] * dx
            lower = image[:, low, left] * (1 - dx) + image[:, low, right] * dx
            out[:, row, column] = upper * (1 - dy) + lower * dy
    return out


def source(index: int, size: int, target: int, *, half_pixel: bool, corners: bool) -> float:
    """Where a pixel of the result comes from."""
    if corners:
        return index * (size - 1) / (target - 1) if target > 1 else 0.0
    place = (index + 0.5) * size / target - 0.5 if half_pixel else index * size / target
    return min(max(place, 0.0), size - 1)


def image_of(*shape: int) -> Array:
    """Noise in float32."""
    return RNG.standard_normal(shape).astype(np.float32)


def close(actual: Array, expected: Array) -> None:
    """Equal in shape, and in value to float32 rounding."""
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=2e-5)


SAME, VALID = text("SAME"), text("VALID")
ONE = integers(1, 1, 1, 1)


# --- operators ------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    same=st.booleans(),
)
def test_convolution_agrees_for_any_window(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, *, same: bool
) -> None:
    """SAME and VALID padding with any stride put the window where TensorFlow puts it."""
    feed, weights = image_of(2, *size, 3), image_of(*kernel, 3, 4)
    made = node(
        "Conv2D", "y", "image", "w", padding=SAME if same else VALID, strides=integers(1, stride, stride, 1)
    )
    close(run([made], {"w": weights}, feed=feed), conv(feed, weights, stride=stride, same=same))


@pytest.mark.parametrize(
    ("stride", "multiplier", "same"), [(1, 1, True), (2, 1, True), (2, 3, False), (1, 2, True)]
)
def test_depthwise_convolution_agrees(stride: int, multiplier: int, *, same: bool) -> None:
    """A depthwise convolution keeps its channels apart and orders several kernels a channel as published."""
    feed, weights = image_of(2, 6, 5, 4), image_of(3, 3, 4, multiplier)
    made = node(
        "DepthwiseConv2dNative",
        "y",
        "image",
        "w",
        padding=SAME if same else VALID,
        strides=integers(1, stride, stride, 1),
    )
    close(run([made], {"w": weights}, feed=feed), depthwise(feed, weights, stride=stride, same=same))


@pytest.mark.parametrize("same", [True, False])
def test_dilated_convolution_agrees(*, same: bool) -> None:
    """A dilation widens the window without more weights, and SAME pads for the wider one."""
    feed, weights = image_of(1, 9, 8, 2), image_of(3, 2, 2, 3)
    made = node(
        "Conv2D",
        "y",
        "image",
        "w",
        padding=SAME if same else VALID,
        strides=ONE,
        dilations=integers(1, 2, 2, 1),
    )
    close(run([made], {"w": weights}, feed=feed), conv(feed, weights, dilation=2, same=same))


def test_explicit_padding_is_taken_as_given() -> None:
    """EXPLICIT padding adds the zeros it states, different on each side."""
    feed, weights = image_of(1, 5, 6, 2), image_of(3, 3, 2, 2)
    made = node(
        "Conv2D",
        "y",
        "image",
        "w",
        padding=text("EXPLICIT"),
        explicit_paddings=integers(0, 0, 2, 1, 0, 3, 0, 0),
        strides=ONE,
    )
    wide = np.pad(feed, ((0, 0), (2, 1), (0, 3), (0, 0)))
    close(run([made], {"w": weights}, feed=feed), conv(wide, weights, same=False))


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ((), lambda x: x),
        (("Relu",), lambda x: np.maximum(x, 0)),
        (("Relu6",), lambda x: np.clip(x, 0, 6)),
        (("Elu",), lambda x: np.where(x > 0, x, np.expm1(x))),
        (("Sigmoid",), lambda x: 1 / (1 + np.exp(-x))),
        (("LeakyRelu",), lambda x: np.where(x > 0, x, 0.3 * x)),
    ],
)
@pytest.mark.parametrize("op", ["_FusedConv2D", "FusedDepthwiseConv2dNative"])
def test_fused_convolution_adds_bias_then_activates(
    op: str, activation: tuple[str, ...], expected: Any
) -> None:
    """A fused convolution is the convolution, plus the bias, through the activation."""
    feed, bias = image_of(2, 5, 4, 3) * 4, image_of(6)
    weights = image_of(3, 3, 3, 6 if op == "_FusedConv2D" else 2)
    made = node(
        op,
        "y",
        "image",
        "w",
        "b",
        padding=SAME,
        strides=ONE,
        fused_ops=texts("BiasAdd", *activation),
        leakyrelu_alpha={"f": 0.3},
    )
    plain = conv(feed, weights) if op == "_FusedConv2D" else depthwise(feed, weights)
    close(run([made], {"w": weights, "b": bias}, feed=feed), expected(plain + bias))


def test_fused_prelu_multiplies_negative_values_by_their_channels_slope() -> None:
    """The fourth input of a convolution fused with Prelu is the slope, negative slopes included."""
    feed, weights, bias = image_of(1, 4, 4, 3), image_of(1, 1, 3, 2), image_of(2)
    slope = np.array([[[0.25, -0.5]]], np.float32)
    made = node(
        "_FusedConv2D",
        "y",
        "image",
        "w",
        "b",
        "a",
        padding=SAME,
        strides=ONE,
        fused_ops=texts("BiasAdd", "Prelu"),
    )
    plain = conv(feed, weights) + bias
    actual = run([made], {"w": weights, "b": bias, "a": slope}, feed=feed)
    close(actual, np.where(plain > 0, plain, plain * slope))


@pytest.mark.parametrize("slope", [(3,), (1, 1, 3), (5, 6, 3), (1,)])
def test_prelu_agrees_for_slopes_a_channel_an_element_and_one_for_all(slope: tuple[int, ...]) -> None:
    """Prelu broadcasts its slope over NHWC."""
    feed, values = image_of(2, 5, 6, 3), RNG.uniform(-1, 1.5, slope).astype(np.float32)
    actual = run([node("Prelu", "y", "image", "a")], {"a": values}, feed=feed)
    close(actual, np.where(feed > 0, feed, feed * values))


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize(
    ("kernel", "stride", "same"), [(2, 2, True), (3, 2, True), (2, 2, False), (3, 1, False)]
)
@pytest.mark.parametrize("op", ["MaxPool", "AvgPool"])
def test_pooling_agrees(op: str, kernel: int, stride: int, channels: int, *, same: bool) -> None:
    """Pooling ignores what SAME adds around the image: no zero wins a maximum or weighs in an average."""
    feed = image_of(2, 5, 7, channels) - 3
    made = node(
        op,
        "y",
        "image",
        padding=SAME if same else VALID,
        strides=integers(1, stride, stride, 1),
        ksize=integers(1, kernel, kernel, 1),
    )
    seen = windows(feed, (kernel, kernel), stride=stride, dilation=1, same=same, fill=np.nan)
    reduce = np.nanmax if op == "MaxPool" else np.nanmean
    close(run([made], feed=feed), reduce(seen, axis=(3, 4)))


@pytest.mark.parametrize(("half_pixel", "corners"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("target", [(7, 12), (3, 4), (10, 9)])
def test_bilinear_resizing_agrees_on_every_grid(
    target: tuple[int, int], *, half_pixel: bool, corners: bool
) -> None:
    """The three grids of TensorFlow are kept apart, growing and shrinking."""
    feed = image_of(2, 5, 6, 2)
    made = node(
        "ResizeBilinear",
        "y",
        "image",
        "s",
        half_pixel_centers={"b": half_pixel},
        align_corners={"b": corners},
    )
    actual = run([made], {"s": np.array(target)}, feed=feed)
    close(actual, bilinear(feed, *target, half_pixel=half_pixel, corners=corners))


@pytest.mark.parametrize("half_pixel", [False, True])
def test_nearest_resizing_agrees(*, half_pixel: bool) -> None:
    """Nearest neighbour takes floor(i × scale), or floor((i + 0.5) × scale) on the half-pixel grid."""
    feed = image_of(1, 4, 6, 2)
    made = node("ResizeNearestNeighbor", "y", "image", "s", half_pixel_centers={"b": half_pixel})
    actual = run([made], {"s": np.array([8, 3])}, feed=feed)
    shift = 0.5 if half_pixel else 0.0
    rows = [math.floor((i + shift) * 4 / 8) for i in range(8)]
    columns = [math.floor((i + shift) * 6 / 3) for i in range(3)]
    close(actual, feed[:, rows][:, :, columns])


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Add", np.add),
        ("AddV2", np.add),
        ("BiasAdd", np.add),
        ("Sub", np.subtract),
        ("Mul", np.multiply),
        ("RealDiv", np.divide),
        ("Maximum", np.maximum),
        ("Minimum", np.minimum),
    ],
)
@pytest.mark.parametrize("shape", [(), (3,), (1, 6, 1), (5, 6, 3), (1, 5, 1, 3)])
def test_arithmetic_broadcasts_a_constant_over_nhwc(op: str, expected: Any, shape: tuple[int, ...]) -> None:
    """A constant of any rank meets the axes that it meets in the source."""
    feed, value = image_of(2, 5, 6, 3), RNG.uniform(0.5, 2, shape).astype(np.float32)
    close(run([node(op, "y", "image", "c")], {"c": value}, feed=feed), expected(feed, value))


def test_a_constant_may_stand_on_the_left() -> None:
    """The constant minus the image is not the image minus the constant."""
    feed, value = image_of(1, 5, 6, 3), image_of(3)
    close(run([node("Sub", "y", "c", "image")], {"c": value}, feed=feed), value - feed)


def test_two_tensors_are_added_element_by_element() -> None:
    """A residual sum keeps both branches."""
    feed, weights = image_of(2, 4, 5, 3), image_of(3, 3, 3, 3)
    nodes = [node("Conv2D", "a", "image", "w", padding=SAME, strides=ONE), node("AddV2", "y", "image", "a")]
    close(run(nodes, {"w": weights}, feed=feed), feed + conv(feed, weights))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Identity", lambda x: x),
        ("Relu", lambda x: np.maximum(x, 0)),
        ("Relu6", lambda x: np.clip(x, 0, 6)),
        ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("Tanh", np.tanh),
        ("Elu", lambda x: np.where(x > 0, x, np.expm1(x))),
        ("Exp", np.exp),
    ],
)
def test_functions_of_one_element_agree(op: str, expected: Any) -> None:
    """Each activation has TensorFlow's definition."""
    feed = image_of(2, 5, 6, 3) * 4
    close(run([node(op, "y", "image")], feed=feed), expected(feed.astype(np.float64)))


def test_leaky_relu_takes_its_slope_from_the_node() -> None:
    """The slope is the node's, 0.2 when it is silent."""
    feed = image_of(1, 5, 6, 3)
    close(
        run([node("LeakyRelu", "y", "image", alpha={"f": 0.1})], feed=feed),
        np.where(feed > 0, feed, 0.1 * feed),
    )
    close(run([node("LeakyRelu", "y", "image")], feed=feed), np.where(feed > 0, feed, 0.2 * feed))


def test_softmax_runs_over_the_last_axis() -> None:
    """For an image that is the channels; the values of one pixel sum to one."""
    feed = image_of(2, 5, 6, 3)
    power = np.exp(feed.astype(np.float64))
    close(run([node("Softmax", "y", "image")], feed=feed), power / power.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("keep", [True, False])
def test_mean_over_height_and_width(*, keep: bool) -> None:
    """Global average pooling keeps or drops the two axes as the node says."""
    feed = image_of(2, 5, 6, 3)
    made = node("Mean", "y", "image", "axes", keep_dims={"b": keep})
    actual = run([made], {"axes": np.array([2, 1])}, feed=feed)
    close(actual, feed.astype(np.float64).mean(axis=(1, 2), keepdims=keep))


@pytest.mark.parametrize(
    "amounts",
    [((0, 0), (0, 0), (0, 0), (0, 5)), ((0, 0), (1, 2), (3, 0), (0, 0)), ((0, 0), (0, 1), (0, 0), (2, 1))],
)
def test_padding_agrees_along_every_axis(amounts: Sequence[tuple[int, int]]) -> None:
    """Zeros go where they belong; more channels, which become a convolution, included."""
    feed = image_of(2, 4, 5, 3)
    actual = run([node("Pad", "y", "image", "p")], {"p": np.array(amounts)}, feed=feed)
    close(actual, np.pad(feed, amounts))


def test_padding_with_a_value() -> None:
    """PadV2 brings its own value, also for channels."""
    feed, amounts = image_of(1, 4, 5, 3), ((0, 0), (0, 0), (0, 0), (0, 2))
    constants = {"p": np.array(amounts), "v": np.array(1.5, np.float32)}
    actual = run([node("PadV2", "y", "image", "p", "v")], constants, feed=feed)
    close(actual, np.pad(feed, amounts, constant_values=1.5))


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenation_along_every_axis(axis: int) -> None:
    """The axis is the source's, counted from either end."""
    feed = image_of(2, 4, 5, 3)
    nodes = [node("Tanh", "a", "image"), node("ConcatV2", "y", "image", "a", "axis")]
    actual = run(nodes, {"axis": np.array(axis)}, feed=feed)
    close(actual, np.concatenate([feed, np.tanh(feed)], axis=axis))


@pytest.mark.parametrize("target", [(1, 15, 8), (-1, 120), (1, 20, -1), (-1, 6, 4, 5)])
def test_reshaping_keeps_the_order_of_elements_and_the_batch(target: tuple[int, ...]) -> None:
    """A first dimension published as 1 or -1 stays the batch; elements keep the order they have in NHWC."""
    feed = image_of(3, 4, 5, 6)
    actual = run([node("Reshape", "y", "image", "s")], {"s": np.array(target)}, feed=feed)
    close(actual, feed.reshape(3, *target[1:]))


@pytest.mark.parametrize("op", ["MatMul", "_FusedMatMul"])
@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_product_agrees(op: str, *, transposed: bool) -> None:
    """The constant matrix may be stored transposed; the fused form adds its bias and activates."""
    feed, matrix, bias = image_of(3, 1, 1, 6), image_of(6, 4), image_of(4)
    fused = texts("BiasAdd", "Relu") if op == "_FusedMatMul" else texts()
    nodes = [
        node("Reshape", "flat", "image", "s"),
        node(op, "y", "flat", "m", "b", transpose_b={"b": transposed}, fused_ops=fused),
    ]
    constants = {"s": np.array([-1, 6]), "m": matrix.T.copy() if transposed else matrix, "b": bias}
    plain = feed.reshape(3, 6).astype(np.float64) @ matrix
    close(run(nodes, constants, feed=feed), np.maximum(plain + bias, 0) if op == "_FusedMatMul" else plain)


def test_every_operator_of_the_table_is_compared_above() -> None:
    """The list of operators and the tests of this file cannot drift apart."""
    compared = {
        *(
            "Conv2D",
            "DepthwiseConv2dNative",
            "_FusedConv2D",
            "FusedDepthwiseConv2dNative",
            "Prelu",
            "MaxPool",
        ),
        *(
            "AvgPool",
            "ResizeBilinear",
            "ResizeNearestNeighbor",
            "Add",
            "AddV2",
            "BiasAdd",
            "Sub",
            "Mul",
            "RealDiv",
        ),
        *("Maximum", "Minimum", "Identity", "Relu", "Relu6", "Sigmoid", "Tanh", "Elu", "Exp", "LeakyRelu"),
        *("Softmax", "Mean", "Pad", "PadV2", "ConcatV2", "Reshape", "MatMul", "_FusedMatMul"),
    }
    assert set(OPERATORS) - compared == {"Clip"}  # made by folding: see test_folding.py


# --- whole graphs ---------------------------------------------------------------------------------------


def small_network() -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Convolution, batch normalisation in pieces, clamp, depthwise, halving with more channels, two heads."""
    constants = {
        "w1": image_of(3, 3, 3, 8),
        "scale": image_of(8),
        "shift": image_of(8),
        "zero": np.array(0, np.float32),
        "six": np.array(6, np.float32),
        "w2": image_of(3, 3, 8, 1),
        "w3": image_of(1, 1, 8, 12),
        "b3": image_of(12),
        "slope": image_of(1, 1, 12) / 4,
        "pads": np.array([[0, 0], [0, 0], [0, 0], [0, 4]]),
        "head": image_of(1, 1, 12, 2),
        "rows": np.array([1, 32, 1]),
    }
    nodes = [
        node("Conv2D", "c1", "image", "w1", padding=SAME, strides=ONE),
        node("Mul", "m1", "c1", "scale"),
        node("Add", "a1", "m1", "shift"),
        node("Relu", "r1", "a1"),
        node("Minimum", "n1", "r1", "six"),
        node("Maximum", "x1", "n1", "zero"),
        node("DepthwiseConv2dNative", "d2", "x1", "w2", padding=SAME, strides=integers(1, 2, 2, 1)),
        node("_FusedConv2D", "c3", "d2", "w3", "b3", padding=VALID, strides=ONE, fused_ops=texts("BiasAdd")),
        node("MaxPool", "p3", "x1", padding=SAME, strides=integers(1, 2, 2, 1), ksize=integers(1, 2, 2, 1)),
        node("Pad", "w", "p3", "pads"),
        node("AddV2", "s3", "c3", "w"),
        node("Prelu", "l3", "s3", "slope"),
        node("Conv2D", "h", "l3", "head", padding=SAME, strides=ONE),
        node("Reshape", "flat", "h", "rows"),
        node("Identity", "out", "flat"),
    ]
    return nodes, constants


def small_network_in_numpy(feed: Array, constants: Mapping[str, Array]) -> Array:
    """The same, written out."""
    x1 = np.clip(conv(feed, constants["w1"]) * constants["scale"] + constants["shift"], 0, 6)
    c3 = conv(depthwise(x1, constants["w2"], stride=2), constants["w3"]) + constants["b3"]
    pooled = windows(x1, (2, 2), stride=2, dilation=1, same=True, fill=-np.inf).max(axis=(3, 4))
    s3 = c3 + np.pad(pooled, ((0, 0), (0, 0), (0, 0), (0, 4)))
    head = conv(np.where(s3 > 0, s3, s3 * constants["slope"]), constants["head"])
    return head.reshape(len(feed), 32, 1)


def test_a_whole_network_agrees_and_takes_any_batch() -> None:
    """Folding and the rewritten Pad and Prelu change rounding only; a batch published as 1 is free."""
    nodes, constants = small_network()
    feed = image_of(3, 8, 8, 3)
    actual = run(nodes, constants, feed=feed)
    np.testing.assert_allclose(actual, small_network_in_numpy(feed, constants), rtol=1e-4, atol=2e-4)


def test_outputs_are_joined_and_shaped_as_asked() -> None:
    """Two nodes become one output along an axis, in the order given, and get the wanted shape."""
    feed = image_of(2, 2, 3, 4)
    nodes = [
        node("Reshape", "a", "image", "s"),
        node("Tanh", "t", "image"),
        node("Reshape", "b", "t", "s"),
    ]
    joined = Output("y", ("a", "b"), axis=1, shape=(2, 24))
    actual = run(nodes, {"s": np.array([1, 6, 4])}, feed=feed, output=joined)
    close(
        actual, np.concatenate([feed.reshape(2, 24), np.tanh(feed).reshape(2, 24)], axis=1).reshape(2, 2, 24)
    )


def test_the_same_source_gives_the_same_bytes() -> None:
    """A digest can be locked because nothing depends on the run."""
    nodes, constants = small_network()
    model, shards = graph(nodes, constants, image=(8, 8, 3))
    first, second = (
        convert_tfjs(model, shards, outputs=[Output("y", ("out",))], input_name="x") for _ in range(2)
    )
    assert first == second


def test_what_no_output_needs_is_left_out() -> None:
    """A branch that feeds no wanted output is gone, its operators unasked for."""
    model, shards = graph([node("Tanh", "y", "image"), node("NoSuchOperator", "z", "image")])
    data = convert_tfjs(model, shards, outputs=[Output("y", ("y",))], input_name="x")
    assert [made.op_type for made in onnx.load_from_string(data).graph.node] == ["Tanh", "Identity"]


@pytest.mark.parametrize(
    ("made", "constants"),
    [
        (node("NoSuchOperator", "y", "image"), {}),
        (node("Reshape", "y", "image", "s"), {"s": np.array([2, 45])}),
        (node("Conv2D", "y", "image", "image", padding=SAME, strides=ONE), {}),
        (
            node("Conv2D", "y", "image", "w", padding=text("ODD"), strides=ONE),
            {"w": np.ones((1, 1, 3, 1), np.float32)},
        ),
        (node("Mean", "y", "image", "s"), {"s": np.array([3])}),
        (
            node("ResizeNearestNeighbor", "y", "image", "s", align_corners={"b": True}),
            {"s": np.array([2, 2])},
        ),
    ],
)
def test_what_cannot_be_converted_is_refused(made: dict[str, Any], constants: dict[str, Array]) -> None:
    """An operator outside the table, or one used in a way that has no test, is an error and never a guess."""
    model, shards = graph([made], constants)
    with pytest.raises(ModelError) as caught:
        convert_tfjs(model, shards, outputs=[Output("y", ("y",))], input_name="x")
    assert caught.value.code == "model_operator_unsupported"


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Relu", "y", "nowhere")],
        [node("Add", "y", "image", "z"), node("Relu", "z", "y")],
    ],
)
def test_a_broken_graph_is_refused(nodes: list[dict[str, Any]]) -> None:
    """A missing node and a cycle are named, not followed."""
    model, shards = graph(nodes)
    with pytest.raises(ModelError) as caught:
        convert_tfjs(model, shards, outputs=[Output("y", ("y",))], input_name="x")
    assert caught.value.code == "model_source_malformed"

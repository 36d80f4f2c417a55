import math

import numpy as np
import pytest

from idv.packs.converters.folding import fold
from idv.packs.converters.tfjs_graph import Graph, Node

KERNEL = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
VECTOR = np.array([1, 2, 3, 4], np.float32)


def graph(*nodes: Node, **constants: object) -> Graph:
    """A graph over one image."""
    arrays = {name: np.asarray(value, np.float32) for name, value in constants.items()}
    return Graph(nodes, {"w": KERNEL, "v": VECTOR, **arrays}, {"image": (-1, 2, 2, 3)})


CONV = Node("Conv2D", "c", ("image", "w"), {"padding": "SAME"})


def test_a_scale_and_a_shift_become_weights_and_bias() -> None:
    """Conv × v + v is one convolution with w v and v."""
    folded = fold(graph(CONV, Node("Mul", "m", ("c", "v")), Node("Add", "y", ("m", "v"))), ["y"])
    (made,) = folded.nodes
    assert (made.op, made.name, made.texts("fused_ops")) == ("_FusedConv2D", "y", ("BiasAdd",))
    np.testing.assert_array_equal(folded.constants[made.inputs[1]], KERNEL * VECTOR)
    np.testing.assert_array_equal(folded.constants[made.inputs[2]], VECTOR)


def test_a_difference_is_folded_with_its_sign() -> None:
    """Conv - v has the bias -v."""
    (made,) = (folded := fold(graph(CONV, Node("Sub", "y", ("c", "v"))), ["y"])).nodes
    np.testing.assert_array_equal(folded.constants[made.inputs[2]], -VECTOR)


def test_a_depthwise_kernel_is_scaled_along_its_channels() -> None:
    """The product runs over channels and multiplier, in the order of the outputs."""
    conv = Node("DepthwiseConv2dNative", "c", ("image", "d"), {"padding": "SAME"})
    kernel = np.ones((1, 1, 2, 2))
    folded = fold(graph(conv, Node("Mul", "y", ("c", "v")), d=kernel), ["y"])
    np.testing.assert_array_equal(folded.constants[folded.nodes[0].inputs[1]].reshape(-1), VECTOR)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ((CONV, Node("Mul", "y", ("c", "v"))), ["y", "c"]),
        ((CONV, Node("Mul", "m", ("c", "v")), Node("Add", "y", ("m", "c"))), ["y"]),
        ((CONV, Node("Mul", "y", ("c", "spatial"))), ["y"]),
        ((Node("Relu", "c", ("image",)), Node("Mul", "y", ("c", "v"))), ["y"]),
    ],
)
def test_nothing_is_folded_that_somebody_else_reads_or_that_varies_in_space(
    nodes: tuple[Node, ...], outputs: list[str]
) -> None:
    """An output, a tensor with two readers, a map and a convolution's absence all stay as they are."""
    folded = fold(graph(*nodes, spatial=np.ones((2, 2, 4))), outputs)
    assert [node.name for node in folded.nodes] == [node.name for node in nodes]


def test_an_activated_convolution_is_left_alone() -> None:
    """What follows an activation cannot move before it."""
    fused = Node(
        "_FusedConv2D", "c", ("image", "w", "v"), {"fused_ops": ("BiasAdd", "Relu"), "padding": "SAME"}
    )
    assert len(fold(graph(fused, Node("Mul", "y", ("c", "v"))), ["y"]).nodes) == 2


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ((("Relu", None), ("Minimum", 6.0), ("Maximum", 0.0)), (0.0, 6.0)),
        ((("Minimum", 5.0), ("Maximum", 7.0)), (7.0, 7.0)),
        ((("Maximum", -1.0), ("Relu6", None)), (0.0, 6.0)),
        ((("Relu", None), ("Maximum", 2.0)), (2.0, math.inf)),
    ],
)
def test_a_chain_of_clamps_is_one(
    chain: tuple[tuple[str, float | None], ...], expected: tuple[float, float]
) -> None:
    """Bounds compose in the order of the chain, also when they contradict each other."""
    nodes: list[Node] = []
    constants: dict[str, float] = {}
    previous = "image"
    for index, (op, bound) in enumerate(chain):
        inputs = (previous,) if bound is None else (previous, f"b{index}")
        constants |= {} if bound is None else {f"b{index}": bound}
        nodes.append(Node(op, f"n{index}", inputs))
        previous = f"n{index}"
    (made,) = fold(graph(*nodes, **constants), [previous]).nodes
    assert (made.op, made.inputs) == ("Clip", ("image",))
    assert (made.number("low", 9), made.number("high", 9)) == expected

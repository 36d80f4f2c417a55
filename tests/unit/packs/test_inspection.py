from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from idv.domain.errors import ModelError
from idv.packs.cards import Dtype
from idv.packs.inspection import OnnxInfo, TensorInfo, inspect_onnx

FLOAT = TensorProto.FLOAT


def network(
    *nodes: onnx.NodeProto, weights: tuple[TensorProto, ...] = (), **model: object
) -> onnx.ModelProto:
    """A network from x (N, 2) to y (N, 2) through the nodes."""
    ends = [helper.make_tensor_value_info(name, FLOAT, ["n", 2]) for name in ("x", "y")]
    graph = helper.make_graph(list(nodes), "g", ends[:1], ends[1:], initializer=list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **model)


def external(name: str = "w") -> TensorProto:
    """A tensor whose values lie in another file."""
    tensor = numpy_helper.from_array(np.ones((2, 2), np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


RELU = helper.make_node("Relu", ["x"], ["y"])


def branch(body: list[onnx.NodeProto], weights: tuple[TensorProto, ...] = ()) -> onnx.NodeProto:
    """An If with the same graph on both sides."""
    out = helper.make_tensor_value_info("b", FLOAT, ["n", 2])
    graph = helper.make_graph(body, "inner", [], [out], initializer=list(weights))
    return helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)


def test_inputs_and_outputs_are_reported_without_weights() -> None:
    """Old exporters list weights among the inputs; a caller does not feed them."""
    model = network(
        helper.make_node("MatMul", ["x", "w"], ["y"]), weights=(numpy_helper.from_array(np.eye(2), "w"),)
    )
    model.graph.input.append(helper.make_tensor_value_info("w", FLOAT, [2, 2]))
    expected = OnnxInfo(
        (TensorInfo("x", (None, 2), Dtype.FLOAT32),), (TensorInfo("y", (None, 2), Dtype.FLOAT32),)
    )
    assert inspect_onnx(model.SerializeToString()) == expected


@pytest.mark.parametrize(
    "model",
    [
        network(helper.make_node("MatMul", ["x", "w"], ["y"]), weights=(external(),)),
        network(helper.make_node("Constant", [], ["y"], value=external())),
        network(branch([helper.make_node("Identity", ["w"], ["b"])], (external(),))),
        network(branch([helper.make_node("Constant", [], ["b"], value=external())])),
        network(
            RELU,
            functions=[
                helper.make_function(
                    "own",
                    "f",
                    [],
                    ["o"],
                    [helper.make_node("Constant", [], ["o"], value=external())],
                    [helper.make_opsetid("", 17)],
                )
            ],
        ),
    ],
)
def test_external_data_is_refused_wherever_it_hides(model: onnx.ModelProto) -> None:
    """In weights, in attributes, inside branches and inside functions: no file may point to another."""
    with pytest.raises(ModelError) as caught:
        inspect_onnx(model.SerializeToString())
    assert caught.value.code == "model_onnx_external_data"


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft"),
        helper.make_node("Load", ["x"], ["y"], domain="evil"),
        helper.make_node("NoSuchOperator", ["x"], ["y"]),
        branch([helper.make_node("Load", ["x"], ["b"], domain="evil")]),
    ],
)
def test_operators_outside_the_standard_are_refused(node: onnx.NodeProto) -> None:
    """A custom operator needs native code that no digest here covers."""
    with pytest.raises(ModelError) as caught:
        inspect_onnx(network(node).SerializeToString())
    assert caught.value.code == "model_onnx_custom_operator"


def test_a_function_of_the_file_itself_is_allowed() -> None:
    """Exporters write functions made of standard operators; they run no foreign code."""
    function = helper.make_function(
        "own", "f", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    model = network(helper.make_node("f", ["x"], ["y"], domain="own"), functions=[function])
    assert [tensor.name for tensor in inspect_onnx(model.SerializeToString()).outputs] == ["y"]


@pytest.mark.parametrize("data", [b"", b"no network at all", b"\x00" * 50, Path(__file__).read_bytes()])
def test_what_is_no_network_is_refused(data: bytes) -> None:
    """Empty files, texts and zeros are named as such."""
    with pytest.raises(ModelError) as caught:
        inspect_onnx(data)
    assert caught.value.code == "model_onnx_invalid"

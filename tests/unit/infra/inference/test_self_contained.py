from collections.abc import Callable

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from idv.infra.inference.self_contained import NotSelfContained, require_self_contained
from tests.unit.infra.inference.tiny_models import branching, move_outside, scaler


def _outside() -> TensorProto:
    return move_outside(scaler().graph.initializer[0], location="weights.bin")


def _in_function() -> onnx.ModelProto:
    model = scaler()
    node = model.functions.add(name="f", domain="local").node.add(op_type="Constant")
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(_outside())
    return model


def _in_training() -> onnx.ModelProto:
    model = scaler()
    model.training_info.add().initialization.initializer.append(_outside())
    return model


def _in_sparse() -> onnx.ModelProto:
    model = scaler()
    model.graph.sparse_initializer.add().indices.CopyFrom(_outside())
    return model


def _in_list() -> onnx.ModelProto:
    model = scaler()
    model.graph.node[0].attribute.add(name="t", type=onnx.AttributeProto.TENSORS).tensors.append(_outside())
    return model


def _in_branch() -> onnx.ModelProto:
    return branching(_outside())


def _without_the_flag() -> onnx.ModelProto:
    model = scaler()
    move_outside(model.graph.initializer[0], location="weights.bin").ClearField("data_location")
    return model


@pytest.mark.parametrize(
    "build", [_in_function, _in_training, _in_sparse, _in_list, _in_branch, _without_the_flag]
)
def test_external_data_is_found_wherever_a_tensor_can_stand(build: Callable[[], onnx.ModelProto]) -> None:
    """Functions, training graphs, sparse tensors, attribute lists and branches hide nothing."""
    with pytest.raises(NotSelfContained, match="outside"):
        require_self_contained(build().SerializeToString())


def test_a_complete_model_passes() -> None:
    """A model with its values inside is accepted."""
    require_self_contained(scaler().SerializeToString())


def test_external_data_in_a_second_copy_of_the_graph_is_found() -> None:
    """Protobuf merges repeated fields of one number, so each copy is looked at."""
    second = onnx.ModelProto()
    second.graph.initializer.append(_outside())
    with pytest.raises(NotSelfContained):
        require_self_contained(scaler().SerializeToString() + second.SerializeToString())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\x80" * 12, "does not end"),
        (b"\x3a\x7f\x00", "longer"),
        (b"\x3b", "groups"),
        (b"\x3a", "does not end"),
    ],
)
def test_malformed_bytes_are_refused(content: bytes, fault: str) -> None:
    """Endless numbers, overlong fields and groups are told apart."""
    with pytest.raises(NotSelfContained, match=fault):
        require_self_contained(content)


def test_endless_nesting_is_refused() -> None:
    """A branch in a branch in a branch ends in a refusal, not in a recursion error."""
    data = b""
    for _ in range(200):
        for tag in (0x32, 0x2A, 0x0A):  # attribute.g, node.attribute, graph.node
            length = len(data)
            head = bytes([tag, (length & 0x7F) | 0x80, (length >> 7) & 0x7F])
            data = head + data
    length = len(data)
    with pytest.raises(NotSelfContained, match="nested"):
        require_self_contained(bytes([0x3A, (length & 0x7F) | 0x80, (length >> 7) & 0x7F]) + data)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_pass_or_are_refused(content: bytes) -> None:
    """No input makes the scan fail in another way."""
    try:
        require_self_contained(content)
    except NotSelfContained:
        return

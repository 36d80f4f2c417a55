"""Refuses ONNX bytes that point outside themselves, before a runtime sees them.

ONNX Runtime resolves external data of a model loaded from bytes against the working directory (measured
with 1.32 and optimisation disabled), so loading from bytes alone does not keep it from reading files.
This walks the protobuf wire format along the fields of onnx.proto3 that lead to tensors and nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_DEPTH = 64
"""Nesting beyond which a file is refused; real graphs stay below ten, protobuf itself stops at a hundred."""
MAX_VARINT_BYTES = 10
LENGTH_DELIMITED = 2
FIXED_BYTES = {1: 8, 5: 4}
TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 13, 14


class NotSelfContained(ValueError):
    """The bytes are no well-formed ONNX file, or some tensor's values lie outside them."""


@dataclass(frozen=True)
class _Message:
    """A message type of onnx.proto3: which of its fields lead to tensors."""

    children: Mapping[int, "_Message"]
    is_tensor: bool = field(default=False)


def _schema() -> _Message:
    tensor = _Message({}, is_tensor=True)
    sparse = _Message({1: tensor, 2: tensor})  # values, indices
    attribute: dict[int, _Message] = {5: tensor, 10: tensor, 22: sparse, 23: sparse}
    node = _Message({5: _Message(attribute)})
    graph = _Message({1: node, 5: tensor, 15: sparse})  # node, initializer, sparse_initializer
    attribute |= {6: graph, 11: graph}  # bodies of If, Loop and Scan
    training = _Message({1: graph, 2: graph})
    function = _Message({7: node, 11: _Message(attribute)})
    return _Message({7: graph, 20: training, 25: function})


_MODEL = _schema()


def require_self_contained(model: bytes) -> None:
    """Check that every tensor of an ONNX file carries its own values. Raises NotSelfContained."""
    _walk(memoryview(model), _MODEL, depth=0)


def _walk(data: memoryview, message: _Message, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotSelfContained(f"messages are nested deeper than {MAX_DEPTH}")
    for number, value in _fields(data):
        if message.is_tensor and _leads_outside(number, value):
            raise NotSelfContained("a tensor keeps its values outside the file")
        child = message.children.get(number)
        if child is not None and isinstance(value, memoryview):
            _walk(value, child, depth=depth + 1)


def _leads_outside(number: int, value: "int | memoryview") -> bool:
    return number == TENSOR_EXTERNAL_DATA or (number == TENSOR_DATA_LOCATION and value != 0)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value of each field; the bytes of fixed-width fields are not interpreted."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire_type = key & 7
        if wire_type == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size, at = _size(data, at, wire_type)
        if size > len(data) - at:
            raise NotSelfContained("a field is longer than the message around it")
        yield key >> 3, data[at : at + size]
        at += size


def _size(data: memoryview, at: int, wire_type: int) -> "_Varint":
    if wire_type == LENGTH_DELIMITED:
        return _varint(data, at)
    if wire_type in FIXED_BYTES:
        return _Varint(FIXED_BYTES[wire_type], at)
    raise NotSelfContained("groups do not occur in ONNX files")


class _Varint(NamedTuple):
    value: int
    end: int


def _varint(data: memoryview, at: int) -> _Varint:
    value = 0
    for index, byte in enumerate(data[at : at + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the high bit says that the number goes on
            return _Varint(value & (2**64 - 1), at + index + 1)
    raise NotSelfContained("a number does not end")

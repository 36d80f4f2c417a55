"""The part of Triton's model_config.proto that our configurations use, with its field names and types.

Enough to let protobuf's own text parser judge them without Triton's client being installed.
"""

from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]  # no stubs
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)

F = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = F.LABEL_OPTIONAL, F.LABEL_REPEATED
_TYPES = (
    *("TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8"),
    *("TYPE_INT16", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64"),
)


def parsed(text: str) -> Any:  # a message class made at run time
    """The ModelConfig in a text. Raises text_format.ParseError for what is no configuration."""
    return text_format.Parse(text, _MODEL_CONFIG())


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="config.proto", package="t", syntax="proto3")
    kinds = file.enum_type.add(name="DataType")
    for number, name in enumerate(_TYPES):
        kinds.value.add(name=name, number=number)
    for name in ("ModelInput", "ModelOutput"):
        tensor = (("name", F.TYPE_STRING, _ONE, ""), ("data_type", F.TYPE_ENUM, _ONE, ".t.DataType"))
        _message(file.message_type, name, (*tensor, ("dims", F.TYPE_INT64, _MANY, "")))
    _message(file.message_type, "ModelDynamicBatching", (("preferred_batch_size", F.TYPE_INT32, _MANY, ""),))
    _message(file.message_type, "ModelInstanceGroup", (("count", F.TYPE_INT32, _ONE, ""),))
    _message(file.message_type, "Graph", (("level", F.TYPE_INT32, _ONE, ""),))
    _message(file.message_type, "ModelOptimizationPolicy", (("graph", F.TYPE_MESSAGE, _ONE, ".t.Graph"),))
    _message(file.message_type, "ModelParameter", (("string_value", F.TYPE_STRING, _ONE, ""),))
    config = _message(
        file.message_type,
        "ModelConfig",
        (
            ("name", F.TYPE_STRING, _ONE, ""),
            ("platform", F.TYPE_STRING, _ONE, ""),
            ("max_batch_size", F.TYPE_INT32, _ONE, ""),
            ("input", F.TYPE_MESSAGE, _MANY, ".t.ModelInput"),
            ("output", F.TYPE_MESSAGE, _MANY, ".t.ModelOutput"),
            ("optimization", F.TYPE_MESSAGE, _ONE, ".t.ModelOptimizationPolicy"),
            ("dynamic_batching", F.TYPE_MESSAGE, _ONE, ".t.ModelDynamicBatching"),
            ("instance_group", F.TYPE_MESSAGE, _MANY, ".t.ModelInstanceGroup"),
            ("parameters", F.TYPE_MESSAGE, _MANY, ".t.ModelConfig.ParametersEntry"),
        ),
    )
    pair = (
        ("key", F.TYPE_STRING, _ONE, ""),
        ("value", F.TYPE_MESSAGE, _ONE, ".t.ModelParameter"),
    )
    _message(config.nested_type, "ParametersEntry", pair).options.map_entry = True
    return file


def _message(
    messages: Any,  # protobuf's repeated field
    name: str,
    fields: tuple[tuple[str, int, int, str], ...],
) -> Any:
    message = messages.add(name=name)
    for number, (field, kind, label, of) in enumerate(fields, 1):
        message.field.add(name=field, number=number, type=kind, label=label, type_name=of or None)
    return message


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())
_MODEL_CONFIG = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("t.ModelConfig"))

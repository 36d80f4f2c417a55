"""Reads TensorFlow.js weight files: a manifest that names tensors, and binary shards laid end to end."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from idv.domain.arrays import Array
from idv.domain.errors import ModelError

Manifest = Sequence[Mapping[str, Any]]
"""The parsed `weightsManifest`: JSON, hence the open value type."""

_DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "|b1", "uint8": "|u1"}
_QUANTISED = {"uint8": "|u1", "uint16": "<u2", "float16": "<f2"}


def read_weights(manifest: Manifest, shards: Mapping[str, bytes]) -> dict[str, Array]:
    """All tensors by name, dequantised to the dtype that the manifest declares.

    `shards`: path in the manifest -> bytes. uint8 and uint16 quantisation is `value * scale + min`,
    computed in float32. Raises ModelError `model_source_malformed` when bytes are missing or left over.
    """
    tensors: dict[str, Array] = {}
    for group in manifest:
        tensors |= _read_group(group, shards)
    return tensors


def _read_group(group: Mapping[str, Any], shards: Mapping[str, bytes]) -> dict[str, Array]:
    missing = [path for path in group["paths"] if path not in shards]
    if missing:
        raise ModelError("model_source_malformed", f"weight shards {missing} are missing")
    data = b"".join(shards[path] for path in group["paths"])
    tensors: dict[str, Array] = {}
    offset = 0
    for entry in group["weights"]:
        stored = np.dtype(_stored_dtype(entry))
        count = math.prod(entry["shape"])
        end = offset + count * stored.itemsize
        if end > len(data):
            raise ModelError("model_source_malformed", f"the shards end inside tensor {entry['name']}")
        values = np.frombuffer(data, stored, count, offset).reshape(entry["shape"])
        tensors[entry["name"]] = _dequantise(values, entry)
        offset = end
    if offset != len(data):
        raise ModelError("model_source_malformed", f"{len(data) - offset} bytes of weights have no name")
    return tensors


def _stored_dtype(entry: Mapping[str, Any]) -> str:
    quantisation = entry.get("quantization")
    table, name = (_QUANTISED, quantisation["dtype"]) if quantisation else (_DTYPES, entry["dtype"])
    if name not in table:
        raise ModelError("model_source_malformed", f"tensor {entry['name']} has unknown dtype {name}")
    return table[name]


def _dequantise(values: Array, entry: Mapping[str, Any]) -> Array:
    quantisation = entry.get("quantization")
    target = np.dtype(_DTYPES[entry["dtype"]])
    if quantisation is None or quantisation["dtype"] == "float16":
        return values.astype(target)
    scale, low = np.float32(quantisation["scale"]), np.float32(quantisation["min"])
    return (values.astype(np.float32) * scale + low).astype(target)

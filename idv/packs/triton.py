"""What Triton needs to serve a model: a `config.pbtxt` made from the card, and a folder in Triton's layout.

The fields are those of Triton's `model_config.proto`. The session options are the card's, which the bench of
the local runtime chose: Triton's ONNX Runtime backend takes them as parameters.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from idv.domain.errors import ModelError
from idv.domain.models import ModelFile
from idv.packs.cache import file_sha256, write_atomically
from idv.packs.cards import Dtype, ModelCard, TensorCard, card_path, read_card

CONFIG_NAME = "config.pbtxt"
MAX_BATCH = 16
"""Rows that Triton may put together: more than a verification's faces and lines, small enough for a CPU."""

_BATCH = "batch"
_TYPES = {
    Dtype.FLOAT32: "TYPE_FP32",
    Dtype.FLOAT16: "TYPE_FP16",
    Dtype.UINT8: "TYPE_UINT8",
    Dtype.INT64: "TYPE_INT64",
}
_LEVELS = {"all": None, "extended": 1, "basic": -1}
"""Levels of the graph optimiser as Triton's backend counts them; `all` is what it does unasked."""


def config_path(repository: Path, model: str) -> Path:
    """Where a model's configuration stands: beside its card, as Triton wants it."""
    return repository / model / CONFIG_NAME


def triton_config(card: ModelCard) -> str:
    """The configuration in protobuf's text format.

    Batched when the first dimension of every tensor is the batch: Triton then adds it itself and may join
    requests. Raises ModelError `model_options_unsupported` for options the backend does not have.
    """
    batched = is_batched(card)
    lines = [
        "# Written by `idv models config` from card.toml: change the card, not this file.",
        f"name: {_quoted(card.name)}",
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {MAX_BATCH if batched else 0}",
        *(line for tensor in card.inputs for line in _tensor("input", tensor, batched=batched)),
        *(line for tensor in card.outputs for line in _tensor("output", tensor, batched=batched)),
        *(["dynamic_batching { }"] if batched else []),
        "instance_group [ { count: 1 } ]",
        *_session(card),
    ]
    return "\n".join(lines) + "\n"


def is_batched(card: ModelCard) -> bool:
    """Whether the card calls the first dimension of every tensor the batch: its rows are independent."""
    return all(tensor.shape[:1] == (_BATCH,) for tensor in (*card.inputs, *card.outputs))


def write_configs(repository: Path, models: Iterable[str]) -> tuple[str, ...]:
    """Write the configuration of each model beside its card; returns the names of those that changed."""
    changed = []
    for model in models:
        path, text = config_path(repository, model), triton_config(read_card(card_path(repository, model)))
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text.encode())
            changed.append(model)
    return tuple(changed)


def export(files: Mapping[str, ModelFile], repository: Path, folder: Path) -> None:
    """Make `folder` a model repository of Triton's: `<model>/config.pbtxt` and `<model>/1/model.onnx`.

    Raises ModelError `model_digest_mismatch` when a file is not the one that its lock names.
    """
    for name, file in files.items():
        if file_sha256(file.path) != file.sha256:
            raise ModelError("model_digest_mismatch", f"{name} is not the file that the lock names")
        config = triton_config(read_card(card_path(repository, name)))
        write_atomically(config_path(folder, name), config.encode())
        _place(file.path, folder / name / "1" / "model.onnx")


def _place(source: Path, target: Path) -> None:
    """A hard link where both lie on one disk, a copy otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def _tensor(what: str, tensor: TensorCard, *, batched: bool) -> Iterator[str]:
    shape = tensor.shape[1:] if batched else tensor.shape
    dims = ", ".join(str(-1 if isinstance(size, str) else size) for size in shape)
    yield f"{what} ["
    yield f"  {{ name: {_quoted(tensor.name)} data_type: {_TYPES[tensor.dtype]} dims: [ {dims} ] }}"
    yield "]"


def _session(card: ModelCard) -> Iterator[str]:
    options = card.session
    if options.graph_optimisation not in _LEVELS:
        raise ModelError(
            "model_options_unsupported",
            f"{card.name}: Triton's backend has no graph optimisation {options.graph_optimisation!r}",
        )
    level = _LEVELS[options.graph_optimisation]
    if level is not None:
        yield f"optimization {{ graph {{ level: {level} }} }}"
    yield _parameter("intra_op_thread_count", options.intra_op_threads)
    yield _parameter("inter_op_thread_count", 1)
    yield _parameter("enable_mem_arena", int(options.arena))


def _parameter(key: str, value: int) -> str:
    return f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}'


def _quoted(text: str) -> str:
    """JSON's strings are protobuf's for the ASCII names that cards have."""
    return json.dumps(text)

"""ONNX Runtime in this process: one session a model, shared by threads.

Throughput comes from threads that run different requests, not from threads inside one operator: so one
thread an operator, sequential execution and no spinning (DESIGN decision 2, measured 2 × against default
sessions when several models share a machine).
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.domain.models import Device, ModelFile, SessionOptions
from idv.infra.inference.denormals import FlushedDenormals
from idv.infra.inference.self_contained import NotSelfContained, require_self_contained

_SILENT = 4
"""ONNX Runtime's log level `fatal`: it raises what it logs, and its log is not redacted."""
_OPTIMISATION = {
    "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
_PROVIDERS = {
    Device.CPU: "CPUExecutionProvider",
    Device.CUDA: "CUDAExecutionProvider",
    Device.TENSORRT: "TensorrtExecutionProvider",
}
_RUNTIME_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    ort_errors.EPFail,
    RuntimeError,
)
_INPUT_ERRORS = (ort_errors.InvalidArgument, ValueError, TypeError)


class _Loaded(NamedTuple):
    session: Any  # onnxruntime publishes no types
    outputs: list[str]
    floats: AbstractContextManager[None]


class LocalInference:
    """Implements `ports.Inference`; sessions are made on first use, or all at once by `warm_up`.

    Codes of the ModelErrors raised: `model_missing` (unknown name or no file), `model_digest_mismatch`,
    `model_unloadable` (no ONNX, operators of an unknown domain, values outside the file),
    `model_device_missing`, `model_input_invalid` (names, types or shapes), `model_run_failed`.
    """

    def __init__(self, models: Mapping[str, ModelFile], *, device: Device = Device.CPU) -> None:
        self._models = dict(models)
        self._provider = _PROVIDERS[device]
        self._loaded: dict[str, _Loaded] = {}
        self._loading = threading.Lock()
        self._flushed = FlushedDenormals()

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run `model` on named tensors; returns all its outputs by name. Raises ModelError."""
        loaded = self._loaded.get(model) or self._load(model)
        try:
            with loaded.floats:
                values = loaded.session.run(loaded.outputs, dict(inputs))
        except _INPUT_ERRORS as error:
            raise ModelError(
                "model_input_invalid", f"{model} does not take tensors of these names, types and shapes"
            ) from error
        except _RUNTIME_ERRORS as error:
            raise ModelError("model_run_failed", f"{model} failed while it ran") from error
        return dict(zip(loaded.outputs, values, strict=True))

    def digest(self, model: str) -> str:
        """SHA-256 of the ONNX file behind `model`, which loading enforces. Raises ModelError when absent."""
        file = self._file(model)
        if not file.path.is_file():
            raise _missing(model)
        return file.sha256

    def metadata(self, model: str) -> dict[str, str]:
        """The key-value pairs in the ONNX file of `model`, such as an alphabet. Raises ModelError."""
        loaded = self._loaded.get(model) or self._load(model)
        return dict(loaded.session.get_modelmeta().custom_metadata_map)

    def warm_up(self) -> None:
        """Load every model now, so that a fault shows at start. Raises ModelError."""
        for model in self._models:
            if model not in self._loaded:
                self._load(model)

    def _file(self, model: str) -> ModelFile:
        file = self._models.get(model)
        if file is None:
            raise _missing(model)
        return file

    def _load(self, model: str) -> _Loaded:
        with self._loading:
            if model not in self._loaded:
                # One assignment of a finished value: readers take no lock.
                self._loaded[model] = self._open(self._file(model))
            return self._loaded[model]

    def _open(self, file: ModelFile) -> _Loaded:
        require_provider(self._provider, ort.get_available_providers())
        content = _read_verified(file)
        try:
            require_self_contained(content)
            # The flags that a first session leaves behind on this thread are put back; see `denormals`.
            with self._flushed:
                session = ort.InferenceSession(
                    content, sess_options=_session_options(file.options), providers=[self._provider]
                )
        except (NotSelfContained, *_RUNTIME_ERRORS) as error:
            raise ModelError("model_unloadable", f"{file.name} cannot be loaded: {_cause(error)}") from error
        require_provider(self._provider, session.get_providers())
        session.disable_fallback()
        floats = self._flushed if file.options.flush_denormals else nullcontext()
        return _Loaded(session, [output.name for output in session.get_outputs()], floats)


def require_provider(provider: str, offered: Sequence[str]) -> None:
    """Refuse to go on without the execution provider asked for: ONNX Runtime would take the CPU silently.

    Raises ModelError `model_device_missing`.
    """
    if provider not in offered:
        raise ModelError("model_device_missing", f"ONNX Runtime does not offer {provider} on this machine")


def _missing(model: str) -> ModelError:
    return ModelError("model_missing", f"{model} is not on this machine; `idv models pull` fetches it")


def _read_verified(file: ModelFile) -> bytes:
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise _missing(file.name) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ModelError("model_digest_mismatch", f"the file of {file.name} is not the one in its lock")
    return content


def _session_options(options: SessionOptions) -> Any:  # onnxruntime publishes no types
    if options.graph_optimisation not in _OPTIMISATION:
        raise ModelError("model_unloadable", f"graph_optimisation must be one of {', '.join(_OPTIMISATION)}")
    session = ort.SessionOptions()
    session.intra_op_num_threads = options.intra_op_threads
    session.inter_op_num_threads = 1
    session.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    session.graph_optimization_level = _OPTIMISATION[options.graph_optimisation]
    session.enable_cpu_mem_arena = options.arena
    session.log_severity_level = _SILENT
    session.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session.add_session_config_entry("session.inter_op.allow_spinning", "0")
    session.add_session_config_entry("session.set_denormal_as_zero", str(int(options.flush_denormals)))
    return session


def _cause(error: Exception) -> str:
    """The first line of what the runtime or the scan says: about the graph, never about evidence."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]

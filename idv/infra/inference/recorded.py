"""Inference without a runtime: recordings to replay, the recorder that makes them, and a fixed answer.

For tests and for scripts that need the flow of a verification but no models. A recording is a folder:
`digests.json` (model -> SHA-256 of its ONNX) and `<model>/<digest of the inputs>.npz`.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from idv.domain.arrays import Array
from idv.domain.errors import ModelError
from idv.domain.ports import Inference

DIGESTS = "digests.json"
Value = TypeVar("Value")


def input_digest(inputs: Mapping[str, Array]) -> str:
    """SHA-256 over names, types, shapes and values of the inputs, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


class RecordedInference:
    """Implements `ports.Inference` by replaying a recording; what was not recorded is a ModelError.

    Codes: `model_missing` for a model the recording does not know, `model_input_invalid` for inputs it never
    saw.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        digests = folder / DIGESTS
        if not digests.is_file():
            raise ModelError("model_missing", f"there is no recording: {DIGESTS} is absent")
        self._digests: dict[str, str] = json.loads(digests.read_text(encoding="utf-8"))

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs recorded for exactly these inputs."""
        self.digest(model)
        recording = self._folder / model / f"{input_digest(inputs)}.npz"
        if not recording.is_file():
            raise ModelError("model_input_invalid", f"{model} was never recorded with these inputs")
        with np.load(recording, allow_pickle=False) as outputs:
            return {name: outputs[name] for name in outputs.files}

    def digest(self, model: str) -> str:
        """The SHA-256 that the recorded model had."""
        return _lookup(self._digests, model)


class RecordingInference:
    """Implements `ports.Inference` by asking another one and writing down what it answers.

    Recordings hold what models see in the images that were used: make them from drawn or public images only.
    """

    def __init__(self, inner: Inference, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        self._digests: dict[str, str] = {}
        self._writing = threading.Lock()

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The inner answer, recorded."""
        outputs = self._inner.infer(model, inputs)
        with self._writing:
            self._note_digest(model)
            (self._folder / model).mkdir(parents=True, exist_ok=True)
            # savez's own keyword names make mypy see the arrays as flags.
            np.savez(self._folder / model / f"{input_digest(inputs)}.npz", **outputs)  # type: ignore[arg-type]
        return outputs

    def digest(self, model: str) -> str:
        """The inner digest, recorded."""
        with self._writing:
            return self._note_digest(model)

    def _note_digest(self, model: str) -> str:
        if model not in self._digests:
            self._digests[model] = self._inner.digest(model)
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / DIGESTS).write_text(json.dumps(self._digests, sort_keys=True), encoding="utf-8")
        return self._digests[model]


class StaticInference:
    """Implements `ports.Inference` with one fixed answer a model, whatever the inputs: the simplest fake.

    `answers`: model -> output name -> array; the digest of a model is the SHA-256 of its name.
    """

    def __init__(self, answers: Mapping[str, Mapping[str, Array]]) -> None:
        self._answers = {model: dict(outputs) for model, outputs in answers.items()}

    def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ARG002 - a fake
        """Copies of the fixed outputs."""
        return {name: array.copy() for name, array in _lookup(self._answers, model).items()}

    def digest(self, model: str) -> str:
        """A stable stand-in for the digest of a file."""
        _lookup(self._answers, model)
        return hashlib.sha256(model.encode()).hexdigest()


def _lookup(table: Mapping[str, Value], model: str) -> Value:
    if model not in table:
        raise ModelError("model_missing", f"{model} is not known here")
    return table[model]

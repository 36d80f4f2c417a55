"""What a piece of work asks of decoders and models, recorded once and made again bare.

The baseline of the service benches: `cv2.imdecode` and `InferenceSession.run` with one thread, on the very
bytes and tensors of the real work, without anything of ours around them.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnxruntime as ort

from idv import bootstrap, settings
from idv.domain.arrays import Array
from idv.domain.images import DecodedImage

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class Decoding(NamedTuple):
    """One decoding: the file and the factor by which it was reduced."""

    data: np.ndarray[Any, Any]
    reduction: int


class Inferring(NamedTuple):
    """One run of a model."""

    model: str
    inputs: dict[str, Array]


@dataclass
class RawCalls:
    """The calls, and bare sessions to make them with."""

    sessions: Mapping[str, Any]
    decodings: list[Decoding] = field(default_factory=list)
    inferrings: list[Inferring] = field(default_factory=list)

    def decode(self) -> None:
        """All decodings again."""
        for data, reduction in self.decodings:
            cv2.imdecode(data, _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)

    def infer(self) -> None:
        """All runs again."""
        for model, inputs in self.inferrings:
            self.sessions[model].run(None, inputs)

    def run(self) -> None:
        """Everything again."""
        self.decode()
        self.infer()

    def by_model(self, rounds: int) -> dict[str, float]:
        """CPU ms of one round of each model's runs."""
        names = dict.fromkeys(run.model for run in self.inferrings)
        return {name: cpu_ms(self._only(name).infer, rounds) for name in names}

    def _only(self, model: str) -> "RawCalls":
        return RawCalls(self.sessions, inferrings=[run for run in self.inferrings if run.model == model])


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """Median CPU time of this process for one round, ms."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
    return statistics.median(times)


def recorded(judges: bootstrap.Judges, work: Callable[[], object]) -> RawCalls:
    """The calls that `work` makes through the decoder and the models of these judges."""
    calls = RawCalls(_bare_sessions(judges.settings))
    infer, decode = judges.inference.infer, judges.decoder.decode

    def infer_noted(model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        calls.inferrings.append(Inferring(model, {name: value.copy() for name, value in inputs.items()}))
        return infer(model, inputs)

    def decode_noted(data: bytes, *, max_side_px: int | None = None) -> DecodedImage:
        image = decode(data, max_side_px=max_side_px)
        factor = min(_REDUCED, key=lambda f: abs(f - 1 / image.scale))
        calls.decodings.append(Decoding(np.frombuffer(data, np.uint8), factor))
        return image

    work()  # once unrecorded, so that nothing is computed for the first time
    # A bench may look inside: the two ports are wrapped where they are wired already.
    judges.inference.infer = infer_noted  # type: ignore[method-assign]
    judges.decoder.decode = decode_noted  # type: ignore[method-assign]
    try:
        work()
    finally:
        judges.inference.infer = infer  # type: ignore[method-assign]
        judges.decoder.decode = decode  # type: ignore[method-assign]
    return calls


def bench_settings(folder: Path) -> settings.Settings:
    """The settings of the environment, with a database of its own."""
    return settings.load(data_dir=folder, insecure=True)


def _bare_sessions(values: settings.Settings) -> dict[str, Any]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 4
    files = bootstrap._model_files(values)  # noqa: SLF001 - the pack as it is wired
    return {
        name: ort.InferenceSession(str(file.path), sess_options=options, providers=["CPUExecutionProvider"])
        for name, file in files.items()
    }

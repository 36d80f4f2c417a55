"""A model file on this machine and how its session is made."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Device(StrEnum):
    """Where a model runs. Asking for a GPU on a machine that has none is an error, never a silent CPU."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"


@dataclass(frozen=True)
class SessionOptions:
    """ONNX Runtime session options of one model, with the measurement that chose them in its card."""

    intra_op_threads: int = 1
    graph_optimisation: str = "all"
    arena: bool = True
    flush_denormals: bool = True


@dataclass(frozen=True)
class ModelFile:
    """One ONNX file: loaded from bytes only after its SHA-256 matches `sha256` (lower-case hexadecimal)."""

    name: str
    path: Path
    sha256: str
    options: SessionOptions = SessionOptions()

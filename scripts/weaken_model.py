"""Makes a deliberately weakened copy of a model, to see a report and the gate notice it.

    python scripts/weaken_model.py ppocr_rec var/weak               the default noise, 0.05
    python scripts/weaken_model.py pad var/weak --noise 1 --seed 7
    idv bench run --set documents-generated --candidate var/weak

The weights of each convolution and product get Gaussian noise of `--noise` times their standard deviation,
from a fixed seed. Several models may be weakened into one folder. Nothing but `--candidate` loads it.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from idv import bootstrap, settings
from idv.packs.store import DEFAULT_PACK

_WEIGHED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose second input are weights; noise on a variance would turn it negative, and scores NaN."""


def main() -> None:
    """Weaken one model."""
    arguments = _arguments()
    files = bootstrap.model_store(settings.load()).files(arguments.pack)
    if arguments.model not in files:
        sys.exit(f"no model {arguments.model} in pack {arguments.pack}; there are {', '.join(sorted(files))}")
    data = weakened(files[arguments.model].path.read_bytes(), noise=arguments.noise, seed=arguments.seed)
    target = arguments.folder / arguments.model / "1" / "model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    print(f"{target}: SHA-256 {hashlib.sha256(data).hexdigest()}, noise {arguments.noise}")


def weakened(data: bytes, *, noise: float, seed: int) -> bytes:
    """The same network with Gaussian noise of `noise` standard deviations of each tensor on its weights."""
    model = onnx.load_from_string(data)
    rng = np.random.default_rng(seed)
    weights_of = {node.input[1] for node in model.graph.node if node.op_type in _WEIGHED}
    for tensor in model.graph.initializer:
        if tensor.name not in weights_of or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        weights = numpy_helper.to_array(tensor)
        noisy = weights + rng.normal(0.0, noise * float(weights.std()), weights.shape)
        tensor.CopyFrom(numpy_helper.from_array(noisy.astype(np.float32), tensor.name))
    return bytes(model.SerializeToString())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="name of the model, such as pad or ppocr_rec")
    parser.add_argument("folder", type=Path, help="folder that gets <model>/1/model.onnx")
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--noise", type=float, default=0.05, help="standard deviations (default: 0.05)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

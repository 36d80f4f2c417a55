"""What our `infer()` costs over raw `session.run`, as a ratio of CPU times in one run.

python scripts/bench/inference.py                     a tiny network
python scripts/bench/inference.py MODEL.onnx ...      real networks too (dynamic axes are set to 1)
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from idv.domain.arrays import Array
from idv.domain.models import ModelFile
from idv.infra.inference.local import LocalInference

ROUNDS = 15


def tiny_network() -> bytes:
    """`y = x + 1` over 16 floats: all cost is the call."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 16]) for n in "xy")
    one = numpy_helper.from_array(np.ones(16, np.float32), "one")
    graph = helper.make_graph([helper.make_node("Add", ["x", "one"], ["y"])], "tiny", [x], [y], [one])
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()
    return content


def raw_session(content: bytes) -> ort.InferenceSession:
    """A session with the same options, used as one would without this project."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def random_inputs(session: ort.InferenceSession) -> dict[str, Array]:
    """One float tensor in 0..1 an input."""
    generator = np.random.default_rng(0)
    return {
        i.name: generator.random([d if isinstance(d, int) else 1 for d in i.shape], dtype=np.float32)
        for i in session.get_inputs()
    }


def cpu_us(call: Callable[[], object], calls: int) -> float:
    """CPU microseconds of the process for one call."""
    start = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - start) / calls / 1000


def compare(path: Path) -> None:
    """Print one line: both costs and their ratio, the median of interleaved rounds."""
    content = path.read_bytes()
    session = raw_session(content)
    names = [output.name for output in session.get_outputs()]
    inputs = random_inputs(session)
    file = ModelFile(path.stem, path, hashlib.sha256(content).hexdigest())
    ours = LocalInference({path.stem: file})
    ours.infer(path.stem, inputs)
    calls = max(3, int(20_000 / cpu_us(lambda: session.run(names, inputs), 5)))
    rounds = [
        (
            cpu_us(lambda: session.run(names, inputs), calls),
            cpu_us(lambda: ours.infer(path.stem, inputs), calls),
        )
        for _ in range(ROUNDS)
    ]
    raw, infer = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{path.stem:<24} run {raw:9.1f} us   infer {infer:9.1f} us   ratio {infer / raw:.3f}")


def main() -> None:
    """Compare the tiny network and every model named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, help="ONNX files with float inputs")
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "tiny.onnx"
        tiny.write_bytes(tiny_network())
        for path in [tiny, *parser.parse_args().models]:
            compare(path)


if __name__ == "__main__":
    main()

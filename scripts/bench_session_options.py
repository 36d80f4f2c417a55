"""CPU time of every model of a pack under different session options, as ratios within one run.

python scripts/bench_session_options.py [--pack open] [--runs 30]

The figures in each card's `[session] measurement` come from here. CPU time of the calling thread, not wall
time, so that a busy machine disturbs little; variants take turns run by run, and the median is printed.
"""

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from platformdirs import user_cache_dir

from idv.packs.store import ModelStore

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "extended": {"level": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED},
    "basic": {"level": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC},
    "no arena": {"arena": False},
    "denormals kept": {"flush": "0"},
}
"""The first is the baseline: what the cards choose."""

DYNAMIC_SIDES = {"ppocr_det": (640, 640), "ppocr_rec": (48, 320), "ppocr_cls": (48, 192)}
"""Height and width where the network leaves them open."""


def session(path: Path, variant: Mapping[str, Any]) -> ort.InferenceSession:
    """One thread, no spinning, and what the variant changes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = variant.get("level", ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    options.enable_cpu_mem_arena = variant.get("arena", True)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", variant.get("flush", "1"))
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def sample(model: str, network: ort.InferenceSession) -> dict[str, np.ndarray]:
    """Noise of the network's input shape, batch 1."""
    tensor = network.get_inputs()[0]
    shape = [size if isinstance(size, int) and size > 0 else 1 for size in tensor.shape]
    if model in DYNAMIC_SIDES:
        shape[2:] = DYNAMIC_SIDES[model]
    values = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return {tensor.name: values}


def measure(model: str, path: Path, runs: int) -> dict[str, float]:
    """Median CPU ms a run, by variant."""
    networks = {name: session(path, variant) for name, variant in VARIANTS.items()}
    feed = sample(model, networks["all"])
    times: dict[str, list[float]] = {name: [] for name in networks}
    for run in range(runs + 2):
        for name, network in networks.items():
            start = time.thread_time()
            network.run(None, feed)
            if run > 1:  # the first two fill caches and arenas
                times[name].append(time.thread_time() - start)
    return {name: statistics.median(values) * 1e3 for name, values in times.items()}


def main() -> None:
    """Print one line a model: the baseline in ms, the others as ratios to it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pack", default="open")
    arguments.add_argument("--runs", type=int, default=30)
    chosen = arguments.parse_args()
    root = Path(__file__).resolve().parent.parent
    cache = Path(os.environ.get("IDV_MODEL_CACHE", Path(user_cache_dir("idv")) / "models"))
    store = ModelStore(root / "model_repository", cache)
    others = list(VARIANTS)[1:]
    print(f"{'model':12s} {'all, ms':>9s} " + " ".join(f"{name:>15s}" for name in others))
    for status in store.verify(chosen.pack):
        if status.path is None:
            print(f"{status.name:12s} {status.state}")
            continue
        result = measure(status.name, status.path, chosen.runs)
        ratios = " ".join(f"{'× ' + format(result[name] / result['all'], '.2f'):>15s}" for name in others)
        print(f"{status.name:12s} {result['all']:9.2f} {ratios}")


if __name__ == "__main__":
    main()

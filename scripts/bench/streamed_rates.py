"""Measures FMR, FNMR and a DET curve of a run's comparisons streamed from Parquet, in time and memory.

    python scripts/bench/streamed_rates.py                          100,000,000 comparisons
    python scripts/bench/streamed_rates.py --comparisons 5000000    fewer; checked against all at once

The comparisons are written in pieces by a process of their own, are read by the reader of runs, and are
removed afterwards. The peak is the resident memory of the process that reads and computes.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np

from idv.evaluation.runs.tables import PAIRS, stream_pairs
from idv.metrics import error_rates, streaming

T = TypeVar("T")
_SUBJECTS = 20_000
_IMAGES = 5  # of each subject
_TARGET = 1e-3


def write(path: Path, comparisons: int) -> None:
    """Normal scores, one in a hundred mated and 4 higher: items a, b and score."""
    with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as database:
        database.execute("SELECT setseed(0.5)")
        database.execute(
            f"""COPY (
                SELECT a, CASE WHEN mated THEN a - a % {_IMAGES} + (a + 1) % {_IMAGES} ELSE other END AS b,
                    CASE WHEN mated THEN 4 ELSE 0 END + sqrt(-2 * ln(1 - u)) * cos(2 * pi() * v) AS score
                FROM (SELECT n % 100 = 0 AS mated, random() AS u, random() AS v,
                    (random() * {_SUBJECTS * _IMAGES - 1})::INTEGER AS a,
                    (random() * {_SUBJECTS * _IMAGES - 1})::INTEGER AS other
                    FROM range({comparisons}) AS numbers(n))
            ) TO '{path}' (FORMAT parquet)"""  # noqa: S608 - numbers and a temporary path
        )


def source(folder: Path) -> streaming.Source:
    """The run's comparisons as chunks of scores and whether both items are of one subject."""
    subject = np.repeat(np.arange(_SUBJECTS), _IMAGES)

    def chunks() -> Iterator[streaming.Chunk]:
        for pairs in stream_pairs(folder):
            yield pairs.score, subject[pairs.a] == subject[pairs.b]

    return chunks


def timed(name: str, work: Callable[[], T]) -> T:
    """Print wall and CPU seconds of some work and the peak so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{time.perf_counter() - wall:7.1f} s, {time.process_time() - cpu:7.1f} s CPU"
    print(f"{name:34} {spent}, peak {peak:,.0f} MiB", flush=True)
    return result


def measure(folder: Path, *, check: bool) -> None:
    """Threshold, rates and curve by streaming; with `check` also from all scores at once."""
    chunks = source(folder)
    threshold = timed(f"threshold at FMR {_TARGET:g}", lambda: streaming.threshold_at_fmr(chunks, _TARGET))
    rates = timed("FMR and FNMR there", lambda: streaming.rates_at(chunks(), [threshold]))
    curve = timed("DET at 1,000 thresholds", lambda: streaming.det_points(chunks))
    found = f"threshold {threshold:.6f}, FMR {rates.fmr[0]:.6g}, FNMR {rates.fnmr[0]:.6g}"
    print(f"{found}, a curve of {curve.fmr.size} points")
    if not check:
        return
    score, genuine = (np.concatenate(parts) for parts in zip(*chunks(), strict=True))
    mated, nonmated = score[genuine], score[~genuine]
    expected = error_rates.threshold_at_fmr(nonmated, _TARGET)
    worst = max(abs(rate - error_rates.fmr(nonmated, t)) for t, rate, _ in zip(*curve, strict=True))
    print(f"difference from all at once: threshold {threshold - expected:g}, ", end="")
    print(
        f"FNMR {rates.fnmr[0] - error_rates.fnmr(mated, expected):g}, FMR along the curve at most {worst:g}"
    )


def main() -> None:
    """Write, measure, remove."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--comparisons", type=int, default=100_000_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.write:
        write(told.write, told.comparisons)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PAIRS
        again = [sys.executable, __file__, "--comparisons", str(told.comparisons), "--write", str(path)]
        root = str(Path(__file__).parents[2])
        subprocess.run(again, check=True, env={**os.environ, "PYTHONPATH": root})
        print(f"{told.comparisons:,} comparisons, {path.stat().st_size / 1e9:.2f} GB of Parquet")
        measure(Path(folder), check=told.comparisons <= 10_000_000)


if __name__ == "__main__":
    main()

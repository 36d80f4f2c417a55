"""Measures what a report of a large run costs: all pairs of 3,074 images, 4.7 million comparisons.

    python -m scripts.bench.report_size [--images 3074] [--people 1680]

Scores are drawn at random from a fixed seed. Prints CPU seconds (other work on the machine does not count),
peak memory, and the CPU of one plain sort of the scores beside it, as a measure of the machine.
"""

import argparse
import resource
import time
from collections.abc import Sequence

import numpy as np

from idv.domain.eval_sets import Comparisons
from idv.domain.results import CheckName
from idv.domain.score_tables import Factor, ItemTable, PairTable, Run, ScoreTable
from idv.evaluation.reports.html import as_html
from idv.evaluation.reports.summary import summarise
from idv.evaluation.runs.record import drawn_record

CPU_LIMIT_S, MEMORY_LIMIT_GB = 30.0, 2.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; exit code 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3074)
    parser.add_argument("--people", type=int, default=1680)
    options = parser.parse_args(arguments)
    run = _run(options.images, options.people)
    pairs = run.table.pairs
    score = np.empty(0) if pairs is None else pairs.score
    sorting = time.process_time()
    np.sort(score)
    sorting = time.process_time() - sorting
    reporting = time.process_time()
    page = as_html([summarise(run)])
    reporting = time.process_time() - reporting
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{score.size:,} comparisons of {options.people:,} people, one slice of three values")
    print(f"report: {reporting:.1f} s of CPU (limit {CPU_LIMIT_S:g})")
    print(f"as much as {reporting / sorting:.0f} sorts of the scores")
    print(f"peak memory: {memory:.2f} GB (limit {MEMORY_LIMIT_GB:g}); page: {len(page) / 1e3:.0f} kB")
    raise SystemExit(reporting > CPU_LIMIT_S or memory > MEMORY_LIMIT_GB)


def _run(images: int, people: int) -> Run:
    rng = np.random.default_rng(0)
    person = np.sort(rng.integers(0, people, images)).astype(np.int32)
    a, b = (side.astype(np.int32) for side in np.triu_indices(images, 1))
    score = rng.normal(size=a.size) * 2 - 8 + np.where(person[a] == person[b], 16, 0)
    subject = Factor(person, tuple(f"p{i}" for i in range(people)))
    region = Factor((person % 3).astype(np.int32), ("north", "south", "west"))
    one = Factor(np.zeros(images, np.int32), ("test",))
    nothing = np.full(images, -1, np.int8)
    items = ItemTable(
        ids=tuple(f"i{i}" for i in range(images)),
        part=one,
        subject=subject,
        species=Factor(np.full(images, -1, np.int32), ()),
        genuine=nothing,
        outcome=np.zeros(images, np.int8),
        score=np.full(images, -np.inf),
        correct=nothing,
        latency_ms=np.full(images, 30, np.float32),
        cost=np.zeros(images, np.float32),
        reasons=("",) * images,
        slices={"region": region},
    )
    return Run(
        drawn_record(CheckName.FACE_MATCH, Comparisons.ALL_PAIRS), ScoreTable(items, PairTable(a, b, score))
    )


if __name__ == "__main__":
    main()

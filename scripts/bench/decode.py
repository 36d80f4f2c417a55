"""What bounded decoding costs over plain `cv2.imdecode`, as ratios of CPU times in one run, worker included.

python scripts/bench/decode.py            drawn JPEGs: 12 megapixels whole and at quarter scale, a face crop
python scripts/bench/decode.py FILE ...   JPEG files instead, each whole and at quarter scale
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from idv.vision.imaging.decoder import BoundedDecoder

ROUNDS = 21
WHOLE = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
QUARTER = cv2.IMREAD_REDUCED_COLOR_4 | cv2.IMREAD_IGNORE_ORIENTATION


class Case(NamedTuple):
    """One comparison: `max_side_px` asks our decoder for what `flags` ask of OpenCV."""

    name: str
    data: bytes
    flags: int
    max_side_px: int | None


class Cost(NamedTuple):
    """CPU ms of one decoding: raw, ours in this process, ours in the worker; wall ms of ours."""

    raw: float
    parent: float
    worker: float
    wall: float


def drawn(width: int, height: int, *, quality: int = 90) -> bytes:
    """A JPEG with smooth colour and noise, about 2.5 bits a pixel like a phone's."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (height // 10 + 1, width // 10 + 1, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = np.clip(image + generator.integers(-4, 5, image.shape), 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def cases(files: list[Path]) -> list[Case]:
    """What to compare."""
    if not files:
        big = drawn(4000, 3000)
        return [
            Case("12 MP quarter scale", big, QUARTER, 1000),
            Case("12 MP whole", big, WHOLE, None),
            Case("250 px face", drawn(250, 250), WHOLE, None),
        ]
    both = []
    for file in files:
        data = file.read_bytes()
        side = max(np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), WHOLE)).shape)
        both += [Case(f"{file.name} / 4", data, QUARTER, side // 4), Case(file.name, data, WHOLE, None)]
    return both


def worker_cpu_ms(pid: int) -> float:
    """CPU time of a process in ms, from the scheduler's nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU ms of one call in this process."""
    start = time.process_time_ns()
    call()
    return (time.process_time_ns() - start) / 1e6


def measure(case: Case, decoder: BoundedDecoder) -> Cost:
    """One round of both."""
    encoded = np.frombuffer(case.data, np.uint8)
    raw = cpu_ms(lambda: cv2.imdecode(encoded, case.flags))
    (pid,) = decoder.worker_pids
    before, wall = worker_cpu_ms(pid), time.perf_counter()
    parent = cpu_ms(lambda: decoder.decode(case.data, max_side_px=case.max_side_px))
    return Cost(raw, parent, worker_cpu_ms(pid) - before, 1000 * (time.perf_counter() - wall))


def main() -> None:
    """Print a line a case: medians over interleaved rounds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    cv2.setNumThreads(1)
    with BoundedDecoder(workers=1) as decoder:
        decoder.warm_up()
        for case in cases(parser.parse_args().files):
            measure(case, decoder)
            rounds = [measure(case, decoder) for _ in range(ROUNDS)]
            cost = Cost(*(statistics.median(column) for column in zip(*rounds, strict=True)))
            ratio = statistics.median((r.parent + r.worker) / r.raw for r in rounds)
            print(
                f"{case.name:<22} {len(case.data) / 1e6:5.2f} MB  raw {cost.raw:7.2f} ms  "
                f"ours {cost.parent + cost.worker:7.2f} ms "
                f"(parent {cost.parent:.2f}, worker {cost.worker:.2f})  "
                f"ratio {ratio:.3f}  wall {cost.wall:.2f} ms"
            )


if __name__ == "__main__":
    main()

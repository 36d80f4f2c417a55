"""CPU and memory of judging one document: 12-megapixel photos of front and back of a drawn card.

    python scripts/bench/document_check.py [--rounds 9] [--uploads]

CPU of one `document_authenticity` judgement, decoding included, against the sum of its raw decode and model
times: the very same calls made bare in this process, measured in turns. Wanted: at most 1.3 times that. The
stages are CPU of the judging thread; a part of the check that is not wired is named as absent.

With --uploads: the service checks uploads of every type and size that is allowed, 40 megapixels among them.
The peak is VmHWM of the API worker and of the larger decoder worker together. Wanted: at most 1.2 GB.
"""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from idv import bootstrap
from idv.checks.document_authenticity.check import DocumentAuthenticity
from idv.checks.document_authenticity.parts import Parts
from idv.documents.document_types import load_document_types
from idv.domain.arrays import RgbImage
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.ports import Perception
from idv.domain.results import CheckName, CheckResult
from idv.vision.synthesis.cameras import draw_camera
from idv.vision.synthesis.cards import draw_card
from idv.vision.synthesis.document_scenes import Scene, photographed
from idv.vision.synthesis.heads import draw_head
from idv.vision.synthesis.holders import make_holder
from scripts.bench.raw_calls import RawCalls, bench_settings, cpu_ms, recorded
from scripts.bench.service_process import ServiceProcess, descendants, real_service

_WANTED, _WANTED_BYTES = 1.3, 1.2e9
_ROUNDS = 5
_TYPE = "uto_identity_card"
_WIDTH_PX = 4000
_SEED = 12
_TODAY = dt.date(2026, 5, 4)
_FRONT, _BACK = ImageRole.DOCUMENT_FRONT, ImageRole.DOCUMENT_BACK
Sides = dict[ImageRole, bytes]


class Measured(NamedTuple):
    """Median CPU seconds of a judgement, of a bare round, and of each stage in ms."""

    judged_s: float
    bare_s: float
    stages_ms: dict[str, float]


class Judged(NamedTuple):
    """A judgement, what it saw, and the CPU of its stages in ms."""

    result: CheckResult
    perception: Perception
    stages_ms: dict[str, float]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--uploads", action="store_true", help="measure peak memory of the service too")
    given = parser.parse_args()
    sides = photos()
    with tempfile.TemporaryDirectory() as folder, bootstrap.judges(bench_settings(Path(folder))) as judges:
        fast = report_cpu(judges, sides, given.rounds)
    small = report_memory(sides) if given.uploads else True
    return 0 if fast and small else 1


def photos() -> Sides:
    """JPEG bytes of the two sides, 4000 × 3000 px, as a careful holder takes them."""
    rng = np.random.default_rng(_SEED)
    known = load_document_types().get(_TYPE)
    if known is None:
        msg = f"no type {_TYPE}"
        raise RuntimeError(msg)
    card = draw_card(known, make_holder(known, rng, today=_TODAY), draw_head(rng), rng, dpi=600)
    drawn = {_FRONT: card.front.image, _BACK: card.mrz_side.image}
    return {
        role: _jpeg(photographed(side, Scene(tilt=0.4), draw_camera(rng), rng, width=_WIDTH_PX).pixels)
        for role, side in drawn.items()
    }


# --- CPU ------------------------------------------------------------------------------------------------


def report_cpu(judges: bootstrap.Judges, sides: Sides, rounds: int) -> bool:
    """Print the figures; whether they are as wanted."""
    check = _check(judges)
    calls = recorded(judges, lambda: _judge(judges, check, sides))
    measured = measure(judges, check, calls, sides, rounds=rounds)
    result = _judge(judges, check, sides).result
    for name, spent in sorted(measured.stages_ms.items(), key=lambda item: -item[1]):
        print(f"  stage {name:<32} {spent:8.1f} ms CPU of the judging thread")
    print(f"  bare decoding x {len(calls.decodings):<22} {cpu_ms(calls.decode, _ROUNDS):8.1f} ms CPU")
    for name, spent in calls.by_model(_ROUNDS).items():
        runs = sum(run.model == name for run in calls.inferrings)
        print(f"  bare {name} x {runs:<{29 - len(name)}} {spent:8.1f} ms CPU")
    absent = [part.name for part in fields(Parts) if getattr(check.parts, part.name) is None]
    print(
        f"outcome {result.outcome} ({', '.join(result.reasons)}); absent parts: {', '.join(absent) or 'none'}"
    )
    ratio = measured.judged_s / measured.bare_s
    print(f"one document check: {measured.judged_s:.3f} s CPU, median of {rounds}")
    print(f"raw decode and models: {measured.bare_s:.3f} s CPU")
    print(f"ratio {ratio:.3f} (wanted: at most {_WANTED})")
    return ratio <= _WANTED


def measure(
    judges: bootstrap.Judges, check: DocumentAuthenticity, calls: RawCalls, sides: Sides, *, rounds: int
) -> Measured:
    """Judgements and bare rounds in turns."""
    workers = descendants_of_this()
    judged, bare, stages = [], [], []
    for _ in range(rounds):
        before, started = _cpu_s(workers), time.process_time()
        seen = _judge(judges, check, sides)
        judged.append(time.process_time() - started + _cpu_s(workers) - before)
        stages.append({**seen.stages_ms, **_parts(check, seen.perception)})
        started = time.process_time()
        calls.run()
        bare.append(time.process_time() - started)
    names = stages[0]
    split = {name: statistics.median(spent[name] for spent in stages) for name in names}
    return Measured(statistics.median(judged), statistics.median(bare), split)


def _judge(judges: bootstrap.Judges, check: DocumentAuthenticity, sides: Sides) -> Judged:
    """One judgement as the service makes it."""
    perceiver = replace(judges.perceiver, timer=time.thread_time)
    evidence = Evidence({role: EncodedImage(data) for role, data in sides.items()})
    started = time.thread_time()
    perception = perceiver.perceive(evidence)
    deadline = judges.clock.monotonic() + 600
    result = judges.runner.run_one(check, evidence, perception, deadline=deadline)
    whole = (time.thread_time() - started) * 1000
    return Judged(result, perception, {**perception.stage_ms, "everything": whole})


def _parts(check: DocumentAuthenticity, perception: Perception) -> dict[str, float]:
    """CPU ms of the check's own parts over both sides, each asked again on what was perceived."""
    spent: dict[str, float] = {}
    for role in (_FRONT, _BACK):
        view = perception.document(role)
        if view is None:
            continue
        image, reading = perception.image(role), perception.reading(role)
        known = check.types.get(reading.document_type or "")
        known_sides = known.sides.values() if known else ()
        side = next((s for s in known_sides if bool(s.mrz) == bool(reading.mrz)), None)
        parts, corners = check.parts, view.corners
        asked: dict[str, Callable[[], object]] = {}
        if parts.recapture is not None:
            asked["recapture"] = partial(parts.recapture.predict, image.pixels, corners)
        if parts.tampering is not None:
            asked["tampering"] = partial(parts.tampering.predict, image.pixels, corners)
        if parts.templates is not None:
            asked["templates"] = partial(parts.templates.fit, view, reading, side=None)
        if parts.ghost is not None and side:
            asked["ghost"] = partial(parts.ghost, view.rectified, side)
        if parts.gate is not None:
            asked["gate"] = partial(parts.gate, image, view, side, reading)
        for name, ask in asked.items():
            started = time.thread_time()
            ask()
            spent[f"check: {name}"] = spent.get(f"check: {name}", 0) + (time.thread_time() - started) * 1000
    return spent


def _check(judges: bootstrap.Judges) -> DocumentAuthenticity:
    found = next(check for check in judges.runner.checks if check.name is CheckName.DOCUMENT_AUTHENTICITY)
    if not isinstance(found, DocumentAuthenticity):
        raise TypeError(type(found).__name__)
    return found


def descendants_of_this() -> list[int]:
    """The processes that this one started: the decoder's workers."""
    return descendants(int(Path("/proc/self").readlink().name))


def _cpu_s(pids: list[int]) -> float:
    """CPU seconds of processes so far, to the nanosecond."""
    stats = (stat for pid in pids for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9


# --- memory ---------------------------------------------------------------------------------------------


def report_memory(sides: Sides) -> bool:
    """Send every kind of upload; whether the peak is as wanted."""
    with tempfile.TemporaryDirectory() as folder, real_service(Path(folder)) as server:
        at_start = peak(server)
        with httpx.Client(base_url=server.url, timeout=300, trust_env=False) as http:
            for name, parts in uploads(sides):
                answer = http.post("/v1/documents/check", files=parts)
                told = answer.json()
                outcome = told["check"]["outcome"] if "check" in told else told["error"]["code"]
                size = sum(len(part[1]) for part in parts.values()) / 1e6
                seen = f"{size:6.1f} MB  {answer.status_code} {outcome:<24}"
                print(f"  {name:<34} {seen} {peak(server) / 1e6:7.0f} MB")
        highest = peak(server)
    print(f"peak memory {highest / 1e9:.2f} GB, {at_start / 1e9:.2f} GB when ready (wanted: at most 1.2)")
    return highest <= _WANTED_BYTES


def uploads(sides: Sides) -> Iterator[tuple[str, dict[str, tuple[str, bytes, str]]]]:
    """Both sides as they are, then the front as every type and size that is allowed, up to 50 MP."""
    yield "front and back, JPEG, 12 MP", _parts_of(sides[_FRONT], sides[_BACK])
    pixels = np.asarray(cv2.imdecode(np.frombuffer(sides[_FRONT], np.uint8), cv2.IMREAD_COLOR), np.uint8)
    for megapixels in (0.000001, 0.1, 2, 24, 40, 49.9):
        height = max(1, int((megapixels * 0.75e6) ** 0.5))
        size = (max(1, int(megapixels * 1e6 / height)), height)
        scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        for ending, options in _encodings(megapixels):
            data = cv2.imencode(f".{ending}", scaled, options)[1].tobytes()
            yield f"front and back, {ending}, {megapixels:g} MP", _parts_of(data, data)


def _encodings(megapixels: float) -> Iterator[tuple[str, list[int]]]:
    yield "jpg", [cv2.IMWRITE_JPEG_QUALITY, 85 if megapixels < 30 else 70]
    yield "jpg", [cv2.IMWRITE_JPEG_QUALITY, 60, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    yield "webp", [cv2.IMWRITE_WEBP_QUALITY, 70]
    if megapixels < 30:  # a larger one exceeds what a part may hold
        yield "png", [cv2.IMWRITE_PNG_COMPRESSION, 3]


def _parts_of(front: bytes, back: bytes) -> dict[str, tuple[str, bytes, str]]:
    return {
        "document_front": ("f", front, "application/octet-stream"),
        "document_back": ("b", back, "application/octet-stream"),
    }


def peak(server: ServiceProcess) -> int:
    """Highest resident bytes so far of the API worker and of the larger of its decoder workers."""
    worker = server.worker
    return _high_water(worker) + max(map(_high_water, descendants(worker)), default=0)


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _jpeg(pixels: RgbImage) -> bytes:
    blue_first = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


if __name__ == "__main__":
    sys.exit(main())

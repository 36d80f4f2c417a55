"""CPU of POST /v1/faces/compare against the same decode and model calls made bare in this process.

    python scripts/bench/service_compare.py [--requests 200] [--reference FILE --probe FILE]

The service runs as `idv serve` runs it; its CPU is that of all its processes. Both are measured in turns,
ten requests and ten bare rounds at a time, so that a busy machine slows both. Wanted: at most 1.25.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from idv import bootstrap
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from idv.domain.results import CheckName
from idv.workflow.single import SingleChecks
from scripts.bench.raw_calls import RawCalls, bench_settings, recorded
from scripts.bench.service_pictures import samples
from scripts.bench.service_process import ServiceProcess, real_service

_TURN = 10
_WANTED = 1.25


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--probe", type=Path)
    given = parser.parse_args()
    reference = given.reference.read_bytes() if given.reference else samples().person
    probe = given.probe.read_bytes() if given.probe else samples().person_again
    with tempfile.TemporaryDirectory() as folder:
        values = bench_settings(Path(folder) / "here")
        with bootstrap.judges(values) as judges:
            calls = recorded(judges, lambda: _compare(judges, reference, probe))
        with real_service(Path(folder) / "service") as server:
            service_s, raw_s = measure(server, calls, (reference, probe), requests=given.requests)
    ratio = service_s / raw_s
    print(f"decodings {len(calls.decodings)}, runs {len(calls.inferrings)}")
    print(f"POST /v1/faces/compare: {1000 * service_s:.1f} ms CPU a request, over {given.requests} requests")
    print(f"the same calls bare:    {1000 * raw_s:.1f} ms CPU")
    print(f"ratio {ratio:.3f} (wanted: at most {_WANTED})")
    return 0 if ratio <= _WANTED else 1


def measure(
    server: ServiceProcess, calls: RawCalls, pair: tuple[bytes, bytes], *, requests: int
) -> tuple[float, float]:
    """CPU seconds of one request and of one bare round."""
    service_s = raw_s = 0.0
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
        for turn in range(requests // _TURN + 1):
            before = server.usage().cpu_s
            for _ in range(_TURN):
                _post(http, pair)
            used = server.usage().cpu_s - before
            started = time.process_time()
            for _ in range(_TURN):
                calls.run()
            bare = time.process_time() - started
            if turn:  # the first turn warms both up
                service_s, raw_s = service_s + used, raw_s + bare
    done = requests // _TURN * _TURN
    return service_s / done, raw_s / done


def _post(http: httpx.Client, pair: tuple[bytes, bytes]) -> None:
    reference, probe = pair
    files = {"reference": ("r.jpg", reference, "image/jpeg"), "probe": ("p.jpg", probe, "image/jpeg")}
    http.post("/v1/faces/compare", files=files).raise_for_status()


def _compare(judges: bootstrap.Judges, reference: bytes, probe: bytes) -> None:
    images = {ImageRole.REFERENCE: EncodedImage(reference), ImageRole.PROBE: EncodedImage(probe)}
    single = SingleChecks(judges.perceiver, judges.runner)
    single.judge(CheckName.FACE_MATCH, Evidence(images), deadline=judges.clock.monotonic() + 60)


if __name__ == "__main__":
    sys.exit(main())

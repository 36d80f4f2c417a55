"""CPU of POST /v1/verifications with a 12-megapixel document and a 2-megapixel selfie, split by stage.

    python scripts/bench/service_verify.py [--requests 20]

Against the sum of its raw decode and model times: the very same calls made bare in this process, measured in
turns with the requests. Wanted: at most 1.3 times that, and at most 2 s of CPU in all. The stages are those
perception reports (wall-clock, of one in-process run); the service's CPU is that of all its processes.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from idv import bootstrap
from idv.domain.evidence import EncodedImage, Evidence, ImageRole
from scripts.bench.raw_calls import RawCalls, bench_settings, cpu_ms, recorded
from scripts.bench.service_pictures import Pictures, pictures
from scripts.bench.service_process import ServiceProcess, real_service

_WANTED, _WANTED_S = 1.3, 2.0
_ROUNDS = 5


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20)
    given = parser.parse_args()
    sent = pictures()
    with tempfile.TemporaryDirectory() as folder:
        values = bench_settings(Path(folder) / "here")
        with bootstrap.judges(values) as judges:
            calls = recorded(judges, lambda: _judge(judges, sent))
            stages = _judge(judges, sent)
        with real_service(Path(folder) / "service") as server:
            service, raw, outcome = measure(server, calls, sent, requests=given.requests)
    ratio = service / raw
    _print_parts(calls, stages)
    print(f"decision {outcome}")
    print(f"POST /v1/verifications: {service:.3f} s CPU, median of {given.requests} (wanted: {_WANTED_S})")
    print(f"raw decode and models:  {raw:.3f} s CPU")
    print(f"ratio {ratio:.3f} (wanted: at most {_WANTED})")
    return 0 if ratio <= _WANTED and service <= _WANTED_S else 1


def measure(
    server: ServiceProcess, calls: RawCalls, sent: Pictures, *, requests: int
) -> tuple[float, float, str]:
    """Median CPU seconds of a request and of a bare round, and the decision."""
    service, raw, outcome = [], [], ""
    files = {
        "document_front": ("d.jpg", sent.document, "image/jpeg"),
        "selfie": ("s.jpg", sent.selfie, "image/jpeg"),
    }
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as http:
        http.post("/v1/verifications", files=files).raise_for_status()
        for _ in range(requests):
            before = server.usage().cpu_s
            answer = http.post("/v1/verifications", files=files).raise_for_status().json()
            service.append(server.usage().cpu_s - before)
            started = time.process_time()
            calls.run()
            raw.append(time.process_time() - started)
            outcome = f"{answer['decision']} ({', '.join(reason['code'] for reason in answer['reasons'])})"
    return statistics.median(service), statistics.median(raw), outcome


def _judge(judges: bootstrap.Judges, sent: Pictures) -> dict[str, float]:
    """All checks, as a verification runs them; returns the stages' times in ms."""
    images = {
        ImageRole.DOCUMENT_FRONT: EncodedImage(sent.document),
        ImageRole.SELFIE: EncodedImage(sent.selfie),
    }
    evidence = Evidence(images)
    perception = judges.perceiver.perceive(evidence)
    for role in images:
        perception.image(role)
    judges.runner.run(evidence, perception, deadline=judges.clock.monotonic() + 60)
    return dict(perception.stage_ms)


def _print_parts(calls: RawCalls, stages: dict[str, float]) -> None:
    for name, spent in sorted(stages.items(), key=lambda item: -item[1]):
        print(f"  stage {name:<32} {spent:8.1f} ms wall")
    print(f"  bare decoding x {len(calls.decodings):<22} {cpu_ms(calls.decode, _ROUNDS):8.1f} ms CPU")
    for name, spent in calls.by_model(_ROUNDS).items():
        print(f"  bare {name:<33} {spent:8.1f} ms CPU")


if __name__ == "__main__":
    sys.exit(main())

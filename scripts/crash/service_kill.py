"""`kill -9` of the service at random moments under load: nothing half-written, nothing acknowledged lost.

    python scripts/crash/service_kill.py [--kills 200] [--seed 7]

Clients send verifications, each under an Idempotency-Key of its own, to the service as BentoML runs it,
over its real SQLite store, with trial checks. The worker is killed at a random moment and started again as
its supervisor would; then every request sent so far in the round is sent again under its key. It has to be
answered: with the very bytes of the first answer where there was one. In the end every key must have made
exactly one whole verification, and the audit chain must hold one decision for each.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from idv.infra.clock import SystemClock
from idv.infra.storage.keyring import open_keyring
from idv.infra.storage.stores import open_stores
from idv.policies.onboarding import ONBOARDING
from scripts.crash.trial_server import TrialServer

_CLIENTS = 4
_CHECKS = len(ONBOARDING.rules)
_CONFLICT = 409
_CREATED = 201
_LONGEST_S = 0.6


@dataclass
class Trial:
    """What was sent and what was answered, over all rounds."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    cut_off: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, key: str, body: bytes) -> None:
        """Note an answer; a second one has to be the first one's bytes."""
        with self.lock:
            if self.acknowledged.setdefault(key, body) != body:
                self.faults.append(f"{key}: another reply than the one acknowledged")

    def fault(self, text: str) -> None:
        """Note what must not be."""
        with self.lock:
            self.faults.append(text)


def run(server: TrialServer, *, kills: int, seed: int) -> Trial:
    """All rounds against a server that is running."""
    random_, trial = random.Random(seed), Trial()
    for number in range(kills):
        _round(server, trial, number, random_)
    _check_whole(server, trial)
    _check_audit(server, trial)
    return trial


def _round(server: TrialServer, trial: Trial, number: int, random_: random.Random) -> None:
    stop, keys = threading.Event(), [f"k-{number}-{client}" for client in range(_CLIENTS)]
    with ThreadPoolExecutor(_CLIENTS) as pool, _http(server) as http:
        running = [pool.submit(_client, http, trial, key, stop) for key in keys]
        time.sleep(random_.uniform(0, _LONGEST_S))
        server.kill_worker()
        stop.set()
        sent = [key for client in running for key in client.result()]
    server.start()
    with _http(server) as http:
        for key in sent:
            _again(http, trial, key)


def _client(http: httpx.Client, trial: Trial, prefix: str, stop: threading.Event) -> list[str]:
    """Send until stopped or cut off; returns the keys sent."""
    sent: list[str] = []
    while not stop.is_set():
        key = f"{prefix}-{len(sent)}"
        sent.append(key)
        with trial.lock:
            trial.sent.add(key)
        try:
            answer = _post(http, key)
        except httpx.TransportError:
            with trial.lock:
                trial.cut_off += 1
            break
        _note(trial, key, answer)
    return sent


def _again(http: httpx.Client, trial: Trial, key: str) -> None:
    """The same request again: it has to be answered, as soon as the new worker gave the keys back."""
    answer = _post(http, key)
    if answer.status_code == _CONFLICT:
        trial.fault(f"{key}: still in flight after the restart")
    else:
        _note(trial, key, answer)


def _note(trial: Trial, key: str, answer: httpx.Response) -> None:
    if answer.status_code == _CREATED:
        trial.answer(key, answer.content)
    else:
        trial.fault(f"{key}: {answer.status_code} {answer.text[:200]}")


def _check_whole(server: TrialServer, trial: Trial) -> None:
    """Every key made one verification, decided, with all its checks; and there are no others."""
    stored: dict[str, dict[str, object]] = {}
    cursor: str | None = None
    with _http(server) as http:
        while True:
            page = http.get(
                "/v1/verifications", params={"limit": 100} | ({"cursor": cursor} if cursor else {})
            )
            stored |= {item["id"]: item for item in page.json()["items"]}
            cursor = page.json()["cursor"]
            if cursor is None:
                break
    for case, item in stored.items():
        checks = item["checks"]
        if item["status"] != "decided" or not isinstance(checks, list) or len(checks) != _CHECKS:
            trial.fault(f"{case}: half-written")
    made = {httpx.Response(200, content=body).json()["id"] for body in trial.acknowledged.values()}
    if made != set(stored) or len(made) != len(trial.acknowledged):
        trial.fault(f"{len(trial.acknowledged)} keys acknowledged, {len(made)} made, {len(stored)} stored")
    if trial.sent != set(trial.acknowledged):
        trial.fault(f"{len(trial.sent - set(trial.acknowledged))} keys were never acknowledged")


def _check_audit(server: TrialServer, trial: Trial) -> None:
    """The chain is whole and holds one decision for each verification."""
    server.stop()
    stores = open_stores(
        f"sqlite:///{server.state / 'idv.db'}",
        keyring=open_keyring(server.state / "keyring.json"),
        clock=SystemClock(),
        instance="trial/check",
    )
    length, decided, after = stores.audit.verify(), 0, 0
    while entries := stores.audit.entries(after=after):
        decided += sum(entry.action == "verification.decided" for entry in entries)
        after = entries[-1].sequence
    stores.upkeep.close()
    if decided != len(trial.acknowledged) or length < decided:
        trial.fault(f"{decided} decisions in the audit log for {len(trial.acknowledged)} verifications")


def _post(http: httpx.Client, key: str) -> httpx.Response:
    files = {
        "document_front": ("d.jpg", b"IMG: " + key.encode(), "image/jpeg"),
        "selfie": ("s.jpg", b"IMG: " + key.encode(), "image/jpeg"),
    }
    return http.post("/v1/verifications", files=files, headers={"Idempotency-Key": key})


def _http(server: TrialServer) -> httpx.Client:
    return httpx.Client(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.secret}"},
        timeout=60.0,
        verify=False,  # noqa: S501 - loopback without TLS; loading certificates takes longer than a round
    )


def main() -> int:
    """Run the trial, print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        TrialServer(Path(folder), pause_s=0.02, supervised=False) as server,
    ):
        trial = run(server, kills=given.kills, seed=given.seed)
    print(f"{given.kills} kills in {time.monotonic() - started:.0f} s: {len(trial.sent)} requests sent,")
    print(f"{trial.cut_off} cut off by a kill, {len(trial.acknowledged)} acknowledged in the end")
    print(f"faults: {len(trial.faults)}")
    for fault in trial.faults[:20]:
        print(fault, file=sys.stderr)
    return 1 if trial.faults else 0


if __name__ == "__main__":
    sys.exit(main())

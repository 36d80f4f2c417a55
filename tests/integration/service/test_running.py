"""Facts about the service as BentoML runs it, in processes of its own, over a real store."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from scripts.bench.service_fuzz import fuzz
from scripts.bench.service_process import descendants
from scripts.crash.service_kill import run
from scripts.crash.trial_server import TrialServer

CANARIES = ("CANARYNAME", "X0CANARY7", "1987-06-05", "canary-applicant")


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialServer]:
    with TrialServer(tmp_path_factory.mktemp("service")) as server:
        yield server


@pytest.fixture(name="http")
def _http(server: TrialServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.secret}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False) as http:
        yield http


def parts(document: bytes = b"IMG: a", selfie: bytes = b"IMG: b") -> dict[str, tuple[str, bytes, str]]:
    """The pictures of a verification."""
    return {
        "document_front": ("d.jpg", document, "image/jpeg"),
        "selfie": ("s.jpg", selfie, "image/jpeg"),
    }


def test_a_verification_is_decided_stored_and_shown(http: httpx.Client) -> None:
    """What is answered is what can be looked up later."""
    made = http.post("/v1/verifications", files=parts(selfie=b"IMG: liveness=fail"))
    assert made.status_code == 201
    assert made.json()["decision"] == "review"
    assert http.get(f"/v1/verifications/{made.json()['id']}").content == made.content


@pytest.mark.parametrize("path", ["/", "/docs.json", "/static_content/x", "/v2", "/v1/verifications/"])
def test_no_page_of_the_framework_is_served(http: httpx.Client, path: str) -> None:
    """Paths BentoML would answer itself come in our envelope."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "route_not_found"


def test_metrics_and_health_are_served(http: httpx.Client) -> None:
    """Prometheus text with our counters; both probes are answered by the application, not the framework."""
    http.post("/v1/verifications", files=parts())
    assert 'idv_decisions_total{decision="accept"}' in http.get("/metrics").text
    assert http.get("/readyz").json() == {"status": "ready"}
    assert http.get("/healthz").json() == {"status": "alive"}


def test_readiness_tells_when_the_store_is_gone_and_when_it_is_back(
    server: TrialServer, http: httpx.Client
) -> None:
    """While somebody locks the database the probe is a 503 with the fault, and 200 again afterwards."""
    with closing(sqlite3.connect(server.state / "idv.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "not_ready", "faults": ["deadline_exceeded"]}
        assert http.get("/healthz").status_code == 200
        other.rollback()
    assert http.get("/readyz").status_code == 200


def test_an_answer_before_the_body_arrives(server: TrialServer) -> None:
    """413 and 401 come while the body is not sent yet, and the promise of 100-continue is not given."""
    for headers, status in (
        (f"Authorization: Bearer {server.secret}\r\nContent-Length: 99000000\r\n", b"413"),
        ("Content-Length: 1000\r\nExpect: 100-continue\r\n", b"401"),
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            head = f"POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n{headers}\r\n"
            # The trial runs `insecure`; a foreign Host takes that away.
            connection.sendall(head.replace("Host: localhost", "Host: elsewhere").encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_a_refused_upload_gets_its_answer_and_the_connection_lives(http: httpx.Client) -> None:
    """A client that sends its whole body before it listens reads the 401 and keeps its connection."""
    refused = http.post(
        "/v1/verifications",
        files=parts(selfie=b"x" * 5_000_000),
        headers={"Authorization": "Bearer wrong"},
    )
    assert refused.status_code == 401
    assert http.get("/v1/verifications").status_code == 200


def test_an_address_in_a_file_field_is_never_opened(http: httpx.Client) -> None:
    """422, and nobody knocks at the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg"
        for part in ("document_front", "selfie"):
            files = {**parts(), part: (None, address.encode(), "text/plain")}
            assert http.post("/v1/verifications", files=files).status_code == 422
            files = {**parts(), part: ("a.jpg", address.encode(), "image/jpeg")}
            assert http.post("/v1/verifications", files=files).status_code == 422
        with pytest.raises(TimeoutError):
            listener.accept()


def test_no_canary_leaves_the_store(server: TrialServer, http: httpx.Client) -> None:
    """Names, numbers and picture bytes are in no log, metric, error or file, nor bare in the store."""
    name, number, born, applicant = CANARIES
    metadata = {"applicant_ref": applicant, "claimed": {"surname": name, "date_of_birth": born}}
    document = f"IMG: {name} {number} {born}".encode()
    sent = {
        **parts(document, document),
        "metadata": (None, json.dumps(metadata).encode(), "application/json"),
    }
    for headers in ({"Idempotency-Key": number}, {"Idempotency-Key": number}, {}):
        assert http.post("/v1/verifications", files=sent, headers=headers).status_code == 201
    wrong = {**sent, name: ("x.jpg", document, "image/jpeg")}
    odd = {**sent, "metadata": (None, json.dumps({name: number}).encode(), "application/json")}
    answers = [
        http.post("/v1/verifications", files=wrong),
        http.post("/v1/verifications", files=odd),
        http.post("/v1/verifications", files={**sent, "selfie": (name, name.encode(), "image/jpeg")}),
        http.post("/v1/verifications", content=document, headers={"content-type": f"multipart/{name}"}),
        http.get(f"/v1/{name}"),
        http.get(f"/v1/verifications/{name}"),
        http.get("/v1/verifications", params={"decision": name}),
        http.get("/v1/verifications", headers={"Authorization": f"Bearer {name}"}),
        http.request(name, "/v1/verifications"),
        http.get("/metrics"),
    ]
    seen = {f"answer {number}": answer.content for number, answer in enumerate(answers)}
    for folder in (server.log, server.temporary, server.state, server.folder / "bento"):
        files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
        seen |= {str(path): path.read_bytes() for path in files if path.name != "key"}
    assert str(server.log) in seen
    for place, content in seen.items():
        for canary in CANARIES:
            assert canary.encode() not in content, f"{canary} in {place}"


def test_fuzzed_requests_give_no_5xx(server: TrialServer) -> None:
    """300 mutated requests: no 5xx, no hanging answer, and the worker is the same process."""
    worker = server.worker
    answers = fuzz(server, requests=300, seed=11)
    assert not [status for status in answers if status.startswith("5") or status == "timeout"]
    assert server.worker == worker
    server.wait_ready()


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM to the supervisor ends the worker as well, and the store is whole afterwards."""
    server = TrialServer(tmp_path)
    server.start()
    worker, supervisor = server.worker, os.getpid()
    server.stop()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    assert worker not in descendants(supervisor)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_that_cannot_start_ends_the_service(tmp_path: Path) -> None:
    """Started as `idv serve` starts it: after the sixth death it ends by itself with exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    root = Path(__file__).resolve().parents[3]
    environment = {"PYTHONPATH": str(root), "BENTOML_HOME": str(tmp_path), "TRIAL_STATE": str(tmp_path)}
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "idv.service.supervisor", "trial_service:Trial"),
            *("--host", "127.0.0.1", "--port", str(port), "--api-workers", "1"),
        ],
        cwd=root / "scripts" / "crash",
        env=os.environ | environment | {"TRIAL_BROKEN": "1"},
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 1, ended.stderr.decode()
    assert b'"event":"worker_died_too_often"' in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_loses_nothing_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Twenty kills at random moments under load."""
    with TrialServer(tmp_path, pause_s=0.02, supervised=False) as server:
        trial = run(server, kills=20, seed=3)
    assert trial.faults == []
    assert trial.cut_off > 0

"""Kills a process that writes to the store at random moments, and checks what it left.

After every kill: no verification is half written, none that was acknowledged is lost, the audit chain
verifies, and the idempotency key that was in flight can be sent again at once.

    python scripts/crash/store.py --kills 200 [--seed 1] [--url postgresql://…]
"""

import argparse
import datetime as dt
import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import NotFound
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Claim, Event, StoredReply, Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.keyring import KeyRing, open_keyring
from idv.infra.storage.stores import open_stores

_TENANT = "acme"
_BEGAN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_LONGEST_S = 0.4
_BLOB = bytes(range(256)) * 64


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """UTC now."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()


class Trial(NamedTuple):
    """What is killed and looked at."""

    url: str
    ring: KeyRing
    rng: random.Random


class Tally(NamedTuple):
    """What was seen over all kills."""

    kills: int = 0
    acknowledged: int = 0
    in_flight: int = 0
    committed_unacknowledged: int = 0


class BrokenPromise(Exception):
    """The store lost something or kept half of it."""


def main() -> None:
    """Run the trial and print its tally; a broken promise ends it with exit code 1."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="idv-crash-") as folder:
        url = arguments.url or f"sqlite:///{folder}/idv.db"
        ring = open_keyring(Path(folder) / "keyring.json")
        tally = run(Trial(url, ring, random.Random(arguments.seed)), kills=arguments.kills)
    print(
        f"{tally.kills} kills; {tally.acknowledged} writes acknowledged, none lost; "
        f"{tally.in_flight} kills found a key in flight, {tally.committed_unacknowledged} found a write "
        "stored but not yet acknowledged; no half-written verification; audit chain verified after each"
    )


def run(trial: Trial, *, kills: int) -> Tally:
    """Kill `kills` writers, one after the other, over the same database. Raises BrokenPromise."""
    number, tally = 0, Tally()
    for kill in range(kills):
        acknowledged = _one_life(trial, number, instance=f"host/{kill}")
        stores = open_stores(
            trial.url, keyring=trial.ring, clock=SystemClock(), instance=f"host/after-{kill}"
        )
        released = stores.upkeep.release_abandoned()
        stored = _check(stores, first=number, acknowledged=acknowledged)
        stores.upkeep.close()
        number += acknowledged
        tally = Tally(
            kill + 1,
            tally.acknowledged + acknowledged,
            tally.in_flight + released,
            tally.committed_unacknowledged + stored,
        )
    return tally


def _one_life(trial: Trial, number: int, *, instance: str) -> int:
    """Fork a writer, kill it after a random time, and return how many writes it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _write_until_killed(trial, number, instance, writer)
    os.close(writer)
    select.select([reader], [], [], 30)  # the first byte: the store is open
    time.sleep(trial.rng.uniform(0, _LONGEST_S))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return len(pipe.read().removeprefix(b"o"))


def _write_until_killed(trial: Trial, number: int, instance: str, pipe: int) -> NoReturn:
    """The child: one byte on the pipe acknowledges one write."""
    try:
        stores = open_stores(trial.url, keyring=trial.ring, clock=SystemClock(), instance=instance)
        os.write(pipe, b"o")
        while True:
            write_one(stores, number)
            os.write(pipe, b"a")
            number += 1
    finally:
        os._exit(1)


def write_one(stores: Stores, number: int) -> None:
    """One request: odd ones store a first step without a reply, as one that waits for a provider does."""
    claim = stores.verifications.claim(_TENANT, f"key-{number}", f"parts-{number}", lease_s=3600)
    if isinstance(claim, StoredReply):
        return
    begun = _begun(number)
    if number % 2:
        _first_step(stores, begun)
    stores.verifications.write(
        Write(
            _decided(begun),
            "verification.decided",
            "trial",
            private={"template.selfie": _BLOB, "reading.document_front": _BLOB},
            claim=claim,
            reply=_reply(number),
            events=[Event(f"event-{number}", _TENANT, "verification.decided", b"{}", _BEGAN)],
        )
    )


def _first_step(stores: Stores, begun: Verification) -> None:
    try:
        stores.verifications.get(_TENANT, begun.id)
    except NotFound:
        stores.verifications.write(Write(begun, "verification.begun", "trial"))


def _check(stores: Stores, *, first: int, acknowledged: int) -> int:
    """Look at everything the writer touched; returns 1 when a write was stored but not acknowledged."""
    stores.audit.verify()
    stores.upkeep.verify_records()
    events = {delivery.event.id for delivery in stores.outbox.list(_TENANT, limit=1_000_000)}
    for number in range(first, first + acknowledged):
        if not _whole(stores, number, events):
            raise BrokenPromise(f"write {number} was acknowledged and is not whole")
    unfinished = first + acknowledged
    stored = _whole(stores, unfinished, events)
    key = stores.verifications.claim(_TENANT, f"key-{unfinished}", f"parts-{unfinished}", lease_s=3600)
    if isinstance(key, StoredReply) != stored:
        raise BrokenPromise(f"the reply to write {unfinished} contradicts its rows")
    if isinstance(key, Claim):
        stores.verifications.release(key)
    return int(stored)


def _whole(stores: Stores, number: int, events: set[str]) -> bool:
    """Whether everything of a write is there; False when nothing of its last step is."""
    try:
        found = stores.verifications.get(_TENANT, f"v-{number}")
        private = stores.verifications.private(_TENANT, f"v-{number}")
    except NotFound:
        if f"event-{number}" in events:
            raise BrokenPromise(f"write {number} left an event without a verification") from None
        return False
    parts = (found == _decided(_begun(number)), len(private) == 2, f"event-{number}" in events)
    if any(parts) and not all(parts):
        raise BrokenPromise(f"write {number} is half there")
    if not any(parts) and found != _begun(number):
        raise BrokenPromise(f"write {number} is neither of its steps")
    return all(parts)


def _begun(number: int) -> Verification:
    at = _BEGAN + dt.timedelta(seconds=number)
    return Verification(f"v-{number}", _TENANT, Status.PROCESSING, at, at, applicant_ref=f"a-{number % 7}")


def _decided(begun: Verification) -> Verification:
    at = begun.created_at
    results = tuple(CheckResult(name, Outcome.PASS, "trial", "d" * 64, at, score=1.5) for name in CheckName)
    record = DecisionRecord(Decision.ACCEPT, (), (), "onboarding", "p" * 64, at, note="a note")
    return Verification(
        begun.id,
        begun.tenant,
        Status.DECIDED,
        at,
        at,
        begun.applicant_ref,
        results=results,
        decisions=(record,),
    )


def _reply(number: int) -> StoredReply:
    return StoredReply(200, f'{{"id": "v-{number}"}}'.encode())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a database to use instead of a temporary SQLite file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

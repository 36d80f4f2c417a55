"""What every set of stores must do: the fakes in memory, SQLite, and PostgreSQL where it is installed."""

import contextlib
import datetime as dt
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from idv.domain.decisions import Decision, DecisionRecord, Finding, Step
from idv.domain.errors import (
    Conflict,
    NotFound,
    Overloaded,
    RequestError,
    StorageUnavailable,
    Unauthenticated,
)
from idv.domain.labels import LabelSource, LifeLabel, Truth
from idv.domain.live import Window
from idv.domain.reasons import Reason
from idv.domain.results import CheckName, CheckResult, Outcome, ShadowVerdict, Signal
from idv.domain.stores import Allowance, Claim, Event, Scope, StoredReply, Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.memory import memory_stores
from idv.infra.storage.stores import open_stores
from idv.infra.storage.tables import metadata

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
RING = KeyRing.generate()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> dt.datetime:
        """The start plus what passed."""
        return START + dt.timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """What passed."""
        return self.seconds


Opener = Callable[[str], Stores]
"""Opens the stores under test as the given instance."""


class Cluster:
    """A private PostgreSQL: socket in a temporary folder, no network, stopped by its own process id."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._databases = 0
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._user = user.pw_uid if user else None
        self._group = user.pw_gid if user else None
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(folder / "data"), "-U", "idv", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        self._template = "template1"
        open_stores(self.new_database(), keyring=RING, clock=ManualClock(), instance="host/0").upkeep.close()
        self._template = "t1"
        self._shared = self.new_database()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={self._folder}",
            "-c",
            "fsync=off",
        )
        self._server = subprocess.Popen(
            [str(self._binaries / "postgres"), "-D", str(self._folder / "data"), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=self._user,
            group=self._group,
            extra_groups=None if self._user is None else [],
        )
        self._wait()

    def new_database(self) -> str:
        """The URL of a new database, migrated already so that tests start quickly."""
        self._databases += 1
        name = f"t{self._databases}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}".encode())
        return f"postgresql:///{name}?host={self._folder}&user=idv"

    def emptied(self) -> str:
        """The URL of the database that tests share one after the other, without any row."""
        names = ", ".join(sorted({*metadata.tables} - {"identity"}))
        with psycopg.connect(self._address(_name(self._shared)), autocommit=True) as connection:
            connection.execute(f"TRUNCATE {names}".encode())
        return self._shared

    def dump(self, url: str) -> bytes:
        """Everything in a database, as pg_dump writes it."""
        return self._run("pg_dump", "--inserts", self._address(_name(url)))

    def execute(self, url: str, statement: LiteralString) -> None:
        """Run a statement as the operator would."""
        with psycopg.connect(self._address(_name(url)), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and wait for it; SIGQUIT skips the last checkpoint, for a cluster to be deleted."""
        self._server.send_signal(how)
        self._server.wait(timeout=30)

    def _address(self, database: str) -> str:
        return f"host={self._folder} user=idv dbname={database}"

    def _run(self, program: str, *arguments: str) -> bytes:
        command = [str(self._binaries / program), *arguments]
        return subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
            group=self._group,
            extra_groups=None if self._user is None else [],
        ).stdout

    def _wait(self) -> None:
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self._address("postgres")).close()
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")


def _name(url: str) -> str:
    return url.removeprefix("postgresql:///").partition("?")[0]


def _postgresql_binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL for this module; skipped where Debian's `postgresql` is not installed."""
    binaries = _postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: its half of the store suite did not run")
    folder = Path(tempfile.mkdtemp(prefix="idv-pg-"))
    folder.chmod(0o755)
    running = Cluster(binaries, folder)
    yield running
    running.stop(signal.SIGQUIT)
    shutil.rmtree(folder)


@pytest.fixture
def clock() -> ManualClock:
    """A clock under the test's control."""
    return ManualClock()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which implementation is under test."""
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """The database of the implementation, if it has one."""
    if kind == "postgresql":
        return str(request.getfixturevalue("cluster").emptied())
    return f"sqlite:///{tmp_path / 'idv.db'}" if kind == "sqlite" else None


@pytest.fixture
def opened(url: str | None, clock: ManualClock) -> Iterator[Opener]:
    """Opens stores over the same database as often as wanted; memory is always the same."""
    every: list[Stores] = []

    def _open(instance: str) -> Stores:
        if url is None:
            every.append(every[0] if every else memory_stores(keyring=RING, clock=clock, instance=instance))
        else:
            every.append(open_stores(url, keyring=RING, clock=clock, instance=instance))
        return every[-1]

    yield _open
    for stores in every:
        stores.upkeep.close()


@pytest.fixture
def stores(opened: Opener) -> Stores:
    """The stores under test."""
    return opened("host/1")


def verification(identifier: str = "v1", **changes: object) -> Verification:
    """A verification that was just begun."""
    base = Verification(identifier, "acme", Status.PROCESSING, START, START, applicant_ref="anna@example.org")
    return replace(base, **changes)  # type: ignore[arg-type] # names are Verification's


def decided(
    before: Verification, decision: Decision = Decision.ACCEPT, note: str | None = None
) -> Verification:
    """The same verification with one more result and decision."""
    number = len(before.decisions) + 1
    at = START + dt.timedelta(seconds=number, microseconds=123456)
    result = CheckResult(
        CheckName.FACE_MATCH,
        Outcome.INCONCLUSIVE,
        provider="open",
        check_digest="d" * 64,
        produced_at=at,
        score=-0.1 * number,
        threshold=1 / 3,
        operating_point="run-1",
        reasons=(Reason.FACE_BLURRED, Reason.MATCH_UNCERTAIN),
        signals=(Signal("mirror", 1e-17, (Reason.FACE_TURNED,)),),
        latency_ms=12.5,
        shadows=(ShadowVerdict("run-2", 0.1 + 0.2, Outcome.FAIL),),
    )
    record = DecisionRecord(
        decision,
        (Finding(CheckName.FACE_MATCH, Reason.MATCH_UNCERTAIN),),
        (Step.RECAPTURE_SELFIE,),
        policy="onboarding",
        policy_digest="p" * 64,
        decided_at=at,
        note=note,
    )
    return replace(
        before,
        status=Status.DECIDED,
        updated_at=at,
        results=(*before.results, result),
        decisions=(*before.decisions, record),
    )


def store(stores: Stores, item: Verification, **more: object) -> Verification:
    """Write a verification as one step."""
    stores.verifications.write(Write(item, "verification.decided", "key-1", **more))  # type: ignore[arg-type] # names are Write's
    return item


def event(identifier: str, *, seconds: float = 0.0, tenant: str = "acme") -> Event:
    """A webhook event."""
    created = START + dt.timedelta(seconds=seconds)
    return Event(identifier, tenant, "verification.decided", b'{"id":"v1"}', created)


# --- verifications


def test_what_is_written_is_read_back_exactly(stores: Stores) -> None:
    """Every value of a verification, floats and microseconds included, survives storage."""
    item = store(stores, decided(decided(verification()), Decision.REJECT, note="Körper — 🪪"))
    assert stores.verifications.get("acme", "v1") == item


@pytest.mark.parametrize("text", ["", "a\x00b", "\ud800", "🪪" * 500, "x' OR '1'='1"])
def test_any_text_a_caller_sends_is_stored_as_it_came(stores: Stores, text: str) -> None:
    """References, notes and keys may hold anything JSON can carry, half of a surrogate pair included."""
    item = store(stores, decided(verification(applicant_ref=text), note=text))
    assert stores.verifications.get("acme", "v1") == item
    assert stores.verifications.attempts("acme", text, since=START) == 1
    assert isinstance(stores.verifications.claim("acme", text, text, lease_s=1), Claim)


def test_a_verification_grows_and_nothing_is_overwritten(stores: Stores) -> None:
    """A second step appends its results and decisions to the first one's."""
    first = store(stores, decided(verification()))
    second = store(stores, decided(first, Decision.REVIEW))
    read = stores.verifications.get("acme", "v1")
    assert read == second
    assert read.decisions[0] == first.decisions[0]


def test_a_step_based_on_an_outdated_read_is_refused(stores: Stores) -> None:
    """Of two requests that extend the same state, the second gets Conflict and changes nothing."""
    first = store(stores, decided(verification()))
    winner = store(stores, decided(first, Decision.REVIEW))
    with pytest.raises(Conflict) as raised:
        store(stores, decided(first, Decision.ACCEPT))
    assert raised.value.code == "verification_changed"
    assert stores.verifications.get("acme", "v1") == winner


@pytest.mark.parametrize("identifier", ["v2", "", "v1\x00", "ü", "\ud800", "v1' OR '1'='1", "x" * 5000])
def test_an_unknown_identifier_is_not_found(stores: Stores, identifier: str) -> None:
    """Whatever a caller sends as an identifier, the answer is NotFound and nothing else."""
    store(stores, verification())
    for call in (stores.verifications.get, stores.verifications.private):
        with pytest.raises(NotFound):
            call("acme", identifier)


def test_another_tenants_verification_does_not_exist(stores: Stores) -> None:
    """Every door answers another tenant's identifier exactly as it answers an unknown one."""
    store(stores, decided(verification()), private={"template.selfie": b"1"})
    messages = set()
    for identifier in ("v1", "unknown"):
        for call in (stores.verifications.get, stores.verifications.private):
            with pytest.raises(NotFound) as raised:
                call("other", identifier)
            messages.add((raised.value.code, raised.value.message))
        with pytest.raises(NotFound) as raised:
            stores.verifications.erase("other", identifier, actor="a")
        messages.add((raised.value.code, raised.value.message))
    assert len(messages) == 1
    with pytest.raises(NotFound):
        store(stores, replace(verification(), tenant="other"))
    assert stores.verifications.page("other", limit=10).items == ()
    assert stores.verifications.attempts("other", "anna@example.org", since=START) == 0


def test_private_data_comes_back_and_is_replaced_by_kind(stores: Stores) -> None:
    """Private data is kept by kind; a kind that is sent again replaces the earlier one."""
    item = store(
        stores, decided(verification()), private={"template.selfie": b"old", "reading.front": b"\x00"}
    )
    store(stores, decided(item), private={"template.selfie": b"new"})
    assert stores.verifications.private("acme", "v1") == {"template.selfie": b"new", "reading.front": b"\x00"}


def test_attempts_count_one_applicants_verifications_since_a_time(stores: Stores) -> None:
    """Only the applicant's own verifications at or after the time count."""
    for minute in range(4):
        at = START + dt.timedelta(minutes=minute)
        store(stores, verification(f"a{minute}", created_at=at))
        store(stores, verification(f"b{minute}", created_at=at, applicant_ref="bob"))
        store(stores, verification(f"n{minute}", created_at=at, applicant_ref=None))
    since = START + dt.timedelta(minutes=2)
    assert stores.verifications.attempts("acme", "anna@example.org", since=since) == 2


def test_of_many_first_steps_at_once_only_the_allowed_number_is_stored(stores: Stores) -> None:
    """The count is part of the write: ten at a time, three allowed, three stored, the others Overloaded."""

    def begin(number: int) -> bool:
        try:
            store(stores, decided(verification(f"v{number}")), allowance=Allowance(3, dt.timedelta(hours=1)))
        except Overloaded:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        stored = sum(pool.map(begin, range(10)))
    assert stored == stores.verifications.attempts("acme", "anna@example.org", since=START) == 3
    assert stores.upkeep.verify_records() == 3


def test_an_allowance_binds_first_steps_of_its_window_and_applicant_only(stores: Stores) -> None:
    """Further steps, other applicants, nobody in particular and an older attempt are not counted."""
    hour = Allowance(1, dt.timedelta(hours=1))
    first = store(stores, verification("v1"), allowance=hour)
    store(stores, decided(first), allowance=hour)
    store(stores, verification("v2", applicant_ref="bob"), allowance=hour)
    for name in ("v3", "v4"):
        store(stores, verification(name, applicant_ref=None), allowance=hour)
    later = START + dt.timedelta(hours=1, microseconds=1)
    store(stores, verification("v5", created_at=later), allowance=hour)
    with pytest.raises(Overloaded) as raised:
        store(stores, verification("v6", created_at=later), allowance=hour)
    assert (raised.value.code, raised.value.retry_after_s) == ("too_many_attempts", 3600.0)


def test_pages_cover_everything_once_newest_first(stores: Stores) -> None:
    """Following the cursors lists every verification once, even when times are equal and new ones arrive."""
    for number in range(7):
        store(stores, verification(f"v{number}", created_at=START + dt.timedelta(seconds=number // 3)))
    seen: list[str] = []
    page = stores.verifications.page("acme", limit=2)
    store(stores, verification("later", created_at=START + dt.timedelta(hours=1)))
    while page.cursor is not None:
        seen += [item.id for item in page.items]
        page = stores.verifications.page("acme", limit=2, cursor=page.cursor)
    seen += [item.id for item in page.items]
    assert seen == ["v6", "v5", "v4", "v3", "v2", "v1", "v0"]


def test_listing_filters_by_applicant_and_by_the_decision_in_force(stores: Stores) -> None:
    """The last decision counts for the filter, and filters combine."""
    rejected = store(stores, decided(decided(verification("v1")), Decision.REJECT))
    store(stores, decided(verification("v2")))
    other = store(stores, decided(verification("v3", applicant_ref="bob"), Decision.REJECT))
    listing = stores.verifications.page
    assert {v.id for v in listing("acme", limit=9, decision=Decision.REJECT).items} == {"v1", "v3"}
    assert listing("acme", limit=9, decision=Decision.REJECT, applicant_ref="bob").items == (other,)
    assert rejected in listing("acme", limit=9, applicant_ref="anna@example.org").items


@pytest.mark.parametrize("cursor", ["", "x", "ü", "AAAA", "e30=", "\ud800", "=" * 50])
def test_a_made_up_cursor_is_refused(stores: Stores, cursor: str) -> None:
    """A cursor that was not issued is a RequestError with the field it is about."""
    with pytest.raises(RequestError) as raised:
        stores.verifications.page("acme", limit=1, cursor=cursor)
    assert (raised.value.code, raised.value.field) == ("cursor_invalid", "cursor")


def test_a_cursor_is_bound_to_tenant_and_filters(stores: Stores) -> None:
    """A cursor taken from one listing does not open another."""
    for number in range(3):
        store(stores, verification(f"v{number}"))
    cursor = stores.verifications.page("acme", limit=1).cursor
    for tenant, decision in (("other", None), ("acme", Decision.ACCEPT)):
        with pytest.raises(RequestError):
            stores.verifications.page(tenant, limit=1, cursor=cursor, decision=decision)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_bounded_size(stores: Stores, limit: int) -> None:
    """A limit outside 1 to 1000 is refused."""
    with pytest.raises(RequestError):
        stores.verifications.page("acme", limit=limit)


# --- idempotency


def claim(stores: Stores, fingerprint: str = "f1", *, tenant: str = "acme", lease_s: float = 30) -> Claim:
    """Take the key `k`, which must be free."""
    taken = stores.verifications.claim(tenant, "k", fingerprint, lease_s=lease_s)
    assert isinstance(taken, Claim)
    return taken


def test_a_reply_is_replayed_byte_for_byte(stores: Stores) -> None:
    """The same key with the same parts gets the stored status and bytes."""
    reply = StoredReply(201, b'{"a": 1}\n\x00\xff')
    store(stores, decided(verification()), claim=claim(stores), reply=reply)
    assert stores.verifications.claim("acme", "k", "f1", lease_s=30) == reply


def test_other_parts_under_the_same_key_are_refused(stores: Stores) -> None:
    """A key used with another fingerprint is a Conflict, in flight and afterwards."""
    taken = claim(stores)
    for _ in range(2):
        with pytest.raises(Conflict) as raised:
            stores.verifications.claim("acme", "k", "f2", lease_s=30)
        assert raised.value.code == "idempotency_key_reused"
        store(stores, decided(verification()), claim=taken, reply=StoredReply(200, b"")) if _ == 0 else None


def test_a_key_in_flight_is_refused_and_free_again_when_released(stores: Stores) -> None:
    """While the first request runs the key is taken; given back, it can be taken again."""
    taken = claim(stores)
    with pytest.raises(Conflict) as raised:
        claim(stores)
    assert raised.value.code == "idempotency_in_flight"
    stores.verifications.release(taken)
    claim(stores)


def test_keys_belong_to_tenants(stores: Stores) -> None:
    """Two tenants can use the same key at once."""
    claim(stores)
    claim(stores, "f2", tenant="other")


def test_an_expired_lease_is_taken_over_and_the_late_writer_is_fenced_off(
    stores: Stores, clock: ManualClock
) -> None:
    """After the lease another request gets the key, and what the first one then writes is refused whole."""
    late = claim(stores, lease_s=10)
    clock.seconds = 11
    taken_over = claim(stores)
    with pytest.raises(Conflict) as raised:
        store(stores, decided(verification("late")), claim=late, reply=StoredReply(200, b"late"))
    assert raised.value.code == "idempotency_claim_lost"
    with pytest.raises(NotFound):
        stores.verifications.get("acme", "late")
    store(stores, decided(verification()), claim=taken_over, reply=StoredReply(200, b"in time"))
    stores.verifications.release(late)
    assert stores.verifications.claim("acme", "k", "f1", lease_s=1) == StoredReply(200, b"in time")


def test_one_of_many_concurrent_requests_wins_a_key(stores: Stores) -> None:
    """Of eight simultaneous requests exactly one gets the claim."""
    barrier = threading.Barrier(8)

    def _try(_: int) -> str:
        barrier.wait()
        try:
            claim(stores)
        except Conflict as conflict:
            return conflict.code
        return "won"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(_try, range(8)))
    assert sorted(outcomes) == ["idempotency_in_flight"] * 7 + ["won"]


def test_keys_of_a_run_that_died_are_free_at_the_next_start(opened: Opener, kind: str) -> None:
    """A new run on the same host frees unanswered keys at once; other hosts' and answered ones stay."""
    if kind == "memory":
        pytest.skip("memory does not outlive its run")
    died, elsewhere = opened("host/1"), opened("host-2/1")
    claim(died, tenant="dead")
    claim(elsewhere, tenant="far")
    store(died, decided(verification()), claim=claim(died), reply=StoredReply(200, b"kept"))
    started = opened("host/2")
    assert started.upkeep.release_abandoned() == 1
    claim(started, tenant="dead")
    with pytest.raises(Conflict):
        claim(started, tenant="far")
    assert started.verifications.claim("acme", "k", "f1", lease_s=1) == StoredReply(200, b"kept")


# --- all or nothing


def test_a_write_that_fails_leaves_nothing(stores: Stores) -> None:
    """When any part of a step cannot be stored, no row, blob, event or audit entry of it exists."""
    taken = claim(stores)
    stores.verifications.release(taken)
    with pytest.raises(Conflict):
        store(
            stores,
            decided(verification()),
            private={"template.selfie": b"1"},
            claim=taken,
            reply=StoredReply(200, b""),
            events=[event("e1")],
        )
    with pytest.raises(NotFound):
        stores.verifications.get("acme", "v1")
    assert stores.outbox.list() == []
    assert stores.audit.verify() == 0


def test_every_step_leaves_an_audit_entry_without_personal_data(stores: Stores) -> None:
    """A write appends one entry with its action and decision, and with nothing that names a person."""
    store(stores, decided(verification(), note="Frau Muster"), private={"reading.front": b"MUSTER"})
    (entry,) = stores.audit.entries()
    assert (entry.sequence, entry.action, entry.body["decision"]) == (1, "verification.decided", "accept")
    text = repr(entry)
    assert not any(secret in text for secret in ("anna", "v1", "key-1", "uster", "MUSTER"))
    assert entry.body["verification"] == stores.audit.pseudonym("v1")


def test_concurrent_writes_leave_a_chain_without_gaps(stores: Stores) -> None:
    """Sixteen writers at once give sixteen entries numbered 1 to 16 that verify."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store(stores, decided(verification(f"v{n}"))), range(16)))
    assert [entry.sequence for entry in stores.audit.entries()] == list(range(1, 17))
    assert stores.audit.verify() == 16


def test_concurrent_steps_of_one_verification_serialise(stores: Stores) -> None:
    """Of eight requests that extend the same state at once one is stored and seven get Conflict."""
    first = store(stores, decided(verification()))

    def _try(number: int) -> bool:
        try:
            store(stores, decided(first, note=str(number)))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(_try, range(8))) == 1
    assert len(stores.verifications.get("acme", "v1").decisions) == 2
    assert stores.audit.verify() == 2


# --- erasure and retention


def test_erasing_takes_every_verification_of_the_applicant(stores: Stores) -> None:
    """One identifier erases all of the applicant's rows, replies and events, and nobody else's."""
    store(stores, decided(verification("v1")), private={"image.selfie": b"1"}, events=[event("e1")])
    store(stores, decided(verification("v2")), claim=claim(stores), reply=StoredReply(200, b"r"))
    other = store(stores, decided(verification("v3", applicant_ref="bob")), events=[event("e3")])
    erasure = stores.verifications.erase("acme", "v2", actor="officer")
    assert erasure.verifications == 2
    for identifier in ("v1", "v2"):
        with pytest.raises(NotFound):
            stores.verifications.get("acme", identifier)
    assert stores.verifications.page("acme", limit=9).items == (other,)
    assert [delivery.event.id for delivery in stores.outbox.list()] == ["e3"]
    tombstones = stores.audit.entries(after=erasure.audit_sequence - 2)
    assert [entry.action for entry in tombstones] == ["verification.erased"] * 2
    named = {entry.body["verification"] for entry in tombstones}
    assert named == {stores.audit.pseudonym("v1"), stores.audit.pseudonym("v2")}
    assert stores.upkeep.verify_records() == 1
    assert stores.audit.verify() == erasure.audit_sequence


def test_a_verification_without_applicant_is_its_own_subject(stores: Stores) -> None:
    """Erasing one anonymous verification leaves the others."""
    store(stores, verification("v1", applicant_ref=None))
    kept = store(stores, verification("v2", applicant_ref=None))
    assert stores.verifications.erase("acme", "v1", actor="officer").verifications == 1
    assert stores.verifications.get("acme", "v2") == kept


def test_an_erased_verification_cannot_come_back(stores: Stores) -> None:
    """A request that was in flight during the erasure is refused when it writes; the applicant may return."""
    item = store(stores, verification())
    stores.verifications.erase("acme", "v1", actor="officer")
    with pytest.raises(NotFound):
        store(stores, decided(item), private={"template.selfie": b"1"})
    with pytest.raises(NotFound):
        stores.verifications.erase("acme", "v1", actor="officer")
    store(stores, verification("v2"))
    assert stores.verifications.attempts("acme", "anna@example.org", since=START) == 1


def test_erasing_while_others_write_leaves_no_remains(stores: Stores) -> None:
    """Writers and an eraser of one applicant at once: nothing deadlocks, the last erasure is complete."""

    def _write(number: int) -> None:
        item = store(stores, decided(verification(f"v{number}")), private={"template.selfie": b"1"})
        with contextlib.suppress(NotFound):
            store(stores, decided(item), events=[event(f"e{number}")])

    def _erase(number: int) -> None:
        with contextlib.suppress(NotFound):
            stores.verifications.erase("acme", f"v{number}", actor="officer")

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(work, number) for number in range(15) for work in (_write, _erase)]
    for future in futures:
        future.result()
    store(stores, verification("last"))
    stores.verifications.erase("acme", "last", actor="officer")
    assert stores.verifications.page("acme", limit=100).items == ()
    assert stores.outbox.list() == []
    stores.audit.verify()


def test_retention_removes_old_images_and_keeps_the_rest(stores: Stores, clock: ManualClock) -> None:
    """Only kept images stored before the time go; templates and the verification stay."""
    item = store(stores, decided(verification()), private={"image.selfie": b"1", "template.selfie": b"2"})
    clock.seconds = 100
    later = store(stores, decided(verification("v2")), private={"image.selfie": b"3"})
    assert stores.upkeep.purge_images(START + dt.timedelta(seconds=50)) == 1
    assert stores.verifications.private("acme", item.id) == {"template.selfie": b"2"}
    assert stores.verifications.private("acme", later.id) == {"image.selfie": b"3"}
    assert stores.audit.entries()[-1].action == "retention.images_purged"


def test_retention_forgets_old_keys_but_none_in_flight(stores: Stores, clock: ManualClock) -> None:
    """Answered keys go after their time; a key whose request still runs stays."""
    store(stores, decided(verification()), claim=claim(stores), reply=StoredReply(200, b"r"))
    claim(stores, tenant="busy", lease_s=1000)
    clock.seconds = 100
    assert stores.upkeep.purge_idempotency(clock.now()) == 1
    claim(stores, "other parts")
    with pytest.raises(Conflict):
        claim(stores, tenant="busy")


# --- audit


def test_entries_can_be_read_in_portions(stores: Stores) -> None:
    """`after` and `limit` walk the log in order."""
    for number in range(5):
        stores.audit.append("point.promoted", {"number": str(number)})
    assert [entry.sequence for entry in stores.audit.entries(after=1, limit=3)] == [2, 3, 4]


def test_a_checkpoint_holds_as_the_log_grows(stores: Stores) -> None:
    """A checkpoint taken earlier still verifies after more entries."""
    stores.audit.append("point.promoted", {"ü": "1"})
    checkpoint = stores.audit.checkpoint()
    stores.audit.append("point.promoted", {})
    assert stores.audit.verify_checkpoint(checkpoint) == 1


def test_a_checkpoint_of_the_empty_log_is_valid(stores: Stores) -> None:
    """Nothing was logged yet, and that can be attested too."""
    assert stores.audit.verify_checkpoint(stores.audit.checkpoint()) == 0


# --- API keys


VERIFY = frozenset({Scope.VERIFY})


def test_a_secret_opens_its_key_and_stands_in_no_listing(stores: Stores) -> None:
    """Issuing gives a secret `idv_<id>_<random>` that authenticates as the key, and is never shown again."""
    key, secret = stores.keys.issue("acme", frozenset({Scope.VERIFY, Scope.READ}), expires_at=None)
    assert secret.startswith(f"idv_{key.id}_")
    assert len(secret.removeprefix(f"idv_{key.id}_")) == 43
    assert stores.keys.authenticate(secret) == key
    assert secret not in repr(stores.keys.list())
    assert stores.audit.entries()[0].body["key"] == key.id


@pytest.mark.parametrize("wrong", ["", "idv", "idv_", "idv__", "x_y_z", "idv_\x00_a", "idv_é_a", "\ud800"])
def test_a_made_up_secret_is_unauthenticated(stores: Stores, wrong: str) -> None:
    """Whatever is sent as a key, the answer is Unauthenticated."""
    with pytest.raises(Unauthenticated):
        stores.keys.authenticate(wrong)


def test_a_right_id_with_a_wrong_secret_is_unauthenticated(stores: Stores) -> None:
    """The public part alone, or with one character changed in the random part, opens nothing."""
    key, secret = stores.keys.issue("acme", VERIFY, expires_at=None)
    altered = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for wrong in (altered, f"idv_{key.id}_", secret + "A"):
        with pytest.raises(Unauthenticated):
            stores.keys.authenticate(wrong)


def test_a_key_ends_when_it_expires_or_is_revoked(stores: Stores, clock: ManualClock) -> None:
    """Expiry and revocation end a key, each with its code."""
    _, expiring = stores.keys.issue("acme", VERIFY, expires_at=START + dt.timedelta(seconds=5))
    revoked, secret = stores.keys.issue("acme", VERIFY, expires_at=None)
    stores.keys.authenticate(expiring)
    clock.seconds = 5
    stores.keys.revoke(revoked.id)
    stores.keys.revoke(revoked.id)
    codes = []
    for ended in (expiring, secret):
        with pytest.raises(Unauthenticated) as raised:
            stores.keys.authenticate(ended)
        codes.append(raised.value.code)
    assert codes == ["key_expired", "key_revoked"]


def test_rotation_gives_a_successor_and_a_grace(stores: Stores, clock: ManualClock) -> None:
    """Both keys work until the grace ends; the successor has the same tenant, scopes and length of life."""
    old, old_secret = stores.keys.issue("acme", VERIFY, expires_at=START + dt.timedelta(days=30))
    clock.seconds = 60
    new, new_secret = stores.keys.rotate(old.id, grace_s=10)
    assert (new.tenant, new.scopes) == ("acme", VERIFY)
    assert new.expires_at == clock.now() + dt.timedelta(days=30)
    stores.keys.authenticate(old_secret)
    clock.seconds = 71
    with pytest.raises(Unauthenticated):
        stores.keys.authenticate(old_secret)
    assert stores.keys.authenticate(new_secret) == new
    with pytest.raises(Conflict):
        stores.keys.rotate(old.id, grace_s=10)


def test_unknown_keys_cannot_be_rotated_or_revoked(stores: Stores) -> None:
    """Both answer NotFound."""
    with pytest.raises(NotFound):
        stores.keys.rotate("nope", grace_s=1)
    with pytest.raises(NotFound):
        stores.keys.revoke("nope")


@pytest.mark.parametrize(("tenant", "scopes"), [("", VERIFY), ("a\nb", VERIFY), ("acme", frozenset[Scope]())])
def test_a_key_that_makes_no_sense_is_not_issued(
    stores: Stores, tenant: str, scopes: frozenset[Scope]
) -> None:
    """A nameless tenant or an empty set of scopes is refused."""
    with pytest.raises(RequestError):
        stores.keys.issue(tenant, scopes, expires_at=None)


def test_keys_are_listed_by_tenant(stores: Stores) -> None:
    """A tenant's listing holds its own keys only."""
    mine, _ = stores.keys.issue("acme", VERIFY, expires_at=None)
    stores.keys.issue("other", VERIFY, expires_at=None)
    assert stores.keys.list("acme") == [mine]
    assert len(stores.keys.list()) == 2


# --- outbox


def test_events_are_due_in_order_and_once(stores: Stores, clock: ManualClock) -> None:
    """Due events come oldest first and are held back from a second dispatcher until a lease ends."""
    store(
        stores, decided(verification()), events=[event("e2", seconds=2), event("e1"), event("e9", seconds=99)]
    )
    clock.seconds = 10
    assert [item.id for item, _ in stores.outbox.due(now=clock.now(), limit=10)] == ["e1", "e2"]
    assert stores.outbox.due(now=clock.now(), limit=10) == []
    clock.seconds = 1000
    assert [item.id for item, _ in stores.outbox.due(now=clock.now(), limit=2)] == ["e1", "e2"]


def test_failed_events_come_back_when_they_should(stores: Stores, clock: ManualClock) -> None:
    """A failed attempt is counted and repeated at its time; a delivered event is not."""
    store(stores, decided(verification()), events=[event("e1"), event("e2")])
    stores.outbox.due(now=clock.now(), limit=10)
    stores.outbox.failed("e1", next_attempt_at=START + dt.timedelta(seconds=30), reason="status_500")
    stores.outbox.delivered("e2", at=clock.now())
    clock.seconds = 29
    assert stores.outbox.due(now=clock.now(), limit=10) == []
    clock.seconds = 30
    ((again, attempts),) = stores.outbox.due(now=clock.now(), limit=10)
    assert (again, attempts) == (event("e1"), 1)


def test_an_event_can_be_given_up_and_replayed(stores: Stores, clock: ManualClock) -> None:
    """An abandoned or delivered event is due again after a replay, with its attempts at zero."""
    store(stores, decided(verification()), events=[event("e1")])
    stores.outbox.failed("e1", next_attempt_at=None, reason="address_refused")
    (delivery,) = stores.outbox.list("acme")
    assert (delivery.attempts, delivery.next_attempt_at, delivery.last_failure) == (
        1,
        None,
        "address_refused",
    )
    stores.outbox.replay("e1")
    assert stores.outbox.due(now=clock.now(), limit=1) == [(event("e1"), 0)]
    with pytest.raises(NotFound):
        stores.outbox.replay("nope")


def test_deliveries_are_listed_by_tenant_newest_first(stores: Stores) -> None:
    """A listing holds one tenant's events, the newest first."""
    store(stores, decided(verification()), events=[event("e1"), event("e2", seconds=1)])
    store(stores, decided(verification("o", tenant="other")), events=[event("e3", tenant="other")])
    assert [d.event.id for d in stores.outbox.list("acme")] == ["e2", "e1"]
    assert len(stores.outbox.list(limit=2)) == 2


# --- PostgreSQL only


def test_nothing_of_an_erased_person_is_in_a_dump(cluster: Cluster, clock: ManualClock) -> None:
    """After an erasure pg_dump shows no canary, and before it none in plain text."""
    url = cluster.new_database()
    stores = open_stores(url, keyring=RING, clock=clock, instance="host/1")
    item = verification("canary-verification", applicant_ref="canary-applicant")
    store(
        stores,
        decided(item, note="canary-note"),
        private={"reading.front": b"canary-reading"},
        claim=claim(stores),
        reply=StoredReply(200, b"canary-reply"),
        events=[Event("canary-event", "acme", "t", b"canary-payload", START)],
    )
    before = cluster.dump(url)
    sealed = ("applicant", "note", "reading", "reply")
    assert not any(f"canary-{name}".encode() in before for name in sealed)
    assert not any(f"canary-{name}".encode().hex().encode() in before for name in sealed)
    stores.verifications.erase("acme", item.id, actor="officer")
    after = cluster.dump(url)
    assert b"canary" not in after
    assert b"canary".hex().encode() not in after
    stores.upkeep.close()


def test_a_full_disk_refuses_and_recovers_on_postgresql(cluster: Cluster, clock: ManualClock) -> None:
    """PostgreSQL's code for a full disk, raised by a trigger, is StorageUnavailable; then it recovers."""
    url = cluster.new_database()
    stores = open_stores(url, keyring=RING, clock=clock, instance="host/1")
    cluster.execute(
        url,
        """
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON audit_entries EXECUTE FUNCTION full_disk();
        """,
    )
    with pytest.raises(StorageUnavailable):
        store(stores, decided(verification()), private={"template.selfie": b"1"})
    with pytest.raises(NotFound):
        stores.verifications.get("acme", "v1")
    cluster.execute(url, "DROP TRIGGER full_disk ON audit_entries")
    store(stores, decided(verification()), private={"template.selfie": b"1"})
    assert stores.audit.verify() == 1
    stores.upkeep.close()


def test_a_lost_connection_is_unavailable_and_comes_back(cluster: Cluster, clock: ManualClock) -> None:
    """While PostgreSQL is down every door answers StorageUnavailable; once it is back they all work."""
    stores = open_stores(cluster.new_database(), keyring=RING, clock=clock, instance="host/1")
    item = store(stores, decided(verification()))
    cluster.stop()
    try:
        for call in (
            lambda: stores.verifications.get("acme", "v1"),
            lambda: store(stores, decided(item)),
            lambda: stores.keys.authenticate("idv_a_b"),
            stores.audit.verify,
        ):
            with pytest.raises(StorageUnavailable):
                call()
    finally:
        cluster.start()
    assert store(stores, decided(item)) == stores.verifications.get("acme", "v1")
    assert stores.audit.verify() == 2
    stores.upkeep.close()


def test_a_killed_connection_is_replaced_unnoticed(cluster: Cluster, clock: ManualClock) -> None:
    """When the operator ends the idle connections, the next call opens a new one and succeeds."""
    url = cluster.new_database()
    stores = open_stores(url, keyring=RING, clock=clock, instance="host/1")
    store(stores, verification())
    cluster.execute(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()",
    )
    assert stores.verifications.get("acme", "v1") == verification()
    stores.upkeep.close()


# --- labels, live traffic, monitors


def label(truth: Truth = Truth.FRAUD_CONFIRMED, *, seconds: float = 60.0, by: str = "b.meier") -> LifeLabel:
    """A label told after a minute."""
    at = START + dt.timedelta(seconds=seconds)
    return LifeLabel(truth, LabelSource.CHARGEBACK, by, known_at=START, recorded_at=at)


def test_labels_are_appended_and_read_back_in_order(stores: Stores) -> None:
    """A revision stands after what it revises, whoever told it, and the verification stays as it was."""
    item = store(stores, decided(verification()))
    first, second = label(), label(Truth.GENUINE_CONFIRMED, seconds=61, by="\ud800 Körper")
    store(stores, item, labels=(first,))
    store(stores, item, labels=(second,))
    assert stores.verifications.labels("acme", "v1") == (first, second)
    assert stores.verifications.get("acme", "v1") == item


def test_labels_of_another_tenant_do_not_exist(stores: Stores) -> None:
    """Another tenant's identifier is answered as an unknown one."""
    store(stores, decided(verification()), labels=(label(),))
    for identifier in ("v1", "unknown"):
        with pytest.raises(NotFound) as raised:
            stores.verifications.labels("other", identifier)
        assert raised.value.code == "verification_not_found"


def test_a_label_leaves_an_audit_entry_without_the_name_of_who_told_it(stores: Stores) -> None:
    """The entry says what was told of which keyed hash; the rows still agree with the log."""
    store(stores, decided(verification()), labels=(label(),))
    entry = stores.audit.entries()[-1]
    assert entry.body["label"] == "fraud_confirmed"
    assert "meier" not in str(entry.body)
    assert stores.upkeep.verify_records() == 1


def test_erasing_removes_labels(stores: Stores) -> None:
    """Nothing told of an erased applicant is left, and monitoring no longer sees the verification."""
    store(stores, decided(verification()), labels=(label(),))
    stores.verifications.erase("acme", "v1", actor="k")
    with pytest.raises(NotFound):
        stores.verifications.labels("acme", "v1")
    assert list(stores.live.cases(Window())) == []


def test_live_traffic_is_read_in_the_order_it_began_without_its_applicants(stores: Stores) -> None:
    """Results, decision and the label in force come with each verification; a withdrawn label is none."""
    for number, truths in enumerate([(Truth.FRAUD_CONFIRMED,), (Truth.FRAUD_CONFIRMED, Truth.WITHDRAWN), ()]):
        at = START + dt.timedelta(seconds=number)
        item = decided(verification(f"v{number}", created_at=at, applicant_ref=f"canary-{number}"))
        store(stores, item, labels=[label(truth) for truth in truths], private={"reading.x": b"r%d" % number})
    found = list(stores.live.cases(Window(), kinds=frozenset({"reading.x"})))
    assert [case.id for case in found] == ["v0", "v1", "v2"]
    assert [case.truth for case in found] == [Truth.FRAUD_CONFIRMED, None, None]
    assert [case.decision for case in found] == [Decision.ACCEPT] * 3
    assert [dict(case.private) for case in found] == [{"reading.x": b"r%d" % n} for n in range(3)]
    assert found[0].results == stores.verifications.get("acme", "v0").results
    assert "canary" not in repr(found)


def test_a_window_of_live_traffic_is_half_open_and_continues_after_a_mark(stores: Stores) -> None:
    """Two looks, one after the other, see everything once; another tenant's is not seen."""
    for number in range(5):
        at = START + dt.timedelta(seconds=number)
        tenant = "other" if number == 2 else "acme"
        store(stores, decided(verification(f"v{number}", created_at=at, tenant=tenant)))
    first = Window(tenant="acme", until=START + dt.timedelta(seconds=3))
    seen = list(stores.live.cases(first))
    assert [case.id for case in seen] == ["v0", "v1"]
    rest = stores.live.cases(Window(tenant="acme", after=seen[-1].mark))
    assert [case.id for case in rest] == ["v3", "v4"]
    assert [case.id for case in stores.live.cases(Window(since=START + dt.timedelta(seconds=4)))] == ["v4"]


def test_live_traffic_longer_than_a_portion_has_no_gap(stores: Stores) -> None:
    """450 verifications, of which many began in the same instant, come once each."""
    for number in range(450):
        at = START + dt.timedelta(seconds=number // 100)
        store(stores, verification(f"v{number:03d}", created_at=at, applicant_ref=None))
    assert [case.id for case in stores.live.cases(Window())] == [f"v{number:03d}" for number in range(450)]


def test_the_state_of_a_monitor_is_replaced_only_by_who_read_it(stores: Stores) -> None:
    """Of two calls that read the same state, the second to save gets Conflict."""
    assert stores.monitors.load("m") is None
    stores.monitors.save("m", "1", before=None)
    stores.monitors.save("m", "2", before="1")
    for before in (None, "1"):
        with pytest.raises(Conflict) as raised:
            stores.monitors.save("m", "3", before=before)
        assert raised.value.code == "monitor_changed"
    assert stores.monitors.load("m") == "2"


def test_an_alert_belongs_to_no_verification_and_is_delivered_like_any_event(stores: Stores) -> None:
    """It is due at once, and an erasure leaves it alone."""
    store(stores, decided(verification()))
    stores.outbox.announce(event("alert"))
    stores.verifications.erase("acme", "v1", actor="k")
    assert [found.id for found, _ in stores.outbox.due(now=START, limit=9)] == ["alert"]


def test_rotating_the_master_key_binds_who_runs_on_postgresql(cluster: Cluster, clock: ManualClock) -> None:
    """Whoever runs with the old ring wraps with the new key afterwards, and opens what was wrapped."""
    url, new = cluster.new_database(), RING.rotated()
    running = open_stores(url, keyring=RING, clock=clock, instance="host/1", reload=lambda: new)
    store(running, decided(verification()))
    rotating = open_stores(url, keyring=new, clock=clock, instance="host/2")
    assert rotating.upkeep.wrapping_keys() == {RING.active}
    assert rotating.upkeep.rewrap() == 1
    store(running, decided(verification("v2", applicant_ref="bob")))
    assert running.verifications.get("acme", "v1").applicant_ref == "anna@example.org"
    assert running.upkeep.wrapping_keys() == {new.active}
    for opened in (running, rotating):
        opened.upkeep.close()

"""Erasing a person, proven by a scan of the bytes on disk."""

import datetime as dt
import random
from pathlib import Path

import sqlalchemy as sa

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.stores import Claim, Event, StoredReply, Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage import tables
from idv.infra.storage.database import Database
from idv.infra.storage.erasure import found, scrub
from idv.infra.storage.keyring import KeyRing
from idv.infra.storage.stores import stores_over

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def write(stores: Stores, identifier: str, applicant: str) -> None:
    """A verification with something personal in every place that can hold it."""
    record = DecisionRecord(Decision.REJECT, (), (), "onboarding", "p", AT, note=f"note on {applicant}")
    claim = stores.verifications.claim("acme", f"key-{identifier}", f"parts-{identifier}", lease_s=60)
    assert isinstance(claim, Claim)
    stores.verifications.write(
        Write(
            Verification(identifier, "acme", Status.DECIDED, AT, AT, applicant, decisions=(record,)),
            "verification.decided",
            "reviewer-canary",
            private={"template.selfie": applicant.encode() * 40, "image.selfie": applicant.encode() * 4000},
            claim=claim,
            reply=StoredReply(200, f"reply to {applicant}".encode()),
            events=[Event(f"event-{identifier}", "acme", "t", identifier.encode(), AT)],
        )
    )


def on_disk(folder: Path) -> bytes:
    """Every byte of every file, the journal included."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_personal_data_is_never_on_disk_in_plain(stores: Stores, tmp_path: Path) -> None:
    """References, notes, templates, images, replies, keys and reviewers are sealed or hashed."""
    write(stores, "v-1", "canary-anna")
    content = on_disk(tmp_path)
    assert b"v-1" in content
    for canary in (b"canary", b"anna", b"key-v-1", b"parts-v-1", b"note on", b"reply to"):
        assert canary not in content


def test_an_erased_person_is_in_no_byte_on_disk(
    stores: Stores, database: Database, ring: KeyRing, tmp_path: Path
) -> None:
    """Identifiers, hashes, wrapped key and sealed data are found before the erasure and not after it."""
    for number in range(40):
        write(stores, f"verification-of-applicant-{number % 8}-{number}", f"canary-{number % 8}")
    rng = random.Random(1)
    for applicant in rng.sample(range(8), 5):
        with database.reading() as connection:
            traces = _everything_of(connection, f"verification-of-applicant-{applicant}-%")
        assert all(trace in on_disk(tmp_path) for trace in traces)
        first = f"verification-of-applicant-{applicant}-{applicant}"
        assert stores.verifications.erase("acme", first, actor="officer").verifications == 5
        content = on_disk(tmp_path)
        assert not [trace for trace in traces if trace in content]
        assert f"verification-of-applicant-{applicant}-".encode() not in content
    assert stores.audit.verify() == 40 + 25
    assert stores.upkeep.verify_records() == 15


def _everything_of(connection: sa.Connection, identifiers: str) -> list[bytes]:
    """All stored bytes that belong to the verifications whose id is like the pattern."""
    owner = tables.verifications.c.id.like(identifiers)
    rows = connection.execute(
        sa.select(
            tables.subjects.c.id,
            tables.subjects.c.applicant_hash,
            tables.subjects.c.wrapped_key,
            tables.subjects.c.sealed_ref,
        )
        .join(tables.verifications)
        .where(owner)
    ).all()
    found_bytes = [value if isinstance(value, bytes) else value.encode() for row in rows for value in row]
    for column in (
        tables.private_data.c.sealed,
        tables.claims.c.sealed_reply,
        tables.decisions.c.sealed_note,
    ):
        of_owner = column.table.c.verification_id.like(identifiers)
        # A page's worth: longer values continue on other pages.
        found_bytes += [value[:64] for value in connection.scalars(sa.select(column).where(of_owner))]
    return found_bytes


def test_a_copy_that_deletion_missed_is_found_and_scrubbed(tmp_path: Path) -> None:
    """Without secure deletion a deleted trace stays in the file; scrubbing finds it and rewrites the file."""
    database = Database(f"sqlite:///{tmp_path / 'idv.db'}")
    trace = b"trace-that-is-left-behind"
    assert database.file is not None
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.exec_driver_sql("CREATE TABLE t (x BLOB)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", (trace,))
        connection.commit()
        connection.exec_driver_sql("DELETE FROM t")
        connection.commit()
    assert found(database.file, frozenset({trace}))
    scrub(database, frozenset({trace}))
    assert not found(database.file, frozenset({trace}))
    database.close()


def test_a_trace_across_two_portions_of_the_file_is_found(tmp_path: Path) -> None:
    """The file is searched in portions of 4 MiB, and what lies across their border is not missed."""
    file = tmp_path / "file"
    file.write_bytes(bytes((1 << 22) - 5) + b"0123456789" + bytes(100))
    assert found(file, frozenset({b"0123456789", b"absent"}))
    assert not found(file, frozenset({b"absent"}))
    assert not found(file, frozenset())


def test_purged_images_are_in_no_byte_on_disk(stores: Stores, database: Database, tmp_path: Path) -> None:
    """Retention overwrites what it deletes."""
    write(stores, "v-1", "canary-anna")
    with database.reading() as connection:
        is_image = tables.private_data.c.kind == "image.selfie"
        sealed = connection.execute(sa.select(tables.private_data.c.sealed).where(is_image)).scalar_one()
    assert sealed[-200:] in on_disk(tmp_path)
    assert stores.upkeep.purge_images(AT + dt.timedelta(days=400)) == 1
    content = on_disk(tmp_path)
    assert sealed[-200:] not in content
    assert sealed[:200] not in content


def test_rotating_the_key_ring_makes_old_copies_unreadable(
    database: Database, stores: Stores, ring: KeyRing, clock: object
) -> None:
    """After rotation, rewrapping and retirement everything still opens, with the new ring alone."""
    write(stores, "v-1", "anna")
    write(stores, "v-2", "bob")
    rotated = ring.rotated()
    after = stores_over(database, keyring=rotated, clock=clock, instance="host/2")  # type: ignore[arg-type] # the fixture's clock
    assert after.upkeep.rewrap() == 2
    assert after.upkeep.rewrap() == 0
    retired = stores_over(database, keyring=rotated.retired(), clock=clock, instance="host/3")  # type: ignore[arg-type] # the fixture's clock
    assert retired.verifications.get("acme", "v-1").applicant_ref == "anna"
    assert retired.audit.entries()[-1].action == "keyring.rewrapped"

"""The audit log in a database, attacked through SQL."""

import datetime as dt

import pytest
import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.domain.stores import Stores
from idv.infra.storage.chain import Head, link
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import KeyRing, Purpose
from idv.infra.storage.tables import audit_entries, audit_head

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SEQUENCE = audit_entries.c.sequence


def fill(stores: Stores, number: int = 5) -> None:
    """Append entries."""
    for index in range(number):
        stores.audit.append("point.promoted", {"n": str(index)})


def tamper(database: Database, *statements: sa.Update | sa.Delete | sa.Insert) -> None:
    """Change the tables behind the log's back."""
    with database.writing() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        audit_entries.update().where(SEQUENCE == 3).values(body={"n": "x"}),
        audit_entries.update().where(SEQUENCE == 3).values(action="key.revoked"),
        audit_entries.delete().where(SEQUENCE == 3),
        audit_entries.delete().where(SEQUENCE == 5),
        audit_entries.delete(),
        audit_entries.update().where(SEQUENCE == 5).values(sequence=6),
        audit_head.delete(),
        audit_entries.insert().values(
            sequence=6, at=AT, action="forged", body={}, previous="0" * 64, digest="1" * 64
        ),
        audit_head.update().values(sequence=4),
    ],
)
def test_a_change_behind_its_back_is_found(
    database: Database, stores: Stores, statement: sa.Update | sa.Delete | sa.Insert
) -> None:
    """Modified, removed, renumbered entries and a moved end break the verification."""
    fill(stores)
    tamper(database, statement)
    with pytest.raises(IntegrityError):
        stores.audit.verify()


def test_swapped_entries_are_found(database: Database, stores: Stores) -> None:
    """Two entries that change places break the verification."""
    fill(stores)
    tamper(
        database,
        audit_entries.update().where(SEQUENCE == 2).values(sequence=99),
        audit_entries.update().where(SEQUENCE == 3).values(sequence=2),
        audit_entries.update().where(SEQUENCE == 99).values(sequence=3),
    )
    with pytest.raises(IntegrityError):
        stores.audit.verify()


def test_a_cut_tail_with_a_moved_end_needs_a_checkpoint_to_be_found(
    database: Database, stores: Stores
) -> None:
    """Whoever cuts the tail and moves the end fools the chain, but not a checkpoint kept elsewhere."""
    fill(stores)
    checkpoint = stores.audit.checkpoint()
    third = stores.audit.entries()[2]
    tamper(
        database,
        audit_entries.delete().where(SEQUENCE > 3),
        audit_head.update().values(sequence=3, digest=third.digest),
    )
    assert stores.audit.verify() == 3
    with pytest.raises(IntegrityError):
        stores.audit.verify_checkpoint(checkpoint)


def test_a_recomputed_chain_needs_a_checkpoint_to_be_found(database: Database, stores: Stores) -> None:
    """A chain written anew from some entry on verifies by itself, but contradicts the checkpoint."""
    fill(stores, 2)
    checkpoint = stores.audit.checkpoint()
    first, second = stores.audit.entries()
    forged = link(Head(1, first.digest), at=second.at, action="point.promoted", body={"n": "forged"})
    tamper(
        database,
        audit_entries.update().where(SEQUENCE == 2).values(body=dict(forged.body), digest=forged.digest),
        audit_head.update().values(digest=forged.digest),
    )
    assert stores.audit.verify() == 2
    with pytest.raises(IntegrityError):
        stores.audit.verify_checkpoint(checkpoint)


def test_a_checkpoint_of_another_installation_is_refused(stores: Stores, ring: KeyRing) -> None:
    """Pseudonyms and checkpoints belong to one key ring."""
    fill(stores, 1)
    assert stores.audit.pseudonym("v1") == ring.keyed_hash(Purpose.AUDIT, "v1")
    with pytest.raises(IntegrityError):
        stores.audit.verify_checkpoint(stores.audit.checkpoint().replace(b'"sequence":1', b'"sequence":0'))


def test_a_long_chain_is_verified_in_portions(stores: Stores, database: Database) -> None:
    """More entries than one batch holds verify as one chain."""
    head = Head()
    rows = []
    for _ in range(1001):
        entry = link(head, at=AT, action="a", body={})
        head = Head(entry.sequence, entry.digest)
        rows.append(
            {
                "sequence": entry.sequence,
                "at": entry.at,
                "action": "a",
                "body": {},
                "previous": entry.previous,
                "digest": entry.digest,
            }
        )
    with database.writing() as connection:
        connection.execute(audit_entries.insert(), rows)
        connection.execute(audit_head.insert().values(id=1, sequence=head.sequence, digest=head.digest))
    assert stores.audit.verify() == 1001

"""What the tables of labels and monitoring promise beyond the port: sealing, pins, migration."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from idv.domain.errors import IntegrityError
from idv.domain.labels import LabelSource, LifeLabel, Truth
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage.database import Database
from idv.infra.storage.migrate import migrate
from idv.infra.storage.tables import events, labels

AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LABEL = LifeLabel(Truth.FRAUD_CONFIRMED, LabelSource.AUTHORITY, "canary-officer", AT, AT)


def labelled(stores: Stores) -> None:
    """One verification with one label."""
    item = Verification("ver_00000000000000000000", "acme", Status.PROCESSING, AT, AT)
    stores.verifications.write(Write(item, "verification.labelled", "key", labels=(LABEL,)))


def test_who_told_a_label_is_sealed(database: Database, stores: Stores) -> None:
    """The name stands nowhere in the file."""
    labelled(stores)
    assert database.file is not None
    assert b"canary-officer" not in database.file.read_bytes()
    assert stores.verifications.labels("acme", "ver_00000000000000000000") == (LABEL,)


@pytest.mark.parametrize(
    "change",
    [
        labels.update().values(truth=Truth.GENUINE_CONFIRMED.value),
        labels.update().values(source=LabelSource.OTHER.value),
        labels.delete(),
    ],
)
def test_a_label_changed_behind_the_logs_back_is_found(
    database: Database, stores: Stores, change: sa.UpdateBase
) -> None:
    """Verification of the records names the audit entry that the rows contradict."""
    labelled(stores)
    assert stores.upkeep.verify_records() == 1
    with database.writing() as connection:
        connection.execute(change)
    with pytest.raises(IntegrityError) as raised:
        stores.upkeep.verify_records()
    assert raised.value.code == "record_altered"


def test_events_of_the_first_schema_survive_the_migration(tmp_path: Path) -> None:
    """The table is copied for the column that became optional; its rows are still there."""
    old = Database(f"sqlite:///{tmp_path / 'idv.db'}")
    migrate(old, "0001")
    row = {"id": "e", "tenant": "t", "type": "x", "payload": b"{}", "created_at": 1, "attempts": 0}
    with old.writing() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.exec_driver_sql("INSERT INTO subjects VALUES ('s','t',NULL,'k',x'00',NULL)")
        connection.exec_driver_sql("INSERT INTO verifications VALUES ('v','t','s','decided',NULL,1,1)")
        statement = sa.text(
            "INSERT INTO events (id, tenant, verification_id, type, payload, created_at, attempts)"
            " VALUES (:id, :tenant, 'v', :type, :payload, :created_at, :attempts)"
        )
        connection.execute(statement, row)
    migrate(old)
    with old.reading() as connection:
        (kept,) = connection.execute(sa.select(events.c.id, events.c.verification_id)).all()
    old.close()
    assert tuple(kept) == ("e", "v")

"""Verifications changed behind the audit log's back."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import IntegrityError
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Stores, Write
from idv.domain.verifications import Status, Verification
from idv.infra.storage import tables
from idv.infra.storage.database import Database

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def filled(stores: Stores) -> Stores:
    """Three decided verifications of two applicants, one of them decided twice."""
    for number in range(3):
        result = CheckResult(CheckName.LIVENESS, Outcome.FAIL, "open", "d", AT, score=-1.0, latency_ms=3)
        record = DecisionRecord(Decision.REJECT, (), (), "onboarding", "p", AT, note="seen")
        item = Verification(
            f"v{number}", "acme", Status.DECIDED, AT, AT, f"a{number % 2}", (result,), (record,)
        )
        stores.verifications.write(Write(item, "verification.decided", "key"))
    twice = stores.verifications.get("acme", "v2")
    again = Verification(
        twice.id, "acme", Status.DECIDED, AT, AT, "a0", twice.results, (*twice.decisions, record)
    )
    stores.verifications.write(Write(again, "verification.resolved", "key"))
    return stores


def test_untouched_verifications_are_what_the_log_says(filled: Stores) -> None:
    """All three agree, also after one applicant was erased."""
    assert filled.upkeep.verify_records() == 3
    filled.verifications.erase("acme", "v0", actor="officer")
    assert filled.upkeep.verify_records() == 1


def _accepting(body: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(body).replace('"reject"', '"accept"').replace('"fail"', '"pass"'))  # type: ignore[no-any-return] # a JSON object


@pytest.mark.parametrize("table", [tables.decisions, tables.results])
def test_a_flipped_decision_or_outcome_is_found(filled: Stores, database: Database, table: sa.Table) -> None:
    """Reject made accept, or fail made pass, in the tables alone."""
    with database.writing() as connection:
        body = connection.execute(sa.select(table.c.body).where(table.c.verification_id == "v1")).scalar_one()
        changed = table.update().where(table.c.verification_id == "v1").values(body=_accepting(body))
        connection.execute(changed)
    with pytest.raises(IntegrityError) as raised:
        filled.upkeep.verify_records()
    assert raised.value.code == "record_altered"


@pytest.mark.parametrize(
    "statement",
    [
        tables.decisions.delete().where(tables.decisions.c.position == 1),
        tables.results.delete(),
        tables.verifications.update().values(tenant="other"),
        tables.verifications.update().values(created_at=AT + dt.timedelta(seconds=1)),
        tables.decisions.update().values(sealed_note=None),
    ],
)
def test_removed_or_moved_rows_are_found(
    filled: Stores, database: Database, statement: sa.Update | sa.Delete
) -> None:
    """A decision, result or note taken away, another tenant or time."""
    with database.writing() as connection:
        connection.execute(statement)
    with pytest.raises(IntegrityError):
        filled.upkeep.verify_records()


def test_a_verification_deleted_without_an_erasure_is_found(filled: Stores, database: Database) -> None:
    """The log knows one more than there are."""
    with database.writing() as connection:
        for table in (tables.results, tables.decisions):
            connection.execute(table.delete().where(table.c.verification_id == "v1"))
        connection.execute(tables.verifications.delete().where(tables.verifications.c.id == "v1"))
    with pytest.raises(IntegrityError) as raised:
        filled.upkeep.verify_records()
    assert raised.value.code == "records_missing"


def test_a_verification_put_in_by_hand_is_found(filled: Stores, database: Database) -> None:
    """A row without an audit entry: no audit record, no decision."""
    with database.writing() as connection:
        row = connection.execute(sa.select(tables.verifications).limit(1)).one()._asdict()
        connection.execute(tables.verifications.insert().values({**row, "id": "forged"}))
    with pytest.raises(IntegrityError):
        filled.upkeep.verify_records()


def test_the_column_for_looking_up_is_under_the_chain_too(filled: Stores, database: Database) -> None:
    """An entry whose `about` was changed, to bring an erased verification back, breaks the chain."""
    with database.writing() as connection:
        connection.execute(tables.audit_entries.update().values(about=None))
    with pytest.raises(IntegrityError):
        filled.audit.verify()

"""`idv labels` over stores in memory."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from idv.cli.labels import app
from idv.cli.opened import Opened
from idv.domain.decisions import Decision, DecisionRecord
from idv.domain.errors import RequestError
from idv.domain.labels import Truth
from idv.domain.results import CheckName, CheckResult, Outcome
from idv.domain.stores import Write
from idv.domain.verifications import Status, Verification
from idv.evaluation.runs.tables import read_run

Run = Callable[..., Result]
AT = dt.datetime(2021, 3, 1, 12, tzinfo=dt.UTC)
HEAD = "verification,truth,source,labelled_by,known_at\n"


@pytest.fixture
def filled(doors: Opened) -> Opened:
    """Four decided verifications of acme's and one of another tenant's."""
    for number in range(5):
        score = CheckResult(CheckName.LIVENESS, Outcome.PASS, "open", "d", AT, score=float(number))
        record = DecisionRecord(Decision.ACCEPT, (), (), "onboarding", "p", AT)
        tenant = "other" if number == 4 else "acme"
        item = Verification(
            f"v{number}", tenant, Status.DECIDED, AT, AT, results=(score,), decisions=(record,)
        )
        doors.stores.verifications.write(Write(item, "verification.decided", "key"))
    return doors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three labels, in any order of columns a spreadsheet may write."""
    path = tmp_path / "labels.csv"
    path.write_text(
        "\ufeff" + HEAD + "v0,fraud_confirmed,chargeback,b.meier,2021-02-01\n"
        "v1,genuine_confirmed,manual_review,b.meier,2021-02-01T10:00:00+01:00\n"
        "v2,genuine_confirmed,other,b.meier,2021-02-02T00:00:00Z\n",
        encoding="utf-8",
    )
    return path


def test_labels_are_imported_once(run: Run, filled: Opened, file: Path) -> None:
    """The same file again says nothing new; a revision in it does."""
    assert "3 labels stored, 0 were known" in run(app, "import", str(file), "--tenant", "acme").stdout
    assert "0 labels stored, 3 were known" in run(app, "import", str(file), "--tenant", "acme").stdout
    revised = file.read_text(encoding="utf-8").replace("v0,fraud_confirmed", "v0,genuine_confirmed")
    file.write_text(revised, encoding="utf-8")
    assert "1 labels stored, 2 were known" in run(app, "import", str(file), "--tenant", "acme").stdout
    (first, second) = filled.stores.verifications.labels("acme", "v0")
    assert (first.truth, second.truth) == (Truth.FRAUD_CONFIRMED, Truth.GENUINE_CONFIRMED)
    assert first.known_at == dt.datetime(2021, 2, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("v3,fraud,chargeback,b,2021-02-01", "truth is one of"),
        ("v3,fraud_confirmed,gossip,b,2021-02-01", "source is one of"),
        ("v3,fraud_confirmed,chargeback,,2021-02-01", "labelled_by is empty"),
        (",fraud_confirmed,chargeback,b,2021-02-01", "verification is empty"),
        ("v3,fraud_confirmed,chargeback,b,yesterday", "known_at is a date"),
        ("v3,fraud_confirmed,chargeback,b,2999-01-01", "lies in the future"),
        ("v4,fraud_confirmed,chargeback,b,2021-02-01", "no such verification of this tenant"),
        ("unknown,fraud_confirmed,chargeback,b,2021-02-01", "no such verification of this tenant"),
    ],
)
def test_one_faulty_row_stores_nothing(run: Run, filled: Opened, file: Path, row: str, fault: str) -> None:
    """The fault is told by its place, without what the row says; another tenant's is not found."""
    with file.open("a", encoding="utf-8") as more:
        more.write(row + "\n")
    result = run(app, "import", str(file), "--tenant", "acme")
    assert isinstance(result.exception, RequestError)
    assert fault in result.exception.message
    assert "b.meier" not in result.exception.message
    assert filled.stores.verifications.labels("acme", "v0") == ()


def test_a_file_without_a_column_is_named(run: Run, filled: Opened, tmp_path: Path) -> None:
    """Which one."""
    path = tmp_path / "x.csv"
    path.write_text("verification,truth\nv0,fraud_confirmed\n", encoding="utf-8")
    result = run(app, "import", str(path), "--tenant", "acme")
    assert isinstance(result.exception, RequestError)
    assert "lacks the column source" in result.exception.message


@pytest.mark.parametrize("data", [b"\xff\xfe", HEAD.encode() + b"\xe9,x\n"])
def test_a_file_that_is_no_text_is_named(run: Run, filled: Opened, tmp_path: Path, data: bytes) -> None:
    """A spreadsheet saved in another encoding is refused without showing what it says."""
    (tmp_path / "l.csv").write_bytes(data)
    refused = run(app, "import", str(tmp_path / "l.csv"), "--tenant", "acme").exception
    assert isinstance(refused, RequestError)
    assert refused.code == "labels_invalid"
    assert "UnicodeDecodeError" in refused.message


def test_labelled_verifications_are_listed_and_counted(run: Run, filled: Opened, file: Path) -> None:
    """Three of five, one of them fraud; another tenant has none."""
    run(app, "import", str(file), "--tenant", "acme")
    lines = [json.loads(line) for line in run(app, "list", "--json").stdout.splitlines()]
    assert [line["id"] for line in lines] == ["v0", "v1", "v2"]
    assert lines[0]["truth"] == "fraud_confirmed"
    assert "v1" in run(app, "list").stdout
    assert run(app, "list", "--tenant", "other", "--json").stdout == ""
    body = json.loads(run(app, "coverage", "--json").stdout)
    assert (body["total"], body["labelled"], body["fraud"]) == (5, 3, 1)
    assert "3 of 5 verifications are labelled, 1 as fraud" in run(app, "coverage").stdout


def test_labelled_scores_are_exported_as_a_run(run: Run, filled: Opened, file: Path, tmp_path: Path) -> None:
    """Its id is printed alone, for `idv tune`."""
    run(app, "import", str(file), "--tenant", "acme")
    done = run(app, "export", "--check", "liveness", "--runs", str(tmp_path / "runs"))
    name = done.stdout.strip()
    read = read_run(tmp_path / "runs" / name)
    assert sorted(zip(read.table.items.score, read.table.items.genuine, strict=True)) == [
        (0, 0),
        (1, 1),
        (2, 1),
    ]
    none = run(app, "export", "--check", "liveness", "--provider", "vendor", "--runs", str(tmp_path))
    assert isinstance(none.exception, RequestError)

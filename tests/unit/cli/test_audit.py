"""`idv audit`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from typer.testing import Result

from idv.cli.audit import app
from idv.cli.opened import Opened
from idv.domain.errors import IntegrityError
from idv.infra.storage.memory import MemoryAuditLog

Run = Callable[..., Result]


def fill(doors: Opened, number: int = 3) -> None:
    """Append entries about two verifications."""
    for index in range(number):
        about = doors.stores.audit.pseudonym(f"v{index % 2}")
        doors.stores.audit.append("verification.decided", {"verification": about})


def test_an_intact_log_verifies(run: Run, doors: Opened) -> None:
    """The length is printed."""
    fill(doors)
    assert run(app, "verify").stdout.startswith("3 entries verified\n0 verifications ")


def test_a_broken_log_is_an_integrity_error(run: Run, doors: Opened) -> None:
    """The error goes to the mapping of exit codes."""
    fill(doors)
    log = doors.stores.audit
    assert isinstance(log, MemoryAuditLog)
    log.chain[1] = replace(log.chain[1], action="forged")
    assert isinstance(run(app, "verify").exception, IntegrityError)


def test_a_checkpoint_can_be_kept_and_checked_later(run: Run, doors: Opened, tmp_path: Path) -> None:
    """A checkpoint written to a file is accepted while the log grows, and refused when its tail is cut."""
    fill(doors)
    kept = tmp_path / "checkpoint"
    assert run(app, "checkpoint", "--out", str(kept)).exit_code == 0
    fill(doors)
    assert "at entry 3" in run(app, "verify", "--checkpoint", str(kept)).stdout
    log = doors.stores.audit
    assert isinstance(log, MemoryAuditLog)
    del log.chain[2:]
    assert isinstance(run(app, "verify", "--checkpoint", str(kept)).exception, IntegrityError)


def test_entries_are_json_lines_and_can_be_chosen(run: Run, doors: Opened) -> None:
    """`--verification` finds entries by the keyed hash of an identifier."""
    fill(doors)
    lines = [json.loads(line) for line in run(app, "list", "--verification", "v0").stdout.splitlines()]
    assert [line["sequence"] for line in lines] == [1, 3]
    assert len(run(app, "list", "--after", "1", "--limit", "1").stdout.splitlines()) == 1


def test_an_export_has_all_entries_and_a_checkpoint_over_them(
    run: Run, doors: Opened, tmp_path: Path
) -> None:
    """The last line of the export is the entry the checkpoint signs."""
    fill(doors)
    out = tmp_path / "audit.jsonl"
    assert run(app, "export", str(out)).stdout == "3 entries exported\n"
    last = json.loads(out.read_text().splitlines()[-1])
    signed = json.loads((tmp_path / "audit.jsonl.checkpoint").read_bytes())
    assert (signed["sequence"], signed["digest"]) == (3, last["digest"])

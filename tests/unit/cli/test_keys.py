"""`idv keys`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idv.cli.audit import app as audit_app
from idv.cli.keys import app
from idv.cli.opened import Opened
from idv.domain.errors import NotFound, Unauthenticated
from idv.domain.stores import Scope

Run = Callable[..., Result]


def test_the_secret_is_printed_alone_and_once(run: Run, doors: Opened) -> None:
    """Standard output is the secret and nothing else, and no later listing shows it."""
    secret = run(app, "issue", "acme", "--scope", "verify", "--scope", "erase").stdout.strip()
    key = doors.stores.keys.authenticate(secret)
    assert (key.tenant, key.scopes) == ("acme", frozenset({Scope.VERIFY, Scope.ERASE}))
    listing = run(app, "list").stdout
    assert key.id in listing
    assert secret.partition(key.id)[2] not in listing


def test_rotation_prints_the_successor_and_revocation_ends_a_key(run: Run, doors: Opened) -> None:
    """The successor works; a revoked key does not."""
    first = run(app, "issue", "acme").stdout.strip()
    second = run(app, "rotate", doors.stores.keys.authenticate(first).id, "--grace-hours", "1").stdout.strip()
    key = doors.stores.keys.authenticate(second)
    assert run(app, "revoke", key.id).exit_code == 0
    with pytest.raises(Unauthenticated) as raised:
        doors.stores.keys.authenticate(second)
    assert raised.value.code == "key_revoked"


def test_a_fault_is_left_to_the_mapping_of_exit_codes(run: Run) -> None:
    """An unknown key is the store's own error, which `idv.cli.main` maps once."""
    assert isinstance(run(app, "revoke", "nope").exception, NotFound)


def test_an_unknown_scope_is_wrong_usage(run: Run) -> None:
    """Typer refuses it with exit code 2."""
    assert run(app, "issue", "acme", "--scope", "everything").exit_code == 2


def test_the_master_key_is_rotated_and_retired_over_the_store_of_the_settings(tmp_path: Path) -> None:
    """Both commands work on ring and database together, and the log tells of both."""
    runner = CliRunner(env={"IDV_DATA_DIR": str(tmp_path)})
    assert runner.invoke(app, ["issue", "acme"]).exit_code == 0
    before = (tmp_path / "keyring.json").read_text()
    assert "a new master key is active" in runner.invoke(app, ["rotate-master"]).stdout
    assert (tmp_path / "keyring.json").read_text() != before
    assert runner.invoke(app, ["retire-master"]).stdout == "1 master keys retired\n"
    listed = runner.invoke(audit_app, ["list"]).stdout
    assert [json.loads(line)["action"] for line in listed.splitlines()] == [
        "key.issued",
        "keyring.rotated",
        "keyring.retired",
    ]

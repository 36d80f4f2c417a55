"""The store that the settings name: made by what stores, never by what only reads."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idv.cli import main
from idv.domain.errors import ConfigurationError, IdvError, StorageUnavailable

READING = [
    ("audit", "verify"),
    ("audit", "list"),
    ("audit", "checkpoint"),
    ("audit", "export", "out.jsonl"),
    ("keys", "list"),
    ("keys", "rotate", "k"),
    ("keys", "revoke", "k"),
    ("keys", "rotate-master"),
    ("keys", "retire-master"),
    ("webhooks", "list"),
    ("webhooks", "deliver"),
]


def fault(folder: Path, *arguments: str) -> IdvError | None:
    """What a command raises with a data folder; None when it does its work."""
    result = CliRunner(env={"IDV_DATA_DIR": str(folder)}).invoke(main.app, list(arguments))
    if result.exception is None:
        return None
    assert isinstance(result.exception, IdvError), result.exception
    return result.exception


@pytest.mark.parametrize("arguments", READING)
def test_what_only_reads_refuses_a_store_that_is_not_there(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """A mistyped folder is a named error with exit code 6, and nothing is made there."""
    found = fault(tmp_path / "mistyped", *arguments)
    assert isinstance(found, StorageUnavailable)
    assert (found.code, main.exit_code(found)) == ("store_not_found", 6)
    assert not list(tmp_path.iterdir())


def test_an_empty_file_is_no_store(tmp_path: Path) -> None:
    """A file without our tables would verify as a log of no entries."""
    (tmp_path / "idv.db").touch()
    found = fault(tmp_path, "audit", "verify")
    assert found is not None
    assert found.code == "store_not_found"


def test_issuing_a_key_makes_the_store_that_is_then_read(tmp_path: Path) -> None:
    """The first key makes the store, private to its owner; the commands that read it then work."""
    folder = tmp_path / "state"
    assert fault(folder, "keys", "issue", "acme") is None
    assert folder.stat().st_mode & 0o077 == 0
    assert fault(folder, "audit", "verify") is None


def test_a_store_without_its_key_ring_is_not_given_a_new_one(tmp_path: Path) -> None:
    """Where the ring is gone, reading says so instead of making one that opens nothing."""
    fault(tmp_path, "keys", "issue", "acme")
    os.unlink(tmp_path / "keyring.json")  # noqa: PTH108 - as an operator would lose it
    assert isinstance(fault(tmp_path, "keys", "list"), ConfigurationError)
    assert not (tmp_path / "keyring.json").exists()
